"""The Lambda submit_order: POST /orders."""
