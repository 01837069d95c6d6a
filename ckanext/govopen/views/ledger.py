"""The ledger's pages: what happened, as far as the reader may know it, and how to verify it.

``/open/ledger`` and, below it, the export, the public keys, the checkpoints and the verifier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from ckan import model
from ckan.plugins import toolkit
from flask import Blueprint, Response, stream_with_context

from ckanext.govopen import ledger_verifier
from ckanext.govopen.domain.event import EVENT_TYPES
from ckanext.govopen.logic import command
from ckanext.govopen.logic import ledger as reading
from ckanext.govopen.model import checkpoint, signing
from ckanext.govopen.views import asked, listing, places, words
from ckanext.govopen.views.forms import number_of_page
from ckanext.govopen.views.ledger_words import details, event_type

_ = toolkit._
blueprint = Blueprint("govopen_ledger", __name__, url_prefix="/open/ledger")

PAGE_ROWS = 50
VERIFIER = Path(ledger_verifier.__file__).with_name("verify_ledger.py")


def index() -> Any:
    """Events that the reader may read, newest first."""
    args = toolkit.request.args
    context = cast(Any, asked.context())
    parts = _parts()
    part = args.get("part") if args.get("part") in parts else parts[0]
    number = number_of_page()
    names = ("dataset", "organization", "type")
    wanted = {name: args[name] for name in names if args.get(name, "").strip()}
    try:
        found = toolkit.get_action("govopen_ledger_show")(
            context,
            {**wanted, "part": part, "limit": PAGE_ROWS, "offset": (number - 1) * PAGE_ROWS},
        )
    except toolkit.ValidationError:
        found = {"results": [], "more": False}
    rest = [(name, value) for name, value in args.items() if name != "page"]
    return toolkit.render(
        "govopen/ledger/index.html",
        {
            "rows": [_row(one) for one in found["results"]],
            "part": part,
            "parts": parts,
            "typed": args,
            "types": [(name, event_type(name)) for name in _types(part)],
            "organizations": places.departments(),
            "before": _page(rest, number - 1) if number > 1 else "",
            "after": _page(rest, number + 1) if found["more"] else "",
        },
    )


def _page(params: list[tuple[str, str]], number: int) -> str:
    return listing.query([*params, ("page", str(number))])


def _parts() -> list[str]:
    """The circles in which this reader may have something to read, the widest first."""
    user = toolkit.current_user
    if not user.is_authenticated:
        return ["public"]
    return ["public", "party", "staff"]


def _types(part: str) -> list[str]:
    if part == "staff":
        return sorted(EVENT_TYPES)
    return sorted(name for name, kind in EVENT_TYPES.items() if kind.readers == part)


def _row(event: dict[str, Any]) -> dict[str, Any]:
    return {
        **event,
        "moment": words.moment(event["at"]),
        "label": event_type(event["type"]),
        "details": details(event["payload"]),
    }


def export() -> Response:
    """The reader's part as JSON lines; ``?reader=public`` gives what everybody gets."""
    args = toolkit.request.args
    reader = args.get("reader", "")
    if reader and reader not in reading.PARTS:
        return cast(Response, toolkit.abort(400, _("The request could not be understood.")))
    context = cast(Any, asked.context())
    toolkit.check_access("govopen_ledger_export", context, {})
    if not reading.may_export(context):
        said = _("Too many at once. Try again in a minute.")
        return Response(said, 429, {"Retry-After": "60"}, content_type="text/plain; charset=utf-8")
    wanted = reading.Wanted(
        stream=args.get("stream") or None,
        part=reader or None,  # pyright: ignore[reportArgumentType] - one of PARTS
    )
    return Response(
        stream_with_context(_blocks(reading.export(context, wanted, command.now()))),
        content_type="application/jsonl; charset=utf-8",
        headers=_file("ledger.jsonl"),
    )


def _blocks(lines: Iterator[tuple[str, str | None]]) -> Iterator[str]:
    """Lines in blocks: one by one they would be one packet each."""
    block: list[str] = []
    for line, _stream in lines:
        block.append(line)
        if len(block) == 200:
            yield "".join(block)
            block = []
    yield "".join(block)


def keys() -> Response:
    """The public keys of the portal, each signed by the one before it."""
    return _json(signing.keys_document(model.Session))


def checkpoint_one(number: int) -> Response:
    """One checkpoint as it was published."""
    document = checkpoint.get(model.Session, number) if number < 2**31 else None
    if document is None:
        return cast(Response, toolkit.abort(404, _("There is no such checkpoint.")))
    return _json(document)


def checkpoints() -> Response:
    """All checkpoints, one a line, the first one first."""
    lines = (
        json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n"
        for document in checkpoint.documents(model.Session)
    )
    return Response(
        stream_with_context(lines),
        content_type="application/jsonl; charset=utf-8",
        headers=_file("checkpoints.jsonl"),
    )


def verify() -> str:
    """How anybody verifies the ledger, in plain words."""
    return toolkit.render(
        "govopen/ledger/verify.html",
        {
            "keys": signing.public_keys(model.Session),
            "recent": [
                {"number": row.number, "moment": words.moment(row.made_at), "digest": row.digest}
                for row in checkpoint.page(model.Session, 10)
            ],
        },
    )


def verifier() -> Response:
    """The stand-alone verifier: one Python file."""
    return Response(
        VERIFIER.read_text(encoding="utf-8"),
        content_type="text/x-python; charset=utf-8",
        headers=_file("verify_ledger.py"),
    )


def _json(document: Any) -> Response:
    return Response(
        json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n",
        content_type="application/json; charset=utf-8",
    )


def _file(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/verify", view_func=verify)
blueprint.add_url_rule("/export.jsonl", view_func=export)
blueprint.add_url_rule("/keys.json", view_func=keys)
blueprint.add_url_rule("/checkpoints.jsonl", view_func=checkpoints)
blueprint.add_url_rule(
    "/checkpoints/<int:number>.json", endpoint="checkpoint", view_func=checkpoint_one
)
blueprint.add_url_rule("/verify_ledger.py", view_func=verifier)
