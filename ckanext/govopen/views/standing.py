"""Standing approvals of a dataset: live data that is let through without a review each time."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.views import asked, dataset
from ckanext.govopen.views.forms import Reason, carry_out, signed_in, typed

_ = toolkit._
blueprint = Blueprint("govopen_standing", __name__, url_prefix=f"{dataset.PREFIX}/live")

#: Empty rows for columns on the form.
ROWS = 3
#: The DataStore's types that the form offers.
TYPES = ("text", "int4", "numeric", "float8", "bool", "date", "timestamp", "json")


def _labels() -> dict[str, str]:
    return {
        "resource_id": _("File"),
        "fields": _("Columns"),
        "source": _("Account that delivers"),
        "until": _("Until"),
        "reason": _("Reason"),
    }


def _typed_columns() -> list[dict[str, str]]:
    form = toolkit.request.form
    pairs = zip(form.getlist("column"), form.getlist("type"), strict=False)
    return [{"id": name.strip(), "type": kind} for name, kind in pairs if name.strip()]


def _held_columns(resource: str) -> list[dict[str, str]]:
    """The columns that the portal holds of a file already; none where it holds no rows of it."""
    try:
        found = toolkit.get_action("datastore_search")(
            cast(Any, asked.context()), {"resource_id": resource, "limit": 0}
        )
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized, toolkit.ValidationError):
        return []
    return [{"id": f["id"], "type": f["type"]} for f in found["fields"] if f["id"] != "_id"]


def _render(reference: str, errors: list[Reason] | None = None) -> Any:
    package, access = dataset.found(reference)
    rows = toolkit.get_action("govopen_standing_list")(
        cast(Any, asked.context()), {"id": package["id"]}
    )
    names = {one["id"]: one.get("name") or _("Unnamed file") for one in package["resources"]}
    asked_for = toolkit.request.values.get("resource_id", "")
    chosen = asked_for if asked_for in names else next(iter(names), "")
    if toolkit.request.method == "POST" and toolkit.request.form.get("what") == "give":
        columns = _typed_columns()
    else:
        columns = _held_columns(chosen) if chosen else []
    return dataset.render(
        "govopen/standing/index.html",
        package,
        access,
        errors,
        rows=rows,
        names=names,
        chosen=chosen,
        columns=[*columns, *({} for _n in range(ROWS))],
        types=sorted({*TYPES, *(one["type"] for one in columns)}, key=_order),
    )


def _order(kind: str) -> tuple[int, str]:
    return (TYPES.index(kind) if kind in TYPES else len(TYPES), kind)


@signed_in
def index(id: str) -> Any:
    """Standing approvals in force and past ones, and the forms."""
    return _render(id)


@signed_in
def give(id: str) -> Any:
    """Approves in advance what an account may deliver."""
    package, _access = dataset.found(id)
    if toolkit.request.form.get("more"):
        return _render(id)
    data = {
        **typed("resource_id", "source", "until", "reason"),
        "fields": _typed_columns(),
    }
    errors = _foreign(package) or carry_out("govopen_standing_give", data, _labels())
    if errors:
        return _render(id, errors)
    toolkit.h.flash_success(_("The standing approval was given."))
    return toolkit.redirect_to("govopen_standing.index", id=package["name"])


@signed_in
def take(id: str) -> Any:
    """Ends a standing approval at once."""
    package, _access = dataset.found(id)
    data = typed("resource_id", "reason")
    errors = _foreign(package) or carry_out("govopen_standing_take", data, _labels())
    if errors:
        return _render(id, errors)
    toolkit.h.flash_success(_("The standing approval was ended. Deliveries stop at once."))
    return toolkit.redirect_to("govopen_standing.index", id=package["name"])


def _foreign(package: dict[str, Any]) -> list[Reason] | None:
    """A page is about its own dataset only; a resource of another one is not there."""
    wanted = toolkit.request.form.get("resource_id")
    if any(one["id"] == wanted for one in package["resources"]):
        return None
    return [
        {
            "rule": "",
            "article": "",
            "message": _("Choose one of the files of this dataset."),
            "field": "resource_id",
        }
    ]


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/give", view_func=give, methods=["POST"])
blueprint.add_url_rule("/take", view_func=take, methods=["POST"])
