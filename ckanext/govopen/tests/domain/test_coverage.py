"""The table of what the portal does for each article is whole, true to the profiles, and fresh."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ckanext.govopen.jurisdictions.coverage import build

from .builders import BUNDLED, JURISDICTIONS, bundled


def codes(regulation: str) -> list[str]:
    return [row.code for row in build.paragraphs(regulation)]


def test_every_regulation_is_covered() -> None:
    assert set(build.REGULATIONS) == set(BUNDLED)
    assert {path.stem for path in JURISDICTIONS.glob("*.yaml")} == set(BUNDLED)


@pytest.mark.parametrize("regulation", BUNDLED)
def test_no_article_is_missing(regulation: str) -> None:
    numbers = {build.article_of(code) for code in codes(regulation)}
    assert numbers == {row.number for row in bundled(regulation).articles}


@pytest.mark.parametrize("regulation", BUNDLED)
def test_the_profile_claims_what_the_table_shows(regulation: str) -> None:
    """An article is done only when each of its paragraphs is."""
    claimed = {row.number: row.state for row in bundled(regulation).articles}
    shown = {number: build.article_state(regulation, number) for number in claimed}
    assert claimed == shown


def test_no_paragraph_stands_twice_under_one_behaviour() -> None:
    seen: set[tuple[str, str, str]] = set()
    for behaviour in build.behaviours():
        for regulation, rows in behaviour.rows.items():
            for code in rows:
                assert (behaviour.id, regulation, code) not in seen
                seen.add((behaviour.id, regulation, code))


def test_every_named_names_a_test() -> None:
    named = {test for behaviour in build.behaviours() for test in behaviour.tests}
    assert len(named) > 50
    assert [test for test in sorted(named) if not build.names_a_test(test)] == []


@pytest.mark.parametrize(
    "name",
    [
        "domain/test_coverage.py",
        "domain/test_coverage.py::test_no_such_thing",
        "domain/test_coverage.py::codes",
        "domain/test_gone.py::test_every_named_test_exists",
        "search/test_found.py::TestRealList::test_no_such_thing",
    ],
)
def test_a_name_without_a_test_is_found(name: str) -> None:
    assert not build.names_a_test(name)
    assert build.names_a_test("domain/test_coverage.py::test_a_name_without_a_test_is_found")


def test_the_table_is_fresh() -> None:
    assert build.TABLE.read_text(encoding="utf-8") == build.table(), (
        "Run: python -m ckanext.govopen.jurisdictions.coverage.build"
    )


def test_codes_are_sorted_as_the_text_has_them() -> None:
    wanted = ["5.1", "5.2a", "5.2b", "10.1", "46.1a", "46.1b", "46(1)", "46(2)a", "46(10)"]
    assert sorted(sorted(wanted), key=build.key) == wanted
    with pytest.raises(build.CoverageError):
        build.key("article 5")


def test_what_is_open_decides_for_the_paragraph() -> None:
    assert build.worst(["people", "done"]) == "done"
    assert build.worst(["done", "not_yet", "data"]) == "not_yet"


def test_paragraphs_are_those_of_the_list_beside_the_repository() -> None:
    """The list of paragraphs is kept outside; where it lies beside the repository, none is lost."""
    path = Path(__file__).parents[4].parent / "shared" / "coverage.csv"
    if not path.is_file():
        pytest.skip("the list of paragraphs (coverage.csv) is not beside this repository")
    wanted: dict[str, set[str]] = {name: set() for name in BUNDLED}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            part = row["paragraph"]
            dot = "" if part.startswith("(") else "."
            wanted[row["regulation"]].add(f"{row['article']}{dot}{part}")
    assert {name: set(codes(name)) for name in BUNDLED} == wanted
