"""How each peer is filled and started: two processes each, acknowledged after the commit where the peer can do so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROCESSES = 2


@dataclass(frozen=True)
class Rig:
    """One peer: the command that enqueues N jobs (N is appended), the commands that serve them, and its environment."""

    name: str
    fill: Sequence[str]
    serve: Sequence[Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)


def rigs(python: Path, redis_url: str, sqs_endpoint: str, sqs_queue_url: str) -> list[Rig]:
    """The four of them. Redis databases are told apart so that no rig finds what another left."""
    on = redis_url.removesuffix("/0")
    tools = python.parent
    celery = [str(tools / "celery"), "-A", "bench.peers.celery_jobs", "worker", "--loglevel", "ERROR"]
    celery += ["--concurrency", str(PROCESSES), "--pool", "prefork", "--without-mingle", "--without-gossip"]
    celery += ["--without-heartbeat"]
    dramatiq = [str(tools / "dramatiq"), "bench.peers.dramatiq_jobs"]
    dramatiq += ["--processes", str(PROCESSES), "--threads", "8", "--use-spawn"]
    rq = [str(tools / "rq"), "worker", "--url", f"{on}/1", "--worker-class", "rq.SimpleWorker"]
    rq += ["--quiet", "bench"]
    fill_celery = [str(python), "-m", "bench.peers.celery_jobs"]
    return [
        Rig(
            "RQ SimpleWorker on Redis",
            [str(python), "-m", "bench.peers.rq_jobs"],
            [rq] * PROCESSES,
            {"BENCH_REDIS": f"{on}/1"},
        ),
        Rig(
            "Dramatiq on Redis, 8 threads",
            [str(python), "-m", "bench.peers.dramatiq_jobs"],
            [dramatiq],
            {"BENCH_REDIS": f"{on}/2"},
        ),
        Rig("Celery on Redis, late ack", fill_celery, [celery], {"BENCH_BROKER": f"{on}/3"}),
        Rig(
            "Celery on the local SQS, late ack",
            fill_celery,
            [celery],
            {
                # kombu takes the endpoint from the broker's URL; the key is any, as the local AWS asks none.
                "BENCH_BROKER": sqs_endpoint.replace("http://", "sqs://test:test@"),
                "BENCH_SQS_QUEUE_URL": sqs_queue_url,
            },
        ),
    ]
