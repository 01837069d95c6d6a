"""Datasets written in sets are, row by row, what CKAN's own actions make of the same records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib.search.common import make_connection
from ckan.logic import package_show_default_and_custom_schemas
from ckan.plugins import toolkit
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.domain import internal
from ckanext.govopen.logic import catalogue_import, gate, snapshot
from ckanext.govopen.logic.bulk import create
from ckanext.govopen.tests.harvesters.conftest import Catalogue
from ckanext.govopen.tests.harvesters.test_import import record, send
from ckanext.govopen.tests.portal import unique

#: Columns that differ between two datasets whatever wrote them.
MOMENTS = frozenset(
    """metadata_created metadata_modified created opened_at changed_at at first_seen gathered
    fetch_started fetch_finished import_started import_finished""".split()  # noqa: SIM905
)
VARYING = ("last_modified", "decided_at", "submitted_at", "ended_at", "_fingerprint")
SEALED = frozenset({"salts", "digests", "hash", "fingerprint"})
MOVING = frozenset(
    """govopen_fingerprint index_id site_id _version_ indexed_ts data_date permission_labels
    metadata_created metadata_modified data_dict validated_data_dict""".split()  # noqa: SIM905
)


def rows(table: Any, condition: Any, order: Any) -> list[dict[str, Any]]:
    found = model.Session.execute(sa.select(table).where(condition).order_by(order))
    return [
        {
            # Whether something was done or approved is the same, when and of what is not.
            key: bool(value) if key.endswith(VARYING) else value
            for key, value in row._mapping.items()
            if key not in MOMENTS | SEALED
        }
        for row in found
    ]


def everything(code: str) -> dict[str, Any]:
    """All that the database and the index have of a record's dataset, without its own names."""
    model.Session.remove()
    package: Any = model.Package.get(mapping.dataset_name(code))
    assert package is not None
    read = snapshot.working({}, package.id)
    row: Any = gate.extra_row(package.id)
    assert row.fingerprint == read.fingerprint
    tables = model.meta.metadata.tables
    govopen = toolkit.BaseModel.metadata.tables
    review = rows(
        govopen["govopen_review"], govopen["govopen_review"].c.package_id == package.id, "opened_at"
    )
    events = govopen["govopen_event"]
    document = indexed(package.id)
    default, _ = package_show_default_and_custom_schemas({"ignore_auth": True}, package.id)
    if package.private:  # else it is the release's
        assert plain(document["data_dict"]) == plain(default)
        assert plain(document["validated_data_dict"]) == plain(read.fields)
    taken = model.package_tag_table.join(model.tag_table)
    found = {
        "package": rows(tables["package"], tables["package"].c.id == package.id, "id"),
        "resource": rows(
            tables["resource"],
            tables["resource"].c.package_id == package.id,
            sa.text("position, url, name"),  # a deleted one keeps its place
        ),
        "tag": [
            tuple(tag)
            for tag in model.Session.execute(
                sa.select(model.tag_table.c.name, model.package_tag_table.c.state)
                .select_from(taken)
                .where(model.package_tag_table.c.package_id == package.id)
                .order_by(model.tag_table.c.name)
            )
        ],
        "member": [
            {key: value for key, value in member.items() if key != "id"}
            for member in rows(tables["member"], tables["member"].c.table_id == package.id, "id")
        ],
        "extra": rows(
            govopen["govopen_dataset"],
            govopen["govopen_dataset"].c.package_id == package.id,
            "package_id",
        ),
        "review": review,
        "release": [
            {key: value for key, value in one.items() if key not in ("id", "data", "released_at")}
            for one in rows(
                govopen["govopen_release"],
                govopen["govopen_release"].c.package_id == package.id,
                "version",
            )
        ],
        "location": [
            {key: value for key, value in one.items() if key != "id"}
            for one in rows(
                govopen["govopen_location"],
                govopen["govopen_location"].c.package_id == package.id,
                "url",
            )
        ],
        "events": [
            {
                **{key: value for key, value in event.items() if key not in ("id", "previous")},
                "payload": {k: v for k, v in event["payload"].items() if k != "fingerprint"},
            }
            for event in rows(events, events.c.payload["dataset"].astext == package.id, events.c.id)
        ],
        "record": [
            dict(one)
            for one in rows(
                govopen["govopen_record"],
                govopen["govopen_record"].c.package_id == package.id,
                "code",
            )
        ],
        "object": [
            {key: value for key, value in one.items() if key != "id"}
            for one in rows(
                tables["harvest_object"],
                tables["harvest_object"].c.package_id == package.id,
                "current",
            )
        ],
        "document": {key: value for key, value in document.items() if key not in MOVING},
    }
    text = json.dumps(found, default=str, ensure_ascii=False, sort_keys=True)
    names = [(package.id, "PACKAGE"), (package.name, "NAME"), (code, "CODE")]
    names += [(one["id"], f"REVIEW{n}") for n, one in enumerate(review)]
    names += [(one["id"], f"RESOURCE{n}") for n, one in enumerate(found["resource"])]
    for own, neutral in names:
        text = text.replace(own, neutral)
    return json.loads(text)


