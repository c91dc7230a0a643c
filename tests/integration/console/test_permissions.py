"""Every (role, route) pair: the permission table is what is enforced, and no page offers what is refused."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from tests.integration.console.shop import AsRole
from webapp.console.door import declared_permission
from webapp.console.permissions import ROLE_PERMISSIONS, Permission, Role, may

_SAMPLES = {
    "uuid": "01890000-0000-7000-8000-000000000000",
    "int": "1",
    "path": "nothing",
    "default": "nothing",
}


def _rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.")]


def _address(rule: Rule) -> str:
    def sample(match: re.Match[str]) -> str:
        return _SAMPLES[(match[1] or "default:").rstrip(":").partition("(")[0]]

    return re.sub(r"<([a-z]+(?:\([^)]*\))?:)?[a-z_]+>", sample, rule.rule)


def test_every_route_declares_a_permission(app: Flask) -> None:
    """Deny by default: a route that says nothing answers nobody, and this test names it."""
    with app.app_context():
        for rule in _rules(app):
            declared_permission(rule.endpoint)


def test_only_the_door_is_open(app: Flask) -> None:
    """Signing in and accepting an invitation; nothing else answers a stranger."""
    with app.app_context():
        opened = {rule.endpoint for rule in _rules(app) if declared_permission(rule.endpoint) is None}
    assert opened == {"console.sign_in", "console.sign_in_code", "console.accept_invitation"}


def test_every_permission_is_held_by_somebody_and_admins_hold_all() -> None:
    """A permission that nobody has is a dead button; roles above viewer see all that a viewer sees."""
    assert ROLE_PERMISSIONS[Role.ADMIN] == frozenset(Permission)
    for role in Role:
        assert ROLE_PERMISSIONS[Role.VIEWER] <= ROLE_PERMISSIONS[role]


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_refused_exactly_what_the_table_refuses(app: Flask, as_role: AsRole, role: Role) -> None:
    """403 for every route that needs a permission which the role lacks, and for no other."""
    wrong, client = [], as_role(role)
    for rule in _rules(app):
        if rule.endpoint == "console.sign_out":
            continue
        with app.app_context():
            permission = declared_permission(rule.endpoint)
        if permission is None:
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = client.open(_address(rule), method=method)
            if (answer.status_code == 403) == may(role, permission):
                wrong.append((rule.rule, method, answer.status_code))
    assert wrong == []


class _Targets(HTMLParser):
    """Everywhere that a page leads: links and the actions of its forms."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self._method = "GET"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.found.add(("GET", given["href"] or ""))
        if tag == "form":
            self._method = (given.get("method") or "get").upper()
            if given.get("action"):
                self.found.add((self._method, given["action"] or ""))
        if tag in {"button", "input"} and given.get("formaction"):
            self.found.add((self._method, given["formaction"] or ""))


@pytest.mark.parametrize("role", list(Role))
def test_no_page_offers_what_its_reader_may_not_do(app: Flask, as_role: AsRole, role: Role) -> None:
    """Every link and every form on every page that a role can open leads somewhere that the role may go."""
    client = as_role(role)
    router = app.url_map.bind("localhost")
    for rule in _rules(app):
        if "GET" not in (rule.methods or ()) or rule.arguments:
            continue
        with app.app_context():
            permission = declared_permission(rule.endpoint)
        if permission is None or not may(role, permission):
            continue
        page = client.get(rule.rule)
        if page.mimetype != "text/html":
            continue
        targets = _Targets()
        targets.feed(page.text)
        for method, target in targets.found:
            path = urlsplit(target).path
            if not path.startswith("/console/"):
                continue
            try:
                endpoint, _ = router.match(path, method=method)
            except HTTPException as error:
                pytest.fail(f"{rule.rule} leads to {method} {path}: {error}")
            with app.app_context():
                needed = declared_permission(endpoint)
            assert needed is None or may(role, needed), f"{rule.rule} offers {role} {method} {path}"
