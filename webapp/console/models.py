"""The console's tables, gathered for Alembic."""

from __future__ import annotations

from webapp.console.orders.models import SavedView
from webapp.console.people.models import SignInAttempt, Staff, StaffAction, StaffInvitation, StaffSession

__all__ = ["SavedView", "SignInAttempt", "Staff", "StaffAction", "StaffInvitation", "StaffSession"]
