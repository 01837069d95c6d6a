"""``surfaces.yaml``: every action and every route, and how each is covered.

The same file drives the enforcement (:mod:`actions`, :mod:`routes`), the run-time denial of what
is not listed, ``ckan govopen doctor`` and the completeness test.
"""

from __future__ import annotations

import fnmatch
import functools
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from ckan import plugins
from ckan.plugins import toolkit

#: What a parameter may refer to. ``own`` is a dataset whose working copy one must be able to see,
#: ``match`` the selector of ``package_revise``; ``source``, ``job`` and ``object`` are those of
#: ckanext-harvest, ``activity`` a row of the activity stream.
KINDS = frozenset(
    {
        "dataset",
        "datasets",
        "own",
        "resource",
        "resources",
        "view",
        "user",
        "match",
        "activity",
        "source",
        "job",
        "object",
    }
)
#: Who may use a surface at all, from everybody to the operator.
CIRCLES = ("anyone", "user", "accounts", "staff", "operator")


@dataclass(frozen=True)
class Surface:
    """One action or route.

    ``takes`` maps parameters to the kind of thing they name; ``renames`` are other names of them
    which CKAN puts in their place, whatever stands there, and ``instead`` those it takes where they
    are missing; ``who`` is the circle that may use it
    at all; ``content`` asks for the right to read content, not only metadata; ``by`` names what
    covers it, in words; ``forbids`` is true for a page of which everybody knows that it is there,
    so that it is refused with 403, whatever it names; ``plugin`` is the plugin it belongs to,
    ``option`` a setting without which it does not exist.
    """

    name: str
    by: str
    who: str = "anyone"
    reads: bool = False
    content: bool = False
    forbids: bool = False
    takes: Mapping[str, str] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    plugin: str | None = None
    option: str | None = None

    @property
    def present(self) -> bool:
        """Is its plugin on, and the option without which it does not exist?"""
        if self.plugin is not None and not plugins.plugin_loaded(self.plugin):
            return False
        return self.option is None or toolkit.asbool(toolkit.config.get(self.option))

    @property
    def references(self) -> dict[str, str]:
        """Every parameter that can name something, other names included, with its kind."""
        others = {**self.renames, **self.instead}
        return {**self.takes, **{other: self.takes[name] for other, name in others.items()}}

    def named(self, data: dict[str, Any]) -> dict[str, Any]:
        """``data`` under the names that ``takes`` knows, as CKAN itself would read them.

        Guards that looked at one name while CKAN reads another would guard nothing.
        """
        found = dict(data)
        for other, name in self.renames.items():
            value = found.pop(other, None)
            if value:
                found[name] = value
        for other, name in self.instead.items():
            if not found.get(name) and found.get(other):
                found[name] = found[other]
        return found


class InventoryError(ValueError):
    """``surfaces.yaml`` is wrong; the message names the row."""


@dataclass(frozen=True)
class Inventory:
    actions: Mapping[str, Surface]
    routes: Mapping[str, Surface]

    def route(self, endpoint: str | None) -> Surface | None:
        """The row of an endpoint: its own, or that of a pattern such as ``*.static``."""
        if not endpoint:
            return None
        exact = self.routes.get(endpoint)
        if exact is not None:
            return exact
        for pattern, surface in self.routes.items():
            if "*" in pattern and fnmatch.fnmatchcase(endpoint, pattern):
                return surface
        return None

    def action(self, name: str) -> Surface | None:
        return self.actions.get(name)

    def loaded_actions(self) -> dict[str, Surface]:
        """The rows of actions that exist on this site."""
        return {name: surface for name, surface in self.actions.items() if surface.present}


def _surface(kind: str, name: str, row: Any, plugin: str | None) -> Surface:
    if not isinstance(row, dict):
        raise InventoryError(f"surfaces.yaml, {kind} {name}: a row is a mapping.")
    try:
        surface = Surface(name=name, plugin=plugin, **row)
    except TypeError as error:
        raise InventoryError(f"surfaces.yaml, {kind} {name}: {error}") from None
    for other, name in {**surface.renames, **surface.instead}.items():
        if name not in surface.takes:
            raise InventoryError(f"surfaces.yaml, {kind} {name}: {other} stands for no parameter.")
    unknown = set(surface.takes.values()) - KINDS
    if unknown:
        raise InventoryError(f"surfaces.yaml, {kind} {name}: unknown kind {sorted(unknown)}.")
    if surface.who not in CIRCLES:
        raise InventoryError(f"surfaces.yaml, {kind} {name}: unknown circle {surface.who!r}.")
    if not surface.by:
        raise InventoryError(f"surfaces.yaml, {kind} {name}: say what covers it.")
    return surface


def parse(text: str) -> Inventory:
    """Reads the inventory. A section per plugin: ``{plugin: {actions: …, routes: …}}``."""
    actions: dict[str, Surface] = {}
    routes: dict[str, Surface] = {}
    for plugin, section in yaml.safe_load(text).items():
        owner = None if plugin == "ckan" else plugin
        for kind, target in (("actions", actions), ("routes", routes)):
            for name, row in (section.get(kind) or {}).items():
                if name in target:
                    raise InventoryError(f"surfaces.yaml, {kind} {name}: listed twice.")
                target[name] = _surface(kind, name, row, owner)
    return Inventory(actions, routes)


@functools.lru_cache(maxsize=1)
def inventory() -> Inventory:
    """The inventory of this installation."""
    path = pathlib.Path(__file__).with_name("surfaces.yaml")
    return parse(path.read_text(encoding="utf-8"))
