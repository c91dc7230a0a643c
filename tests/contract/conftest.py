"""Every adapter of a port, one after the other: the in-memory twin and the real one on the local AWS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from orders.adapters.aws import make_client
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.dynamodb.tracking import DynamoTracking
from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.tracking import MemoryTracking
from orders.ports import InventoryStore, TrackingStore
from orders.settings import Settings


@dataclass(frozen=True)
class Stores:
    """The two DynamoDB-shaped stores of one kind, sharing what they must share."""

    inventory: InventoryStore
    tracking: TrackingStore


@cache
def dynamodb(region: str, endpoint_url: str) -> Any:
    """One client for all tests: making it takes longer than most of them."""
    return make_client("dynamodb", Settings(aws_region=region, aws_endpoint_url=endpoint_url))


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    """Inventory and tracking, empty."""
    if request.param == "memory":
        tracking = MemoryTracking()
        return Stores(MemoryInventory(tracking), tracking)
    settings = request.getfixturevalue("aws_settings")
    client = dynamodb(settings.aws_region, settings.aws_endpoint_url)
    return Stores(DynamoInventory(client, settings, MemoryClock()), DynamoTracking(client, settings))


@pytest.fixture
def inventory(stores: Stores) -> InventoryStore:
    """The inventory store."""
    return stores.inventory


@pytest.fixture
def another_inventory(stores: Stores, request: pytest.FixtureRequest) -> InventoryStore:
    """The same store as another process sees it, with memories of its own."""
    if isinstance(stores.inventory, MemoryInventory):
        return stores.inventory
    settings = request.getfixturevalue("aws_settings")
    client = dynamodb(settings.aws_region, settings.aws_endpoint_url)
    return DynamoInventory(client, settings, MemoryClock())


@pytest.fixture
def tracking(stores: Stores) -> TrackingStore:
    """The tracking store."""
    return stores.tracking
