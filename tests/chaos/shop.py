"""One whole shop for one fault: its own database and AWS resources, its programs, and what its stores say afterwards."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from local.aws import LocalAws
from local.mailbox import Mailbox
from local.ports import accepts, any_free
from local.postmark import MESSAGES_FILE
from orders.adapters.payments.test_cards import TestToken
from orders.adapters.rds.models import PaymentAttemptRow, TestCharge, TestProviderCall, TimelineEvent
from orders.doctor.__main__ import open_shop
from orders.doctor.diagnosis import Diagnosis, diagnose
from orders.doctor.reading import read
from orders.domain.ids import OrderId, Sku
from orders.ports import AttemptStatus, PaymentAttempt
from orders.settings import Settings, environment_name
from tests.chaos.programs import Program, start
from tests.lambda_events import http_event
from tests.order_samples import order_body

MUG, PRICE_MINOR, PIECES = Sku("MUG-OAT"), 1500, 100
LOOK_EVERY_SECONDS = 0.25


@dataclass(frozen=True)
class Facts:
    """What became of one order, counted in every store that could hold it twice."""

    events: tuple[str, ...]
    """The book's timeline, without what only the notes say."""
    captures: int
    """Captures in the provider's books."""
    captured_minor: int
    held_minor: int
    """Money that is authorised and neither taken nor let go."""
    mails: tuple[str, ...]
    """Subjects of the e-mails that were accepted for sending."""
    texts: int


