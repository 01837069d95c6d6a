"""Small things in which CKAN stays CKAN; its own suites say the rest (docs/peers.md)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan import model
from ckan.common import config

from ckanext.govopen.access.labels import person_labels
from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic import working_copy
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.search.document import index_document
from ckanext.govopen.tests.portal import Portal, User, unique


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
    view = portal.call(
        "resource_view_create", department.editor,
        resource_id=file["id"], view_type="datatables_view", title="Rows",
        description="Some **Markdown** <script>x()</script>",
    )  # fmt: skip
    path = f"/en/dataset/{made['id']}/resource/{file['id']}?view_id={view['id']}"
    page = portal.get(path).get_data(as_text=True)
    assert "Some <strong>Markdown</strong>" in page
    assert "<script>x()" not in page


def test_collaborators_count_only_without_a_review_and_for_open_data(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    department, helper = portal.department(), User.make()
    needed = {"open_condition": "实名", "class_reason": "暂不开放"}
    made = {
        kind: portal.dataset(department, open_class=kind, **needed)["id"]
        for kind in ("unconditional", "conditional", "non_open")
    }
    for package_id in made.values():
        model.Session.add(
            model.PackageMember(package_id=package_id, user_id=helper.id, capacity="editor")
        )
    model.Session.commit()

    def seen() -> set[str]:
        found = {
            kind
            for kind, package_id in made.items()
            if portal.ask("package_show", {"id": package_id}, helper).status_code == 200
        }
        labels = set(person_labels(person({"user": helper.name})))
        assert found == {kind for kind in made if f"collaborator-{made[kind]}" in labels}
        return found

    monkeypatch.setitem(config, "ckan.auth.allow_dataset_collaborators", "true")
    assert seen() == set()
    monkeypatch.setitem(config, "ckanext.govopen.review", "off")
    assert seen() == {"unconditional"}
    stranger = portal.ask("package_show", {"id": made["unconditional"]}, User.make())
    assert stranger.status_code == 404
    monkeypatch.setitem(config, "ckan.auth.allow_dataset_collaborators", "false")
    assert seen() == set()


def test_a_document_of_no_dataset_is_indexed_as_it_is_without_a_review(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As other extensions and their tests do; with a review such a document says nothing."""
    made = json.dumps({"id": unique("none"), "title": "Nowhere"})
    given = {**json.loads(made), "data_dict": made, "validated_data_dict": made}
    assert "Nowhere" not in index_document(given).get("title", "")
    monkeypatch.setitem(config, "ckanext.govopen.review", "off")
    assert index_document(given)["title"] == "Nowhere"