def indexed(package_id: str) -> dict[str, Any]:
    """The document of a dataset, its stored dicts read."""
    (found,) = make_connection(decode_dates=False).search(f'id:"{package_id}"', fl="*").docs
    stored = {name: json.loads(found[name]) for name in ("data_dict", "validated_data_dict")}
    return {**found, **stored}


def plain(shown: dict[str, Any]) -> dict[str, Any]:
    """A dataset's dict as the index has it: without internal fields, extras by name."""
    kept = {
        key: value
        for key, value in shown.items()
        if key not in internal.DATASET and key != "with_custom_schema" and value != []
    }
    extras = [one for one in shown.get("extras") or [] if one["key"] not in internal.DATASET]
    # Some of CKAN's readings leave out a column of a resource that holds nothing, some do not.
    resources = [
        {key: value for key, value in one.items() if value is not None}
        for one in shown.get("resources") or []
    ]
    return {
        **kept,
        "extras": sorted(extras, key=lambda one: one["key"]),
        "resources": resources,
    }


words = st.text(st.sampled_from("消防栓位置 資料-_.,、AbZ09é𠮷"), min_size=1, max_size=12)
records = st.fixed_dictionaries(
    {
        "title": words.filter(str.strip),
        "summary": words | st.just(""),
        "keywords": st.lists(words, max_size=4),
        "items": st.lists(
            st.fixed_dictionaries(
                {
                    "name": words.filter(str.strip),
                    "type": st.sampled_from(["C", "N", "日期型D", ""]),
                },
                optional={"open": st.booleans()},
            ),
            max_size=3,
        ),
        "share": st.sampled_from(
            [{}, {"class": "有条件共享", "condition": "限内部"}, {"class": "不予共享"}]
        ),
        "open": st.sampled_from(
            [{"open": True}, {"open": True, "condition": "僅供研究"}, {"open": True}]
        ),
        "cycle": st.sampled_from(["每月", "", "怪"]),
        "issued": st.sampled_from(["2020-01-01", "", "2020/2/3"]),
        "license": st.sampled_from(["", "other-open", "cc-by", "no-such-licence"]),
        "distributions": st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.sampled_from(["1", "2", "3"]),
                    "name": words | st.just(""),
                    "format": st.sampled_from(["CSV", "xlsx", "", "怪"]),
                    "url": st.sampled_from(
                        [
                            "https://data.example.org/一.csv",
                            "http://10.0.0.1/x",
                            "",
                            "https://data.example.org/a b",
                            "ftp://data.example.org/x",
                        ]
                    ),
                    "columns": st.just([]),
                }
            ),
            max_size=2,
        ),
    }
)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Switches to CKAN's own actions and back."""

    def switch(on: bool) -> None:
        monkeypatch.setattr(catalogue_import, "allowed", (lambda: False) if on else create.allowed)

    yield switch
    switch(False)


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(fields=records)
def test_a_new_dataset_is_what_package_create_makes(
    catalogue: Catalogue, slowly: Any, fields: dict[str, Any]
) -> None:
    codes = [f"{unique('K').upper()}/0001" for _ in range(2)]
    answers = []
    for code, slow in zip(codes, (True, False), strict=True):
        slowly(slow)
        answers.append(send(catalogue, record(catalogue, 1, **{**fields, "code": code})))
    first, second = (
        {**answer, "run": "", "refused": [one["reason"] for one in answer["refused"]]}
        for answer in answers
    )
    assert first == second
    if not first["new"]:
        return
    assert everything(codes[0]) == everything(codes[1])


