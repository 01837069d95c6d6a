"""The own actions as OpenAPI 3.1: made from their tables, for those who may use them."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.access.inventory import inventory
from ckanext.govopen.access.policy import Person, in_circle
from ckanext.govopen.logic import action as actions
from ckanext.govopen.logic.schema.nested import described
from ckanext.govopen.logic.schema.table import Table

VERSION = "3.1.0"
#: What the circles of the inventory need, from nothing to the most.
OUTSIDE = ("anyone", "user")
#: Where the pages of actions stand, by the beginnings of their names.
ROOMS = {
    "account": "account",
    "identity": "account",
    "applicant": "handling",
    "application": "application",
    "attachment": "application",
    "letter": "application",
    "agreement": "agreement",
    "grant": "grant",
    "access": "dataset",
    "dataset": "dataset",
    "release": "dataset",
    "file": "dataset",
    "standing": "dataset",
    "adopt": "dataset",
    "catalogue": "catalogue",
    "deadline": "public",
    "profile": "public",
    "figures": "public",
    "desk": "review",
    "review": "review",
    "duty": "duty",
    "level": "duty",
    "ledger": "ledger",
}


@dataclass(frozen=True)
class Operation:
    """One action: its table, who may use it, and by what means.

    ``means`` is ``nobody`` (no account needed), ``token`` (any token, or a session), ``deciding``
    (a session, or a token made for deciding) or ``session``; ``own_by_token``: on data of one's
    own department any token will do all the same.
    """

    name: str
    table: Table
    circle: str
    means: str
    own_by_token: bool
    reads: bool
    doc: str

    @property
    def room(self) -> str:
        """The chapter that it stands in."""
        return ROOMS.get(self.name.split("_")[1], "public")

    @property
    def path(self) -> str:
        """Its address on the portal."""
        return f"/api/3/action/{self.name}"


@functools.cache
def operations() -> tuple[Operation, ...]:
    """All own actions, by name."""
    return tuple(sorted(_operations(), key=lambda one: one.name))


def _operations() -> Iterator[Operation]:
    listed = inventory().actions
    for info in pkgutil.iter_modules(actions.__path__):
        module = importlib.import_module(f"{actions.__name__}.{info.name}")
        for name in module.__all__:
            action = getattr(module, name)
            surface = listed.get(name)
            circle = surface.who if surface is not None else "operator"
            means = "nobody" if circle == "anyone" else "token"
            if getattr(action, "decision", False):
                means = "deciding" if action.by_token else "session"
            yield Operation(
                name=name,
                table=action.parameters,
                circle=circle,
                means=means,
                own_by_token=getattr(action, "sometimes", False),
                reads=getattr(action, "side_effect_free", False),
                doc=action.__doc__ or "",
            )


def known_to(who: Person) -> list[Operation]:
    """The operations that a person is told of: an outsider those for outsiders, staff all that
    the circles they belong to may use.
    """
    if not who.internal and not who.sysadmin and not who.is_staff:
        return [one for one in operations() if one.circle in OUTSIDE]
    return [one for one in operations() if in_circle(who, one.circle) or one.circle in OUTSIDE]


def document(who: Person, site_url: str) -> dict[str, Any]:
    """The description for a person, in the language of the request."""
    found = known_to(who)
    return {
        "openapi": VERSION,
        "info": {
            "title": tk._("Programming interface of this portal"),
            "version": "1",
            "description": tk._(
                "Actions of the portal beside those of CKAN. All of them take JSON and answer "
                "JSON; those that only read may be called with GET as well."
            ),
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": site_url}],
        "tags": [{"name": room} for room in dict.fromkeys(one.room for one in found)],
        "paths": {one.path: _path(one) for one in found},
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": tk._("An API token, made on the page of one's account."),
                },
                "decidingToken": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": tk._("An API token that was made for decisions."),
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": tk.config.get("SESSION_COOKIE_NAME") or "ckan",
                    "description": tk._("Signed in, on a page of this portal."),
                },
            },
            "schemas": {"Error": _error()},
            "responses": _refusals(),
        },
    }


def _path(one: Operation) -> dict[str, Any]:
    methods = {"post": _operation(one, "")}
    if one.reads and one.table.flat:
        methods["get"] = _operation(one, "_get")
    return methods


def _operation(one: Operation, suffix: str) -> dict[str, Any]:
    shape = one.table.shape()
    found: dict[str, Any] = {
        "operationId": one.name + suffix,
        "tags": [one.room],
        "summary": tk._(one.table.text),
        "security": _security(one),
        "responses": {
            "200": {
                "description": tk._(one.table.answer),
                "content": {"application/json": {"schema": _answered(one)}},
            },
            **{
                status: {"$ref": f"#/components/responses/{status}"}
                for status in ("400", "403", "404", "409")
            },
        },
    }
    if suffix:
        found["parameters"] = [
            {
                "name": parameter.name,
                "in": "query",
                "required": parameter.required,
                "description": tk._(parameter.text),
                "schema": {
                    key: value
                    for key, value in described(parameter).items()
                    if key != "description"
                },
            }
            for parameter in one.table.parameters
        ]
    else:
        kind = "multipart/form-data" if one.table.has_file else "application/json"
        found["requestBody"] = {"required": True, "content": {kind: {"schema": shape}}}
    return found


def _security(one: Operation) -> list[dict[str, list[str]]]:
    session: dict[str, list[str]] = {"session": []}
    if one.means == "session":
        return [session]
    if one.means == "deciding":
        return [session, {"decidingToken": []}, *([{"token": []}] if one.own_by_token else [])]
    return [*([{}] if one.means == "nobody" else []), {"token": []}, session]


def _answered(one: Operation) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["help", "success", "result"],
        "properties": {
            "help": {"type": "string"},
            "success": {"const": True},
            "result": {"type": "array" if one.table.many else "object"},
        },
    }


def _error() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["help", "success", "error"],
        "properties": {
            "help": {"type": "string"},
            "success": {"const": False},
            "error": {
                "type": "object",
                "required": ["__type"],
                "description": tk._(
                    "Beside the kind of the error: a message, or the names of parameters with "
                    "what is wrong with each; a refusal by a rule names rule and article."
                ),
                "properties": {
                    "__type": {"type": "string"},
                    "message": {},
                    "refusal": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["rule", "message"],
                            "properties": {
                                "rule": {"type": "string"},
                                "article": {"type": ["string", "null"]},
                                "message": {"type": "string"},
                                "field": {"type": "string"},
                            },
                        },
                    },
                },
            },
        },
    }


def _refusals() -> dict[str, Any]:
    as_error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        "400": {
            "description": tk._("The request cannot be read: no JSON, or no text."),
            "content": {"application/json": {"schema": {"type": "string"}}},
        },
        "403": {
            "description": tk._("Not signed in, without the right, or not by these means."),
            "content": as_error,
        },
        "404": {
            "description": tk._("There is none, or it does not concern the caller."),
            "content": as_error,
        },
        "409": {
            "description": tk._("A parameter is wrong, or a rule says no."),
            "content": as_error,
        },
    }
