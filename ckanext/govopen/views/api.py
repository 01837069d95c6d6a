"""The programming interface: in words (``/open/api``), as OpenAPI (``/open/api/openapi.json``)."""

from __future__ import annotations

import json
import shlex
from typing import Any

from ckan.plugins import toolkit
from flask import Blueprint, Response

from ckanext.govopen.access.policy import Person
from ckanext.govopen.access.viewer import person
from ckanext.govopen.logic import openapi
from ckanext.govopen.logic.schema.parameter import Parameter
from ckanext.govopen.views import asked

_ = toolkit._
blueprint = Blueprint("govopen_api", __name__, url_prefix="/open")

#: What stands for a value that nobody gave an example of, by JSON type.
_MADE_UP: dict[str, Any] = {
    "string": "…",
    "integer": 1,
    "boolean": True,
    "object": {},
}


def _who() -> Person:
    return person(asked.context())


def _site() -> str:
    return str(toolkit.config.get("ckan.site_url") or "").rstrip("/")


def room(name: str) -> str:
    """The title of a chapter."""
    return {
        "public": _("Regulation and figures"),
        "dataset": _("Datasets and releases"),
        "application": _("Applications"),
        "handling": _("Checking applicants"),
        "agreement": _("Agreements"),
        "grant": _("Grants and their use"),
        "ledger": _("Ledger"),
        "account": _("One's own account"),
        "review": _("Desk and reviews"),
        "duty": _("Duties"),
        "catalogue": _("Catalogue sources"),
    }[name]


#: Chapters in the order in which a visitor needs them.
ROOMS = (
    "public", "dataset", "application", "agreement", "grant", "ledger", "account", "handling",
    "review", "duty", "catalogue",
)  # fmt: skip


def kind(parameter: Parameter) -> str:
    """What is to be sent, in a word."""
    shape = parameter.shape()
    if "anyOf" in shape:
        return _("date or time")
    if shape["type"] == "string":
        named = {"date": _("date"), "binary": _("file"), "password": _("password")}
        return named.get(shape.get("format", ""), _("text"))
    return {
        "integer": _("whole number"),
        "boolean": _("true or false"),
        "array": _("list"),
        "object": _("object"),
    }[shape["type"]]


def choices(parameter: Parameter) -> list[str]:
    """The words that are possible, if they are counted."""
    shape = parameter.shape()
    return list(shape.get("enum") or shape.get("items", {}).get("enum") or [])


def example(parameter: Parameter) -> Any:
    """A value to show."""
    if parameter.example is not None:
        return parameter.example
    shape = parameter.shape()
    if "of" in vars(parameter) and parameter.of:  # pyright: ignore[reportAttributeAccessIssue]
        inner = {one.name: example(one) for one in parameter.of}  # pyright: ignore[reportAttributeAccessIssue]
        return [inner] if shape["type"] == "array" else inner
    if shape["type"] == "array":
        return (choices(parameter) or ["…"])[:1]
    return (choices(parameter) or [_MADE_UP[shape.get("type", "string")]])[0]


def curl(one: openapi.Operation) -> str:
    """A command line that calls an action; the token stands in ``$TOKEN``."""
    token = [] if one.means == "nobody" else ['-H "Authorization: $TOKEN"']
    address = f"{_site()}{one.path}"
    single = one.table.one_of
    shown = [p for p in single or one.table.parameters if p.required or not (single or p.flat)]
    if one.table.has_file:
        parts = [
            f"-F {shlex.quote(p.name + '=@file.csv')}"
            if kind(p) == _("file")
            else f"-F {shlex.quote(f'{p.name}={example(p)}')}"
            for p in one.table.parameters
            if p.required
        ]
        return " \\\n  ".join(["curl -sS", *token, *parts, address])
    if one.reads and one.table.flat:
        parts = [f"--data-urlencode {shlex.quote(f'{p.name}={example(p)}')}" for p in shown]
        return " \\\n  ".join(["curl -sS -G" if parts else "curl -sS", *token, *parts, address])
    body = json.dumps({p.name: example(p) for p in shown}, ensure_ascii=False)
    return " \\\n  ".join(
        [
            "curl -sS",
            *token,
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(body)}",
            address,
        ]
    )


def index() -> str:
    """How to call the portal's own actions, and each of those that the reader may use."""
    found = openapi.known_to(_who())
    rooms = [
        {
            "id": name,
            "title": room(name),
            "operations": [
                {
                    "name": one.name,
                    "text": _(one.table.text),
                    "answer": _(one.table.answer),
                    "means": one.means,
                    "own_by_token": one.own_by_token,
                    "circle": one.circle,
                    "reads": one.reads,
                    "curl": None if one.means == "session" else curl(one),
                    "parameters": [
                        {
                            "name": parameter.name,
                            "text": _(parameter.text),
                            "required": parameter.required,
                            "kind": kind(parameter),
                            "choices": choices(parameter),
                        }
                        for parameter in (*one.table.parameters, *one.table.one_of)
                    ],
                }
                for one in found
                if one.room == name
            ],
        }
        for name in ROOMS
    ]
    return toolkit.render(
        "govopen/api/index.html",
        {"rooms": [one for one in rooms if one["operations"]], "site": _site()},
    )


def description() -> Response:
    """The OpenAPI description for the reader, in the language of the page."""
    text = json.dumps(openapi.document(_who(), _site()), ensure_ascii=False, indent=1)
    return Response(text, content_type="application/json; charset=utf-8")


blueprint.add_url_rule("/api", view_func=index)
blueprint.add_url_rule("/api/openapi.json", view_func=description, endpoint="openapi")
