"""What the sources may not hold: each rule closes a whole class of faults, and names the few places that are allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("orders", "webapp", "lambdas", "worker")


def sources(*folders: str, kind: str = "py") -> dict[str, str]:
    """The sources of some folders by their path."""
    found = {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for folder in folders
        for path in sorted((ROOT / folder).rglob(f"*.{kind}"))
        if "__pycache__" not in path.parts
    }
    assert found, "the rule looks at nothing"
    return found


def places(pattern: str, texts: dict[str, str]) -> set[str]:
    """The files in which a pattern occurs."""
    wanted = re.compile(pattern, re.MULTILINE)
    return {path for path, text in texts.items() if wanted.search(text)}


def test_nothing_is_executed_that_was_not_written_here() -> None:
    """No eval, exec, pickle, unsafe YAML, or template from text: nothing that came in is ever a program."""
    forbidden = r"(?<![\w.])(eval|exec)\(|\bimport (pickle|marshal|shelve)\b|yaml\.load\(|render_template_string|from_string\("
    assert places(forbidden, sources(*PROGRAMS)) == set()


def test_the_web_and_the_lambdas_start_no_process() -> None:
    """Only the worker's master starts a process, its own, with a list of arguments."""
    assert places(r"\bimport subprocess\b|os\.(system|popen|exec\w*)\(|shell=True", sources(*PROGRAMS)) == {
        "worker/processes.py"
    }


def test_no_parser_reads_xml_or_ldap() -> None:
    """XML is written, by escaping, and never read."""
    assert (
        places(r"xml\.(etree|dom|sax(?!\.saxutils))|\blxml\b|\bldap\b|import jndi", sources(*PROGRAMS))
        == set()
    )


def test_templates_never_turn_escaping_off() -> None:
    """No `|safe` but for the drawn QR code; the places that make markup in Python escape each value themselves. The
    texts of the sources (webapp/languages.py, spoken_templates.py) are markup, as they are in a template; the values in them are escaped."""
    templates = sources("webapp/templates", kind="html")
    qr_code = "webapp/templates/console/people/enrol.html"
    assert places(r"\|\s*safe\b|autoescape\s+false", templates) == {qr_code}
    assert places(r"\bMarkup\(", sources("webapp")) == {
        "webapp/catalog/cards.py",
        "webapp/catalog/lists.py",
        "webapp/checkout/widgets.py",
        "webapp/languages.py",
        "webapp/spoken_templates.py",
        "webapp/written_fields.py",
    }


def test_templates_have_no_inline_script_style_or_handler() -> None:
    """What the policy refuses is not there; data blocks are no scripts."""
    templates = sources("webapp/templates", kind="html")
    shop = {path: text for path, text in templates.items() if "/mail/" not in path}
    assert places(r"<script>|<style|\sstyle=\"|\son[a-z]+=\"|javascript:", shop) == set()


def test_scripts_write_text_not_markup() -> None:
    """Only answers of our own server, drawn by its escaping templates, are put in as markup."""
    scripts = sources("webapp/static/js", kind="js")
    assert places(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", scripts) == {
        "webapp/static/js/console.js",
        "webapp/static/js/tracking.js",
    }
    assert places(r"\beval\(|new Function|postMessage|__proto__", scripts) == set()


def test_a_browser_stores_nothing_personal() -> None:
    """Local storage holds the products that were looked at, and nothing about who looked."""
    scripts = sources("webapp/static/js", kind="js")
    assert places(r"localStorage|sessionStorage|indexedDB|document\.cookie", scripts) <= {
        "webapp/static/js/recent.js"
    }


def test_sql_is_put_together_from_constants_only() -> None:
    """The linter's rule S608 watches the rest; these modules put constants of their own together and bind every value."""
    config = (ROOT / "pyproject.toml").read_text("utf-8")
    assert '"S"' in config
    allowed = places(r"noqa: .*S608", sources(*PROGRAMS))
    assert {path for path in allowed if path.startswith("webapp/catalog/")} <= {
        "webapp/catalog/finding.py",
        "webapp/catalog/queries.py",
        "webapp/catalog/generator.py",
        "webapp/catalog/tallies.py",
    }
    texts = sources(*PROGRAMS)
    for path in allowed:
        assert "%(" in texts[path] or ":" in texts[path], path


def test_no_weak_hash_and_no_home_made_cipher() -> None:
    """SHA-256, HMAC-SHA-256 and argon2id by the standard library and argon2-cffi; nothing else, nothing of our own."""
    texts = sources(*PROGRAMS)
    assert places(r"hashlib\.(md5|sha1|new)\(|\b(DES|RC4|ECB|Blowfish)\b", texts) == set()
    assert places(r"from cryptography|import cryptography|Crypto\.", texts) == set()