@dataclass
class ChaosShop:
    """A shop under a fault. `folder` takes logs and answers."""

    settings: Settings
    aws: LocalAws
    folder: Path
    programs: list[Program] = field(default_factory=list)
    order_ids: list[OrderId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stores, self._tools = open_shop(self.settings)
        self._mailbox = Mailbox(self.aws.mail / MESSAGES_FILE)
        self._tools.inventory.set_up_sku(MUG, PRICE_MINOR, "EUR")
        self._tools.inventory.restock(MUG, PIECES, "first")

    def start(self, program: str, *arguments: Any, failpoint: str = "", **changes: str) -> Program:
        """Start a program with this shop's settings, and a fault in it."""
        environment = {
            **self.aws.client_environment(),
            **{
                environment_name(spec.name): str(value)
                for spec in fields(self.settings)
                if (value := getattr(self.settings, spec.name)) != spec.default
            },
            "CARTWRIGHT_FAILPOINT": failpoint,
            "CARTWRIGHT_LOG_FORMAT": "json",
            **changes,
        }
        log = self.folder / f"{len(self.programs):02}-{program}.log"
        self.programs.append(begun := start(program, environment, log, *arguments))
        return begun

    def close(self) -> None:
        """Kill what still runs and let the stores go."""
        for program in self.programs:
            program.kill()
        self._stores.engine.dispose()

    # --- buying

    def authorised_order(self, quantity: int = 1) -> dict[str, Any]:
        """An order as checkout sends it to the order API: its money is held, the attempt is on record."""
        body = order_body([(MUG, quantity, PRICE_MINOR)])
        order_id, total = OrderId(body["order_id"]), body["total_minor"]
        key = f"{order_id}:authorise:1"
        held = self._tools.payments.authorise(
            order_id=order_id,
            amount_minor=total,
            currency="EUR",
            token=TestToken.APPROVE,
            idempotency_key=key,
            return_url="http://localhost/return",
        )
        attempt = PaymentAttempt(
            key, order_id, "authorise", "test", held.reference, total, "EUR", AttemptStatus.SUCCEEDED,
            self._stores.clock.now(),
        )  # fmt: skip
        with self._tools.book.transaction() as tx:
            tx.add_attempt(attempt)
        body["payment"] = {"provider": "test", "reference": held.reference, "amount_minor": total}
        self.order_ids.append(order_id)
        return body

    def submit(self, *bodies: dict[str, Any], failpoint: str = "", **changes: str) -> Program:
        """Send orders to the Lambda."""
        events = [http_event("/orders", body) for body in bodies]
        return self.start("submit", events, str(self.answers), failpoint=failpoint, **changes)

    @property
    def answers(self) -> Path:
        """What the Lambda answered, one line each."""
        return self.folder / "answers.jsonl"

    def accepted(self) -> int:
        """How many submissions were answered 202."""
        lines = self.answers.read_text("utf-8").splitlines() if self.answers.exists() else []
        return sum(json.loads(line)["statusCode"] == 202 for line in lines)

    def holds_money_for(self) -> list[OrderId]:
        """Orders for which the provider was asked to hold money."""
        with self._stores.engine.connect() as connection:
            return [OrderId(each) for each in connection.scalars(select(TestCharge.order_id).distinct())]

    def holds_stock(self, order_id: OrderId) -> bool:
        """Whether pieces are reserved for an order."""
        found = self._tools.inventory.find_reservation(order_id)
        return found is not None and found.holds_stock

    def serve_order_api(self) -> None:
        """Start the order API, for programs that reach it over HTTP."""
        port = any_free()
        self.settings = replace(
            self.settings, order_api_url=f"http://127.0.0.1:{port}", public_url="http://localhost"
        )
        api = self.start("order_api", port)
        wait_for("the order API listens", lambda: accepts(port), 60, api.said)

    # --- looking

    def diagnosis(self) -> Diagnosis:
        """What the doctor says at this moment, with no time given to settle."""
        return diagnose(lambda: read(self._stores), settle_seconds=0, wait=time.sleep)

    def facts(self, order_id: OrderId) -> Facts:
        """What became of an order."""
        mails = self._mailbox.mails(order_id=order_id)
        with self._stores.engine.connect() as connection:
            charges = connection.execute(
                select(TestCharge.reference, TestCharge.status, TestCharge.amount_minor, TestCharge.captured_minor)
                .where(TestCharge.order_id == order_id)
            ).all()  # fmt: skip
            return Facts(
                events=tuple(
                    connection.scalars(
                        select(TimelineEvent.type)
                        .where(TimelineEvent.order_id == order_id)
                        .order_by(TimelineEvent.version, TimelineEvent.id)
                    )
                ),
                captures=connection.scalar(
                    select(func.count())
                    .select_from(TestProviderCall)
                    .where(
                        TestProviderCall.operation == "capture",
                        TestProviderCall.reference.in_([charge.reference for charge in charges]),
                    )
                )
                or 0,
                captured_minor=sum(charge.captured_minor for charge in charges),
                held_minor=sum(charge.amount_minor for charge in charges if charge.status == "authorised"),
                mails=tuple(sorted(mail.subject for mail in mails if mail.channel == "email")),
                texts=sum(mail.channel == "sms" for mail in mails),
            )

    def open_attempts(self) -> Counter[str]:
        """Provider calls on record whose answer is not."""
        with self._stores.engine.connect() as connection:
            statement = select(PaymentAttemptRow.kind).where(
                PaymentAttemptRow.status == AttemptStatus.PENDING
            )
            return Counter(connection.scalars(statement))

    def is_quiet(self, look: Diagnosis) -> bool:
        """Whether nothing is on its way any more that could still happen twice."""
        waiting = sum(queue.waiting + queue.in_flight for queue in look.look.queues)
        return waiting == 0 and look.look.outbox_waiting == 0

    def describe(self) -> str:
        """Everything that helps to see what went wrong."""
        from orders.doctor.report import as_text

        said = [f"--- {program.log.name}\n{program.said()}" for program in self.programs]
        facts = [f"{order_id}: {self.facts(order_id)}" for order_id in self.order_ids]
        return "\n".join([as_text(self.diagnosis()), *facts, *said])


def wait_for(what: str, is_so: Callable[[], bool], within_seconds: float, tell: Callable[[], str]) -> float:
    """Look again and again until it is so; returns after how many seconds it was. Fails after `within_seconds`."""
    began = time.monotonic()
    while True:
        if is_so():
            return time.monotonic() - began
        if time.monotonic() - began > within_seconds:
            raise AssertionError(f"not within {within_seconds:g} s: {what}\n{tell()}")
        time.sleep(LOOK_EVERY_SECONDS)


def wait_for_all(programs: Sequence[Program], within_seconds: float = 60) -> None:
    """Wait until programs have ended well."""
    for program in programs:
        assert program.death(within_seconds) == 0, program.said()
