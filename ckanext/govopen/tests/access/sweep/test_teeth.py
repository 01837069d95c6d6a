"""The sweep can fail: with any guard switched off it does, and so it does on plain CKAN."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ckan import authz, logic, plugins
from ckan.common import config
from ckan.lib import search
from ckan.lib.search.common import make_connection

from ckanext.govopen.tests.access.sweep import asks, guards, share
from ckanext.govopen.tests.access.sweep.guards import GUARDS, Guard
from ckanext.govopen.tests.access.sweep.share import Task
from ckanext.govopen.tests.access.sweep.sweep import Sweep, action
from ckanext.govopen.tests.access.sweep.world import World
from ckanext.govopen.tests.portal import application, load_plugins


@pytest.fixture
def undone() -> Iterator[None]:
    """Whatever a test has switched off is on again afterwards."""
    yield
    logic.clear_actions_cache()
    authz.clear_auth_functions_cache()
    make_connection().delete(q='index_id:"late-document-of-the-sweep"', commit=True)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_a_guard_something_gets_out(
    undone: None, monkeypatch: pytest.MonkeyPatch, world: World, guard: Guard
) -> None:
    before = guards.run(guard, world)
    assert not before.findings, before.report()
    with monkeypatch.context() as patch:
        guard.off(patch, world)
        without = guards.run(guard, world)
    assert without.findings, f"{guard.name}: {without.requests} rows saw nothing"


def test_shared_among_processes_it_bites_as_well(
    undone: None, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    """What a process finds is found, and one that breaks down is no process without findings."""
    guard = next(guard for guard in GUARDS if guard.name == "tag_list")
    tasks = [Task(guard.actor, row) for row in guard.rows(world)]
    before, without = Sweep(world), Sweep(world)
    share.run(before, tasks, 2)
    assert (before.requests, before.findings) == (len(tasks), [])
    with monkeypatch.context() as patch:
        guard.off(patch, world)
        share.run(without, tasks, 2)
    assert without.findings and without.requests == len(tasks)

    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(Task, "run", broken)
    with pytest.raises(AssertionError, match="out of order"):
        share.run(Sweep(world), tasks, 2)


#: CKAN's surfaces of which the map says that they leak; the sweep must see each of them do it.
LEAKING = {
    "package_show",
    "tag_list",
    "tag_search",
    "member_list",
    "resource_search",
    "format_autocomplete",
    "package_list",
    "user_list",
    "user_show",
    "datastore_search",
    "resource_view_list",
    "package_activity_list",
    "harvest_source_list",
    "harvest_object_list",
    "harvest_object_show",
}


@pytest.fixture
def stock(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The same database under CKAN without the extension, its index made by CKAN."""
    usual = plugins.toolkit.aslist(config["ckan.plugins"])
    ours = (
        "govopen", "govopen_index", "govopen_spreadsheet", "govopen_exchange", "govopen_ckan",
    )  # fmt: skip
    theirs = ("scheming_datasets", "scheming_organizations")  # forms with our validators
    config["ckan.plugins"] = [name for name in usual if name not in (*ours, *theirs)]
    # As CKAN comes: the portal's own settings close some of this by themselves.
    config["ckan.auth.public_user_details"] = True
    monkeypatch.setattr(world.portal, "_app", application())
    search.rebuild(force=True)
    yield world
    config["ckan.plugins"] = usual
    load_plugins()
    search.rebuild(force=True)


@pytest.mark.long
def test_stock_ckan_leaks(stock: World) -> None:
    """The same rows against CKAN alone find what the map says."""
    sweep = Sweep(stock)
    rows = []
    for name in sorted(LEAKING):
        if name in asks.SPECIAL:
            rows += [action(name, data) for data in asks.SPECIAL[name](stock)]
    for reference in stock.references("dataset"):
        rows.append(action("package_show", {"id": reference}))
        rows.append(action("package_activity_list", {"id": reference}))
    for reference in stock.references("resource"):
        rows.append(action("resource_view_list", {"id": reference}))
    rows += [action("user_show", {"id": reference}) for reference in stock.references("user")]
    rows += [action("harvest_object_show", {"id": reference}) for reference in stock.objects]
    rows.append(action("package_list"))
    sweep.rows(["anonymous"], rows)
    leaking = {found.ask.surface for found in sweep.findings if "shows" in found.problem}
    assert leaking >= LEAKING, LEAKING - leaking
