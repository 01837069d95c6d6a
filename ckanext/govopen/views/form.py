"""What the forms of datasets and files show beside the fields: sections, the law's demands, rows.

Template helpers; the forms themselves are ckanext-scheming's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ckan import model
from ckan.plugins import toolkit
from flask import Blueprint, Response, request

from ckanext.govopen.domain.profile import When
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.model import jurisdiction, settings
from ckanext.govopen.views import asked, law, words

__all__ = [
    "govopen_demands",
    "govopen_form_errors",
    "govopen_form_rows",
    "govopen_form_sections",
    "govopen_is_conditional",
    "govopen_licenses",
    "govopen_review_on",
]

_ = toolkit._
h = toolkit.h

#: Licences that stand first in the form: those that open data in China is published under.
USUAL = ("cn-portal-terms", "CC-BY-4.0", "CC0-1.0", "CC-BY-SA-4.0", "MulanOWLBY-1.0")
#: Licence of whoever chooses none.
UNSPECIFIED = "notspecified"

blueprint = Blueprint("govopen_form", __name__)


def govopen_form_sections(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sections of a dataset form: ``[{id, label, help, fields: [field]}]``.

    A schema without sections of its own is one section without a heading.
    """
    fields = {f["field_name"]: f for f in schema.get("dataset_fields") or ()}
    found: list[dict[str, Any]] = []
    for section in schema.get("govopen_sections") or ():
        names = [name for name in section["fields"] if name in fields]
        found.append({**section, "fields": [fields.pop(name) for name in names]})
    if fields:
        label = _("More") if found else ""
        found.append({"id": "more", "label": label, "help": "", "fields": list(fields.values())})
    return [section for section in found if section["fields"]]


def govopen_demands(field: Any) -> list[dict[str, str]]:
    """What the regulation demands of a field before the review: ``[{article, text, when}]``.

    Texts in the reader's language; ``when`` is empty for what is always demanded.
    """
    memo = asked.memo()
    if "demands" not in memo:
        memo["demands"] = {}
        for item in jurisdiction.profile().requirements:
            memo["demands"].setdefault(item.field, []).append(
                {
                    "article": words.article(item.article) if item.article else "",
                    "text": item.text.get(asked.locale()),
                    "when": _when(item.when),
                }
            )
    return memo["demands"].get(str(field), [])


def _when(when: When) -> str:
    parts = [
        (_("Opening class"), [law.govopen_class(v.value)["label"] for v in when.open_class]),
        (
            _("Sharing class"),
            [law.govopen_choice("share_class", v.value) for v in when.share_class],
        ),
        (_("Acquired by"), [law.govopen_choice("acquired_by", v.value) for v in when.acquired_by]),
    ]
    said = [
        _("if “{field}” is “{values}”").format(field=label, values=_("” or “").join(values))
        for label, values in parts
        if values
    ]
    return _(", ").join(said)


def govopen_licenses(selected: Any = None) -> list[dict[str, Any]]:
    """The licences to choose from, the usual ones first: ``[{label, options: [(id, title)]}]``.

    One that is no longer offered stands there for a dataset that has it.
    """
    register = model.Package.get_license_register()
    known = {row.id: row for row in register.values() if row.status == "active"}
    listed = [UNSPECIFIED, *USUAL]
    if words.language(asked.locale()) == "zh_Hant":
        listed.insert(1, "OGDL-Taiwan-1.0")
    first = [name for name in listed if name in known]
    rest = sorted((name for name in known if name not in first), key=lambda n: _(known[n].title))
    chosen = register.get(str(selected or ""))
    if chosen is not None and chosen.id not in known:
        known[chosen.id] = chosen
        rest.append(chosen.id)
    groups = ((_("Usual licences"), first), (_("Other licences"), rest))
    return [
        {"label": label, "options": [(name, _(known[name].title)) for name in names]}
        for label, names in groups
        if names
    ]


def govopen_form_rows(field: Mapping[str, Any], data: Any, errors: Any) -> list[dict[str, Any]]:
    """The rows of a repeating field as they were typed: ``[{values: {name: value}, errors}]``.

    A refused form gives them back in the names of its inputs (``info_items-0-name``), a stored
    dataset as a list.
    """
    name = field["field_name"]
    parts = [part["field_name"] for part in field["repeating_subfields"]]
    given = (data or {}).get(name)
    rows: list[dict[str, Any]] = []
    if isinstance(given, list):
        rows = [dict(row) for row in given if isinstance(row, Mapping)]
    else:
        typed = re.compile(rf"{re.escape(name)}-(\d+)-({'|'.join(map(re.escape, parts))})")
        numbered: dict[int, dict[str, Any]] = {}
        for key, value in (data or {}).items():
            found = typed.fullmatch(key) if isinstance(key, str) else None
            if found:
                numbered.setdefault(int(found[1]), {})[found[2]] = value
        rows = [numbered[number] for number in sorted(numbered)]
    wrong = (errors or {}).get(name)
    wrong = wrong if isinstance(wrong, list) else []
    return [
        {
            "values": row,
            "errors": wrong[at] if at < len(wrong) and isinstance(wrong[at], Mapping) else {},
        }
        for at, row in enumerate(rows)
    ]


def govopen_form_errors(errors: Any, fields: Any) -> list[dict[str, str]]:
    """Errors of a form for its summary: ``[{field, label, message}]``, in the order of the form.

    ``field`` is the id of the input, empty where there is none to go to.
    """
    left = dict(errors or {})
    found: list[dict[str, str]] = []
    for field in fields or ():
        name = field["field_name"]
        said = left.pop(name, None)
        label = h.scheming_language_text(field.get("label") or name)
        for at, row in enumerate(said or ()) if field.get("repeating_subfields") else ():
            for part in field["repeating_subfields"]:
                for message in (row.get(part["field_name"]) or ()) if row else ():
                    inner = f"{label} {at + 1}, {h.scheming_language_text(part['label'])}"
                    place = f"field-{name}-{at}-{part['field_name']}"
                    found.append({"field": place, "label": inner, "message": str(message)})
        if said and not field.get("repeating_subfields"):
            place = _PLACES.get(name, f"field-{name}")
            found.append({"field": place, "label": label, "message": _joined(said)})
    for name, said in sorted(left.items()):
        label = _("File") if name == "upload" else _(name)
        found.append({"field": _PLACES.get(name, ""), "label": label, "message": _joined(said)})
    return found


#: Ids of inputs that are not called after their field.
_PLACES = {"owner_org": "field-organizations", "upload": "field-resource-upload"}


def _joined(said: Any) -> str:
    texts = said if isinstance(said, (list, tuple)) else [said]
    return _(", ").join(str(text) for text in texts if text)


def govopen_is_conditional(reference: Any) -> bool:
    """Is the working copy of a dataset, which the reader is editing, open on conditions?"""
    package = model.Package.get(str(reference or ""))
    return package is not None and package.extras.get("open_class") == OpenClass.CONDITIONAL.value


def govopen_review_on() -> bool:
    """Does a review stand between saving and the public on this site?"""
    return settings.review_on()


@blueprint.after_app_request
def to_the_review(response: Response) -> Response:
    """After the last step of a new dataset: its review, where it can be submitted.

    CKAN goes to the dataset's page, on which nothing says what is left to do.
    """
    if (
        request.method == "POST"
        and response.status_code == 302
        and request.endpoint == "dataset_resource.new"
        and request.form.get("save") == "go-metadata"
        and settings.review_on()
    ):
        name = str((request.view_args or {}).get("id") or "")
        response.headers["Location"] = toolkit.url_for("govopen_review.show", id=name)
    return response
