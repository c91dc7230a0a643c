"""More requests than a process can answer: a burst waits in line, whoever is further goes first, those outside are told when
to come back, those inside are finished."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from werkzeug.test import TestResponse

from tests.integration.webapp.conftest import ShopUnderTest, fill_in, place, put_in_cart
from webapp.extensions import db
from webapp.overload import Door, door_before
from webapp.page_cache import PageCache
from webapp.waiting_line import Bounds, Rank, Turn, WaitingLine


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
    shop.app.wsgi_app = Door(shop.app.wsgi_app, Bounds(most=1, in_line=0))  # type: ignore[method-assign]
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

    door = Door(broken, Bounds(most=1, in_line=0))
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


class _WatchedLine(WaitingLine):
    """A door's line that says when somebody has joined it."""

    def __init__(self, bounds: Bounds) -> None:
        super().__init__(bounds)
        self.joined = threading.Semaphore(0)

    def ask(self, rank: Rank, now: float) -> Turn | None:
        turn = super().ask(rank, now)
        if turn is not None and turn.called_at is None:
            self.joined.release()
        return turn


def test_a_burst_waits_in_line_and_is_answered_in_the_order_of_its_arrival() -> None:
    """Nobody is turned away while the line is short, whoever leaves hands on the place, and health never waits."""
    slow, answers = _Slow(), queue.Queue[tuple[str, str]]()
    door = Door(slow)  # type: ignore[arg-type]
    door._line = line = _WatchedLine(Bounds(most=1, in_line=2, wait_seconds=60))
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
    assert (line.inside, line.waiting) == (0, 0)


def test_who_has_waited_too_long_is_told_to_come_back() -> None:
    """And leaves the line, so that the place goes to somebody who is still there."""
    slow, answers = _Slow(), queue.Queue[tuple[str, str]]()
    door = Door(slow, Bounds(most=1, in_line=5, wait_seconds=0.01))  # type: ignore[arg-type]
    first = _asked(door, "/first", answers)
    assert slow.came.get(timeout=60) == "/first"
    _asked(door, "/second", answers).join(60)
    assert answers.get(timeout=60) == ("/second", "503 SERVICE UNAVAILABLE")
    slow.may_go.release()
    first.join(60)
    assert (door._line.inside, door._line.waiting) == (0, 0)


def test_who_is_in_the_checkout_goes_before_a_newcomer_who_came_earlier(shop: ShopUnderTest) -> None:
    """Through the shop's own door, which knows them by their carts; nobody is turned away."""
    buyer, late_buyer = shop.client(), shop.client()
    put_in_cart(buyer)
    review = fill_in(buyer)
    put_in_cart(late_buyer)
    came_in: list[str] = []
    inner = shop.app.wsgi_app

    def noted(environ: dict[str, str], start_response: object) -> object:
        came_in.append(environ["PATH_INFO"])
        return inner(environ, start_response)  # type: ignore[arg-type]

    shop.app.wsgi_app = noted  # type: ignore[assignment, method-assign]
    shop.app.wsgi_app = door = door_before(shop.app)  # type: ignore[assignment, method-assign]
    door._line = line = _WatchedLine(Bounds(most=1, wait_seconds=60))
    answers: list[TestResponse] = []
    others = [
        threading.Thread(target=lambda: answers.append(shop.client().get("/search?q=mug"))),
        threading.Thread(target=lambda: answers.append(late_buyer.get("/checkout/details"))),
    ]

    def come_while_another_is_inside() -> None:
        for other in others:
            other.start()
            assert line.joined.acquire(timeout=60)

    during_a_placing(shop, come_while_another_is_inside)
    placed = place(buyer, review)
    for other in others:
        other.join(60)

    assert placed.status_code == 303
    assert [answer.status_code for answer in answers] == [200, 200]
    assert came_in == ["/checkout/place", "/checkout/details", "/search"]


def test_what_lies_ready_in_memory_is_shown_to_everybody_all_the_time(shop: ShopUnderTest) -> None:
    """A full house still shows its windows: the same page costs a place only for whoever has one of their own."""
    buyer, visitor, known = shop.client(), shop.client(), shop.client()
    put_in_cart(buyer)
    review = fill_in(buyer)
    put_in_cart(known)
    shop.app.extensions["cartwright-pages"] = PageCache(now=lambda: 0.0)
    shop.app.wsgi_app = door_before(shop.app, Bounds(most=1, in_line=0))  # type: ignore[method-assign]
    assert visitor.get("/").status_code == 200
    seen: list[int] = []
    during_a_placing(
        shop,
        lambda: seen.extend(
            [visitor.get("/").status_code, known.get("/").status_code, visitor.get("/shop").status_code]
        ),
    )
    place(buyer, review)
    assert seen == [200, 503, 503]


def test_without_a_connection_left_the_answer_is_to_come_back(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it came to that: 503 with Retry-After, and the door lets fewer in (test_waiting_line)."""
    buyer = shop.client()
    put_in_cart(buyer)
    door = door_before(shop.app)
    with shop.app.app_context():
        engine = db.engine
    monkeypatch.setattr(engine.pool, "_timeout", 0.01)
    with ExitStack() as held:
        assert not door._line._is_short()
        for _ in range(2 * shop.app.config["CARTWRIGHT_SETTINGS"].database_pool_size):
            held.enter_context(engine.connect())
        assert door._line._is_short()
        answers = [
            buyer.get("/cart"),
            buyer.get("/checkout/details"),
            shop.client().post("/cart/lines", data={"sku": "MUG-OAT", "quantity": "1"}),
        ]
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
    assert not door._line._is_short()
    assert buyer.get("/cart").status_code == 200
