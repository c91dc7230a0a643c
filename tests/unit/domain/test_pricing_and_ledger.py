"""Prices and the ledger: the lines, the totals and the postings can never disagree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain import ledger
from orders.domain.ledger import Account, Entry, Posting
from orders.domain.pricing import PricedOrder, TaxRule, price_order

lines = st.lists(st.tuples(st.integers(1, 999), st.integers(0, 10**6)), min_size=1, max_size=98)
rules = st.builds(TaxRule, st.just("VAT"), st.integers(0, 300_000), st.booleans())


@st.composite
def priced_orders(draw: st.DrawFn) -> PricedOrder:
    """Any order that a shopper could place."""
    chosen = draw(lines)
    subtotal = sum(quantity * price for quantity, price in chosen)
    discount = draw(st.integers(0, subtotal))
    shipping = draw(st.integers(0, 10**5))
    return price_order(chosen, shipping_minor=shipping, discount_minor=discount, tax=draw(rules))


@given(lines, st.integers(0, 10**5), rules, st.data())
def test_the_parts_are_the_whole(
    chosen: list[tuple[int, int]], shipping: int, rule: TaxRule, data: st.DataObject
) -> None:
    """subtotal - discount + shipping (+ tax when exclusive) = total = sum of the lines and the shipping."""
    subtotal = sum(quantity * price for quantity, price in chosen)
    discount = data.draw(st.integers(0, subtotal))
    priced = price_order(chosen, shipping_minor=shipping, discount_minor=discount, tax=rule)
    totals = priced.totals
    expected = subtotal - discount + shipping + (0 if rule.is_inclusive else totals.tax_minor)
    assert totals.total_minor == expected
    assert totals.total_minor == sum(line.gross_minor for line in (*priced.lines, priced.shipping))
    assert sum(line.discount_minor for line in priced.lines) == discount
    assert all(line.net_minor >= 0 and line.tax_minor >= 0 for line in priced.lines)


def test_a_price_with_tax_inside_stays_the_price() -> None:
    """Two cups at 19.90 with 19 % VAT inside cost 39.80, of which 6.35 is tax."""
    priced = price_order([(2, 1990)], shipping_minor=0, discount_minor=0, tax=TaxRule("DE", 190_000, True))
    assert (priced.totals.total_minor, priced.totals.tax_minor) == (3980, 635)


@pytest.mark.parametrize(
    ("chosen", "shipping", "discount"),
    [([], 0, 0), ([(1, 100)], -1, 0), ([(1, 100)], 0, 101), ([(1, 100)], 0, -1)],
)
def test_impossible_orders_have_no_price(chosen: list[tuple[int, int]], shipping: int, discount: int) -> None:
    """No lines, negative amounts and a discount above the goods are refused."""
    with pytest.raises(ValueError, match=r"order|discount"):
        price_order(chosen, shipping_minor=shipping, discount_minor=discount, tax=TaxRule("X", 0, True))


@given(priced_orders())
def test_a_sale_balances_and_a_full_capture_settles_it(priced: PricedOrder) -> None:
    """After sale and capture nobody owes anything, and the cash is the value of what was bought."""
    total = priced.totals.total_minor
    balances = ledger.balances([ledger.sale(priced), ledger.capture("a", total)])
    assert sum(balances.values()) == 0
    assert ledger.is_settled(balances)
    assert balances[Account.CASH] == ledger.kept_value_minor(balances) == total


@given(priced_orders(), st.data())
def test_refunding_the_reversed_lines_settles_again(priced: PricedOrder, data: st.DataObject) -> None:
    """Promise I5: captured - refunded = what the kept lines say, for any subset of lines taken back."""
    taken = data.draw(st.sets(st.integers(0, len(priced.lines) - 1)))
    back = [priced.lines[index] for index in sorted(taken)]
    with_shipping = data.draw(st.booleans())
    postings = [ledger.sale(priced), ledger.capture("a", priced.totals.total_minor)]
    postings.append(ledger.reversal("return:1", back, priced.shipping if with_shipping else None))
    owed = -ledger.balances(postings)[Account.RECEIVABLE]
    postings.append(ledger.refund("r", owed))
    balances = ledger.balances(postings)
    assert ledger.is_settled(balances)
    kept = sum(line.gross_minor for index, line in enumerate(priced.lines) if index not in taken)
    kept += 0 if with_shipping else priced.shipping.gross_minor
    assert balances[Account.CASH] == ledger.kept_value_minor(balances) == kept


def test_an_unbalanced_posting_cannot_be_made() -> None:
    """Debits equal credits by construction."""
    with pytest.raises(ValueError, match="does not balance"):
        Posting("wrong", (Entry(Account.CASH, 100), Entry(Account.SALES, -99)))