def test_what_must_not_be_guessed_comes_from_the_systems_generator() -> None:
    """`random` spreads waits and draws demo goods; tokens, nonces and seeds are made by `secrets` or the system."""
    texts = sources(*PROGRAMS)
    for path in places(r"^import random$", texts):
        assert not re.search(
            r"token|password|nonce|csrf", texts[path].lower().replace("idempotency", "")
        ) or ("SystemRandom" in texts[path] or path == "webapp/clients/order_api.py"), path
    for path in ("webapp/account/sessions.py", "webapp/console/people/sessions.py", "webapp/security.py"):
        assert "secrets.token" in texts[path], path


def test_signatures_and_tokens_are_compared_in_constant_time() -> None:
    """An HMAC is compared by compare_digest; a session is found by the hash of its token."""
    assert "compare_digest" in (ROOT / "orders/links.py").read_text("utf-8")


def test_debugging_is_never_switched_on() -> None:
    """No debugger, no reloader, no debug flag in what is deployed."""
    texts = sources(*PROGRAMS) | sources("ansible", kind="j2") | sources("ansible", kind="yml")
    assert places(r"debug=True|FLASK_DEBUG|app\.run\(|use_reloader|breakpoint\(\)", texts) == set()


@pytest.mark.parametrize("name", ["run", "dev", "lint"])
def test_every_package_is_pinned_with_its_hashes(name: str) -> None:
    """Nothing is installed whose content is not known: every line of the lock files has a version and hashes."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    packages = re.findall(
        r"^([a-z0-9][\w.-]*)(==[^\s;\\]+)?.*\\$\n((?:^    --hash=sha256:[0-9a-f]{64}.*\n?)+)",
        text,
        re.MULTILINE,
    )
    assert len(packages) > 20
    assert [package for package, version, _ in packages if not version] == []
    unhashed = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line) and not line.endswith("\\")]
    assert unhashed == []


def test_what_is_on_the_way_is_encrypted() -> None:
    """TLS 1.2 or newer at the edge and at the balancer, http is sent to https, the database refuses plain connections."""
    web, edge = (
        (ROOT / "cloudformation" / name).read_text("utf-8") for name in ("50-web.yaml", "60-edge.yaml")
    )
    assert "ELBSecurityPolicy-TLS13-1-2" in web
    assert "MinimumProtocolVersion: TLSv1.2_2021" in edge
    assert "AcmCertificateArn" in edge, "the certificate is a public one"
    assert set(re.findall(r"ViewerProtocolPolicy: (\S+)", edge)) <= {"redirect-to-https", "https-only"}
    assert "rds.force_ssl" in (ROOT / "cloudformation" / "20-data.yaml").read_text("utf-8")


def test_the_database_is_reached_over_verified_tls() -> None:
    """Every address of the database that a template writes asks for the server's certificate and its name (libpq, sslmode)."""
    templates = [path.read_text("utf-8") for path in (ROOT / "cloudformation").glob("*.yaml")]
    urls = [url for text in templates for url in re.findall(r'postgresql\+psycopg://[^"\s]+', text)]
    assert urls
    assert [url for url in urls if "sslmode=verify-full&sslrootcert=/" not in url] == []


def test_the_balancer_forwards_no_ambiguous_request() -> None:
    """What gunicorn refuses by itself the balancer does not let through (ELB, desync mitigation mode)."""
    balancer = (ROOT / "cloudformation" / "50-web.yaml").read_text("utf-8")
    assert "{Key: routing.http.desync_mitigation_mode, Value: strictest}" in balancer
    assert '{Key: routing.http.drop_invalid_header_fields.enabled, Value: "true"}' in balancer


def test_no_page_asks_an_address_that_somebody_typed() -> None:
    """The web application talks to AWS, to its order API and to Stripe, at addresses from its settings, and to nobody else."""
    clients = r"import (requests|httpx|urllib3|aiohttp)\b|urlopen\(|HTTPS?Connection\("
    found = places(clients, sources("webapp", "lambdas"))
    # The demo's parcel service calls the shop's own address, as a carrier's would.
    assert found == {"webapp/clients/order_api.py", "webapp/console/fulfilment/carrier_routes.py"}


def test_forms_with_secrets_are_posted() -> None:
    """No password, address or card travels in an address: only searches and filters use GET."""
    for path, text in sources("webapp/templates", kind="html").items():
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
            head = form.partition(">")[0]
            if 'method="post"' not in head:
                assert "csrf_token" not in form, path
                assert not re.search(r"password|address|card|email", form.partition(">")[2]), path


def test_where_a_value_comes_from_is_always_said() -> None:
    """`request.values` takes a field from the address or from the form: only which return is looked at may come from both."""
    assert places(r"request\.values\b", sources("webapp")) == {"webapp/console/orders/pages.py"}
