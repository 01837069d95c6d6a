"""Small things in which CKAN stays CKAN; its own suites say the rest (docs/peers.md)."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.common import config

from ckanext.govopen.logic import working_copy
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.tests.portal import Portal, User


@pytest.mark.parametrize("review", ["on", "off"])
def test_an_update_gives_a_class_only_where_it_is_reviewed(portal: Portal, review: str) -> None:
    """Without a review the release claims it, and the write stays what it was."""
    config["ckanext.govopen.review"] = review
    default = jurisdiction.profile().default_class
    assert default is not None
    written: dict[str, Any] = {}
    working_copy._default_class(written, {"title": "no class"})
    assert written == ({"open_class": default.value} if review == "on" else {})
    kept: dict[str, Any] = {}
    working_copy._default_class(kept, {"open_class": "non_open"})
    assert kept == {"open_class": "non_open"}


def test_a_refusal_says_why(portal: Portal) -> None:
    public = portal.released(portal.department())
    answer = portal.request("POST", f"/en/dataset/delete/{public['id']}", User.make())
    assert answer.status_code == 403
    assert "Unauthorized to delete package" in answer.get_data(as_text=True)


def test_the_description_of_a_view_is_formatted(portal: Portal) -> None:
    config["ckanext.govopen.review"] = "off"
    department = portal.department()
    made = portal.dataset(department, private=False)
    file = portal.upload(department.editor, "a\n1\n", package_id=made["id"])
    portal.call(
        "resource_view_create", department.editor,
        resource_id=file["id"], view_type="datatables_view", title="Rows",
        description="Some **Markdown** <script>x()</script>",
    )  # fmt: skip
    page = portal.get(f"/en/dataset/{made['id']}/resource/{file['id']}").get_data(as_text=True)
    assert "Some <strong>Markdown</strong>" in page
    assert "<script>x()" not in page
