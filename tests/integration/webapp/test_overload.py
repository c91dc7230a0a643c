"""More requests than a process can answer: a burst waits in line, those outside are told when to come back, those inside
are finished."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

from werkzeug.test import TestResponse

from tests.integration.webapp.conftest import ShopUnderTest, fill_in, place, put_in_cart
from webapp.overload import Door


def during_a_placing(shop: ShopUnderTest, act: Callable[[], None]) -> None:
    """Let `act` happen, in another thread, while the next order waits for the order API."""

    def meanwhile() -> None:
        shop.order_api.before = None
        other = threading.Thread(target=act)
        other.start()
        other.join()

    shop.order_api.before = meanwhile


def test_overload_sheds_recovers_and_keeps_the_order_that_was_let_in(shop: ShopUnderTest) -> None:
    """503 with Retry-After for pages and clicks alike; the order inside is placed once; then everybody is served again."""
    buyer, late_buyer = shop.client(), shop.client()
    put_in_cart(buyer)
    review = fill_in(buyer)
    put_in_cart(late_buyer)
    late_review = fill_in(late_buyer)
    shop.app.wsgi_app = Door(shop.app.wsgi_app, most=1, in_line=0)  # type: ignore[method-assign]
    turned_away: list[TestResponse] = []
    health: list[int] = []

    def come_too_late() -> None:
        turned_away.extend([shop.client().get("/cart"), place(late_buyer, late_review)])
        health.append(shop.client().get("/healthz").status_code)

    during_a_placing(shop, come_too_late)
    placed = place(buyer, review)

    assert [answer.status_code for answer in turned_away] == [503, 503]
    for answer in turned_away:
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Correlation-Id"]
        assert "nothing was charged" in answer.text
    assert health == [200]
    assert (placed.status_code, len(shop.accepted()), len(shop.charges())) == (303, 1, 1)
    assert buyer.get(placed.location).status_code == 200

    assert place(late_buyer, late_review).status_code == 303
    assert len(shop.accepted()) == len(shop.charges("authorised")) == 2


def test_a_request_that_breaks_leaves_its_place() -> None:
    """Whatever a view raises, the door does not stay shut."""

    def broken(environ: object, start_response: object) -> list[bytes]:
        raise OSError("the connection broke")

    door = Door(broken, most=1, in_line=0)
    for _ in range(3):
        try:
            door({"PATH_INFO": "/", "REQUEST_METHOD": "GET"}, lambda *_: None)  # type: ignore[arg-type]
        except OSError:
            continue
        raise AssertionError("it was turned away")


class _Slow:
    """An application whose requests stay inside until they are let go, one by one."""

    def __init__(self) -> None:
        self.came: queue.Queue[str] = queue.Queue()
        self.may_go = threading.Semaphore(0)

    def __call__(self, environ: dict[str, str], start_response: object) -> list[bytes]:
        self.came.put(environ["PATH_INFO"])
        assert self.may_go.acquire(timeout=60)
        return [b"answered"]


def _asked(door: Door, path: str, answers: queue.Queue[tuple[str, str]]) -> threading.Thread:
    """A request in a thread of its own; its status goes to `answers`, "" when the application gave none."""

    def ask() -> None:
        told = [""]
        door({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, lambda status, *_: told.__setitem__(0, status))  # type: ignore[arg-type, misc]
        answers.put((path, told[0]))

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


class _Line(deque[threading.Event]):
    """A door's line that says when somebody has joined it."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = threading.Semaphore(0)

    def append(self, turn: threading.Event) -> None:
        super().append(turn)
        self.joined.release()


def test_a_burst_waits_in_line_and_is_answered_in_the_order_of_its_arrival() -> None:
    """Nobody is turned away while the line is short, whoever leaves hands on the place, and health never waits."""
    slow, answers = _Slow(), queue.Queue[tuple[str, str]]()
    door = Door(slow, most=1, in_line=2, wait_seconds=60)  # type: ignore[arg-type]
    door._line = line = _Line()
    threads = [_asked(door, "/first", answers)]
    assert slow.came.get(timeout=60) == "/first"
    for path in ("/second", "/third"):
        threads.append(_asked(door, path, answers))
        assert line.joined.acquire(timeout=60)
    threads.append(_asked(door, "/too-late", answers))
    assert answers.get(timeout=60) == ("/too-late", "503 SERVICE UNAVAILABLE")
    threads.append(_asked(door, "/healthz", answers))
    assert slow.came.get(timeout=60) == "/healthz"
    slow.may_go.release(2)
    assert slow.came.get(timeout=60) == "/second"
    slow.may_go.release(2)
    assert slow.came.get(timeout=60) == "/third"
    for thread in threads:
        thread.join(60)
    assert sorted(answers.queue) == [("/first", ""), ("/healthz", ""), ("/second", ""), ("/third", "")]
    assert (door._inside, len(line)) == (0, 0)


def test_who_has_waited_too_long_is_told_to_come_back() -> None:
    """And leaves the line, so that the place goes to somebody who is still there."""
    slow, answers = _Slow(), queue.Queue[tuple[str, str]]()
    door = Door(slow, most=1, in_line=5, wait_seconds=0.01)  # type: ignore[arg-type]
    first = _asked(door, "/first", answers)
    assert slow.came.get(timeout=60) == "/first"
    _asked(door, "/second", answers).join(60)
    assert answers.get(timeout=60) == ("/second", "503 SERVICE UNAVAILABLE")
    slow.may_go.release()
    first.join(60)
    assert (door._inside, len(door._line)) == (0, 0)
