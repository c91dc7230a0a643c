"""The lines that a person reads when the shop opens."""

from __future__ import annotations

from collections.abc import Mapping

from local.home import Home

DEMO_LOGIN = "demo@cartwright.example, password cartwright-demo"
"""Made by `local.seed database`; a test holds this line to it."""
DEMO_COUPON_CODE = "WELCOME10"
"""As above."""


def welcome(urls: Mapping[str, str], seconds: float, home: Home) -> str:
    """Where everything is, how to get in, how to pay and how to stop."""
    return f"""
Cartwright is open (after {seconds:.1f} s).

  Shop      {urls["shop"]}
  Console   {urls["console"]}   sign in with {DEMO_LOGIN}
  In-box    {urls["inbox"]}   every e-mail and text message the shop sends
  Order API {urls["api"]}

  Pay with the test card 4242 4242 4242 4242; the coupon {DEMO_COUPON_CODE} takes a tenth off. Logs: {home.logs}
  Stop with Ctrl-C. Everything is kept for the next run.
"""
