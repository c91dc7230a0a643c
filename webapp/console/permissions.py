"""Who may do what in the console: the one table of roles and permissions.

A route declares the permission that it needs (see door.py), a template asks `may(...)` before it shows a button, and
a test walks every (role, route) pair. Nothing else decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a member of staff is employed for. Each has exactly one."""

    VIEWER = "viewer"
    SUPPORT = "support"
    WAREHOUSE = "warehouse"
    MANAGER = "manager"
    ADMIN = "admin"


class Permission(StrEnum):
    """One kind of thing that can be done."""

    OWN_ACCOUNT = "own_account"
    ORDERS_VIEW = "orders.view"
    ORDERS_EXPORT = "orders.export"
    ORDERS_NOTE = "orders.note"
    ORDERS_HOLD = "orders.hold"
    ORDERS_EDIT = "orders.edit"
    ORDERS_CANCEL = "orders.cancel"
    ORDERS_FULFIL = "orders.fulfil"
    ORDERS_BULK = "orders.bulk"
    PAYMENTS_REFUND = "payments.refund"
    RETURNS_DECIDE = "returns.decide"
    RETURNS_RECEIVE = "returns.receive"
    CUSTOMERS_VIEW = "customers.view"
    STOCK_VIEW = "stock.view"
    STOCK_ADJUST = "stock.adjust"
    COUPONS_VIEW = "coupons.view"
    COUPONS_EDIT = "coupons.edit"
    DASHBOARD_VIEW = "dashboard.view"
    JOBS_VIEW = "jobs.view"
    JOBS_REPLAY = "jobs.replay"
    DOCTOR_RUN = "doctor.run"
    PEOPLE_MANAGE = "people.manage"
    AUDIT_VIEW = "audit.view"
    SETTINGS_VIEW = "settings.view"
    RISK_MANAGE = "risk.manage"
    WAREHOUSES_MANAGE = "warehouses.manage"


_P = Permission
_LOOK = frozenset({_P.OWN_ACCOUNT, _P.ORDERS_VIEW, _P.STOCK_VIEW, _P.DASHBOARD_VIEW, _P.JOBS_VIEW})
_SUPPORT = _LOOK | {
    _P.CUSTOMERS_VIEW,
    _P.COUPONS_VIEW,
    _P.ORDERS_NOTE,
    _P.ORDERS_HOLD,
    _P.ORDERS_EDIT,
    _P.ORDERS_CANCEL,
    _P.RETURNS_DECIDE,
}
_WAREHOUSE = _LOOK | {
    _P.ORDERS_NOTE,
    _P.ORDERS_HOLD,
    _P.ORDERS_FULFIL,
    _P.RETURNS_RECEIVE,
    _P.STOCK_ADJUST,
}
_MANAGER = (
    _SUPPORT
    | _WAREHOUSE
    | {
        _P.ORDERS_EXPORT,
        _P.ORDERS_BULK,
        _P.PAYMENTS_REFUND,
        _P.COUPONS_EDIT,
        _P.JOBS_REPLAY,
        _P.DOCTOR_RUN,
        _P.AUDIT_VIEW,
        _P.SETTINGS_VIEW,
        _P.RISK_MANAGE,
        _P.WAREHOUSES_MANAGE,
    }
)

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _LOOK,
    Role.SUPPORT: _SUPPORT,
    Role.WAREHOUSE: _WAREHOUSE,
    Role.MANAGER: _MANAGER,
    Role.ADMIN: frozenset(Permission),
}

ROLE_NAMES: Mapping[Role, str] = {
    Role.VIEWER: "Viewer: sees everything, changes nothing",
    Role.SUPPORT: "Support: customers, holds, cancellations, returns",
    Role.WAREHOUSE: "Warehouse: picking, packing, shipping, stock",
    Role.MANAGER: "Manager: both, and refunds, bulk work, repairs",
    Role.ADMIN: "Admin: all of it, and people",
}


def may(role: Role, permission: Permission) -> bool:
    """Whether a role has a permission."""
    return permission in ROLE_PERMISSIONS[role]
