"""Which warehouse sends what: few parcels, the nearest place, and never a piece that is not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.errors import Refused
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import MAIN
from orders.domain.warehouses import (
    MOST_WAREHOUSES,
    ONLY_MAIN,
    SkuStock,
    Warehouse,
    allocate,
    checked_list,
    is_warehouse_code,
    order_of_choice,
)

ORDER = OrderId("01890a5d-ac96-774b-bcce-b302099a8057")
CUP, POT, LID = Sku("CUP"), Sku("POT"), Sku("LID")
BERLIN, HAMBURG, WIEN = (
    Warehouse(MAIN, "Berlin"),
    Warehouse("north", "Hamburg", ("DK", "SE")),
    Warehouse("south", "Wien", ("AT", "IT")),
)


def stock(**pieces: int) -> SkuStock:
    return SkuStock(list(pieces), list(pieces.values()))


def places(
    wanted: dict[Sku, int], shelves: dict[Sku, SkuStock], choice: tuple[str, ...]
) -> dict[str, dict[str, int]]:
    """SKU -> warehouse -> pieces."""
    chosen = allocate(ORDER, wanted, shelves, choice)
    assert chosen is not None
    found: dict[str, dict[str, int]] = {}
    for sku, parts in chosen.items():
        for counter, count in parts:
            at = found.setdefault(sku, {})
            at[shelves[sku].places[counter]] = at.get(shelves[sku].places[counter], 0) + count
    return found


def test_the_shopper_s_country_comes_first_then_the_shop_s_own_order() -> None:
    known = (BERLIN, HAMBURG, WIEN)
    assert order_of_choice(known, "IT") == ("south", "main", "north")
    assert order_of_choice(known, "SE") == ("north", "main", "south")
    assert order_of_choice(known, "FR") == ("main", "north", "south")


def test_one_parcel_from_further_away_beats_two_from_near() -> None:
    shelves = {CUP: stock(main=5, south=5), POT: stock(south=1)}
    assert places({CUP: 1, POT: 1}, shelves, ("main", "south")) == {CUP: {"south": 1}, POT: {"south": 1}}


def test_the_nearest_of_those_that_have_everything_sends_it() -> None:
    shelves = {CUP: stock(main=5, north=5, south=5)}
    assert places({CUP: 2}, shelves, ("south", "main", "north")) == {CUP: {"south": 2}}


def test_what_no_place_has_whole_comes_in_as_few_parcels_as_are_seen() -> None:
    shelves = {CUP: stock(main=1, south=1), POT: stock(south=1), LID: stock(main=1)}
    assert places({CUP: 1, POT: 1, LID: 1}, shelves, ("main", "south")) == {
        CUP: {"main": 1},
        LID: {"main": 1},
        POT: {"south": 1},
    }


def test_a_line_that_nobody_has_whole_is_gathered_from_the_fullest() -> None:
    shelves = {CUP: stock(main=2, north=1, south=4)}
    assert places({CUP: 5}, shelves, ("main", "north", "south")) == {CUP: {"south": 4, "main": 1}}


def test_a_place_that_the_list_no_longer_names_still_sends_what_lies_there() -> None:
    assert places({CUP: 1}, {CUP: stock(attic=1)}, ("main",)) == {CUP: {"attic": 1}}


def test_too_few_in_all_places_together_is_nothing() -> None:
    assert allocate(ORDER, {CUP: 4}, {CUP: stock(main=1, north=2)}, ("main", "north")) is None
    assert allocate(ORDER, {CUP: 1}, {}, ("main",)) is None


_codes = st.sampled_from(["main", "north", "south"])
_shelves = st.lists(st.tuples(_codes, st.integers(0, 9)), min_size=1, max_size=8).map(
    lambda parts: SkuStock([place for place, _ in parts], [count for _, count in parts])
)


@given(
    st.dictionaries(st.sampled_from([CUP, POT, LID]), st.tuples(_shelves, st.integers(1, 20)), min_size=1),
    st.permutations(["main", "north", "south"]),
)
def test_every_piece_is_there_and_every_order_that_can_be_had_is(
    given_skus: dict[Sku, tuple[SkuStock, int]], choice: list[str]
) -> None:
    """Exactly what is wanted, never more than a counter has, and None only when a SKU is short in all places together."""
    shelves = {sku: shelf for sku, (shelf, _) in given_skus.items()}
    wanted = {sku: quantity for sku, (_, quantity) in given_skus.items()}
    chosen = allocate(ORDER, wanted, shelves, choice)
    if any(sum(shelves[sku].available) < quantity for sku, quantity in wanted.items()):
        assert chosen is None
        return
    assert chosen is not None
    for sku, quantity in wanted.items():
        parts = chosen[sku]
        assert sum(count for _, count in parts) == quantity
        assert len({counter for counter, _ in parts}) == len(parts)
        assert all(0 < count <= shelves[sku].available[counter] for counter, count in parts)
    if any(all(shelves[sku].at(place) >= n for sku, n in wanted.items()) for place in choice):
        used = {shelves[sku].places[counter] for sku, parts in chosen.items() for counter, _ in parts}
        assert len(used) == 1, "one parcel was possible"


@pytest.mark.parametrize("code", ["", "Main", "0north", "a b", "x" * 17, "north/1", "nörd"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert not is_warehouse_code(code)
    with pytest.raises(Refused, match="no code"):
        checked_list([*ONLY_MAIN, Warehouse(code, "?")])


def test_a_list_keeps_the_main_warehouse_and_each_code_once() -> None:
    assert checked_list([HAMBURG, BERLIN]) == (HAMBURG, BERLIN)
    for wrong in (
        [HAMBURG],
        [BERLIN, BERLIN],
        [BERLIN, *(Warehouse(f"w{n}", "") for n in range(MOST_WAREHOUSES))],
    ):
        with pytest.raises(Refused):
            checked_list(wrong)
