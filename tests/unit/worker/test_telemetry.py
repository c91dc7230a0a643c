"""What the worker tells of itself: metrics once a minute, a span per run in its order's trace, signs of life for systemd."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from orders.adapters.sqs import ReceivedMessage
from orders.domain.errors import Poison, Unavailable
from orders.ports import JobMessage
from worker.delivery import Delivery
from worker.job import Job
from worker.retry import Fate
from worker.systemd import notify
from worker.telemetry import Metrics, Tracing, make_tracing

JOB = Job("record", lambda *_: None)
TRACES = [f"{number:032x}" for number in (1, 2)]


def deliveries(count: int) -> list[Delivery]:
    """Messages of as many traces."""
    return [
        Delivery(
            "orders",
            ReceivedMessage(str(n), "{}", "h", 1, datetime(2026, 11, 22, tzinfo=UTC)),
            JobMessage(f"m{n}", "record", {}, order_id=f"o{n}", traceparent=f"00-{TRACES[n]}-{'1' * 16}-01"),
            JOB,
            1e9,
        )
        for n in range(count)
    ]


def test_the_minutes_figures_are_told_by_job_and_by_queue() -> None:
    """Runs, failures by type, retries, quarantined, runtime percentiles; depth, lag, backlog per worker; lost leases."""
    told: list[tuple[dict[str, Any], dict[str, str]]] = []
    metrics = Metrics(lambda values, dimensions: told.append((dict(values), dict(dimensions))))
    for milliseconds in range(100):
        metrics.after(JOB, deliveries(1), milliseconds / 1000)
    metrics.failure(JOB, deliveries(1), 0.1, Unavailable("away"), Fate.RETRY)
    metrics.failure(JOB, deliveries(1), 0.1, Poison("bad"), Fate.QUARANTINE)
    metrics.report({"orders": {"Depth": 7, "LagSeconds": 1.5, "BacklogPerWorker": 3.5}}, leases_lost=2)
    by_dimension = {next(iter(dimensions.items())): values for values, dimensions in told}
    job = {name: value for name, (value, _) in by_dimension["Job", "record"].items()}
    assert job == {
        "JobsDone": 100,
        "Failures.Unavailable": 1,
        "Retries": 1,
        "Failures.Poison": 1,
        "Quarantined": 1,
        "RuntimeP50": 50.0,
        "RuntimeP95": 95.0,
        "RuntimeP99": 99.0,
    }
    assert by_dimension["Queue", "orders"]["BacklogPerWorker"] == (3.5, "None")
    assert by_dimension["Program", "worker"] == {"LeasesLost": (2, "Count")}
    told.clear()
    metrics.report({}, 0)
    assert [dimensions for _, dimensions in told] == [{"Program": "worker"}], (
        "a minute without jobs repeats nothing"
    )


@pytest.fixture
def spans() -> tuple[Tracing, InMemorySpanExporter]:
    """Tracing that keeps its spans."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider.get_tracer("test")), exporter


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    """The one span that ended."""
    (span,) = exporter.get_finished_spans()
    return span


def test_one_message_is_a_span_of_its_orders_trace(spans: tuple[Tracing, InMemorySpanExporter]) -> None:
    """From the browser's request to the commit, one trace."""
    tracing, exporter = spans
    tracing.before(JOB, deliveries(1))
    tracing.after(JOB, deliveries(1), 0.1)
    span = only(exporter)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACES[0]
    assert span.parent is not None
    assert dict(span.attributes or {})["cartwright.order_id"] == "o0"


def test_a_batch_links_to_the_trace_of_each_order(spans: tuple[Tracing, InMemorySpanExporter]) -> None:
    """A transaction for many orders has no one parent."""
    tracing, exporter = spans
    tracing.before(JOB, deliveries(2))
    tracing.failure(JOB, deliveries(2), 0.1, Unavailable("away"), None)
    span = only(exporter)
    assert span.parent is None
    assert [f"{link.context.trace_id:032x}" for link in span.links] == TRACES
    assert not span.status.is_ok


def test_without_an_endpoint_there_is_no_tracing() -> None:
    """Nothing is loaded that nobody reads."""
    assert make_tracing("", "r1") is None


def test_systemd_hears_each_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A datagram each, as sd_notify(3) describes; silence without a socket."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        for state in ("READY=1", "WATCHDOG=1", "STOPPING=1"):
            notify(state)
            assert listener.recv(100) == state.encode()
    notify("WATCHDOG=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")
