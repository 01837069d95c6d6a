"""The guards, each with the way to switch it off: only tests can, by putting something else there.

There is no such switch in the extension, so none can be left on by mistake or set by anybody. A
guard here is a place without which something would get out; :data:`GUARDS` names each with the rows
of the sweep that show it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from ckan import authz, logic
from ckan.common import config
from ckan.plugins import plugin_loaded

from ckanext.govopen.access import (
    auth,
    datastore,
    harvest,
    lists,
    people,
    references,
    routes,
    show,
)
from ckanext.govopen.access.labels import PUBLIC
from ckanext.govopen.access.policy import Access, Sight
from ckanext.govopen.logic import search as searching
from ckanext.govopen.search import query
from ckanext.govopen.tests.access.sweep import asks
from ckanext.govopen.tests.access.sweep.sweep import Ask, Sweep, action, page
from ckanext.govopen.tests.access.sweep.world import World

Patch = pytest.MonkeyPatch
Rows = Callable[[World], Sequence[Ask]]
Pairs = Callable[[World], Sequence["tuple[Ask, Ask, dict[str, str]]"]]
_ALL = Access(Sight.WORKING, True, "switched off")


def renew() -> None:
    """CKAN keeps the wrapped actions and authorisations; they are made anew."""
    logic.clear_actions_cache()
    authz.clear_auth_functions_cache()
    assert plugin_loaded("govopen")


def _pass(next_action: Any, context: Any, data_dict: Any) -> Any:
    return next_action(context, data_dict)


def handler(table: dict[str, Any], *names: str) -> Callable[[Patch, World], None]:
    """Lets CKAN's own action answer."""

    def off(patch: Patch, world: World) -> None:
        for name in names:
            patch.setitem(table, name, _pass)
        renew()

    return off


@dataclass(frozen=True)
class Guard:
    """One guard: its name, how it is switched off, and rows that then fail for ``actor``.

    ``pairs`` are rows that must be answered alike, for guards that hide that something exists.
    """

    name: str
    off: Callable[[Patch, World], None]
    rows: Rows = lambda world: ()
    actor: str = "anonymous"
    pairs: Pairs = lambda world: ()


def _references(patch: Patch, world: World) -> None:
    patch.setattr(references.Hiding, "hide", lambda self, data, takes, content: data)


def _circles(patch: Patch, world: World) -> None:
    from ckanext.govopen.access import actions

    patch.setattr(actions, "in_circle", lambda who, circle: True)
    patch.setattr(routes, "in_circle", lambda who, circle: True)


def _route_guard(patch: Patch, world: World) -> None:
    functions = world.portal.app.before_request_funcs
    kept = [function for function in functions[None] if function is not routes.guard]
    assert len(kept) == len(functions[None]) - 1
    patch.setitem(functions, None, kept)


def _content_routes(patch: Patch, world: World) -> None:
    """Downloads and dumps for whoever sees the description."""

    def anybody(context: Any, resource_id: str | None) -> Any:
        from ckanext.govopen.access.facts import resource_package

        found = resource_package(str(resource_id))
        return (found, _ALL) if found else (None, Access(Sight.NOTHING, False, "x"))

    from ckanext.govopen.access import content

    patch.setattr(content, "resource_sight", anybody)


def _datastore(patch: Patch, world: World) -> None:
    patch.setattr(datastore, "rows", lambda context, resource_id: datastore.Rows(True))
    patch.setattr(routes, "look", lambda context, kind, reference: _ALL)
    _references(patch, world)


def _auth(name: str) -> Callable[[Patch, World], None]:
    def off(patch: Patch, world: World) -> None:
        from ckan.plugins import toolkit

        @toolkit.chained_auth_function
        @toolkit.auth_allow_anonymous_access
        def yes(next_auth: Any, context: Any, data_dict: Any) -> Any:
            return {"success": True}

        patch.setitem(auth.AUTH, name, yes)
        renew()

    return off


def _sanitiser(patch: Patch, world: World) -> None:
    patch.setattr(query, "sanitise", lambda params, person, extra=None: params)


def _check_of_hits(patch: Patch, world: World) -> None:
    """And a late index: what was suspended is still public in it."""
    from ckan.lib.search.common import make_connection

    def unchecked(context: Any, who: Any, results: Any, whole: bool) -> Any:
        return results

    patch.setattr(searching, "_checked", unchecked)
    solr = make_connection()
    document = next(iter(solr.search(f'id:"{world.datasets["open"].id}"', fl="*")))
    planted = world.datasets["suspended"]
    shown = json.dumps({"id": planted.id, "name": planted.names[0], "resources": []})
    late = {
        "id": planted.id,
        "index_id": "late-document-of-the-sweep",
        "site_id": document["site_id"],
        "entity_type": "package",
        "dataset_type": "dataset",
        "name": planted.names[0],
        "title": planted.names[0],
        "state": "active",
        "capacity": "public",
        "permission_labels": [PUBLIC],
        "data_dict": shown,
        "validated_data_dict": shown,
    }
    solr.add([late], commit=True)


def _people(patch: Patch, world: World) -> None:
    patch.setattr(references, "user_is_visible", lambda context, who, reference: True)
    patch.setattr(routes, "user_is_visible", lambda context, who, reference: True)


