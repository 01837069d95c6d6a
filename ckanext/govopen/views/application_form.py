"""The form of an application: what was typed as content, and content as what stands in the form.

Content has the shape of ``domain.application.content.Content.as_dict``. Whether it may be handed in
is the rules' business; here nothing that was typed is lost.
"""

from __future__ import annotations

import re
from typing import Any, cast

from ckan.plugins import toolkit

from ckanext.govopen.views import asked, law

_ = toolkit._

PERSON = "natural_person"
CONTACT = ("name", "phone", "email")
ORGANISATION = ("name", "code", "authority")
#: Fields of a procedure that have a place of their own in the form.
STRUCTURED = frozenset({"items", "datasets", "delivery", "period", "attachments", "contact"})
#: Datasets offered by a search.
OFFERED = 8
_MOST_ROWS = 200
#: What a dataset is named by: its id or its name.
_REFERENCE = re.compile(r"[\w-]{1,100}")


def procedure() -> dict[str, Any]:
    """The procedure towards the public, as the active profile has it."""
    return law.govopen_profile()["open"]


def labels() -> dict[str, str]:
    """The fields of the form in words, by the names that errors use."""
    named = {field["id"]: asked.govopen_pick(field["names"]) for field in procedure()["fields"]}
    return {
        "purpose": _("Purpose"),
        **named,
        "applicant_kind": _("Who applies"),
        "contact.name": _("Contact person"),
        "contact.phone": _("Telephone"),
        "contact.email": _("E-mail"),
        "organisation": _("Organisation"),
        "organisation.name": _("Name of the organisation"),
        "organisation.code": _("Unified social credit code"),
        "organisation.authority": _("On what ground you act for it"),
        "organisation.persons": _("Accounts that shall use the data"),
        "valid_from": _("From"),
        "valid_to": _("Until"),
        "parts": _("Datasets"),
        "items": _("Information items"),
        "delivery": _("Delivery"),
        "attachments": _("Attachments"),
        "upload": _("Attachments"),
        "content": _("Application"),
    }


def texts() -> list[dict[str, Any]]:
    """The free texts of the form; a purpose is always among them."""
    fields = [field for field in procedure()["fields"] if field["id"] not in STRUCTURED]
    if any(field["id"] == "purpose" for field in fields):
        return fields
    own = {"id": "purpose", "names": _("Purpose"), "article": None, "required": True}
    return [{**own, "origin": "local"}, *fields]


def help_text(field: str) -> str:
    """What to write into a field, in a sentence; empty where its name says it."""
    return {
        "purpose": _("What the data will be used for. The grant is bound to it."),
        "scenario": _("Where and how the result is used: a product, a study, a service."),
        "security_measures": _(
            "How the data is kept from others: where it is stored, who has access, how it is "
            "deleted in the end."
        ),
        "capability": _("What people, equipment and experience you have for such data."),
    }.get(field, "")


def items(package: dict[str, Any]) -> list[dict[str, Any]]:
    """The information items of a dataset, each ``{name, type}``."""
    return [row for row in package.get("info_items") or [] if row.get("name")]


def dataset(reference: str) -> dict[str, Any] | None:
    """A dataset as the reader sees it; None when there is none for him."""
    if not _REFERENCE.fullmatch(reference):
        return None
    try:
        found = toolkit.get_action("package_show")(cast(Any, asked.context()), {"id": reference})
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return None
    return found if found.get("type", "dataset") == "dataset" else None


def offered(words: str, chosen: list[str]) -> list[dict[str, Any]]:
    """Conditional datasets that a search finds and that are not chosen yet."""
    try:
        found = toolkit.get_action("package_search")(
            cast(Any, asked.context()),
            {
                "q": words.replace("\x00", " ")[:200],
                "fq": "+dataset_type:dataset +open_class:conditional",
                "rows": OFFERED + len(chosen),
            },
        )
    except toolkit.ValidationError:
        return []
    return [one for one in found["results"] if one["id"] not in chosen][:OFFERED]


def chosen(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The datasets of a content with what is wanted of each; a lost one has no ``package``."""
    rows = [one for part in content.get("parts") or [] for one in part.get("datasets") or []]
    return [{**row, "package": dataset(row["dataset"])} for row in rows[:_MOST_ROWS]]


def typed() -> dict[str, Any]:
    """What the form says, as content. Organisations are looked up from the datasets."""
    form = toolkit.request.form
    kind = form.get("applicant_kind", "")
    content: dict[str, Any] = {
        "applicant_kind": kind,
        "contact": {name: form.get(f"contact.{name}", "").strip() for name in CONTACT},
        "organisation": None,
        "fields": {
            field["id"]: form.get(field["id"], "").strip()
            for field in texts()
            if form.get(field["id"], "").strip()
        },
        "valid_from": form.get("valid_from", "").strip() or None,
        "valid_to": form.get("valid_to", "").strip() or None,
        "parts": _parts(_rows()),
        "renews": form.get("renews", "").strip() or None,
    }
    organisation = {name: form.get(f"organisation.{name}", "").strip() for name in ORGANISATION}
    if kind != PERSON and (kind or any(organisation.values())):
        persons = form.get("organisation.persons", "").replace(",", " ").replace("，", " ")
        content["organisation"] = {**organisation, "persons": persons.split()}
    return content


def _rows() -> list[dict[str, Any]]:
    """The datasets of the form, after what its buttons add or take away."""
    form = toolkit.request.form
    wanted = list(dict.fromkeys(form.getlist("dataset")))[:_MOST_ROWS]
    rows = []
    for one in wanted:
        if form.get("remove") == one:
            continue
        some = form.get(f"scope-{one}") == "some"
        rows.append(
            {
                "dataset": one,
                "items": form.getlist(f"items-{one}") if some else None,
                "delivery": form.getlist(f"delivery-{one}"),
            }
        )
    added = form.get("add", "")
    if added and added not in wanted:
        package = dataset(added)
        if package is not None:
            rows.append(wanted_of(package))
    return rows


def wanted_of(package: dict[str, Any]) -> dict[str, Any]:
    """A dataset as it is proposed: all of it, by the first way of delivery."""
    return {
        "dataset": package["id"],
        "items": None,
        "delivery": law.govopen_deliveries(package)[:1],
    }


def _parts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        package = dataset(row["dataset"])
        # One that cannot be seen any longer stays: the rules say what is wrong with it.
        parts.setdefault((package or {}).get("owner_org") or "", []).append(row)
    return [{"organization": key, "datasets": found} for key, found in parts.items()]


def blank(package: dict[str, Any]) -> dict[str, Any]:
    """The content of a new application for one dataset."""
    user = toolkit.current_user
    return {
        "applicant_kind": "",
        "contact": {
            "name": getattr(user, "fullname", "") or "",
            "phone": "",
            "email": getattr(user, "email", "") or "",
        },
        "organisation": None,
        "fields": {},
        "valid_from": None,
        "valid_to": None,
        "parts": [{"organization": package["owner_org"], "datasets": [wanted_of(package)]}],
        "renews": None,
        "attachments": [],
    }
