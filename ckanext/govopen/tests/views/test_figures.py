"""The page of the public figures, its CSV and its JSON."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Iterator

import pytest

from ckanext.govopen.domain.figures import Case
from ckanext.govopen.logic.action import figures as action
from ckanext.govopen.tests.portal import Portal


@pytest.fixture
def portal(_one_portal: Portal) -> Iterator[Portal]:
    _one_portal.ready()
    yield _one_portal
    _one_portal.rest()


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Case]]:
    found = [
        Case(department, month, outcome, ground, days)  # type: ignore[arg-type]
        for department, month, outcome, ground, count in [
            ("traffic", "2026-04", "approved", "", 12),
            ("traffic", "2026-05", "refused", "law", 6),
            ("archive", "2026-05", "approved", "", 7),
            ("archive", "2026-06", "refused", "=typed by hand", 3),
            ("archive", "2026-06", "open", "", 5),
            # A quarter with too few, and one that is not closed on that day.
            ("archive", "2026-03", "approved", "", 4),
            ("archive", "2026-07", "approved", "", 30),
            ("traffic", "2025-12", "approved", "", 6),
        ]
        for days in range(count)
    ]
    monkeypatch.setattr(action.cases, "cases", lambda *_: found)
    monkeypatch.setattr(action.cases, "grants", lambda *_: {"traffic": 8, "archive": 2})
    monkeypatch.setattr(
        action.command,
        "now",
        lambda: datetime.datetime(2026, 9, 20, tzinfo=datetime.timezone.utc),
    )
    yield found


def test_without_cases_it_says_so(portal: Portal) -> None:
    page = portal.get("/open/figures")
    assert page.status_code == 200


def test_the_page_shows_tables_and_no_small_number(portal: Portal, many: list[Case]) -> None:
    text = portal.get("/open/figures").get_data(as_text=True)
    assert "<table" in text and "<svg" in text
    assert "2026-04" in text and "2026-07" not in text and "2026-03" not in text
    assert "?period=2025-Q4" in text
    assert "typed by hand" not in text


def test_json_and_csv_say_the_same(portal: Portal, many: list[Case]) -> None:
    figures = json.loads(portal.get("/open/figures.json").get_data(as_text=True))
    assert figures == portal.call("govopen_figures")
    raw = portal.get("/open/figures.csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(raw.removeprefix("\ufeff"))))
    numbers = [int(row["number"]) for row in rows if row["number"] and "days" not in row["column"]]
    assert numbers and min(numbers) >= figures["least"]
    total = next(
        r for r in rows if (r["table"], r["row"], r["column"]) == ("departments", "total", "total")
    )
    assert total["number"] == str(figures["departments"]["total"]["total"])
    assert not any(row["row"].startswith("=") for row in rows)


def test_each_closed_quarter_has_figures_of_its_own(portal: Portal, many: list[Case]) -> None:
    figures = portal.call("govopen_figures")
    assert figures["periods"] == ["2026-Q2", "2025-Q4"]
    assert figures["period"] == {
        "id": "2026-Q2", "first": "2026-04", "last": "2026-06", "as_of": "2026-09-01",
    }  # fmt: skip
    assert figures["departments"]["total"]["total"] == 12 + 6 + 7 + 3 + 5
    before = portal.call("govopen_figures", period="2025-Q4")
    assert before["departments"]["total"]["total"] == 6
    raw = portal.get("/open/figures.csv?period=2025-Q4").get_data(as_text=True)
    assert {row["period"] for row in csv.DictReader(io.StringIO(raw.removeprefix("\ufeff")))} == {
        "2025-Q4"
    }
    for unknown in ("2026-Q1", "2026-Q3", "1999-Q1", "<b>", "x" * 99):
        for page in ("", ".csv", ".json"):
            answer = portal.get(f"/open/figures{page}", query_string={"period": unknown})
            assert answer.status_code == 404, unknown
    assert portal.ask("govopen_figures", {"period": "2026-Q3"}).status_code == 404


def test_grants_are_told_in_steps(portal: Portal, many: list[Case]) -> None:
    """Eight and two: the one in steps of five, the other not at all, and no total tells more."""
    grants = portal.call("govopen_figures")["grants"]
    assert [(row["key"], row["total"]) for row in grants["rows"]] == [("traffic", 5)]
    assert grants["total"]["total"] == 5


def test_departments_and_months_at_once(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        Case(department, f"2026-{month:02d}", outcome, "", 9)  # type: ignore[arg-type]
        for department in ("traffic", "archive", "school")
        for month in (1, 2, 3)
        for outcome in ("approved", "refused")
        for _ in range(3 if (department, month) == ("archive", 2) else 6)
    ]
    monkeypatch.setattr(action.cases, "cases", lambda *_: found)
    monkeypatch.setattr(action.cases, "grants", lambda *_: {})
    crossed = portal.call("govopen_figures")["crossed"]
    assert [column[0] for column in crossed["columns"]] == ["2026-01", "2026-02", "2026-03"]
    assert {row["key"]: row["cells"] for row in crossed["rows"]} == {
        "archive": [12, 6, 12], "school": [12, 12, 12], "traffic": [12, 12, 12],
    }  # fmt: skip
    raw = portal.get("/open/figures.csv").get_data(as_text=True).removeprefix("\ufeff")
    rows = [row for row in csv.DictReader(io.StringIO(raw)) if row["table"] == "crossed"]
    assert len(rows) == 4 * 4
    assert ("archive", "2026-02", "6") in [(r["row"], r["column"], r["number"]) for r in rows]
    page = portal.get("/open/figures").get_data(as_text=True)
    assert 'id="crossed"' in page and "go-cell-bar" in page and "按单位和月份" in page
