"""docs/capacity.md says what the model reckons, and the model moves with what it models."""

from __future__ import annotations

import pytest

from bench.capacity import PAGE, hops, reckoned, refreshed, simulated
from bench.capacity_hot_sku import SKU, simulate
from orders.domain.ids import OrderId
from orders.domain.inventory import preferred_counter
from orders.domain.request import MAX_LINES


def test_the_reckoned_figures_are_on_the_page() -> None:
    """A changed parameter, item or quota changes the page: run python -m bench.capacity --write."""
    text = PAGE.read_text("utf-8")
    assert text == refreshed(text, reckoned()), "docs/capacity.md is stale: python -m bench.capacity --write"


@pytest.mark.slow
# Five seconds of a processor, which a crowded machine may stretch beyond the usual two minutes.
@pytest.mark.timeout(600)
def test_the_simulated_figures_are_on_the_page() -> None:
    """The simulation has a seed: it gives the same figures on every computer."""
    text = PAGE.read_text("utf-8")
    assert text == refreshed(text, simulated()), "docs/capacity.md is stale: python -m bench.capacity --write"


def test_every_hop_has_a_limit_and_asks_for_something() -> None:
    """And a drop never asks more of a hop than a usual day."""
    for hop in hops():
        assert hop.limit > 0, hop
        assert 0 < hop.drop <= hop.usual, hop
        assert hop.more, hop


def test_the_page_names_the_limit_of_lines() -> None:
    """100 items in a transaction, two of them the order's own."""
    assert f"at most {MAX_LINES} lines" in PAGE.read_text("utf-8")


def test_a_run_is_the_same_every_time_and_another_seed_is_another_run() -> None:
    """Figures that nobody can repeat are anecdotes."""
    assert simulate(500, 4, seconds=0.5) == simulate(500, 4, seconds=0.5)
    assert simulate(500, 4, seconds=0.5) != simulate(500, 4, seconds=0.5, seed=2)


def test_more_counters_serve_more_orders_sooner() -> None:
    """What splitting is for."""
    runs = [simulate(600, counters, seconds=1.0) for counters in (1, 4, 16, 64)]
    assert [run.accepted for run in runs] == sorted(run.accepted for run in runs)
    assert [run.tries for run in runs] == sorted((run.tries for run in runs), reverse=True)
    assert runs[0].gave_up > 0
    assert runs[-1].accepted == runs[-1].orders


def test_nothing_is_oversold_and_the_last_piece_is_sold() -> None:
    """Every order is accounted for; stock ends at zero although the last pieces lie on other counters."""
    run = simulate(400, 8, seconds=1.0, pieces=150)
    assert (run.accepted, run.left) == (150, 0)
    assert run.accepted + run.refused + run.gave_up == run.orders
    assert run.refused > 0


def test_the_simulation_chooses_as_the_product_does() -> None:
    """Ids spread evenly over the counters, by the product's own hash: no counter gets half as much again."""
    run = simulate(2_000, 16, seconds=2.0)
    assert 1.0 <= run.fullest < 1.5
    assert preferred_counter(OrderId("01a204d1-9dab-788f-a155-3fce52aafdfb"), SKU, 16) in range(16)
