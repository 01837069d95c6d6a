"""The open list as CSV: nothing that somebody wrote is a formula in it."""

from __future__ import annotations

import csv
import io

from ckanext.govopen.tests.portal import Portal, unique


def test_no_column_holds_a_formula(portal: Portal) -> None:
    code = f'=HYPERLINK("https://example.com/{unique()}")'
    made = portal.released(
        portal.department(), resource_code=code, title="@SUM(A1)", theme="+1", license_id="-1"
    )
    answer = portal.get("/open/list.csv")
    assert answer.status_code == 200
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    (row,) = [row for row in rows if row["url"].endswith(made["name"])]
    assert row["resource_code"] == "'" + code
    assert row["title"] == "'@SUM(A1)" and row["theme"] == "'+1"
    for one in rows:
        assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in one.values())
