"""The second factor: time-based codes (RFC 6238) that work once, and recovery codes for a lost telephone."""

from __future__ import annotations

import io
import secrets
from datetime import datetime

import pyotp
import segno

from webapp.console.people.models import Staff
from webapp.console.people.sessions import hash_token

STEP_SECONDS = 30
TOLERATED_STEPS = 1
"""Clocks differ: a code of the step before or after is taken too (RFC 6238, 5.2)."""
RECOVERY_CODES = 8


def new_secret() -> str:
    """A fresh secret for an authenticator app: 160 bits in base 32, as RFC 4226 recommends."""
    return pyotp.random_base32(32)


def qr_code(secret: str, email: str, shop_name: str) -> str:
    """The secret as a QR code: an SVG element, dark on transparent."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"{shop_name} console")
    out = io.BytesIO()
    segno.make(uri, error="m").save(
        out, kind="svg", scale=5, border=2, xmldecl=False, svgns=True, title="QR code", nl=False
    )
    return out.getvalue().decode()


def take_code(staff: Staff, code: str, now: datetime) -> bool:
    """Accept a code once: a time-based code newer than the last one, or an unused recovery code.

    The caller holds the row locked, so that one code does not open two sessions.
    """
    digits = code.replace(" ", "")
    step_now = int(now.timestamp()) // STEP_SECONDS
    generator = pyotp.TOTP(staff.totp_secret)
    for step in range(step_now - TOLERATED_STEPS, step_now + TOLERATED_STEPS + 1):
        if step > staff.totp_last_step and secrets.compare_digest(
            generator.at(step * STEP_SECONDS).encode(), digits.encode()
        ):
            staff.totp_last_step = step
            return True
    hashed = hash_token(code.strip().lower())
    if hashed in staff.recovery_hashes:
        staff.recovery_hashes = [kept for kept in staff.recovery_hashes if kept != hashed]
        return True
    return False


def new_recovery_codes(staff: Staff) -> list[str]:
    """Replace the recovery codes and return them: shown once, stored as hashes."""
    codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(RECOVERY_CODES)]
    staff.recovery_hashes = [hash_token(code) for code in codes]
    return codes
