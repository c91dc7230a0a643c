"""The Lambda cancel_order: POST /orders/{order_id}/cancel."""
