"""The inventory of surfaces against the real registries: nothing missing, nothing made up."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ckan import logic, plugins
from ckan.common import config
from ckan.plugins import core, toolkit
from ckanext.datastore.logic import schema as datastore_schema
from flask import Blueprint

from ckanext.govopen.access import inventory as inventories
from ckanext.govopen.access.inventory import Inventory, InventoryError, Surface, inventory, parse
from ckanext.govopen.model import settings
from ckanext.govopen.plugin import _handlers, _public
from ckanext.govopen.tests.portal import Portal, application, load_plugins

#: Parameters that name a dataset, a resource, a view or an account wherever CKAN uses them.
_NAMES = {
    "package_id": {"dataset", "own"},
    "name_or_id": {"dataset"},
    "dataset_id": {"dataset", "own"},
    "resource_id": {"resource"},
    "resource_view_id": {"view"},
    "view_id": {"view"},
    "user_id": {"user"},
    "harvest_object_id": {"object"},
}
#: What an ``id`` is said to be in CKAN's documentation.
_SAID = (
    (re.compile(r":param id:[^:]*\b(?:dataset|package)\b"), {"dataset", "own", "source"}),
    (re.compile(r":param id:[^:]*\bresource view\b"), {"view"}),
    (re.compile(r":param id:[^:]*\bresource\b(?! view)"), {"resource", "dataset"}),
    (re.compile(r":param id:[^:]*\b(?:user)\b"), {"user"}),
)
#: Documentation that speaks of something else, each with the reason.
_OTHERWISE = {
    "task_status_show": "the id of a task; for the operator alone",
    "resource_view_reorder": "the id of the resource",
    "dataset_followee_count": "the id of a user",
    "user_create": "the id that a new account is to have",
    "api_token_list": "declared as user_id and user",
}


def _documented(name: str) -> str:
    function: Any = toolkit.get_action(name)
    while hasattr(function, "__wrapped__") or hasattr(function, "args"):
        function = function.args[0] if hasattr(function, "args") else function.__wrapped__
    return inspect.cleandoc(function.__doc__ or "")


def _stray(name: str) -> bool:
    """ckanext-harvest keeps actions and authorisation functions in one dict.

    Loaded a second time, as tests do, the latter turn up as actions. They are not listed, so
    outsiders do not reach them.
    """
    function: Any = logic._actions[name]
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    where = getattr(function, "__module__", "")
    return where.startswith(("ckanext.harvest.logic.auth", "ckan.logic")) and not where.startswith(
        "ckan.logic.action"
    )


def test_every_action_is_listed_and_every_listed_one_exists(portal: Portal) -> None:
    toolkit.get_action("status_show")  # fills the registry
    registry = {name for name in logic._actions if not _stray(name)}
    listed = set(inventory().loaded_actions())
    assert registry - listed == set()
    assert listed - registry == set()


def test_every_route_is_listed_and_every_listed_one_exists(portal: Portal) -> None:
    endpoints = {rule.endpoint for rule in portal.app.url_map.iter_rules()}
    assert {name for name in endpoints if inventory().route(name) is None} == set()
    present = {name for name, surface in inventory().routes.items() if surface.present}
    assert {name for name in present if "*" not in name} - endpoints == set()


def test_reads_is_what_ckan_says(portal: Portal) -> None:
    """``reads`` opens an action for GET: a write that were listed so could be called by a link."""
    for name, surface in inventory().loaded_actions().items():
        free = bool(getattr(toolkit.get_action(name), "side_effect_free", False))
        assert free == surface.reads, name
    own = _public("logic.action")
    for name, function in own.items():
        free = bool(getattr(function, "side_effect_free", False))
        assert free == inventory().actions[name].reads, name


def test_every_reference_is_declared(portal: Portal) -> None:
    """What names a dataset, resource, view or account is declared, or for the operator alone."""
    undeclared = []
    for name, surface in inventory().loaded_actions().items():
        if surface.who == "operator" or name in _OTHERWISE:
            continue
        said = _documented(name)
        for parameter, kinds in _NAMES.items():
            if re.search(rf":param (?:\w+ )?{parameter}:", said) and not (
                surface.takes.get(parameter) in kinds or name.startswith("govopen_")
            ):
                undeclared.append((name, parameter))
        if name.startswith("govopen_"):
            continue
        for pattern, kinds in _SAID:
            if pattern.search(said) and surface.takes.get("id") not in kinds:
                undeclared.append((name, "id"))
    assert undeclared == []


def test_other_names_that_ckan_puts_in_the_place_of_one_are_declared(portal: Portal) -> None:
    """A guard that looks at ``resource_id`` guards nothing where CKAN takes ``id`` first."""
    actions, seen = inventory().actions, 0
    for name, made in vars(datastore_schema).items():
        action = name.removesuffix("_schema")
        if (
            not name.endswith("_schema")
            or action not in actions
            or inspect.signature(made).parameters
        ):
            continue
        for validator in made().get("__before", ()):
            if getattr(validator, "__name__", "") == "rename_field":
                found = inspect.getclosurevars(validator).nonlocals
                assert actions[action].renames == {found["old"]: found["new"]}, action
                seen += 1
    assert seen >= 6


def test_every_route_argument_is_declared(portal: Portal) -> None:
    undeclared = []
    for rule in portal.app.url_map.iter_rules():
        surface = inventory().route(rule.endpoint)
        assert surface is not None
        if surface.who == "operator":
            continue
        for parameter in ("resource_id", "resource_view_id", "view_id", "package_id"):
            if parameter in rule.arguments and parameter not in surface.takes:
                undeclared.append((rule.rule, parameter))
        about = re.match(r"/(?:dataset|resource|harvest)/", rule.rule)
        if "id" in rule.arguments and about and "id" not in surface.takes:
            undeclared.append((rule.rule, "id"))
    assert undeclared == []


def test_what_the_rows_promise_is_there(portal: Portal) -> None:
    """A row that says "handler" has one, and every handler has a row that says so."""
    handlers = set(_handlers())
    promised = {
        name
        for name, surface in inventory().actions.items()
        if surface.by.startswith("handler") and surface.present
    }
    assert promised - handlers == {
        # Their chained authorisation or a lower action does it.
        name
        for name in promised - handlers
        if name in _BY_ANOTHER
    }
    assert {n for n in handlers if n in inventory().loaded_actions()} - promised <= _MORE


_BY_ANOTHER = {"datastore_records_delete"}
#: Handlers beside the way of covering that the row names.
_MORE = {
    *("group_create", "group_update", "group_delete", "group_purge"),
    *("package_delete", "package_owner_org_update", "dataset_purge", "resource_view_reorder"),
    *("api_token_create", "api_token_list", "user_create", "user_update"),
}


def test_a_wrong_row_is_an_error() -> None:
    for text, message in (
        ("ckan: {actions: {a: {by: x, who: everyone}}}", "unknown circle"),
        ("ckan: {actions: {a: {by: x, takes: {id: datasett}}}}", "unknown kind"),
        ("ckan: {actions: {a: {by: x, renames: {b: id}}}}", "stands for no parameter"),
        ("ckan: {actions: {a: {reads: true}}}", "by"),
        ("ckan: {actions: {a: {by: ''}}}", "say what covers"),
        ("ckan: {actions: {a: {by: x, hidden: true}}}", "hidden"),
        ("ckan: {actions: {a: 1}}", "mapping"),
        ("ckan: {actions: {a: {by: x}}}\nother: {actions: {a: {by: y}}}", "twice"),
    ):
        with pytest.raises(InventoryError, match=message):
            parse(text)


def test_rows_are_in_order() -> None:
    """So that a row is found, and two people do not write the same twice."""
    text = inventories.pathlib.Path(inventories.__file__).with_name("surfaces.yaml").read_text()
    names: list[str] = []
    for line in text.splitlines():
        found = re.match(r'    "?([\w.*]+)"?: \{', line)
        if found:
            names.append(found.group(1))
        else:
            assert names == sorted(names), f"before {line!r}"
            names = []


# What is not listed


class Stranger(plugins.SingletonPlugin):
    """A plugin that nobody has listed: one action, one route."""

    plugins.implements(plugins.IActions)
    plugins.implements(plugins.IBlueprint)

    def get_actions(self) -> dict[str, Callable[..., Any]]:
        @toolkit.side_effect_free
        def stranger_show(context: Any, data_dict: Any) -> str:
            return "known to strangers"

        return {"stranger_show": stranger_show}

    def get_blueprint(self) -> Blueprint:
        made = Blueprint("stranger", __name__)
        made.add_url_rule("/stranger", view_func=lambda: "known to strangers", endpoint="show")
        return made


@pytest.fixture
def stranger(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """The portal with that plugin."""
    real = core._get_service
    monkeypatch.setattr(
        core,
        "_get_service",
        lambda name: Stranger(name=name) if name == "stranger" else real(name),
    )
    usual = plugins.toolkit.aslist(config["ckan.plugins"])
    config["ckan.plugins"] = [*usual, "stranger"]
    monkeypatch.setattr(portal, "_app", application())
    yield portal
    config["ckan.plugins"] = usual
    load_plugins()


def test_the_unlisted_is_denied_to_outsiders(stranger: Portal) -> None:
    """Action and route answer as if they were not there; people with a duty may use them."""
    portal = stranger
    department = portal.department()
    from ckanext.govopen.tests.portal import User

    for outsider in (None, User.make()):
        answer = portal.ask("stranger_show", {}, outsider)
        nothing = portal.ask("no_such_action", {}, outsider)
        assert answer.status_code == nothing.status_code == 400
        assert answer.get_data(as_text=True).replace(
            "stranger_show", "no_such_action"
        ) == nothing.get_data(as_text=True)
        assert portal.get("/stranger", outsider).status_code == 404
        assert portal.get("/api/3/action/stranger_show", outsider).status_code == 400
        told = portal.ask("help_show", {"name": "stranger_show"}, outsider)
        assert told.status_code == 404
    for insider in (department.editor, department.reviewer, portal.operator):
        assert portal.call("stranger_show", insider) == "known to strangers"
        assert portal.get("/stranger", insider).get_data() == b"known to strangers"


def test_only_a_plain_allow_allows(stranger: Portal) -> None:
    for value in ("deny", "", "Allowed", "yes", "true", "off", "0", "none", "on", "disabled"):
        config["ckanext.govopen.unlisted"] = value
        assert settings.deny_unlisted()
        assert stranger.get("/stranger").status_code == 404
    config["ckanext.govopen.unlisted"] = "allow"
    assert stranger.get("/stranger").get_data() == b"known to strangers"


@pytest.mark.parametrize("value", ["on", "", "offf", "disabled", "never", "None", "aus"])
def test_only_a_plain_off_switches_the_review_off(portal: Portal, value: str) -> None:
    config["ckanext.govopen.review"] = value
    assert settings.review_on()


def test_an_own_action_without_a_row_is_the_operators(portal: Portal) -> None:
    from ckanext.govopen.access.actions import wrapped

    def govopen_new(context: Any, data_dict: Any) -> str:
        return "done"

    action = wrapped({"govopen_new": govopen_new})["govopen_new"]
    department = portal.department()
    for name in ("", department.editor.name):
        with pytest.raises(toolkit.NotAuthorized):
            action({"user": name}, {})
    assert action({"user": portal.operator.name}, {}) == "done"


def test_patterns_match_endpoints() -> None:
    listed = Inventory({}, {"*.static": Surface("*.static", by="x"), "a.b": Surface("a.b", by="y")})
    assert listed.route("thing.static") is not None
    assert listed.route("a.b") is not None
    assert listed.route("thing.other") is None
    assert listed.route(None) is None
