"""What the capacity model takes from outside: AWS's documented limits, and what is assumed until somebody measures it."""

from __future__ import annotations

from collections.abc import Mapping

ASSUMED: Mapping[str, tuple[float, str]] = {
    "drop_pages": (8, "pages for each order in a drop, when nearly everybody who comes buys"),
    "submit_seconds": (0.06, "s for a call of submit_order; X-Ray, or `make load`"),
    "record_per_host": (300, "orders a second recorded by one worker host; `python -m bench.worker`"),
    "notify_seconds": (0.12, "s to tell one message; its log"),
    "page_cpu_seconds": (0.001, "s of a database processor for a page; Performance Insights, `python -m bench.storefront`"),
    "record_cpu_seconds": (0.002, "s of a database processor to record an order and carry its effects; `python -m bench.worker`"),
    "page_connection_seconds": (0.010, "s that a page holds a connection"),
    "log_bytes": (36_000, "bytes of write-ahead log and data for each order, with indexes"),
    "held_seconds": (2.0, "s that a message is in a worker's hand"),
}  # fmt: skip

QUOTAS: Mapping[str, tuple[float, str]] = {
    "cloudfront_requests": (250_000, "requests a second of a distribution; can be raised"),
    "cloudfront_bits": (150e9, "bits a second of a distribution; can be raised"),
    "api_requests": (10_000, "requests a second of an account and region, all APIs; can be raised"),
    "lambda_per_environment": (10, "calls a second for each unit of concurrency"),
    "dynamodb_table_units": (40_000, "write units a second of an on-demand table; can be raised"),
    "dynamodb_partition_units": (1_000, "write units a second of one partition; fixed"),
    "sqs_in_flight": (
        120_000,
        "messages of a standard queue that are received and not deleted; can be raised",
    ),
    "gp3_bytes": (125e6, "bytes a second of an RDS gp3 volume below 400 GB; 500 MB/s from 400 GB on"),
    "ses_rate": (14, "e-mails a second of a new account; must be raised before opening"),
}
