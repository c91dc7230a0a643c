"""The double-entry ledger of one order: postings that always balance, and the totals derived from them.

Accounts, from the shop's point of view:
    receivable    what the shopper owes (debit) or is owed (credit)
    cash          what the provider captured for us, less what it paid back
    sales         the net value of the goods sold (credit)
    shipping      the net value of the delivery (credit)
    tax           tax collected for the state (credit)
A posting is applied once per key: the key is unique per order in the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orders.domain.money import included_part
from orders.domain.pricing import PricedLine, PricedOrder


class Account(StrEnum):
    """The accounts of an order."""

    RECEIVABLE = "receivable"
    CASH = "cash"
    SALES = "sales"
    SHIPPING = "shipping"
    TAX = "tax"


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posting: a debit (positive) or a credit (negative) of an account, in minor units."""

    account: Account
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Posting:
    """Entries that belong together. `key` makes it unique within its order: `sale`, `capture:<attempt>`."""

    key: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if sum(entry.amount_minor for entry in self.entries) != 0:
            raise ValueError(f"posting {self.key} does not balance")


def _posting(key: str, amounts: Mapping[Account, int]) -> Posting:
    return Posting(key, tuple(Entry(account, amount) for account, amount in amounts.items() if amount))


def sale(priced: PricedOrder) -> Posting:
    """The order is placed: the shopper owes the total."""
    goods = sum(line.net_minor for line in priced.lines)
    return _posting(
        "sale",
        {
            Account.RECEIVABLE: priced.totals.total_minor,
            Account.SALES: -goods,
            Account.SHIPPING: -priced.shipping.net_minor,
            Account.TAX: -priced.totals.tax_minor,
        },
    )


def reversal(key: str, lines: Iterable[PricedLine], shipping: PricedLine | None = None) -> Posting:
    """The shopper no longer owes these lines (or parts of lines): cancelled, refunded or returned."""
    taken = tuple(lines)
    goods = sum(line.net_minor for line in taken)
    tax = sum(line.tax_minor for line in taken) + (shipping.tax_minor if shipping else 0)
    delivery = shipping.net_minor if shipping else 0
    return _posting(
        key,
        {
            Account.RECEIVABLE: -(goods + tax + delivery),
            Account.SALES: goods,
            Account.SHIPPING: delivery,
            Account.TAX: tax,
        },
    )


def reversal_of_rest(key: str, totals: Mapping[Account, int]) -> Posting:
    """The shopper no longer owes anything that is still on the books: the whole order has ended early."""
    rest = {account: -totals[account] for account in (Account.SALES, Account.SHIPPING, Account.TAX)}
    return _posting(key, {Account.RECEIVABLE: -sum(rest.values()), **rest})


def allowance(key: str, gross_minor: int, rate_ppm: int) -> Posting:
    """A part of the price is forgiven without naming a line; the tax inside it is forgiven with it."""
    tax = included_part(gross_minor, rate_ppm)
    return _posting(
        key, {Account.RECEIVABLE: -gross_minor, Account.SALES: gross_minor - tax, Account.TAX: tax}
    )


def capture(attempt_id: str, amount_minor: int) -> Posting:
    """The provider captured the money."""
    return _posting(f"capture:{attempt_id}", {Account.CASH: amount_minor, Account.RECEIVABLE: -amount_minor})


def refund(attempt_id: str, amount_minor: int) -> Posting:
    """The provider paid money back."""
    return _posting(f"refund:{attempt_id}", {Account.RECEIVABLE: amount_minor, Account.CASH: -amount_minor})


def balances(postings: Iterable[Posting]) -> dict[Account, int]:
    """The balance of every account: debits positive, credits negative."""
    totals = dict.fromkeys(Account, 0)
    for posting in postings:
        for entry in posting.entries:
            totals[entry.account] += entry.amount_minor
    return totals


def is_settled(totals: Mapping[Account, int]) -> bool:
    """Whether captured minus refunded is exactly what the kept lines, delivery and tax say."""
    return totals[Account.RECEIVABLE] == 0


def kept_value_minor(totals: Mapping[Account, int]) -> int:
    """What the goods and delivery that the shopper keeps are worth, tax included."""
    return -(totals[Account.SALES] + totals[Account.SHIPPING] + totals[Account.TAX])
