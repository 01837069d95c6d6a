"""Applications: lists, one case for everybody concerned, and the commands on its parts.

The applicant, the departments and the authority read the same page; what each may see and do is
said by the actions. A command that they do not offer (``may``) has no form.
"""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint, Response, send_file

from ckanext.govopen.access import files
from ckanext.govopen.access.ledger import oversees
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.views import application_forms as forms
from ckanext.govopen.views import application_words as words
from ckanext.govopen.views import asked, law, listing
from ckanext.govopen.views.forms import Reason, carry_out, named, number_of_page, signed_in, typed

_ = toolkit._
blueprint = Blueprint("govopen_application", __name__, url_prefix="/open")

PAGE_ROWS = 25
FILTERS = ("q", "status", "organization", "due")
STATUSES = (
    "draft",
    "submitted",
    "returned",
    "accepted",
    "approved",
    "granted",
    "refused",
    "withdrawn",
    "lapsed",
)


@signed_in
def index() -> Any:
    """Cases of the reader, or of the departments that he works for, with filters."""
    args = toolkit.request.args
    staff = person(cast(Any, asked.context())).is_staff
    scope = args.get("scope", "")
    if scope not in ("mine", "department"):
        scope = "department" if staff else "mine"
    number = number_of_page()
    wanted: dict[str, Any] = {
        "scope": scope,
        "limit": PAGE_ROWS,
        "offset": (number - 1) * PAGE_ROWS,
    }
    chosen = {name: args[name].strip() for name in FILTERS if args.get(name, "").strip()}
    problem = ""
    try:
        found = toolkit.get_action("govopen_application_list")(
            cast(Any, asked.context()), {**wanted, **chosen}
        )
    except toolkit.NotAuthorized:
        return toolkit.abort(404)
    except toolkit.ValidationError:
        found = {"count": 0, "results": []}
        problem = _("Nothing can be looked up like that. Change or remove a filter.")
    last = max(1, -(-found["count"] // PAGE_ROWS))
    return toolkit.render(
        "govopen/application/index.html",
        {
            "cases": found["results"],
            "count": found["count"],
            "scope": scope,
            "words": words,
            "staff": staff,
            "chosen": chosen,
            "statuses": [(name, words.status(name)) for name in STATUSES],
            "departments": found.get("organizations") or [],
            "problem": problem,
            "number": number,
            "numbers": listing.pages(min(number, last), last, list(args.items(multi=True))),
        },
    )


def _render(id: str, errors: list[Reason] | None = None, about: str = "") -> Any:
    """``about`` is ``<organization>/<command>`` of the form that was refused."""
    case = words.found(id)
    procedure = law.govopen_profile()["open"]
    return toolkit.render(
        "govopen/application/show.html",
        {
            "case": case,
            "mine": bool(case.get("mine")),
            "oversees": oversees(person(cast(Any, asked.context()))),
            "procedure": procedure,
            "kinds": law.choices("legal_basis", "kind"),
            "labels": forms.labels(),
            "remarkable": forms.remarkable(),
            "basis_rows": forms.BASIS_ROWS,
            "words": words,
            "links": words.Links(),
            "history": _history(case),
            "errors": named(errors or [], forms.labels()),
            "about": about,
            "typed": toolkit.request.form,
        },
    )


def _history(case: dict[str, Any]) -> list[dict[str, Any]]:
    """What happened, from the ledger, as far as the reader may read it; oldest first."""
    if case.get("status") == "draft":
        return []
    try:
        found = toolkit.get_action("govopen_ledger_show")(
            cast(Any, asked.context()), {"stream": f"application/{case['id']}", "limit": 200}
        )
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized, toolkit.ValidationError):
        return []
    return list(reversed(found["results"]))


@signed_in
def show(id: str) -> Any:
    """One case; a draft is opened where it can be edited."""
    case = words.found(id)
    if case.get("status") == "draft":
        return toolkit.redirect_to("govopen_apply.edit", id=id)
    return _render(id)


@signed_in
def act(id: str, organization: str, command: str) -> Any:
    """A command on the part of one department."""
    case = words.found(id)
    part = next((p for p in case["parts"] if p["organization"]["id"] == organization), None)
    if part is None or command not in forms.COMMANDS:
        return toolkit.abort(404)
    action, maker = forms.COMMANDS[command]
    data = {"id": id, "organization": organization, **maker(part), **typed("break_glass")}
    errors = carry_out(action, data, forms.labels())
    if errors:
        return _render(id, errors, f"{organization}/{command}")
    toolkit.h.flash_success(forms.done(command))
    return toolkit.redirect_to("govopen_application.show", id=id)


@signed_in
def check(id: str, organization: str) -> Any:
    """Records that somebody has seen who applies."""
    case = words.found(id)
    if not any(part["organization"]["id"] == organization for part in case["parts"]):
        return toolkit.abort(404)
    data = {
        "application": id,
        "organization": organization,
        **typed(
            "kind",
            "name",
            "person",
            "code",
            "authority",
            "document",
            "document_tail",
            "valid_until",
            "break_glass",
        ),
    }
    errors = carry_out("govopen_applicant_check", data, forms.labels())
    if errors:
        return _render(id, errors, f"{organization}/check")
    toolkit.h.flash_success(forms.done("check"))
    return toolkit.redirect_to("govopen_application.show", id=id)


@signed_in
def withdraw(id: str) -> Any:
    """Gives up all parts that are open; of a draft nothing is left."""
    errors = carry_out(
        "govopen_application_withdraw", {"id": id, **typed("reason")}, forms.labels()
    )
    if errors:
        return _render(id, errors, "withdraw")
    toolkit.h.flash_success(forms.done("withdraw"))
    return toolkit.redirect_to("govopen_application.index", scope="mine")


@signed_in
def attachment(id: str, attachment: str) -> Response:
    """The bytes of an attachment, to save and never to show; whoever reads it in the case."""
    try:
        row = toolkit.get_action("govopen_attachment_show")(
            cast(Any, asked.context()), {"application": id, "id": attachment}
        )
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized, toolkit.ValidationError):
        return toolkit.abort(404)
    fact = FileFact(row["sha256"], row["size"], row["name"], row["media_type"])
    try:
        held = files.verified(fact)
    except (files.BytesMissing, files.StorageMissing):
        return toolkit.abort(404)
    answer = send_file(
        held, "application/octet-stream", as_attachment=True, download_name=row["name"]
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


blueprint.add_url_rule("/applications", view_func=index)
blueprint.add_url_rule("/application/<id>/attachment/<attachment>", view_func=attachment)
blueprint.add_url_rule("/application/<id>", view_func=show)
blueprint.add_url_rule("/application/<id>/withdraw", view_func=withdraw, methods=["POST"])
blueprint.add_url_rule("/application/<id>/<organization>/check", view_func=check, methods=["POST"])
blueprint.add_url_rule(
    "/application/<id>/<organization>/<command>", view_func=act, methods=["POST"]
)
