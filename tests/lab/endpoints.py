"""AWS as an instance knows it: every service by its real name over TLS, and the instance's own metadata.

Requests go on to the local AWS as they came. On their way the signature of each is checked against the credentials
that the metadata service gave away, and what was asked is noted.
"""

from __future__ import annotations

import contextlib
import hmac
import http.client
import http.server
import json
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.lab.estate import AWS_PORT, GATEWAY
from tests.lab.shell import run

REGION = "eu-west-1"
SERVICES = ("autoscaling", "secretsmanager", "ssm", "s3", "sqs", "sns", "dynamodb", "email")
METADATA_PORT = 8169
"""Of the metadata service on the bridge; the instance itself finds it at the usual address."""
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Asked:
    """One request of the instance."""

    host: str
    method: str
    path: str
    form: dict[str, str]
    """The fields of a form, such as Action."""
    is_signed: bool
    status: int


@dataclass
class Endpoints:
    """What runs while the instance lives: see `served`."""

    certificate: Path
    asked: list[Asked] = field(default_factory=list)
    credentials: dict[str, Credentials] = field(default_factory=dict)
    """By access key: what the metadata service gave away."""

    def actions(self, name: str) -> list[Asked]:
        """The requests for one action of a service that takes forms."""
        return [asked for asked in self.asked if asked.form.get("Action") == name]

    def is_signed(self, method: str, host: str, path: str, headers: dict[str, str], body: bytes) -> bool:
        """Whether the signature is the one that AWS would compute from the same request."""
        algorithm, _, rest = headers.get("authorization", "").partition(" ")
        said = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        access_key, day, region, service, _ = said.get("Credential", "////").split("/")
        if algorithm != "AWS4-HMAC-SHA256" or access_key not in self.credentials or region != REGION:
            return False
        names = said["SignedHeaders"].split(";")
        token_is_signed = "x-amz-security-token" in names
        request = AWSRequest(
            method, f"https://{host}{path}", headers={name: headers[name] for name in names}, data=body
        )
        request.context["timestamp"] = headers["x-amz-date"]
        kind = S3SigV4Auth if service == "s3" else SigV4Auth
        signer = kind(self.credentials[access_key], service, region)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        fits = hmac.compare_digest(signer.signature(text, request), said["Signature"])
        return fits and token_is_signed and headers["x-amz-date"].startswith(day)

    def note_credentials(self, path: str, answer: bytes) -> None:
        """Remember the credentials that the metadata service has just answered with."""
        if "/iam/security-credentials/" in path and answer.startswith(b"{"):
            made = json.loads(answer)
            self.credentials[made["AccessKeyId"]] = Credentials(
                made["AccessKeyId"], made["SecretAccessKey"], made["Token"]
            )


def names(bucket: str) -> list[str]:
    """The host names that an instance uses."""
    return [f"{bucket}.s3.{REGION}.amazonaws.com", *(f"{name}.{REGION}.amazonaws.com" for name in SERVICES)]


@contextmanager
def served(folder: Path, bucket: str) -> Iterator[Endpoints]:
    """AWS under its own names on the bridge, for as long as the block runs."""
    certificate, key = folder / "amazon.crt", folder / "amazon.key"
    alternatives = ",".join(f"DNS:{name}" for name in names(bucket))
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=the lab's Amazon"),
        *("-addext", f"subjectAltName={alternatives}"),
        *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
    )
    endpoints = Endpoints(certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with _listening(endpoints, 443, tls), _listening(endpoints, METADATA_PORT, None):
        yield endpoints


@contextmanager
def _listening(endpoints: Endpoints, port: int, tls: ssl.SSLContext | None) -> Iterator[None]:
    class Handler(_Handler):
        seen = endpoints

    server = http.server.ThreadingHTTPServer((GATEWAY, port), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, name=f"endpoints-{port}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: Endpoints

    def do_GET(self) -> None:
        """Hand the request on, and note it."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        host = headers.get("host", "")
        connection = http.client.HTTPConnection(GATEWAY, AWS_PORT, timeout=TIMEOUT_SECONDS)
        connection.request(self.command, self.path, body, {**headers, "connection": "close"})
        reply = connection.getresponse()
        answer = reply.read()
        connection.close()
        if "x-aws-ec2-metadata-token" in headers:
            self.seen.note_credentials(self.path, answer)
        is_form = "x-www-form-urlencoded" in headers.get("content-type", "")
        form = dict(urllib.parse.parse_qsl(body.decode())) if is_form else {}
        signed = self.seen.is_signed(self.command, host, self.path, headers, body)
        self.seen.asked.append(Asked(host, self.command, self.path, form, signed, reply.status))
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        # An instance that is switched off hears no answer.
        with contextlib.suppress(OSError):
            self.wfile.write(answer)

    do_PUT = do_POST = do_GET  # noqa: N815 - the names that http.server looks for.

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: what was asked is noted."""
