"""The dashboard: the shop at a glance, and the live part that is asked for by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import render_template, request
from flask.typing import ResponseReturnValue

from orders.adapters.sqs import QueueDepth
from orders.domain.errors import Unavailable
from orders.domain.inventory import LOW_PIECES
from webapp.console.dashboard import charts, queries
from webapp.console.door import console, requires
from webapp.console.jobs.asking import ask_for
from webapp.console.jobs.radar import stage_ages
from webapp.console.permissions import Permission
from webapp.console.stock.queries import named
from webapp.console.wiring import console_wiring
from webapp.extensions import db
from webapp.wiring import wiring

STOCK_FRESH_FOR = timedelta(minutes=1)
"""An older list of what runs low is asked for anew: reading every level is the worker's, not a page's."""
LOW_SHOWN = 8
WORKER_SILENCE = timedelta(seconds=60)
"""A worker that has not reported for this long is shown as gone."""


@console.get("/")
@console.get("/dashboard")
@requires(Permission.DASHBOARD_VIEW)
def dashboard() -> ResponseReturnValue:
    """Orders, revenue, stages and failures, against the period before."""
    parts, now = wiring(), wiring().clock.now()
    wanted = request.args.get("days", type=int)
    days = wanted if wanted in queries.PERIODS else queries.PERIODS[1]
    found = queries.figures(db.session(), now, days, parts.settings.currency)
    _keep_fresh(found.counted_at, now, days)
    top_orders = charts.nice_top(max(day.orders for day in (*found.days, *found.before)))
    top_revenue = charts.nice_top(max(day.revenue_minor for day in (*found.days, *found.before)))
    labels = [f"{day.day.day} {day.day:%b}" for day in found.days]
    return render_template(
        "console/dashboard/dashboard.html",
        days=days,
        periods=queries.PERIODS,
        figures=found,
        currency=parts.settings.currency,
        charts=charts,
        labels=labels,
        order_ticks=charts.ticks(top_orders),
        order_bars=charts.bars([day.orders for day in found.days], labels, top_orders),
        order_before=charts.line([day.orders for day in found.before], top_orders),
        revenue_ticks=charts.ticks(top_revenue),
        revenue_bars=charts.bars([day.revenue_minor for day in found.days], labels, top_revenue),
        revenue_before=charts.line([day.revenue_minor for day in found.before], top_revenue),
        ages=stage_ages(db.session(), now, parts.settings.capture_rule),
        now=now,
        **_live(now),
    )


def _keep_fresh(counted_at: datetime | None, now: datetime, days: int) -> None:
    """Ask the worker to count when the figures are old. The key holds the slot of five minutes: one wish for each."""
    if counted_at is not None and now - counted_at < queries.FRESH_FOR:
        return
    slot = int(now.timestamp() // queries.FRESH_FOR.total_seconds())
    behind = (now - counted_at).days + 2 if counted_at else 2 * max(queries.PERIODS)
    ask_for(db.session(), "count_sales", {"days": max(behind, 2 * days)}, key=str(slot), now=now)
    db.session.commit()


def _live(now: datetime) -> dict[str, object]:
    """Queues, workers, what runs low: each may be away without taking the page along."""
    depths: dict[str, QueueDepth | None] = {}
    for name, queue in console_wiring().queues.items():
        try:
            depths[name] = queue.depth()
        except Unavailable:
            depths[name] = None
    low = queries.low_stock(db.session())
    if low is None or now - low.looked_at > STOCK_FRESH_FOR:
        # The key holds the minute: one wish for each, however many people look at the page.
        slot = int(now.timestamp() // STOCK_FRESH_FOR.total_seconds())
        ask_for(db.session(), "list_low_stock", {}, key=str(slot), now=now)
        db.session.commit()
    return {
        "depths": depths,
        "low": low,
        "low_rows": named(db.session(), low.skus[:LOW_SHOWN]) if low else [],
        "low_limit": LOW_PIECES,
        "workers": queries.workers(db.session()),
        "silence": WORKER_SILENCE,
        "waiting": queries.waiting(db.session()),
    }
