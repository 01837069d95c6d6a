from __future__ import annotations

import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.application.scope import (
    Scope,
    Wanted,
    as_wanted,
    check,
    is_empty,
    meet,
    narrowed,
)
from ckanext.govopen.domain.grant import DELIVERIES, Quota

FIRST = datetime.date(2026, 11, 1)
LAST = datetime.date(2026, 12, 31)
ITEMS = ("名称", "地址", "电话")
_REACH = {"on_platform": 0, "interface": 1, "download": 2}

modes = st.lists(st.sampled_from(DELIVERIES), min_size=1, unique=True).map(tuple)
items = st.none() | st.lists(st.sampled_from(ITEMS), min_size=1, unique=True).map(tuple)
days = st.dates(FIRST, LAST)
limits = st.none() | st.integers(1, 9)


@st.composite
def wishes(draw: Any) -> Wanted:
    return Wanted("d", draw(modes), draw(items))


@st.composite
def scopes(draw: Any) -> Scope:
    return Scope(
        "d",
        True,
        draw(items),
        draw(st.none() | modes),
        draw(st.none() | days),
        draw(st.none() | days),
        Quota(draw(limits), draw(limits), draw(limits)),
    )


def within(inner: Scope, outer: Scope) -> bool:
    """Does ``inner`` give nothing that ``outer`` does not?"""
    if not inner.granted:
        return True
    assert inner.delivery and outer.delivery and inner.valid_from and outer.valid_from
    assert inner.valid_to and outer.valid_to
    reach = max(_REACH[mode] for mode in outer.delivery)
    return (
        (outer.items is None or (inner.items is not None and set(inner.items) <= set(outer.items)))
        and all(_REACH[mode] <= reach for mode in inner.delivery)
        and not (inner.items is not None and "download" in inner.delivery)
        and outer.valid_from <= inner.valid_from <= inner.valid_to <= outer.valid_to
        and all(
            limit is None or (got is not None and got <= limit)
            for got, limit in zip(
                vars(inner.quota).values(), vars(outer.quota).values(), strict=True
            )
        )
    )


@given(wishes(), scopes(), scopes())
def test_what_two_grant_is_within_both_and_within_what_was_wanted(
    wanted: Wanted, one: Scope, two: Scope
) -> None:
    whole = as_wanted(wanted, FIRST, LAST)
    full = []
    for scope in (one, two):
        if check(scope, wanted, whole, ()):
            return
        full.append(narrowed(scope, whole))
    both = meet(full[0], full[1])
    assert within(both, full[0])
    assert within(both, full[1])
    assert within(both, Scope("d", True, wanted.items, wanted.delivery, FIRST, LAST)) or (
        wanted.items is not None and wanted.delivery == ("download",)
    )
    assert both.granted is not is_empty(both)
    assert Scope.from_dict(both.as_dict()) == both


def test_nothing_in_common_is_nothing() -> None:
    whole = as_wanted(Wanted("d", ("interface",)), FIRST, LAST)
    one = narrowed(Scope("d", items=("名称",)), whole)
    two = narrowed(Scope("d", items=("地址",)), whole)
    assert not meet(one, two).granted
    early = narrowed(Scope("d", valid_to=FIRST), whole)
    late = narrowed(Scope("d", valid_from=LAST), whole)
    assert not meet(early, late).granted


def test_the_weaker_mode_is_what_two_have_in_common() -> None:
    whole = as_wanted(Wanted("d", ("download", "interface")), FIRST, LAST)
    one = narrowed(Scope("d", delivery=("interface",)), whole)
    two = narrowed(Scope("d", delivery=("on_platform",)), whole)
    assert meet(one, two).delivery == ("on_platform",)
    some = narrowed(Scope("d", items=("名称",)), whole)
    assert some.delivery == ("interface",), "no whole file for some items"
    file = narrowed(Scope("d", delivery=("download",)), whole)
    assert meet(some, file).delivery == ("interface",)
