"""A reading call asks once what a person may see; nothing of it is left for the next call."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit
from sqlalchemy import event

from ckanext.govopen.access import sight
from ckanext.govopen.tests.access.site import Site
from ckanext.govopen.tests.portal import Portal


@pytest.fixture(scope="module")
def site(_one_portal: Portal) -> Site:
    return Site.build(_one_portal)


@contextlib.contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements that run meanwhile."""
    seen: list[str] = []
    engine = model.meta.engine

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_one_look_for_one_dataset(site: Site) -> None:
    package_id, _ = site.published()
    name = site.call("package_show", None, id=package_id)["name"]
    model.Session.remove()
    for reference in (package_id, name):
        with statements() as seen:
            site.call("package_show", None, id=reference)
        looks = [one for one in seen if "govopen_dataset" in one and "suspended" in one]
        assert len(looks) == 1, looks
        assert len(seen) <= 8, "\n".join(seen)


def test_the_answer_is_the_persons(site: Site) -> None:
    """Two people in one context, one after the other, and one inside the other's call."""
    package = site.dataset()
    context = site.context("editor")
    assert toolkit.get_action("package_show")(context, {"id": package["id"]})
    context["user"] = site.name("citizen")
    context.pop("auth_user_obj", None)
    with pytest.raises(toolkit.ObjectNotFound):
        toolkit.get_action("package_show")(context, {"id": package["id"]})
    context = site.context("editor")
    with sight.reading(context):
        assert sight.sight(context, package["id"]).visible
        context["user"] = site.name("citizen")
        assert not sight.sight(context, package["id"]).visible


def test_a_write_between_two_calls_is_seen(site: Site) -> None:
    """Even where somebody goes on with the same context."""
    package_id, _ = site.published()
    context = site.context("citizen")
    assert toolkit.get_action("package_show")(context, {"id": package_id})
    site.call("govopen_dataset_suspend", "editor", id=package_id, reason="x")
    with pytest.raises(toolkit.ObjectNotFound):
        toolkit.get_action("package_show")(context, {"id": package_id})
