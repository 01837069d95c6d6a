"""One source for each data: a code or title that is used already, and nothing of what is hidden."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.tests.portal import AUTHORITY, Department, Portal, User, unique


def told(portal: Portal, reader: User, dataset: dict[str, Any]) -> list[str]:
    return portal.call("govopen_review_show", reader, id=dataset["id"])["warnings"]


def names(warnings: list[str], own: list[dict[str, Any]]) -> set[str]:
    """Which of these datasets are named somewhere."""
    return {one["name"] for one in own if any(one["name"] in text for text in warnings)}


def test_a_code_used_elsewhere_is_pointed_out_and_what_is_hidden_is_not(portal: Portal) -> None:
    here, there = portal.department(), portal.department()
    authority = User.make()
    portal.duty(authority, AUTHORITY, "authority")
    code, title = unique("R").upper(), unique("同名")
    public = portal.released(there, resource_code=code, title=unique("甲"))
    titled = portal.released(there, title=title)
    hidden = portal.dataset(there, resource_code=code, title=title)
    turning = portal.released(there)
    portal.call("package_patch", there.editor, id=turning["id"], resource_code=code, title=title)
    own = portal.dataset(here, resource_code=code, title=unique("乙"))
    mine = portal.dataset(here, resource_code=code, title=title)
    others = [public, titled, hidden, turning, own]
    portal.submit(here, mine["id"])
    assert names(told(portal, here.reviewer, mine), others) == {
        public["name"],
        titled["name"],
        own["name"],
    }
    # The authority sees every record, so it is told of all.
    assert names(told(portal, authority, mine), others) == {one["name"] for one in others}
    # The other department is told as far as it sees: nothing of what is not public yet.
    portal.submit(there, hidden["id"])
    assert names(told(portal, there.reviewer, hidden), [mine, own]) == set()


def test_nothing_is_said_of_what_is_only_alike(portal: Portal) -> None:
    department: Department = portal.department()
    alone = portal.dataset(department, title=unique("独一"))
    portal.dataset(department, resource_code=f"{alone['resource_code']}0", title=alone["title"])
    portal.submit(department, alone["id"])
    assert told(portal, department.reviewer, alone) == []
