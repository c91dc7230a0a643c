"""One DynamoDB table: the few calls we make of it, with conditions told as values and contention retried in one place."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orders.adapters.aws import aws_errors
from orders.adapters.dynamodb.items import Item, Wire, decode_item, encode, encode_item
from orders.domain.errors import OutcomeUnknown, Unavailable

CONTENTION_BUDGET_SECONDS = 3.0
"""How long a write contends for the same items before it gives up; well inside the order API's own budget."""
_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.010, 0.250
_BATCH_GET_LIMIT = 100
_NAME = re.compile(r"#(\w+)")
_random = random.SystemRandom()  # A restored snapshot would repeat the numbers of a seeded generator.

_CONDITION = "ConditionalCheckFailed"
_CONTENTION = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}
)

Action = dict[str, Any]
"""One entry of TransactWriteItems."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one action of a transaction failed; `item` is what stood there, None when nothing did."""

    is_condition: bool
    item: Item | None


class TransactionCancelled(Exception):
    """A condition of the transaction did not hold. `reasons` has one entry per action, in order."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("a condition did not hold")


class ConditionFailed(Exception):
    """The condition of a single write did not hold. `item` is what stands there."""

    def __init__(self, item: Item | None) -> None:
        self.item = item
        super().__init__("the condition did not hold")


class Deadline:
    """When to stop contending. Sleeps with full jitter: waiting callers spread instead of colliding again."""

    def __init__(self, budget_seconds: float = CONTENTION_BUDGET_SECONDS) -> None:
        self._ends_at = time.monotonic() + budget_seconds
        self._attempt = 0

    def back_off(self, *, is_in_doubt: bool = False) -> None:
        """Wait a little, longer each time. Raises Unavailable, or OutcomeUnknown when in doubt, when the budget is spent."""
        ceiling = min(_LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2**self._attempt)
        self._attempt += 1
        wait = _random.uniform(0, ceiling)
        if time.monotonic() + wait > self._ends_at:
            error = OutcomeUnknown if is_in_doubt else Unavailable
            raise error("too many others are changing the same items", retry_after_seconds=1.0)
        time.sleep(wait)


class Table:
    """A table by its name. Expressions write attribute names as `#name` and values as `:value`; both are filled in here."""

    def __init__(self, client: Any, name: str, key: str) -> None:
        self._client = client
        self._name = name
        self._key = key

    # --- actions of a transaction -------------------------------------------------------------------------

    def put_if_absent(self, item: Item) -> Action:
        """Put an item that must not be there yet."""
        return self.put_if(item, f"attribute_not_exists(#{self._key})")

    def put_if(self, item: Item, condition: str, **values: Any) -> Action:
        """Put an item under a condition on the one that may be there."""
        return {
            "Put": {
                "TableName": self._name,
                "Item": encode_item(item),
                **expressions({"ConditionExpression": condition}, values),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def change(self, key: str, update: str, condition: str = "", **values: Any) -> Action:
        """Update one item under a condition."""
        return {
            "Update": {
                "TableName": self._name,
                "Key": {self._key: {"S": key}},
                **expressions({"UpdateExpression": update, "ConditionExpression": condition}, values),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def transact(self, actions: Sequence[Action], deadline: Deadline) -> None:
        """Do all actions or none. Raises TransactionCancelled when a condition failed; contention is waited out.

        The client adds a ClientRequestToken, so that its own repeat of a call whose answer was lost does nothing
        more. That token is good for ten minutes only: every transaction of ours also carries a durable marker.
        """
        while True:
            is_in_doubt = False
            with aws_errors("TransactWriteItems"):
                try:
                    self._client.transact_write_items(TransactItems=list(actions))
                    return
                except self._client.exceptions.TransactionCanceledException as error:
                    _raise_unless_contention(error.response)
                except self._client.exceptions.TransactionInProgressException:
                    # An earlier attempt of this very call is being done.
                    is_in_doubt = True
            deadline.back_off(is_in_doubt=is_in_doubt)

    def transact_planned(self, plan: Callable[[], Sequence[Action]]) -> None:
        """Do what `plan` says, and plan again when somebody has changed meanwhile what it was made upon; nothing for an empty plan.

        Raises what `plan` raises, and Unavailable when others are always faster.
        """
        deadline = Deadline()
        while actions := plan():
            try:
                self.transact(actions, deadline)
                return
            except TransactionCancelled:
                deadline.back_off()

    # --- single writes --------------------------------------------------------------------------------------

    def put(self, item: Item, condition: str = "", **values: Any) -> None:
        """Put an item. Raises ConditionFailed."""
        self._write(
            "put_item",
            Item=encode_item(item),
            **expressions({"ConditionExpression": condition}, values),
        )

    def update(self, key: str, update: str, condition: str = "", **values: Any) -> None:
        """Update one item. Raises ConditionFailed."""
        self._write(
            "update_item",
            Key={self._key: {"S": key}},
            **expressions({"UpdateExpression": update, "ConditionExpression": condition}, values),
        )

    def delete(self, key: str, condition: str = "", **values: Any) -> None:
        """Delete one item, there or not. Raises ConditionFailed."""
        self._write(
            "delete_item",
            Key={self._key: {"S": key}},
            **expressions({"ConditionExpression": condition}, values),
        )

    def _write(self, operation: str, **parameters: Any) -> None:
        if "ConditionExpression" in parameters:
            parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        deadline = Deadline()
        while True:
            with aws_errors(operation):
                try:
                    getattr(self._client, operation)(TableName=self._name, **parameters)
                    return
                except self._client.exceptions.ConditionalCheckFailedException as error:
                    found = error.response.get("Item")
                    raise ConditionFailed(decode_item(found) if found else None) from error
                except self._client.exceptions.TransactionConflictException:
                    pass
            deadline.back_off()

    # --- reads ------------------------------------------------------------------------------------------------

    def get(self, key: str, *, consistent: bool = True) -> Item | None:
        """One item, or None."""
        with aws_errors("GetItem"):
            answer = self._client.get_item(
                TableName=self._name, Key={self._key: {"S": key}}, ConsistentRead=consistent
            )
        found = answer.get("Item")
        return decode_item(found) if found else None

    def get_many(self, keys: Sequence[str], *, consistent: bool = True) -> dict[str, Item]:
        """The items that exist among these keys, by key."""
        found: dict[str, Item] = {}
        unique = list(dict.fromkeys(keys))
        for start in range(0, len(unique), _BATCH_GET_LIMIT):
            wires = [{self._key: {"S": key}} for key in unique[start : start + _BATCH_GET_LIMIT]]
            for wire in self._batch_get(wires, consistent):
                item = decode_item(wire)
                found[item[self._key]] = item
        return found

    def _batch_get(self, keys: list[Wire], consistent: bool) -> Iterator[Wire]:
        deadline = Deadline()
        request = {self._name: {"Keys": keys, "ConsistentRead": consistent}}
        while True:
            with aws_errors("BatchGetItem"):
                answer = self._client.batch_get_item(RequestItems=request)
            yield from answer["Responses"].get(self._name, ())
            # Over 16 MB, or throttled in part: DynamoDB hands back what it did not read.
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return
            deadline.back_off()

    def scan(self, prefix: str = "") -> Iterator[Item]:
        """Every item whose key starts with `prefix`, read consistently, page by page."""
        start: dict[str, Any] = {}
        only = {"FilterExpression": f"begins_with(#{self._key}, :prefix)"} if prefix else {}
        while True:
            with aws_errors("Scan"):
                answer = self._client.scan(
                    TableName=self._name,
                    ConsistentRead=True,
                    **expressions(only, {"prefix": prefix} if prefix else {}),
                    **start,
                )
            for wire in answer["Items"]:
                yield decode_item(wire)
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def expressions(texts: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """The expression parameters of a call. Names are always aliased: `state`, `lines` and many more are reserved words."""
    given = {kind: text for kind, text in texts.items() if text}
    names = {f"#{name}": name for text in given.values() for name in _NAME.findall(text)}
    filled: dict[str, Any] = dict(given)
    if names:
        filled["ExpressionAttributeNames"] = names
    if values:
        filled["ExpressionAttributeValues"] = {f":{name}": encode(value) for name, value in values.items()}
    return filled


def _raise_unless_contention(response: Mapping[str, Any]) -> None:
    """Raise what the cancelled transaction means; return when it collided with another one.

    A collision anywhere outweighs a failed condition: the other transaction may be the same order, sent twice,
    and its retry must find the order and not the stock that it took itself.
    """
    given = response.get("CancellationReasons", ())
    codes = {reason.get("Code", "None") for reason in given} - {"None"}
    if codes & _CONTENTION:
        return
    if codes != {_CONDITION}:
        raise Unavailable(f"TransactWriteItems: cancelled by {', '.join(sorted(codes)) or 'nothing named'}")
    raise TransactionCancelled(
        [
            Reason(
                reason.get("Code") == _CONDITION, decode_item(reason["Item"]) if reason.get("Item") else None
            )
            for reason in given
        ]
    )