def _members(patch: Patch, world: World) -> None:
    """With CKAN's own default, under which everybody may ask for the accounts of a department."""
    patch.setitem(config, "ckan.auth.public_user_details", True)
    handler(people.HANDLERS, "organization_show")(patch, world)


def _sources(patch: Patch, world: World) -> None:
    """The circle and the handler: each alone still keeps sources from who belongs to nothing."""
    _circles(patch, world)
    handler(harvest.HANDLERS, "harvest_source_list")(patch, world)


def _action(name: str, *several: dict[str, Any]) -> Rows:
    return lambda world: [action(name, data) for data in several or ({},)]


def _special(name: str) -> Rows:
    return lambda world: [action(name, data) for data in asks.SPECIAL[name](world)]


def _for(name: str, parameter: str, kind: str) -> Rows:
    return lambda world: [action(name, {parameter: r}) for r in world.references(kind)]


def _downloads(world: World) -> list[Ask]:
    planted = world.datasets["conditional"]
    return [
        page("resource.download", f"/dataset/{planted.id}/resource/{resource}/download")
        for resource in planted.resources.values()
    ]


def _pages(world: World) -> list[Ask]:
    rows = []
    for kind in ("conditional", "never", "pending"):
        planted = world.datasets[kind]
        for resource in planted.resources.values():
            base = f"/dataset/{planted.id}/resource/{resource}"
            rows.append(page("resource.download", f"{base}/download"))
            rows.append(page("resource.view", f"{base}/view/{planted.views['file']}"))
        rows.append(page("user.read", f"/user/{world.colleague.name}"))
        rows.append(page("harvester.object_show", f"/dataset/harvest_object/{planted.id}"))
    return rows


def _rows_of_tables(world: World) -> list[Ask]:
    planted = world.datasets["conditional"]
    return [
        action("datastore_search", {"resource_id": planted.resources["file"]}),
        action("datastore_info", {"id": planted.resources["file"]}),
        page("datastore.dump", f"/datastore/dump/{planted.resources['file']}"),
    ]


def _twins(name: str, kind: str) -> Pairs:
    def pairs(world: World) -> list[tuple[Ask, Ask, dict[str, str]]]:
        reference, nothing = world.datasets[kind].id, str(uuid.uuid4())
        return [
            (action(name, {"id": reference}), action(name, {"id": nothing}), {reference: nothing})
        ]

    return pairs


def _tags(world: World) -> list[tuple[Ask, Ask, dict[str, str]]]:
    tag, nothing = world.datasets["never"].tags[0], "zqynothing"
    return [(action("tag_show", {"id": tag}), action("tag_show", {"id": nothing}), {tag: nothing})]


GUARDS: tuple[Guard, ...] = (
    Guard("references", _references, pairs=_twins("dataset_follower_count", "never")),
    Guard("circles", _circles, _special("user_list"), "citizen"),
    Guard("routes", _route_guard, _pages),
    Guard("downloads", _content_routes, _downloads),
    Guard("datastore", _datastore, _rows_of_tables),
    Guard(
        "the release instead of the working copy",
        handler(show.HANDLERS, "package_show"),
        _for("package_show", "id", "dataset"),
    ),
    Guard(
        "released views",
        handler(show.HANDLERS, "resource_view_list"),
        _for("resource_view_list", "id", "resource"),
    ),
    Guard("limits of the search", _sanitiser, _special("package_search")),
    Guard("hits checked against the database", _check_of_hits, _action("package_search")),
    Guard("tag_list", handler(lists.HANDLERS, "tag_list"), _special("tag_list")),
    Guard("tag_search", handler(lists.HANDLERS, "tag_search"), _special("tag_search")),
    Guard("tag_show", handler(lists.HANDLERS, "tag_show"), pairs=_tags),
    Guard(
        "tag_autocomplete",
        handler(lists.HANDLERS, "tag_autocomplete"),
        _special("tag_autocomplete"),
    ),
    Guard(
        "format_autocomplete",
        handler(lists.HANDLERS, "format_autocomplete"),
        _special("format_autocomplete"),
    ),
    Guard(
        "resource_search", handler(lists.HANDLERS, "resource_search"), _special("resource_search")
    ),
    Guard("package_list", handler(lists.HANDLERS, "package_list"), _action("package_list")),
    Guard("member_list", handler(people.HANDLERS, "member_list"), _special("member_list")),
    Guard(
        "organization_show",
        _members,
        _special("organization_show"),
        "citizen",
    ),
    Guard(
        "harvest_source_list",
        _sources,
        _special("harvest_source_list"),
    ),
    Guard(
        "harvest_object_list",
        handler(harvest.HANDLERS, "harvest_object_list"),
        _special("harvest_object_list"),
        "other_editor",
    ),
    Guard("accounts", _people, _for("user_show", "id", "user"), "citizen"),
)


def run(guard: Guard, world: World) -> Sweep:
    """The guard's rows."""
    sweep = Sweep(world)
    sweep.rows([guard.actor], guard.rows(world))
    for ask, other, names in guard.pairs(world):
        sweep.same(guard.actor, ask, other, names)
    return sweep
