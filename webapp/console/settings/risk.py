"""The risk rules as staff change them: read from a form, checked, kept; a change is for the orders that come after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from orders.adapters.rds.risk_models import RiskRuleRow
from orders.domain.errors import InvalidRequest, Problem
from orders.domain.risk import HoldKind, RiskKind, RiskRule
from webapp.console.amounts import parse_amount

MOST_RULES = 50
MOST_HOURS = 24 * 90
FIELDS = {
    RiskKind.AMOUNT: ("limit",),
    RiskKind.VELOCITY: ("count", "hours", "limit"),
    RiskKind.ADDRESS_MISMATCH: ("limit",),
    RiskKind.FIRST_ORDER: ("limit",),
    RiskKind.COUNTRY: ("countries", "limit"),
}
"""Which numbers a kind of rule looks at; a form shows no others."""
MEANINGS = {
    RiskKind.AMOUNT: "The order is worth the limit or more.",
    RiskKind.VELOCITY: "So many orders came from one e-mail address within so many hours.",
    RiskKind.ADDRESS_MISMATCH: "It is billed to another postal address than it is delivered to.",
    RiskKind.FIRST_ORDER: "It is the first order from this e-mail address.",
    RiskKind.COUNTRY: "It is delivered to a country on the list.",
}


def all_rules(session: Session) -> Sequence[RiskRuleRow]:
    """Every rule, by kind and name."""
    return session.scalars(select(RiskRuleRow).order_by(RiskRuleRow.kind, RiskRuleRow.name)).all()


def read_rule(code: str, kind: RiskKind, form: MultiDict[str, str], currency: str) -> RiskRule:
    """The rule of a form. Raises InvalidRequest, naming every field at fault."""
    problems: list[Problem] = []
    name = " ".join(form.get("name", "").split())[:60]
    if not name:
        problems.append(Problem("/name", "give the rule a name: the order shows it"))
    wanted = FIELDS[kind]
    countries = _countries(form.get("countries", "")) if "countries" in wanted else []
    if any(len(one) != 2 or not one.isalpha() for one in countries) or (
        "countries" in wanted and not countries
    ):
        problems.append(Problem("/countries", "name countries by their two letters, such as DE, FR"))
    limit = 0
    try:
        limit = parse_amount(form.get("limit", ""), currency, "/limit")
    except InvalidRequest as invalid:
        problems += invalid.problems
    if kind is RiskKind.AMOUNT and not limit and not any(one.pointer == "/limit" for one in problems):
        problems.append(Problem("/limit", "without a limit every order would match"))
    count = _whole(form, "count", 2, 100, problems) if "count" in wanted else 0
    hours = _whole(form, "hours", 1, MOST_HOURS, problems) if "hours" in wanted else 0
    hold_hours = _whole(form, "hold_hours", 0, MOST_HOURS, problems)
    hold_kind = form.get("hold_kind", "")
    if hold_kind not in set(HoldKind):
        problems.append(Problem("/hold_kind", "choose one from the list"))
    if problems:
        raise InvalidRequest(problems)
    return RiskRule(
        code, kind, name, "is_on" in form, "holds" in form, HoldKind(hold_kind), hold_hours, limit, count, hours,
        frozenset(countries),
    )  # fmt: skip


def _countries(typed: str) -> list[str]:
    return [one for one in typed.upper().replace(",", " ").split() if one]


def _whole(form: MultiDict[str, str], name: str, least: int, most: int, problems: list[Problem]) -> int:
    typed = form.get(name, "").strip() or "0"
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 7 else -1
    if not least <= number <= most:
        problems.append(Problem(f"/{name}", f"a whole number from {least} to {most}"))
    return number


def keep_rule(session: Session, rule: RiskRule, *, by: str, now: datetime) -> None:
    """Put a rule on record, new or changed; the caller commits."""
    values = asdict(rule) | {
        "kind": str(rule.kind), "hold_kind": str(rule.hold_kind), "countries": sorted(rule.countries),
        "updated_at": now, "updated_by": by[:80],
    }  # fmt: skip
    changes = {name: value for name, value in values.items() if name not in {"code", "kind"}}
    statement = insert(RiskRuleRow).values(**values)
    session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changes))


def remove_rule(session: Session, code: str) -> bool:
    """Forget a rule; what it said of orders stays with them. False when there is none."""
    gone = session.execute(delete(RiskRuleRow).where(RiskRuleRow.code == code))
    return bool(gone.rowcount)  # type: ignore[attr-defined]
