"""The order page: confirmation, details and live tracking by signed link."""
