"""The forms by which departments and the authority act on one part, as what the actions take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.views import application_form as apply
from ckanext.govopen.views.forms import typed

_ = toolkit._

QUOTA = ("downloads", "rows_per_day", "requests_per_day")
#: Rows for a legal basis in the forms.
BASIS_ROWS = 2
#: Fields of an application that a remark can be about.
REMARKABLE = ("applicant_kind", "organisation.name", "organisation.code", "organisation.authority")


def remarkable() -> list[str]:
    """The fields that a department can remark on when it returns a part, in the form's order."""
    own = [field["id"] for field in apply.procedure()["fields"]]
    return [*REMARKABLE, "parts", *(name for name in own if name != "datasets"), "attachments"]


def _basis() -> list[dict[str, str]]:
    form = toolkit.request.form
    columns = zip(
        form.getlist("basis-instrument"),
        form.getlist("basis-article"),
        form.getlist("basis-kind"),
        strict=False,
    )
    rows = [{"instrument": i.strip(), "article": a.strip(), "kind": k} for i, a, k in columns]
    return [row for row in rows if row["instrument"] or row["article"]]


def _remarks() -> dict[str, Any]:
    form = toolkit.request.form
    remarks = {name: form.get(f"remark-{name}", "").strip() for name in remarkable()}
    return {
        "remarks": {name: text for name, text in remarks.items() if text},
        **typed("message"),
    }


def _opinion(part: Mapping[str, Any]) -> dict[str, Any]:
    form = toolkit.request.form
    approve = {"approve": True, "refuse": False}.get(form.get("decision", ""))
    return {
        **({} if approve is None else {"approve": approve}),
        **typed("reason", "party"),
        "basis": _basis(),
        "conditions": [
            line.strip() for line in form.get("conditions", "").splitlines() if line.strip()
        ],
        "scopes": [_scope(one["dataset"]) for one in part["datasets"]] if approve else [],
        "revision": form.get("revision", ""),
        "sha256": form.get("sha256", ""),
    }


def _scope(dataset: str) -> dict[str, Any]:
    """What is granted of one dataset; what stands as applied for is left out."""
    form = toolkit.request.form
    scope: dict[str, Any] = {"dataset": dataset, "granted": form.get(f"grant-{dataset}") != "no"}
    if not scope["granted"]:
        return {**scope, "reason": form.get(f"why-{dataset}", "").strip()}
    if form.get(f"narrow-{dataset}") == "some":
        scope["items"] = form.getlist(f"items-{dataset}")
    if form.getlist(f"delivery-{dataset}"):
        scope["delivery"] = form.getlist(f"delivery-{dataset}")
    for name in ("valid_from", "valid_to"):
        if form.get(f"{name}-{dataset}", "").strip():
            scope[name] = form[f"{name}-{dataset}"].strip()
    quota = {name: form.get(f"{name}-{dataset}", "").strip() for name in QUOTA}
    if any(quota.values()):
        scope["quota"] = {name: value or None for name, value in quota.items()}
    return scope


def _letter() -> dict[str, Any]:
    return typed("letter_number", "letter_date")


#: Command -> action, its parameters from the form, what is said afterwards.
Maker = Callable[[Mapping[str, Any]], dict[str, Any]]
COMMANDS: Mapping[str, tuple[str, Maker]] = {
    "withdraw": ("govopen_application_withdraw", lambda part: typed("reason")),
    "return": ("govopen_application_return", lambda part: _remarks()),
    "decline": (
        "govopen_application_decline",
        lambda part: {**typed("reason"), "basis": _basis()},
    ),
    "accept": ("govopen_application_accept", lambda part: {}),
    "forward": ("govopen_application_forward", lambda part: _letter()),
    "record_answer": (
        "govopen_application_forward_answer",
        lambda part: {**_opinion(part), **_letter()},
    ),
    "consult": (
        "govopen_application_consult",
        lambda part: typed("kind", "whom", "question", "until"),
    ),
    "close_consultation": (
        "govopen_application_consult_close",
        lambda part: typed("consultation", "outcome", "answer"),
    ),
    "extend": ("govopen_application_extend", lambda part: typed("clock", "reason", "units")),
    "assign": ("govopen_application_assign", lambda part: typed("handler", "reason")),
    "decide": ("govopen_application_decide", _opinion),
}


def done(command: str) -> str:
    """What is said after a command was carried out."""
    return {
        "withdraw": _("Withdrawn."),
        "return": _("Returned to the applicant with your remarks."),
        "decline": _("Not accepted. The applicant gets the letter with your reasons."),
        "accept": _("Accepted. The decision comes next."),
        "forward": _("Recorded: it was passed on."),
        "record_answer": _("The decision of the other body is recorded."),
        "consult": _("Recorded: an opinion was asked for."),
        "close_consultation": _("The consultation is closed."),
        "extend": _("The time limit is extended. The applicant is told."),
        "assign": _("Assigned."),
        "decide": _("Your decision is recorded."),
        "check": _("The identity check is recorded."),
    }[command]


def labels() -> dict[str, str]:
    """The fields of these forms in words, by the names that errors use."""
    return {
        **apply.labels(),
        "reason": _("Reason"),
        "basis": _("Legal basis"),
        "message": _("Explanation"),
        "remarks": _("Remarks"),
        "whom": _("Who is asked"),
        "question": _("Question"),
        "until": _("Answer wanted by"),
        "consultation": _("Consultation"),
        "outcome": _("Outcome"),
        "answer": _("Answer"),
        "clock": _("Time limit"),
        "units": _("By how much"),
        "handler": _("Account"),
        "letter_number": _("Number of the letter"),
        "letter_date": _("Date of the letter"),
        "party": _("Decided by"),
        "approve": _("Decision"),
        "scopes": _("What is granted"),
        "quota": _("Limits"),
        "conditions": _("Conditions"),
        "kind": _("Kind"),
        "name": _("Name"),
        "person": _("Person who acts"),
        "code": _("Unified social credit code"),
        "authority": _("On what ground"),
        "document": _("Document seen"),
        "document_tail": _("Its last four characters"),
        "valid_until": _("The check counts until"),
        "break_glass": _("Reason of the operator"),
    }
