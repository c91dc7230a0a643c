"""Who the shop takes a visitor for: a try to sign in, and the address that the shop counted it for.

The brakes on signing in, and all that the shop notes about addresses, hang on this: a visitor who could choose the
address would have no brake, and were it lost, all visitors together would have one.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Engine, text

from tests.lab.shell import LabError

# Python's own library is enough, so that a host can run it as well.
TRY_TO_SIGN_IN = r"""
import http.client, re, sys, urllib.parse
host, email, forwarded_for = sys.argv[1:]
connection = http.client.HTTPConnection(host, timeout=60)
headers = {"X-Forwarded-For": forwarded_for}
connection.request("GET", "/account/sign-in", headers=headers)
reply = connection.getresponse()
page = reply.read().decode()
form = {"csrf_token": re.search(r"name=.csrf_token.[^>]*value=.([^>]+?)[\x22\x27]", page)[1],
        "email": email, "password": "not the right one"}
cookies = "; ".join(cookie.split(";")[0] for cookie in reply.headers.get_all("Set-Cookie"))
headers |= {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
connection.request("POST", "/account/sign-in", urllib.parse.urlencode(form), headers)
status = connection.getresponse().status
if status != 401:
    sys.exit(f"the shop answers {status} to a wrong password")
"""


def somebody() -> str:
    """An e-mail address that nobody has used before."""
    return f"visitor-{secrets.token_hex(6)}@example.com"


def counted_for(engine: Engine, email: str) -> str:
    """The client address for which the shop counted the try with this e-mail."""
    statement = text(
        "SELECT split_part(of_address.key, 'address:', 2) FROM account_attempts of_email"
        " JOIN account_attempts of_address ON of_address.at = of_email.at"
        " WHERE of_email.key = 'sign-in|email:' || :email AND of_address.key LIKE 'sign-in|address:%'"
    )
    with engine.connect() as connection:
        found = connection.scalars(statement, {"email": email}).all()
    if len(found) != 1:
        raise LabError(f"the try of {email} was counted for {found}")
    return str(found[0])
