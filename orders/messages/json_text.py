"""JSON as programs exchange it: canonical when written, bounded and unambiguous when read."""

from __future__ import annotations

import json
from typing import Any

from orders.domain.errors import InvalidRequest, Problem

SCHEMA_VERSION = 1
"""Of everything that crosses a process boundary."""
MAX_BODY_BYTES = 64 * 1024
"""Cap on an API body and on a queue message: a quarter of SQS's old limit, and far above a real order."""


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no white space: equal values give equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parse_json(body: str | bytes) -> Any:
    """Parse JSON of at most MAX_BODY_BYTES. Raises InvalidRequest for anything else, NaN and duplicates included."""
    size = len(body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"))
    if size > MAX_BODY_BYTES:
        raise InvalidRequest([Problem("", f"the body has {size} bytes; at most {MAX_BODY_BYTES} are taken")])
    try:
        value = json.loads(body, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
        # An escaped half of a surrogate pair is a text that no queue and no database can store.
        json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise InvalidRequest([Problem("", f"the body is not JSON: {error}")]) from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a field is given twice")
    return result
