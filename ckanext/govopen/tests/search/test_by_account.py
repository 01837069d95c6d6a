"""A release does not say who made the dataset; an account still finds its own."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.tests.portal import Portal, User


def names(portal: Portal, maker: User, asking: User | None, **data: Any) -> set[str]:
    found = portal.call("package_search", asking, fq=f"creator_user_id:{maker.id}", **data)
    return {row["name"] for row in found["results"]}


def test_an_account_finds_what_it_made(portal: Portal) -> None:
    department = portal.department()
    public = portal.released(department)
    hidden = portal.dataset(department)
    maker = department.editor
    every = {"include_private": True}
    assert names(portal, maker, maker) == {public["name"]}
    assert names(portal, maker, maker, **every) == {public["name"], hidden["name"]}
    assert names(portal, maker, portal.operator, **every) == {public["name"], hidden["name"]}
    assert names(portal, User.make(), portal.operator, **every) == set()


def test_others_cannot_ask_by_account(portal: Portal) -> None:
    department = portal.department()
    portal.released(department)
    for asking in (None, User.make(), department.member, portal.department().editor):
        assert names(portal, department.editor, asking) == set()


def test_his_own_page_lists_them(portal: Portal) -> None:
    department = portal.department()
    public = portal.released(department)
    page = portal.get("/dashboard/datasets", department.editor)
    assert page.status_code == 200 and public["title"] in page.get_data(as_text=True)
