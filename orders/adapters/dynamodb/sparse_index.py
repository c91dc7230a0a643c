"""A sparse index: orders that wait for something, by the time since or until which they do, in shards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orders.adapters.aws import aws_errors
from orders.adapters.dynamodb.items import SHARDS, Item, decode_item
from orders.adapters.dynamodb.table import expressions

_ONE_PAGE = 100
"""Items that one call may read. Orders that are on their way have some 3 KB: at most 40 read units."""


@dataclass(frozen=True, slots=True)
class SparseIndex:
    """One index of one table, and the names of its two keys. Eventually consistent, as every global index is."""

    client: Any
    table: str
    name: str
    shard: str
    time: str

    def before(self, time: int, limit: int) -> list[Item]:
        """Up to `limit` items whose time is before this one, the earliest first.

        An index that holds little, as it nearly always does, is read by one call; else there is one for each shard.
        """
        found = self._whole(time)
        if found is None:
            found = [item for shard in range(SHARDS) for item in self._of_shard(str(shard), time, limit)]
        return sorted(found, key=lambda item: int(item[self.time]))[:limit]

    def _whole(self, time: int) -> list[Item] | None:
        """What there is before `time` in the whole index; None when it is larger than a page."""
        with aws_errors("Scan"):
            answer = self.client.scan(
                TableName=self.table,
                IndexName=self.name,
                Limit=_ONE_PAGE,
                **expressions({"FilterExpression": f"#{self.time} < :time"}, {"time": time}),
            )
        return None if "LastEvaluatedKey" in answer else [decode_item(wire) for wire in answer["Items"]]

    def _of_shard(self, shard: str, time: int, limit: int) -> list[Item]:
        condition = f"#{self.shard} = :shard AND #{self.time} < :time"
        with aws_errors("Query"):
            answer = self.client.query(
                TableName=self.table,
                IndexName=self.name,
                Limit=limit,
                **expressions({"KeyConditionExpression": condition}, {"shard": shard, "time": time}),
            )
        return [decode_item(wire) for wire in answer["Items"]]