def test_a_record_that_the_validators_refuse_falls_out_alone(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And costs the others nothing: the batch is written in one go."""
    calls: list[int] = []
    made = create.Creator.create

    def counted(*given: Any) -> Any:
        calls.append(1)
        return made(*given)

    monkeypatch.setattr(create.Creator, "create", counted)
    many = [record(catalogue, number) for number in range(1, 9)]
    dataset = mapping.to_dataset

    def wrong(one: Any, *given: Any) -> Any:
        found = dataset(one, *given)
        if one.code == many[2]["code"]:
            found["update_cycle"] = "now and then"
        return found

    monkeypatch.setattr(mapping, "to_dataset", wrong)
    answer = send(catalogue, *many)
    assert answer["new"] == 7
    assert [one["code"] for one in answer["refused"]] == [many[2]["code"]]
    assert "now and then" in answer["refused"][0]["reason"]
    assert calls == [1]


def test_a_name_that_is_taken_is_left_to_ckan(catalogue: Catalogue) -> None:
    taken = record(catalogue, 1)
    portal = catalogue.portal
    portal.dataset(catalogue.department, name=mapping.dataset_name(taken["code"]))
    answer = send(catalogue, taken, record(catalogue, 2))
    assert answer["new"] == 1
    assert [one["code"] for one in answer["refused"]] == [taken["code"]]


def test_the_database_refuses_one_of_a_batch(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another consumer makes the same dataset between the question and the answer."""
    one = record(catalogue, 1)
    send(catalogue, one)
    package: Any = model.Package.get(mapping.dataset_name(one["code"]))
    held = str(package.id)
    monkeypatch.setattr(create, "_new_id", lambda: next(ids))
    ids = iter(["a" * 8 + unique("x"), held, *(unique("id") for _ in range(50))])
    answer = send(catalogue, *(record(catalogue, number) for number in range(2, 6)))
    assert answer["new"] == 4 and answer["refused"] == []


def test_what_one_has_changed_meanwhile_is_read_again(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the commit and the index somebody has saved the dataset."""
    one = record(catalogue, 1)
    name = mapping.dataset_name(one["code"])
    finish = catalogue_import.command.finish

    def meanwhile(context: Any) -> None:
        finish(context)
        if model.Package.get(name) is not None and not done:
            done.append(1)
            toolkit.get_action("package_patch")(
                {"ignore_auth": True, "user": catalogue.keeper.name},
                {"id": name, "title": "改了"},
            )

    done: list[int] = []
    monkeypatch.setattr(catalogue_import.command, "finish", meanwhile)
    send(catalogue, one)
    assert done
    document = indexed(model.Package.get(name).id)  # pyright: ignore[reportOptionalMemberAccess]
    assert document["data_dict"]["title"] == "改了"


def test_sets_are_not_written_where_somebody_would_be_passed_over(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert create.allowed()
    monkeypatch.setitem(toolkit.config, "ckanext.govopen.review", "off")
    assert not create.allowed()
    assert send(catalogue, record(catalogue, 1))["new"] == 1
