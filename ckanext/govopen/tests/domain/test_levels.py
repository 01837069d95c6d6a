"""Who stands above whom, and for whom an authority decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import EVENT_TYPES
from ckanext.govopen.domain.levels import Levels, Place, apply, decide, may
from ckanext.govopen.domain.refusal import Refused

TOP = "province"
#: A province with a city that has a county, and a department at each level.
UNDER = {"city-health": "city", "county": "city", "county-health": "county"}
AUTHORITY = Actor("pia", duties=frozenset({(TOP, "authority")}), authority=True)
OPERATOR = Actor("oto", operator=True)


def test_the_line_above_a_department() -> None:
    levels = Levels(TOP, UNDER)
    assert levels.seats == {"city", "county"}
    assert levels.line("health") == (TOP,)
    assert levels.line("city-health") == ("city", TOP)
    assert levels.line("county-health") == ("county", "city", TOP)
    # An authority is competent for its own data.
    assert levels.line("city") == ("city", TOP)
    assert levels.nearest("county-health") == "county"
    assert Levels().nearest("health") is None


@pytest.mark.parametrize(
    "own_level, seat, area",
    [
        (False, "city", {"city", "city-health", "county", "county-health"}),
        (False, "county", {"county", "county-health"}),
        (True, "city", {"city", "city-health"}),
        (True, "county", {"county", "county-health"}),
        (False, "health", set()),
        (False, TOP, set()),
    ],
)
def test_the_area_of_an_authority(own_level: bool, seat: str, area: set[str]) -> None:
    assert Levels(TOP, UNDER, own_level).area(frozenset({seat})) == area


def test_where_the_highest_ends() -> None:
    assert Levels(TOP, UNDER).beyond() == frozenset()
    beyond = Levels(TOP, UNDER, own_level=True).beyond()
    assert beyond == {"city", "city-health", "county", "county-health"}
    actor = Actor("pia", authority=True, beyond=beyond)
    assert actor.is_authority_of("health") and not actor.is_authority_of("city-health")


def test_who_may_lift_what_an_authority_did() -> None:
    levels, own = Levels(TOP, UNDER), Levels(TOP, UNDER, own_level=True)
    place = "county-health"
    assert levels.lifted_by("county", place) == ("county", "city", TOP)
    assert levels.lifted_by("city", place) == ("city", TOP)
    assert own.lifted_by("county", place) == ("county",)
    for known in (levels, own):
        assert known.lifted_by(TOP, place) == known.lifted_by(None, place) == (TOP,)
        assert known.lifted_by("gone", "health") == (TOP,)


@pytest.mark.parametrize("before", ["town", "gone"])
def test_what_an_authority_did_is_lifted_after_the_department_has_moved(before: str) -> None:
    """The one that did it sees nothing of the department any more, so it cannot be asked for."""
    levels, own = Levels(TOP, UNDER), Levels(TOP, UNDER, own_level=True)
    assert levels.lifted_by(before, "county-health") == ("county", "city", TOP)
    assert own.lifted_by(before, "county-health") == ("county",)
    # An authority has come in between, and the one above it keeps to its own level.
    assert own.lifted_by("city", "county-health") == ("county",)


def test_nobody_stands_above_the_highest_whatever_the_table_says() -> None:
    """The site has named another highest authority, which had been placed under one before."""
    levels = Levels("city", {**UNDER, "city": "region"})
    assert levels.line("city") == levels.line("city-health") == ("city",)
    assert levels.line("county-health") == ("county", "city")


def test_of_a_circle_nobody_but_the_highest() -> None:
    levels = Levels(TOP, {"a": "b", "b": "a", "c": "a"})
    for one in ("a", "b", "c"):
        assert levels.line(one) == (TOP,)
    assert levels.area(frozenset({"a", "b"})) == frozenset()


@pytest.mark.parametrize(
    "command, actor",
    [
        (Place("health", "city"), Actor("eve")),
        (Place("health", "city"), Actor("cleo", area=frozenset({"health", "city"}))),
        (Place(TOP, "city"), AUTHORITY),
        (Place("health", "health"), AUTHORITY),
        (Place("city", "county"), AUTHORITY),
        (Place("city", "county-health"), AUTHORITY),
        (Place("health", "city", responsible="health"), AUTHORITY),
    ],
)
def test_what_is_refused(command: Place, actor: Actor) -> None:
    with pytest.raises(Refused):
        decide(Levels(TOP, UNDER), command, actor, systems=True)


def test_a_responsible_department_only_where_the_text_knows_one() -> None:
    order = Place("city-health", "city", responsible="health")
    with pytest.raises(Refused):
        decide(Levels(TOP, UNDER), order, AUTHORITY)
    (event,) = decide(Levels(TOP, UNDER), order, AUTHORITY, systems=True)
    after = apply(Levels(TOP, UNDER), event)
    assert after.responsible == {"city-health": "health"} and after.under == UNDER
    # It names a contact and gives no power.
    assert "city-health" not in after.area(frozenset({"health"}))


def test_the_event_holds_what_was_ordered() -> None:
    (event,) = decide(Levels(TOP), Place("health", "city", break_glass="换届"), OPERATOR)
    assert event.type == "level.set" and set(event.payload) <= set(EVENT_TYPES[event.type].fields)
    assert event.payload["break_glass"] == "换届"
    assert decide(Levels(TOP, UNDER), Place("city-health", "city"), AUTHORITY) == []
    # Under the highest one is where a department stands that nobody has placed.
    assert decide(Levels(TOP), Place("health", TOP), AUTHORITY) == []
    (back,) = decide(Levels(TOP, UNDER), Place("county-health", TOP), AUTHORITY)
    assert "county-health" not in apply(Levels(TOP, UNDER), back).under
    assert may(AUTHORITY) and may(OPERATOR) and not may(Actor("eve"))
    with pytest.raises(Refused):
        decide(Levels(), Place("health", "city"), OPERATOR)


NAMES = [TOP, *"abcdef"]


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([None, *NAMES])), max_size=20),
    st.booleans(),
)
def test_whatever_is_ordered_there_is_no_circle(
    orders: list[tuple[str, str | None]], own_level: bool
) -> None:
    levels = Levels(TOP, own_level=own_level)
    for place, above in orders:
        try:
            events = decide(levels, Place(place, above), AUTHORITY)
        except Refused:
            continue
        for event in events:
            levels = apply(levels, event)
    for one in NAMES:
        line = levels.line(one)
        assert line[-1] == TOP and len(set(line)) == len(line)
        # Each authority above decides for it, with own_level the nearest alone.
        deciding = {seat for seat in NAMES if one in levels.area(frozenset({seat}))}
        if one not in levels.beyond():
            deciding.add(TOP)
        assert deciding == set(line[:1] if own_level else line)


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES)), st.booleans())
def test_any_table_has_an_answer(under: dict[str, str], own_level: bool) -> None:
    levels = Levels(TOP, under, own_level)
    for one in NAMES:
        line = levels.line(one)
        assert line[-1] == TOP and len(set(line)) == len(line)
        for seat in NAMES:
            if one in levels.area(frozenset({seat})):
                assert seat in line
