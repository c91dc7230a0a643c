"""The Lambda get_order: GET /orders/{order_id}."""
