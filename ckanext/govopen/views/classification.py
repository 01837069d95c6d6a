"""The class of a dataset: what it is, and the form that changes it."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.domain.classification import OpenClass, transition
from ckanext.govopen.views import dataset, law
from ckanext.govopen.views.forms import Reason, carry_out, signed_in, typed

_ = toolkit._
blueprint = Blueprint("govopen_classification", __name__, url_prefix=f"{dataset.PREFIX}/class")

#: Rows for legal bases on the form; more can be asked for.
ROWS = 2
BASIS = ("instrument", "article", "kind")


def _labels() -> dict[str, str]:
    return {
        "open_class": _("New class"),
        "reason": _("Reason"),
        "open_condition": _("Condition"),
        "legal_basis": _("Legal basis"),
        "answers": _("Criteria"),
    }


def _basis() -> list[dict[str, str]]:
    """The rows of legal bases on the form, empty ones left out."""
    form = toolkit.request.form
    columns = [form.getlist(name) for name in BASIS]
    rows = [
        {name: value.strip() for name, value in zip(BASIS, row, strict=True)}
        for row in zip(*columns, strict=False)
    ]
    return [row for row in rows if row["instrument"] or row["article"]]


def _choices(access: dict[str, Any]) -> list[dict[str, Any]]:
    """The classes with what a change to each would be: ``same``, ``stricter``, ``looser``."""
    now = OpenClass.of(access["open_class"])
    return [
        {**item, "change": transition(now, OpenClass(item["name"]))}
        for item in law.govopen_classes()
        if item["name"] in law.govopen_profile()["classes"]
    ]


def _render(reference: str, errors: list[Reason] | None = None) -> Any:
    package, access = dataset.found(reference)
    posted = toolkit.request.method == "POST"
    rows = _basis() if posted else list(package.get("legal_basis") or [])
    return dataset.render(
        "govopen/classification/show.html",
        package,
        access,
        errors,
        choices=_choices(access),
        answered=any(name.startswith("answer-") for name in toolkit.request.form),
        kinds=law.choices("legal_basis", "kind"),
        basis=[*rows, *({} for _n in range(max(1, ROWS - len(rows))))],
        condition=toolkit.request.form.get("open_condition", "")
        if posted
        else package.get("open_condition") or "",
    )


@signed_in
def show(id: str) -> Any:
    """The class in force, the one that waits for its review, and the form."""
    return _render(id)


@signed_in
def change(id: str) -> Any:
    """Puts the dataset into another class."""
    package, before = dataset.found(id)
    data = {"id": package["id"], **typed("open_class", "reason")}
    if toolkit.request.form.get("more"):
        return _render(id)
    if data.get("open_class") == OpenClass.CONDITIONAL.value:
        data.update(typed("open_condition"))
    if _basis():
        data["legal_basis"] = _basis()
    answers = {
        question["id"]: toolkit.request.form.get(f"answer-{question['id']}")
        for question in law.govopen_profile()["criteria"]
    }
    data["answers"] = {name: value == "yes" for name, value in answers.items() if value}
    errors = carry_out("govopen_dataset_reclassify", data, _labels())
    if errors:
        return _render(id, errors)
    wanted = OpenClass.of(data["open_class"])
    now = OpenClass.of(before["open_class"]) if before["has_release"] else None
    if wanted is not None and transition(now, wanted) == "stricter":
        toolkit.h.flash_success(_("The class was changed. It counts for everybody from now on."))
    else:
        toolkit.h.flash_success(
            _("The new class is noted. The public sees it when the review has approved it.")
        )
    return toolkit.redirect_to("govopen_classification.show", id=package["name"])


blueprint.add_url_rule("", view_func=show)
blueprint.add_url_rule("", view_func=change, methods=["POST"])
