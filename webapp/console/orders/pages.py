"""The page of one order, and the way of every action: ask, show what it would do, do it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from orders.domain.errors import InvalidRequest, TransitionRefused, VersionConflict
from orders.domain.ids import OrderId, uuid7
from orders.ports import OrderRecord
from orders.services.return_order import RETURN_REASONS
from webapp.console.door import console, requires, staff_may
from webapp.console.fulfilment.parts import parts_of
from webapp.console.orders.actions import ACTIONS, Action, offered
from webapp.console.orders.preview import preview
from webapp.console.orders.reading import OrderFile, read_order
from webapp.console.orders.runs import HOLD_REASONS
from webapp.console.orders.wish import Wish
from webapp.console.people.audit import record
from webapp.console.permissions import Permission
from webapp.console.wiring import actor, desk
from webapp.extensions import db
from webapp.wiring import wiring


@console.get("/orders/<uuid:order_id>")
@requires(Permission.ORDERS_VIEW)
def order(order_id: UUID) -> ResponseReturnValue:
    """The page of one order."""
    file = read_order(db.session(), desk(), order_id)
    return render_template(
        "console/orders/order.html",
        file=file,
        record=file.record,
        state=file.record.state,
        actions=offered(file.record.state, staff_may),
        command_id=_new_command(),
    )


def _new_command() -> str:
    """What makes this form's action happen once, however often it is sent."""
    return f"console:{uuid7(wiring().clock.now())}"


def _wish(action: Action, order_id: UUID, currency: str) -> Wish:
    command_id = request.form.get("command_id", "")[:70]
    version = request.form.get("version", type=int)
    if not command_id.startswith("console:") or version is None:
        abort(400, "The form is incomplete; open it again.")
    return Wish(request.form, OrderId(str(order_id)), actor(), command_id, version, currency)


def act_on(action: Action, order_id: UUID) -> ResponseReturnValue:
    """One action: GET asks for what it needs, POST shows what it would do, and with `confirmed` does it."""
    file = read_order(db.session(), desk(), order_id)
    if request.method == "GET":
        if not action.is_allowed(file.record.state):
            return _conflict(action, file, None, "The order has moved on: this is not possible any more.")
        if not action.form:
            return _preview(action, file, None)
        return _form(action, file)
    wish = _wish(action, order_id, file.record.request.currency)
    if request.form.get("change"):
        return _form(action, file)
    try:
        if request.form.get("confirmed") != "1":
            return _preview(action, file, wish)
        action.run(desk(), wish)
    except InvalidRequest as invalid:
        return _form(action, file, invalid)
    except (VersionConflict, TransitionRefused) as conflict:
        fresh = read_order(db.session(), desk(), order_id)
        return _conflict(action, fresh, wish.version, str(conflict))
    record(
        f"order.{action.code}", f"order:{order_id}", reason=wish.text("reason"), command_id=wish.command_id
    )
    db.session.commit()
    flash(f"{action.label}: done.")
    return redirect(url_for("console.order", order_id=order_id))


def _form(action: Action, file: OrderFile, invalid: InvalidRequest | None = None) -> ResponseReturnValue:
    problems = {problem.pointer: problem.detail for problem in invalid.problems} if invalid else {}
    version = request.form.get("version", type=int) or file.record.state.version
    return render_template(
        "console/orders/act.html",
        action=action,
        file=file,
        record=file.record,
        given=request.form if request.method == "POST" else request.args,
        problems=problems,
        version=version,
        command_id=request.form.get("command_id") or _new_command(),
        hold_reasons=HOLD_REASONS,
        return_reasons=RETURN_REASONS,
        the_return=_return_of(file),
        parts=parts_of(file, request.values.get("warehouse", "")[:40]),
    ), 422 if invalid else 200


def _preview(action: Action, file: OrderFile, wish: Wish | None) -> ResponseReturnValue:
    if wish is None:
        wish = Wish(
            request.form,
            file.record.order_id,
            actor(),
            _new_command(),
            file.record.state.version,
            file.record.request.currency,
        )
    act: Callable[..., OrderRecord] = partial(action.run)
    effects = preview(desk(), db.engine, lambda drafting: act(drafting, wish))
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in _NOT_KEPT]
    return render_template(
        "console/orders/preview.html",
        action=action,
        file=file,
        record=file.record,
        effects=effects,
        kept=kept,
        version=wish.version,
        command_id=wish.command_id,
    )


_NOT_KEPT = frozenset({"csrf_token", "command_id", "version", "confirmed", "change"})


def _conflict(action: Action, file: OrderFile, seen: int | None, why: str) -> ResponseReturnValue:
    """Somebody was quicker: what they did since this clerk looked, and the way on."""
    since = [moment for moment in file.timeline if seen is not None and moment.event.version > seen]
    return render_template(
        "console/orders/conflict.html",
        action=action,
        file=file,
        record=file.record,
        since=since,
        why=why,
        is_possible=action.is_allowed(file.record.state),
    ), 409


def _return_of(file: OrderFile) -> object:
    wanted = request.values.get("return_id", "")
    return next((known for known in file.returns if known.id == wanted), None)


def _view(action: Action) -> Callable[..., ResponseReturnValue]:
    def act(order_id: UUID) -> ResponseReturnValue:
        return act_on(action, order_id)

    act.__doc__ = f"{action.label}, behind its own permission."
    return requires(action.permission)(act)


for _action in ACTIONS.values():
    console.add_url_rule(
        f"/orders/<uuid:order_id>/{_action.code}",
        endpoint=f"order_{_action.code}",
        view_func=_view(_action),
        methods=["GET", "POST"],
    )
