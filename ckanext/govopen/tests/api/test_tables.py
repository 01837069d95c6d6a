"""Every action reads its parameters by a table, and by nothing else."""

from __future__ import annotations

import ast
import datetime
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from ckan.plugins import toolkit

from ckanext.govopen.logic import action as actions
from ckanext.govopen.logic.schema import handling, review, shared
from ckanext.govopen.logic.schema import parameter as kinds
from ckanext.govopen.logic.schema.nested import (
    Document,
    FlagsByName,
    Records,
    Rows,
    TextsByName,
)
from ckanext.govopen.logic.schema.parameter import Parameter
from ckanext.govopen.logic.schema.table import Table
from ckanext.govopen.logic.schema.values import Errors

#: Names by which actions know what a caller sent.
SENT = {"data_dict", "data"}


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages in English; no request is needed to read parameters."""
    monkeypatch.setattr(toolkit, "_", lambda text: text)


def modules() -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(actions.__path__):
        yield importlib.import_module(f"{actions.__name__}.{info.name}")


def tables() -> dict[str, Table]:
    return {
        name: getattr(module, name).parameters for module in modules() for name in module.__all__
    }


def all_of(parameters: tuple[Parameter, ...]) -> Iterator[Parameter]:
    for one in parameters:
        yield one
        yield from all_of(getattr(one, "of", ()))


def test_every_action_has_a_table() -> None:
    missing = [
        name
        for module in modules()
        for name in module.__all__
        if not isinstance(getattr(getattr(module, name), "parameters", None), Table)
    ]
    assert not missing


@pytest.mark.parametrize("module", list(modules()), ids=lambda one: one.__name__.split(".")[-1])
def test_nothing_is_read_but_by_a_table(module: ModuleType) -> None:
    """No key is taken out of what was sent, and every key that is used is in a table."""
    tree = ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))
    by_hand, used = [], set()
    for node in ast.walk(tree):
        name = value(node)
        if name in SENT:
            by_hand.append(f"line {node.lineno}")  # type: ignore[attr-defined]
        elif name == "given" and isinstance(node, ast.Subscript):
            if isinstance(node.slice, ast.Constant):
                used.add(str(node.slice.value))
        elif name == "given" and isinstance(node, ast.Attribute) and node.attr == "some":
            call = next(
                one for one in ast.walk(tree) if isinstance(one, ast.Call) and one.func is node
            )
            used |= {str(one.value) for one in call.args if isinstance(one, ast.Constant)}
    known = {
        one.name
        for name in module.__all__
        for one in (
            *getattr(module, name).parameters.parameters,
            *getattr(module, name).parameters.one_of,
        )
    }
    assert not by_hand
    # What actions of bodies share is read in a module that others import from.
    assert used <= known | {one.name for one in handling.FORWARD_ANSWER.parameters}


def value(node: ast.AST) -> str:
    """The name whose key or attribute a node takes; nothing for the reading by a table."""
    if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.value, ast.Name):
        return node.value.id
    return ""


def test_every_parameter_says_what_it_is_and_what_may_be_sent() -> None:
    for name, table in tables().items():
        for one in all_of((*table.parameters, *table.one_of)):
            assert one.text and one.name, name
            shape = one.shape()
            jsonschema.Draft202012Validator.check_schema(shape)
        assert len({one.name for one in table.parameters}) == len(table.parameters), name
        jsonschema.Draft202012Validator.check_schema(table.shape())


def test_a_wrong_value_never_gets_further() -> None:
    """Also where only the reference was looked at so far."""
    given = handling.EXTEND.read({"id": "x", "units": "many"}, first=("id",))
    assert given["id"] == "x"
    for name in ("clock", "units", "organization"):
        with pytest.raises(toolkit.ValidationError) as caught:
            given[name]
        assert set(caught.value.error_dict) == {"clock", "reason", "units"}
    with pytest.raises(toolkit.ValidationError):
        given.some("id", "units")
    with pytest.raises(toolkit.ValidationError) as caught:
        handling.EXTEND.read({"units": "many"}, first=("id",))
    assert set(caught.value.error_dict) == {"id"}


def test_unknown_parameters_are_not_looked_at() -> None:
    given = handling.ACCEPT.read({"id": "x", "nobody": {"knows": "this"}})
    assert given["organization"] == ""
    with pytest.raises(KeyError):
        given["nobody"]


MANY = {"instrument": "a", "article": "1", "kind": "law"}
#: A kind, what was sent, and what it is read as; the type of an error in the place of a value.
READ: list[tuple[Parameter, Any, Any]] = [
    (kinds.Text("a", "t"), "  b ", "b"),
    (kinds.Text("a", "t", strip=False), " b ", " b "),
    (kinds.Text("a", "t"), None, ""),
    (kinds.Text("a", "t"), 5, Errors),
    (kinds.Text("a", "t"), "a\x00", Errors),
    (kinds.Text("a", "t", required=True), " ", Errors),
    (kinds.Text("a", "t", most=3), "abcd", Errors),
    (kinds.Id("a", "t"), {"b": 1}, Errors),
    (kinds.Id("a", "t"), "b" * 100_001, Errors),
    (kinds.Secret("a", "t"), " b ", " b "),
    (kinds.Secret("a", "t"), "b" * 1001, Errors),
    (kinds.Day("a", "t"), "2026-11-22", datetime.date(2026, 11, 22)),
    (kinds.Day("a", "t"), "22.11.", Errors),
    (kinds.Day("a", "t", required=True), "", Errors),
    (kinds.Moment("a", "t", required=True), None, Errors),
    (kinds.Moment("a", "t"), "9999-99-99", Errors),
    (kinds.Number("a", "t"), "7", 7),
    (kinds.Number("a", "t"), 7.5, Errors),
    (kinds.Number("a", "t"), -1, Errors),
    (kinds.Number("a", "t"), True, Errors),
    (kinds.Number("a", "t", default=3), None, 3),
    (kinds.Number("a", "t", cap=3), 7, 3),
    (kinds.Number("a", "t", any_sign=True), -7, 0),
    (kinds.Number("a", "t", required=True), "", Errors),
    (kinds.Flag("a", "t"), "yes", True),
    (kinds.Flag("a", "t"), "perhaps", Errors),
    (kinds.Flag("a", "t", strict=True), "yes", Errors),
    (kinds.Flag("a", "t", strict=True, default=True), None, Errors),
    (kinds.Choice("a", "t", known=("b",)), "b", "b"),
    (kinds.Choice("a", "t", known=("b",)), "c", Errors),
    (kinds.Choices("a", "t", known=("b", "c")), "b, c", ["b", "c"]),
    (kinds.Choices("a", "t", known=("b",)), {"b": 1}, Errors),
    (kinds.Texts("a", "t"), "b", ["b"]),
    (kinds.Texts("a", "t"), [1], Errors),
    (kinds.Texts("a", "t", known=("b",)), ["c"], Errors),
    (kinds.Texts("a", "t", or_none=True), None, None),
    (kinds.File("a", "t"), "b", Errors),
    (TextsByName("a", "t"), {"b": "c"}, {"b": "c"}),
    (TextsByName("a", "t"), {"b": 1}, Errors),
    (FlagsByName("a", "t"), {"b": "yes"}, {"b": True}),
    (FlagsByName("a", "t"), {"b": "perhaps"}, Errors),
    (Records("a", "t"), [{"b": 1}], [{"b": 1}]),
    (Records("a", "t", most=1), [{}, {}], Errors),
    (Records("a", "t"), [1], Errors),
    (Document("a", "t"), {"b": 1}, {"b": 1}),
    (Rows("a", "t", of=(kinds.Text("b", "t"),)), [{"b": " c "}], [{"b": "c"}]),
    (Rows("a", "t", of=(kinds.Text("b", "t"),)), [{"c": "c"}], Errors),
    (Rows("a", "t", of=(kinds.Text("b", "t"),), most=1), [{}, {}], Errors),
    (Rows("a", "t", required=True), [], Errors),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "sent", "expected"), READ, ids=lambda one: str(one)[:60])
def test_a_kind_reads(parameter: Parameter, sent: Any, expected: Any) -> None:
    errors = Errors()
    found = parameter.read({"a": sent}, errors)
    if expected is Errors:
        assert list(errors) == ["a"]
    else:
        assert (found, dict(errors)) == (expected, {})


def test_what_is_wrong_in_a_row_is_told_of_the_list_as_a_whole() -> None:
    for rows in ("x", [1], [{"instrument": 5}], [{**MANY, "more": "x"}], {"a": 1}):
        errors = Errors()
        assert shared.BASIS.read({"basis": rows}, errors) == []
        assert dict(errors) == {
            "basis": ["Must be a list of objects with instrument, article and kind."]
        }
    errors = Errors()
    assert shared.BASIS.read({"basis": [{"article": " 1 "}]}, errors) == [
        {"instrument": "", "article": "1", "kind": ""}
    ]
    assert not errors


def test_a_quota_names_itself() -> None:
    for quota in ({"downloads": -1}, {"a": 1}, [], 5):
        errors = Errors()
        shared.QUOTA.read({"quota": quota}, errors)
        assert list(errors) == ["quota"], quota
    assert shared.QUOTA.read({"quota": {"downloads": "2"}}, Errors()) == {
        "downloads": 2,
        "rows_per_day": None,
        "requests_per_day": None,
    }


def test_too_many_decisions() -> None:
    with pytest.raises(toolkit.ValidationError) as caught:
        review.DECIDE.read({"decisions": [{}] * (review.MANY + 1)})
    assert caught.value.error_dict == {"decisions": ["At most 2000 decisions in one call."]}
