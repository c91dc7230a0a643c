"""Wire formats: the API body, the queue envelope and the event on the topic, each with a schema version.

Decoding refuses unknown fields, wrong types and values out of range, and reports every problem at once as
InvalidRequest with JSON pointers; encoding is canonical (sorted keys, no white space), so equal things have equal bytes.
"""

from orders.messages.envelopes import decode_event, decode_job, encode_event, encode_job, event_to_dict
from orders.messages.json_text import MAX_BODY_BYTES, SCHEMA_VERSION, canonical_json, parse_json
from orders.messages.requests import (
    decode_cancellation,
    decode_order_request,
    encode_order_request,
    fingerprint,
    order_request_to_dict,
    restore_order_request,
)
from orders.messages.schemas import CancellationWish

__all__ = [
    "MAX_BODY_BYTES",
    "SCHEMA_VERSION",
    "CancellationWish",
    "canonical_json",
    "decode_cancellation",
    "decode_event",
    "decode_job",
    "decode_order_request",
    "encode_event",
    "encode_job",
    "encode_order_request",
    "event_to_dict",
    "fingerprint",
    "order_request_to_dict",
    "parse_json",
    "restore_order_request",
]
