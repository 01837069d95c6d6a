"""The floor itself: pure, registered, translated."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from ckanext.govopen.domain.event import EVENT_TYPES, Event, EventType

DOMAIN = Path(__file__).parents[2] / "domain"
SOURCES = sorted(DOMAIN.rglob("*.py"))
FORBIDDEN_MODULES = {"ckan", "flask", "sqlalchemy", "os", "time", "random", "secrets", "requests"}
#: Modules of others that the rules may lean on, and which of our files may.
ALLOWED_OTHERS = {
    "yaml": {"profile_text.py"},
    "jsonschema": {"jurisdiction.py"},
    "regex": {"sheet_columns.py"},
    "stdnum": {"organization.py"},
}
CLOCKS = {"now", "today", "utcnow", "time_ns", "urandom", "uuid4", "uuid1"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_imports_nothing_that_is_not_pure(path: Path) -> None:
    import sys

    for node in ast.walk(tree(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            top = name.split(".")[0]
            assert top not in FORBIDDEN_MODULES, f"{path.name} imports {name}"
            if top == "ckanext":
                assert name.startswith("ckanext.govopen.domain"), f"{path.name} imports {name}"
            elif top not in sys.stdlib_module_names:
                assert path.name in ALLOWED_OTHERS.get(top, set()), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_asks_no_clock_and_opens_no_file(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert name not in CLOCKS | {"open", "print"}, f"{path.name}: {name}()"


def test_every_event_that_is_produced_is_registered() -> None:
    produced = set()
    groups = {name.split(".")[0] for name in EVENT_TYPES}
    for path in SOURCES:
        if path.name == "event.py" or path.parent.name == "catalogue":
            continue  # the catalogue makes no events; its field names look like some
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                head, dot, tail = node.value.partition(".")
                if dot and head in groups and tail.isidentifier():
                    produced.add(node.value)
    assert {"review.approved", "grant.given", "duty.taken", "standing.held"} <= produced
    assert produced <= set(EVENT_TYPES)


def test_an_unregistered_event_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="not registered"):
        Event("review.forgotten", {})


def test_a_field_that_nobody_declared_cannot_be_recorded() -> None:
    with pytest.raises(ValueError, match="declares no field phone"):
        Event("review.cancelled", {"dataset": "d", "phone": "12345"})


def test_personal_fields_are_fields() -> None:
    with pytest.raises(ValueError):
        EventType("public", ("a",), personal=("b",))


def messages() -> dict[str, str]:
    found = {}
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "N_":
                found[ast.literal_eval(node.args[0])] = path.name
    return found


def test_every_message_is_translated_with_the_same_places() -> None:
    import re

    place = re.compile(r"%\((\w+)\)s")
    rooms: dict[str, dict[str, Any]] = {}
    for path in (DOMAIN.parent / "i18n").glob("*.yaml"):
        rows = yaml.safe_load(path.read_text(encoding="utf-8")) or []
        rooms[path.stem] = {row["en"]: row for row in rows}
    wanted = set(messages())
    known = {english: row for room in rooms.values() for english, row in room.items()}
    assert wanted <= set(known)
    assert set(rooms["domain"]) <= wanted, "nothing is translated that no rule says"
    for english in wanted:
        row = known[english]
        for language in ("zh_Hans", "zh_Hant"):
            assert sorted(place.findall(row[language])) == sorted(place.findall(english)), english


def test_no_message_reaches_a_refusal_unmarked() -> None:
    """Refusals, reasons and answers take their message from N_ or from a name that holds one."""
    makers = {"refuse", "Refusal", "Reason", "Answer", "Missing"}
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in makers:
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        assert " " not in argument.value, f"{path.name}: {argument.value}"
