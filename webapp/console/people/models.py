"""The tables of the staff: accounts, sessions, invitations, failed sign-ins and the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from orders.adapters.rds.base import Base
from webapp.console.permissions import Role

_ROLES = ", ".join(repr(str(role)) for role in Role)


class Staff(Base):
    """A member of staff. An account is never deleted, only made inactive: the timeline names it for ever."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(f"role IN ({_ROLES})", name="role"),
        CheckConstraint("email = lower(email)", name="email_is_lower"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(200))
    totp_secret: Mapped[str] = mapped_column(String(64), default="", server_default="")
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    totp_last_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The 30-second step of the last code that was accepted: a code works once."""
    recovery_hashes: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    is_active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    @property
    def role_of(self) -> Role:
        """The role as the permission table knows it."""
        return Role(self.role)

    @property
    def has_second_factor(self) -> bool:
        """Whether a second factor was enrolled and confirmed."""
        return self.totp_confirmed_at is not None


class StaffSession(Base):
    """One signed-in browser. The cookie holds a random token, the table only its hash; revoking is one update."""

    __tablename__ = "staff_sessions"
    __table_args__ = (Index("ix_staff_sessions_staff", "staff_id", "last_seen_at"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When all factors were given; until then the session opens nothing but the code page."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ip: Mapped[str] = mapped_column(String(45), default="", server_default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="", server_default="")

    staff: Mapped[Staff] = relationship(lazy="joined")


class StaffInvitation(Base):
    """An invitation by link, for one use. The link holds the token, the table its hash."""

    __tablename__ = "staff_invitations"
    __table_args__ = (CheckConstraint(f"role IN ({_ROLES})", name="role"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(16))
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SignInAttempt(Base):
    """A try at signing in that has not succeeded, under a key (an e-mail or an address): the rate limit's memory."""

    __tablename__ = "staff_sign_in_attempts"
    __table_args__ = (Index("ix_staff_sign_in_attempts_key", "key", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(String(270))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class StaffAction(Base):
    """Something that a member of staff did in the console. Append-only; ids and facts, never a secret."""

    __tablename__ = "staff_actions"
    __table_args__ = (
        Index("ix_staff_actions_subject", "subject", "id"),
        Index("ix_staff_actions_staff", "staff_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(120), default="", server_default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    ip: Mapped[str] = mapped_column(String(45), default="", server_default="")
    correlation_id: Mapped[str] = mapped_column(String(64), default="", server_default="")

    staff: Mapped[Staff | None] = relationship(lazy="joined")
