"""The page of the risk rules: what makes the shop hold a new order, and for how long."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.adapters.rds.risk_models import RiskRuleRow
from orders.domain.errors import InvalidRequest
from orders.domain.ids import uuid7
from orders.domain.risk import HoldKind, RiskKind
from webapp.console.door import console, current_staff, requires
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.settings import risk as rules
from webapp.extensions import db
from webapp.wiring import wiring


@console.get("/risk")
@requires(Permission.RISK_MANAGE)
def risk() -> ResponseReturnValue:
    """Every rule with its numbers."""
    return _page()


def _page(code: str = "", invalid: InvalidRequest | None = None) -> ResponseReturnValue:
    return render_template(
        "console/settings/risk.html",
        rules=rules.all_rules(db.session()),
        fields=rules.FIELDS,
        meanings=rules.MEANINGS,
        kinds=list(RiskKind),
        hold_kinds=list(HoldKind),
        currency=wiring().settings.currency,
        wrong=code,
        given=request.form,
        problems={problem.pointer: problem.detail for problem in invalid.problems} if invalid else {},
    ), 422 if invalid else 200


@console.post("/risk")
@requires(Permission.RISK_MANAGE)
def add_rule() -> ResponseReturnValue:
    """A new rule of a kind."""
    kind = request.form.get("kind", "")
    if kind not in set(RiskKind):
        abort(422, "Choose what the rule looks at.")
    if len(rules.all_rules(db.session())) >= rules.MOST_RULES:
        abort(409, f"{rules.MOST_RULES} rules are enough for any shop.")
    return _keep(uuid7(wiring().clock.now()), RiskKind(kind), "risk.added")


@console.post("/risk/<code>")
@requires(Permission.RISK_MANAGE)
def change_rule(code: str) -> ResponseReturnValue:
    """Other numbers for a rule, or on and off."""
    known = db.session.get(RiskRuleRow, code[:40]) or abort(404)
    return _keep(known.code, RiskKind(known.kind), "risk.changed")


def _keep(code: str, kind: RiskKind, action: str) -> ResponseReturnValue:
    try:
        rule = rules.read_rule(code, kind, request.form, wiring().settings.currency)
    except InvalidRequest as invalid:
        return _page(code if action == "risk.changed" else f"new:{kind}", invalid)
    rules.keep_rule(db.session(), rule, by=current_staff().email, now=wiring().clock.now())
    given = {name: request.form[name] for name in sorted(request.form) if name != "csrf_token"}
    record(action, f"rule:{code}", given=given)
    db.session.commit()
    flash(f"“{rule.name}” is {'on' if rule.is_on else 'off'}, for the orders that come from now on.")
    return redirect(url_for("console.risk"))


@console.post("/risk/<code>/remove")
@requires(Permission.RISK_MANAGE)
def remove_rule(code: str) -> ResponseReturnValue:
    """Forget a rule."""
    if not rules.remove_rule(db.session(), code[:40]):
        abort(404)
    record("risk.removed", f"rule:{code}")
    db.session.commit()
    flash("The rule is gone; what it said of orders stays with them.")
    return redirect(url_for("console.risk"))
