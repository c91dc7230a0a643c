"""What a customer need not type at the checkout again, and what they want to keep for the next time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import request

from orders.domain.errors import NotFound
from webapp.account import address_book
from webapp.account.models import SavedAddress
from webapp.account.sessions import current_customer, current_customer_id
from webapp.checkout.forms import DetailsForm
from webapp.checkout.models import Checkout
from webapp.extensions import db


def details(checkout: Checkout, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What the details form is filled with: what was typed, else what the account knows, else nothing.

    `?address=<id>` takes one of the customer's own addresses; another's is ignored.
    """
    customer = current_customer()
    if customer is None:
        return dict(typed)
    known = dict(typed)
    if not checkout.contact:
        known |= {"email": customer.email, "phone": customer.phone}
        first = address_book.offered(customer.id)
        if first is not None:
            known["shipping"] = first.address
        else:
            known["shipping"] = {**typed["shipping"], "name": customer.name}
    chosen = _chosen(customer.id)
    if chosen is not None:
        known["shipping"] = chosen.address
    return known


def remember(form: DetailsForm) -> None:
    """Keep the address when that was ticked. The caller commits with the step; a full book keeps what it has."""
    customer_id = current_customer_id()
    if not customer_id or not form.saves_address.data:
        return
    try:
        with db.session.begin_nested():
            address_book.save(customer_id, form.shipping.form.address())
    except address_book.BookFull:
        return


def saved_addresses() -> Sequence[SavedAddress]:
    """The customer's addresses to choose from; none for a guest."""
    customer_id = current_customer_id()
    return address_book.all_of(customer_id) if customer_id else ()


def _chosen(customer_id: str) -> SavedAddress | None:
    try:
        return address_book.find(customer_id, UUID(request.args.get("address", "")))
    except (ValueError, NotFound):
        return None
