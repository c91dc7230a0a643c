"""What changed between two looks at an order is told in sentences, completely and without invention."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from webapp.checkout.snapshot import differences, is_same_order


def line(sku: str, quantity: int, price_minor: int) -> dict[str, Any]:
    """A frozen line."""
    return {
        "sku": sku,
        "quantity": quantity,
        "unit_price_minor": price_minor,
        "name": f"Thing {sku}",
        "variant": "",
        "product_slug": "",
        "image": "",
        "weight_grams": 1,
    }


orders = st.dictionaries(
    st.sampled_from("ABCD"), st.tuples(st.integers(1, 3), st.integers(100, 102)), max_size=4
).map(lambda d: [line(sku, *rest) for sku, rest in d.items()])


@given(orders, orders)
def test_something_is_told_exactly_when_the_charge_would_differ(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    """No silent difference, and no alarm without one."""
    assert bool(differences(before, after, "EUR")) == (not is_same_order(before, after))


def test_each_fact_is_its_own_sentence() -> None:
    """Gone, new, more and dearer."""
    before = [line("A", 1, 100), line("B", 1, 100), line("C", 1, 100)]
    after = [line("B", 2, 100), line("C", 1, 150), line("D", 1, 100)]
    assert differences(before, after, "EUR") == [
        "Thing A is not in your cart any more.",
        "Thing B: 2 instead of 1.",
        "Thing C costs €1.50 now; it was €1.00.",
        "Thing D was added to your cart (1 item).",
    ]
