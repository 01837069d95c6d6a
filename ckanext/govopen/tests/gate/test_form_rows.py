"""What a form sends of rows that nobody has filled in is no row; an empty history is one."""

from __future__ import annotations

import pytest

from ckanext.govopen.tests.portal import Department, Portal


@pytest.fixture
def department(portal: Portal) -> Department:
    return portal.department()


def test_patterns_and_empty_rows_of_the_form_are_left_out(
    portal: Portal, department: Department
) -> None:
    sent = portal.fields(department)
    del sent["info_items"]
    sent |= {
        "info_items-0-name": "編號",
        "info_items-0-type": "C",
        "info_items-0-open": "true",
        "info_items-REPEATING-INDEX0-name": "",
        "info_items-REPEATING-INDEX0-type": "C",
        "legal_basis-0-instrument": "",
        "legal_basis-0-article": " ",
        "legal_basis-0-kind": "",
        "legal_basis-REPEATING-INDEX0-instrument": "",
        "legal_basis-REPEATING-INDEX0-kind": "",
    }
    made = portal.call("package_create", department.editor, **sent)
    assert [item["name"] for item in made["info_items"]] == ["編號"]
    assert not made.get("legal_basis")


def test_a_dataset_without_a_release_has_an_empty_history(
    portal: Portal, department: Department
) -> None:
    made = portal.dataset(department)
    assert portal.call("govopen_release_list", department.editor, id=made["id"]) == []
    page = portal.get(f"/open/dataset/{made['name']}/releases", department.editor)
    assert page.status_code == 200


def test_the_review_says_what_is_missing_by_its_name(
    portal: Portal, department: Department
) -> None:
    made = portal.dataset(department, share_class="")
    review = portal.call("govopen_review_show", department.editor, id=made["id"])
    (missing,) = review["missing"]
    assert missing["field"] == "share_class" and missing["demand"]["zh_Hans"] == "共享属性"
    page = portal.get(f"/open/review/{review['id']}", department.editor).get_data(as_text=True)
    assert "共享属性" in page and f"/dataset/edit/{made['name']}#field-share_class" in page
