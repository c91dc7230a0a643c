"""The console's menu: what there is, and for whom. An entry is shown only to those who may open it."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.console.door import staff_may
from webapp.console.permissions import Permission


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the menu. `key` is the letter after `g` that opens it."""

    endpoint: str
    label: str
    permission: Permission
    key: str = ""
    also: tuple[str, ...] = ()
    """Further endpoints that belong to this entry; a star at the end stands for any ending."""

    def is_current(self, endpoint: str | None) -> bool:
        """Whether the page that is shown belongs to this entry."""
        name = endpoint or ""
        return name == self.endpoint or any(
            name.startswith(one[:-1]) if one.endswith("*") else name == one for one in self.also
        )


_P = Permission
MENU: list[tuple[str, list[Entry]]] = [
    (
        "Today",
        [
            Entry("console.dashboard", "Dashboard", _P.DASHBOARD_VIEW, "d"),
            Entry("console.radar", "Radar", _P.JOBS_VIEW, "r"),
        ],
    ),
    (
        "Orders",
        [
            Entry(
                "console.orders",
                "Orders",
                _P.ORDERS_VIEW,
                "o",
                ("console.order", "console.order_*", "console.trace"),
            ),
            Entry("console.picking", "Pick and pack", _P.ORDERS_FULFIL, "p", ("console.pack",)),
            Entry("console.returns", "Returns", _P.ORDERS_VIEW, "e"),
            Entry("console.customers", "Customers", _P.CUSTOMERS_VIEW, "c", ("console.customer",)),
            Entry("console.coupons", "Coupons", _P.COUPONS_VIEW, "", ("console.create_coupon",)),
        ],
    ),
    (
        "Stock",
        [
            Entry("console.stock", "Levels", _P.STOCK_VIEW, "s", ("console.stock_item",)),
            Entry("console.reservations", "Reservations", _P.STOCK_VIEW),
            Entry("console.stock_import", "Import", _P.STOCK_ADJUST),
            Entry(
                "console.warehouses",
                "Warehouses",
                _P.WAREHOUSES_MANAGE,
                "",
                tuple(f"console.{act}_warehouse" for act in ("add", "change", "move", "remove")),
            ),
        ],
    ),
    (
        "Workshop",
        [
            Entry("console.tracking_import", "Tracking numbers", _P.ORDERS_FULFIL),
            Entry("console.bulk_jobs", "Bulk jobs", _P.JOBS_VIEW, "b", ("console.bulk_job",)),
            Entry("console.quarantine", "Quarantine", _P.JOBS_VIEW, "q", ("console.quarantined",)),
            Entry("console.doctor", "Doctor", _P.JOBS_VIEW, "h"),
        ],
    ),
    (
        "House",
        [
            Entry("console.risk", "Risk rules", _P.RISK_MANAGE),
            Entry("console.people", "People", _P.PEOPLE_MANAGE, "", ("console.person",)),
            Entry("console.audit", "Audit", _P.AUDIT_VIEW),
            Entry("console.settings", "Settings", _P.SETTINGS_VIEW),
        ],
    ),
]


def navigation() -> list[tuple[str, list[Entry]]]:
    """The menu of who is at the keyboard."""
    mine = [
        (
            group,
            [entry for entry in entries if staff_may(entry.permission)],
        )
        for group, entries in MENU
    ]
    return [(group, entries) for group, entries in mine if entries]
