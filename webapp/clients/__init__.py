"""The web application's callers of other programs."""
