"""Metrics and traces of the worker, as middleware: EMF lines once a minute, one span per run linked to the order's trace."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orders.observability import emit_metrics
from worker.delivery import Delivery
from worker.job import Job
from worker.retry import Fate

REPORT_SECONDS = 60.0
_KEPT = 2_000
"""Runtimes of one job kept per minute; beyond that the percentiles are of the first ones."""


class Metrics:
    """Counts runs, failures by type and retries, keeps runtimes, and writes all of it once a minute."""

    def __init__(self, emit: Callable[..., None] = emit_metrics) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._runtimes: dict[str, list[float]] = defaultdict(list)
        self._counts: dict[tuple[str, str], int] = defaultdict(int)

    def before(self, job: Job, deliveries: Sequence[Delivery]) -> None:
        """Nothing to count yet."""

    def after(self, job: Job, deliveries: Sequence[Delivery], seconds: float) -> None:
        """Count the messages that were served."""
        with self._lock:
            self._counts[job.name, "JobsDone"] += len(deliveries)
            if len(self._runtimes[job.name]) < _KEPT:
                self._runtimes[job.name].append(seconds)

    def failure(
        self,
        job: Job,
        deliveries: Sequence[Delivery],
        seconds: float,
        error: BaseException,
        fate: Fate | None,
    ) -> None:
        """Count what failed, and what happens with it."""
        with self._lock:
            self._counts[job.name, f"Failures.{type(error).__name__}"] += 1
            if fate is Fate.RETRY:
                self._counts[job.name, "Retries"] += 1
            elif fate is Fate.QUARANTINE:
                self._counts[job.name, "Quarantined"] += 1

    def report(self, queues: Mapping[str, Mapping[str, float]], leases_lost: int) -> None:
        """Write what gathered since the last time, and how the queues stand."""
        with self._lock:
            runtimes, self._runtimes = self._runtimes, defaultdict(list)
            counts, self._counts = self._counts, defaultdict(int)
        jobs: dict[str, dict[str, tuple[float, str]]] = defaultdict(dict)
        for (job, name), count in counts.items():
            jobs[job][name] = (count, "Count")
        for job, seconds in runtimes.items():
            ordered = sorted(seconds)
            for percent in (50, 95, 99):
                value = ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000
                jobs[job][f"RuntimeP{percent}"] = (round(value, 1), "Milliseconds")
        for job, values in jobs.items():
            self._emit(values, dimensions={"Job": job})
        for queue, facts in queues.items():
            self._emit({name: (value, "None") for name, value in facts.items()}, dimensions={"Queue": queue})
        self._emit({"LeasesLost": (leases_lost, "Count")}, dimensions={"Program": "worker"})


class Tracing:
    """One span per run. A batch has many causes, so the span links to each order's trace instead of having a parent."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer
        self._open = threading.local()

    def before(self, job: Job, deliveries: Sequence[Delivery]) -> None:
        """Begin the span."""
        from opentelemetry import context, trace
        from opentelemetry.trace import Link, SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        reader = TraceContextTextMapPropagator()
        causes = [reader.extract({"traceparent": delivery.message.traceparent}) for delivery in deliveries]
        links = [Link(trace.get_current_span(cause).get_span_context()) for cause in causes]
        span = self._tracer.start_span(
            f"job {job.name}",
            context=causes[0] if len(causes) == 1 else context.Context(),
            kind=SpanKind.CONSUMER,
            links=[link for link in links if link.context.is_valid] if len(causes) > 1 else None,
            attributes={
                "messaging.system": "aws_sqs",
                "messaging.destination.name": deliveries[0].queue,
                "messaging.operation.type": "process",
                "messaging.batch.message_count": len(deliveries),
                "cartwright.order_id": deliveries[0].message.order_id if len(deliveries) == 1 else "",
            },
        )
        self._open.span = span
        self._open.token = context.attach(trace.set_span_in_context(span))

    def after(self, job: Job, deliveries: Sequence[Delivery], seconds: float) -> None:
        """End the span."""
        self._end()

    def failure(
        self,
        job: Job,
        deliveries: Sequence[Delivery],
        seconds: float,
        error: BaseException,
        fate: Fate | None,
    ) -> None:
        """End the span with the error."""
        from opentelemetry.trace import Status, StatusCode

        span = getattr(self._open, "span", None)
        if span is not None:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        self._end()

    def _end(self) -> None:
        from opentelemetry import context

        span = getattr(self._open, "span", None)
        if span is not None:
            context.detach(self._open.token)
            span.end()
            self._open.span = None


def make_tracing(endpoint: str, release: str) -> Tracing | None:
    """Tracing to an OTLP endpoint; None without one, and without the libraries (they are not in every bundle)."""
    if not endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        return None
    resource = Resource.create({"service.name": "cartwright-worker", "service.version": release})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    return Tracing(provider.get_tracer("cartwright.worker"))
