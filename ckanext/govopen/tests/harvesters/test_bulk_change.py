"""Datasets changed in sets are, row by row, what ``package_update`` makes of the same records."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.logic import catalogue_import
from ckanext.govopen.logic.bulk import change, create
from ckanext.govopen.tests.harvesters.conftest import Catalogue
from ckanext.govopen.tests.harvesters.test_bulk import everything, records
from ckanext.govopen.tests.harvesters.test_import import record, send
from ckanext.govopen.tests.portal import Refused, unique

PLAIN: dict[str, Any] = {
    "title": "消防栓", "summary": "說明", "keywords": ["消防", "水"], "items": [],
    "share": {"class": "无条件共享"},
    "open": {"open": True}, "cycle": "每月", "issued": "", "license": "",
    "distributions": [
        {"id": "1", "name": "一", "format": "CSV", "url": "https://data.example.org/1.csv",
         "columns": []},
    ],
}  # fmt: skip
MORE = {**PLAIN["distributions"][0], "id": "2", "url": "https://data.example.org/2.csv"}
STRICTER = {**PLAIN, "open": {"open": True, "condition": "僅供研究"}}


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Switches to CKAN's own actions and back."""

    def switch(on: bool) -> None:
        monkeypatch.setattr(catalogue_import, "allowed", (lambda: False) if on else create.allowed)

    yield switch
    switch(False)


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(before=PLAIN, after={**PLAIN, "title": "改了", "keywords": ["水", "新"]}, released=True)
@example(before=PLAIN, after=STRICTER, released=True)
@example(before=STRICTER, after=PLAIN, released=False)
@example(before=PLAIN, after={**PLAIN, "distributions": []}, released=True)
@example(
    before=PLAIN, after={**PLAIN, "distributions": [MORE, *PLAIN["distributions"]]}, released=False
)
@given(before=records, after=records, released=st.booleans())
def test_a_changed_dataset_is_what_package_update_makes(
    catalogue: Catalogue,
    slowly: Any,
    before: dict[str, Any],
    after: dict[str, Any],
    released: bool,
) -> None:
    codes = [f"{unique('K').upper()}/0001" for _ in range(2)]
    slowly(False)
    first = send(catalogue, *(record(catalogue, 1, **{**before, "code": code}) for code in codes))
    if first["new"] != 2:
        return
    for code in codes:
        _by_hand(catalogue, code)
        if released:
            with contextlib.suppress(Refused):  # what chance made may lack what the law wants
                catalogue.portal.approve(catalogue.department, mapping.dataset_name(code))
    answers = []
    for code, slow in zip(codes, (True, False), strict=True):
        slowly(slow)
        answers.append(send(catalogue, record(catalogue, 1, **{**after, "code": code})))
    one, two = (
        {**answer, "run": "", "refused": [wrong["reason"] for wrong in answer["refused"]]}
        for answer in answers
    )
    assert one == two
    if not one["changed"]:
        return  # refused, or not changed at all: nothing was written
    slow_one, fast_one = (everything(code) for code in codes)
    assert slow_one.keys() == fast_one.keys()
    for part, found in slow_one.items():
        assert found == fast_one[part], part


def _by_hand(catalogue: Catalogue, code: str) -> None:
    """A person adds a resource and a field that no record has."""
    name = mapping.dataset_name(code)
    own = {"id": str(uuid.uuid4()), "name": "說明", "url": "https://data.example.org/x.pdf"}
    context: Any = {"ignore_auth": True, "user": catalogue.keeper.name}
    shown = toolkit.get_action("package_show")(context.copy(), {"id": name})
    toolkit.get_action("package_patch")(
        context, {"id": name, "maintainer": "某科", "resources": [*shown["resources"], own]}
    )


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """How many datasets each call of the set writer was given and wrote."""
    calls: dict[str, list[int]] = {"given": [], "written": []}
    change_ = change.Changer.change

    def counting(self: Any, wanted: Any, now: Any) -> Any:
        made = change_(self, wanted, now)
        calls["given"].append(len(wanted))
        calls["written"].append(sum(bool(one.package_id) for one in made.values()))
        return made

    monkeypatch.setattr(change.Changer, "change", counting)
    return calls


def test_a_wrong_record_falls_out_alone(
    catalogue: Catalogue, counted: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the rest of the batch is written in one go."""
    many = [record(catalogue, number) for number in range(1, 7)]
    send(catalogue, *many)
    dataset = mapping.to_dataset

    def wrong(one: Any, *given: Any) -> Any:
        found = dataset(one, *given)
        if one.code == many[2]["code"]:
            found["update_cycle"] = "now and then"
        return found

    monkeypatch.setattr(mapping, "to_dataset", wrong)
    answer = send(catalogue, *({**one, "title": "改了"} for one in many))
    assert answer["changed"] == 5
    assert [one["code"] for one in answer["refused"]] == [many[2]["code"]]
    assert counted == {"given": [6], "written": [5]}
    assert model.Package.get(mapping.dataset_name(many[2]["code"])).title != "改了"  # pyright: ignore


def test_the_database_refuses_one_of_a_batch(
    catalogue: Catalogue, counted: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The halves are tried; nobody else loses anything."""
    many = [record(catalogue, number) for number in range(1, 5)]
    send(catalogue, *many)
    saved = change._saved

    def breaking(one: Any) -> bool:
        result = saved(one)
        if one.change.code == many[1]["code"]:
            one.at.package.name = None
        return result

    monkeypatch.setattr(change, "_saved", breaking)
    answer = send(catalogue, *({**one, "title": "改了"} for one in many))
    assert answer["changed"] == 4 and answer["refused"] == []
    for one in many:
        model.Session.remove()
        found: Any = model.Package.get(mapping.dataset_name(one["code"]))
        assert found.title == "改了" and found.name
