"""Fill a database with any number of plausible orders by COPY; `bench.order_list` asks the order list's questions of them.

    python -m bench.generate_orders fill     --url postgresql+psycopg://... --orders 1000000
    python -m bench.generate_orders strip    --url ...               (for millions: without indexes ...
    python -m bench.generate_orders multiply --url ... --times 9      ... every order nine times more, at other times ...
    python -m bench.generate_orders index    --url ...                ... and the indexes built at the end)

The database must be migrated and is for measuring only: the orders have lines, but no ledger and no timeline.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from orders.domain.ids import order_number, uuid7

YEARS = 3
SKUS = [f"SKU-{n:05d}" for n in range(2_000)]
FIRST = ("Anna", "Ben", "Clara", "David", "Emma", "Finn", "Greta", "Hugo", "Ida", "Jonas", "Klara", "Liam", "Mia", "Noah",
         "Olga", "Paul", "Rosa", "Sven", "Tilda", "Yusuf")  # fmt: skip
LAST = tuple(f"{start}{middle}{end}" for start in ("Sch", "Mey", "Ber", "Lin", "Kar", "Nov", "Ros", "Hol", "Var", "Tor")
             for middle in ("ma", "de", "ne", "li", "to", "ri", "ka", "so") for end in ("nn", "rg", "k", "ska", "tti", "sen"))  # fmt: skip
COUNTRIES = ("DE", "DE", "DE", "DE", "FR", "FR", "NL", "AT", "IT", "ES", "SE", "DK", "PL", "IE", "MT")
DELIVERIES = (
    ("standard", "Standard delivery"),
    ("standard", "Standard delivery"),
    ("express", "Express"),
    ("pickup", "Pick up"),
)
_ORDER_COLUMNS = (
    "id, number, version, status, payment_status, fulfilment_status, is_held, hold_reason, currency, subtotal_minor,"
    " discount_minor, shipping_minor, shipping_tax_minor, tax_minor, total_minor, tax_code, tax_rate_ppm,"
    " tax_is_inclusive, shipping_code, shipping_name, name, email, country, shipping_address, billing_address,"
    " payment_provider, payment_reference, placed_at, updated_at"
)
_LINE_COLUMNS = (
    "order_id, position, sku, quantity, unit_price_minor, name, discount_minor, net_minor, tax_minor"
)
_PARCEL_COLUMNS = "id, order_id, carrier, tracking_number, shipped_at"
_TABLES = ("orders", "order_lines", "shipments")
Row = tuple[object, ...]


def _states(chance: random.Random, age: timedelta) -> tuple[str, str, str, bool]:
    """A state that fits an order's age: nearly all old ones are done, the young ones are under way."""
    roll = chance.random()
    if roll < 0.03:
        return "cancelled", "voided", "unfulfilled", False
    if age > timedelta(days=14) and roll < 0.9995:
        return "completed", "captured" if roll < 0.95 else "partly_refunded", "delivered", False
    if age > timedelta(days=3):
        return "confirmed", "captured", "shipped", False
    if roll < 0.08:
        return "confirmed", "captured", "unfulfilled", True
    return (
        "confirmed",
        "captured" if roll < 0.95 else "failed",
        "picking" if roll > 0.8 else "unfulfilled",
        False,
    )


def _order(chance: random.Random, now: datetime) -> tuple[Row, list[Row], list[Row]]:
    """One order, its lines, and its parcel when it has left the house."""
    age = timedelta(seconds=chance.random() * YEARS * 365 * 86_400)
    placed_at = now - age
    order_id = uuid7(placed_at)
    status, payment, fulfilment, is_held = _states(chance, age)
    name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
    email = f"{name.replace(' ', '.').lower()}{chance.randrange(40_000)}@example.com"
    code, delivery = chance.choice(DELIVERIES)
    country = chance.choice(COUNTRIES)
    lines: list[Row] = []
    subtotal = 0
    # Some SKUs sell far better than others, as in any shop.
    for position in range(1 + int(chance.random() ** 2 * 4)):
        price, count = chance.randrange(500, 20_000), chance.choice((1, 1, 1, 2))
        sku = SKUS[int(chance.random() ** 3 * len(SKUS))]
        if any(line[2] == sku for line in lines):
            continue
        subtotal += price * count
        tax = price * count * 19 // 119
        lines.append((order_id, position, sku, count, price, f"Item {sku}", 0, price * count - tax, tax))
    total = subtotal + 490
    address = json.dumps(
        {"name": name, "line1": "Lindenweg 4", "line2": "", "postal_code": "10115", "city": "Berlin", "region": "",
         "country": country}
    )  # fmt: skip
    row = (
        order_id, order_number(order_id), 3, status, payment, fulfilment, is_held, "fraud" if is_held else "", "EUR",
        subtotal, 0, 490, 78, total * 19 // 119, total, "DE-19", 190_000, True, code, delivery, name, email, country,
        address, address, "test", f"pay_{order_id[-12:]}", placed_at, placed_at,
    )  # fmt: skip
    parcel = (str(order_id), order_id, "dhl", tracking_number(order_id), placed_at)
    return row, lines, [parcel] if fulfilment in ("shipped", "delivered") else []


def tracking_number(order_id: str) -> str:
    """The number of an order's parcel."""
    return f"TN{order_id[-12:]}"


def fill(url: str, orders: int, seed: int) -> float:
    """Write that many orders; returns the seconds that it took."""
    began, chance, now = time.monotonic(), random.Random(seed), datetime.now(UTC)
    with _connected(url) as connection:
        for start in range(0, orders, 20_000):
            made = [_order(chance, now) for _ in range(min(20_000, orders - start))]
            with connection.cursor() as cursor:
                with cursor.copy(f"COPY orders ({_ORDER_COLUMNS}) FROM STDIN") as copy:
                    for row, _, _ in made:
                        copy.write_row(row)
                with cursor.copy(f"COPY order_lines ({_LINE_COLUMNS}) FROM STDIN") as copy:
                    for _, lines, _ in made:
                        for line in lines:
                            copy.write_row(line)
                with cursor.copy(f"COPY shipments ({_PARCEL_COLUMNS}) FROM STDIN") as copy:
                    for _, _, parcels in made:
                        for parcel in parcels:
                            copy.write_row(parcel)
            connection.commit()
    _look_over(url)
    return time.monotonic() - began


def _connected(url: str, *, is_autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    return psycopg.connect(plain, autocommit=is_autocommit)


def _look_over(url: str) -> None:
    """What autovacuum does in a shop in the course of a day."""
    with _connected(url, is_autocommit=True) as connection:
        for table in _TABLES:
            connection.execute(f"VACUUM ANALYZE {table}")


# --- millions: indexes last ------------------------------------------------------------------------------------------

_SECONDARY = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename IN ('orders', 'order_lines', 'shipments')
      AND indexname NOT IN (SELECT conname FROM pg_constraint) ORDER BY indexname
"""
_OF_ORDERS = ("order_lines", "shipments")
"""Their foreign keys look every row up: the generator asks for none that is missing."""


def strip(url: str) -> float:
    """Drop the indexes and the foreign keys, and remember them: one big build is quicker than millions of inserts."""
    began = time.monotonic()
    with _connected(url) as connection:
        connection.execute("CREATE TABLE stripped_indexes (definition text)")
        for name, definition in connection.execute(_SECONDARY).fetchall():
            connection.execute("INSERT INTO stripped_indexes VALUES (%s)", [definition])
            connection.execute(f'DROP INDEX "{name}"')
        for table in _OF_ORDERS:
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_order_id_orders")
    return time.monotonic() - began


def index(url: str) -> float:
    """Build what `strip` dropped; what broke off goes on where it stopped."""
    began = time.monotonic()
    with _connected(url, is_autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '1GB'")
        for (definition,) in connection.execute("SELECT definition FROM stripped_indexes").fetchall():
            connection.execute(definition)
            connection.execute("DELETE FROM stripped_indexes WHERE definition = %s", [definition])
        for table in _OF_ORDERS:
            connection.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_order_id_orders"
                " FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE RESTRICT"
            )
        connection.execute("DROP TABLE stripped_indexes")
    _look_over(url)
    return time.monotonic() - began


_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = " || ".join(
    f"substr('{_ALPHABET}', (low >> {shift} & 31)::int + 1, 1)" + (" || '-'" if shift == 25 else "")
    for shift in range(45, -5, -5)
)
# A new UUIDv7 and its number, as orders.domain.ids makes them, for every order of the first fill; nobody is placed later
# than now, and the states keep their ages: an order moves back in time by up to a day.
_FRESH = f"""
    CREATE UNLOGGED TABLE fresh AS
    SELECT old, at,
           (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
            || lpad(to_hex((random() * 4095)::int), 3, '0')
            || to_hex(low | ((random() * 4095)::bigint << 50) | (-9223372036854775808)))::uuid AS id,
           'CW-' || {_DIGITS} || '-' || substr('{_ALPHABET}*~$=U', (low % 37)::int + 1, 1) AS number
    FROM (SELECT id AS old, placed_at - random() * interval '1 day' AS at,
                 (random() * 1125899906842623)::bigint AS low
          FROM orders WHERE version = 3) made
"""  # noqa: S608
_ANEW = {"id": "f.id", "number": "f.number", "version": "4", "placed_at": "f.at", "updated_at": "f.at"}


def multiply(url: str, times: int) -> float:
    """Every order of `fill` so many times more, made by the database itself: other ids, numbers, addresses and times."""
    began = time.monotonic()
    for round_ in range(times):
        chosen = {**_ANEW, "email": f"replace(o.email, '@', '.{round_}@')"}
        values = ", ".join(chosen.get(name, f"o.{name}") for name in _ORDER_COLUMNS.split(", "))
        line_values = ", ".join({"order_id": "f.id"}.get(n, f"l.{n}") for n in _LINE_COLUMNS.split(", "))
        with _connected(url) as connection:
            connection.execute(_FRESH)
            connection.execute(
                f"INSERT INTO orders ({_ORDER_COLUMNS}) SELECT {values} FROM orders o JOIN fresh f ON f.old = o.id"  # noqa: S608
            )
            connection.execute(
                f"INSERT INTO order_lines ({_LINE_COLUMNS}) SELECT {line_values}"  # noqa: S608
                " FROM order_lines l JOIN fresh f ON f.old = l.order_id"
            )
            connection.execute(
                f"INSERT INTO shipments ({_PARCEL_COLUMNS})"  # noqa: S608
                " SELECT f.id::text, f.id, p.carrier, 'TN' || right(f.id::text, 12), f.at"
                " FROM shipments p JOIN fresh f ON f.old = p.order_id"
            )
            connection.execute("DROP TABLE fresh")
    return time.monotonic() - began


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("fill", "strip", "multiply", "index"))
    parser.add_argument("--url", required=True)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    steps: Mapping[str, Callable[[], float]] = {
        "fill": lambda: fill(given.url, given.orders, given.seed),
        "strip": lambda: strip(given.url),
        "multiply": lambda: multiply(given.url, given.times),
        "index": lambda: index(given.url),
    }
    print(f"{given.what}: {steps[given.what]():.0f} s")


if __name__ == "__main__":
    main()
