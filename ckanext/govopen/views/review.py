"""Confidentiality reviews: the list, one review with what it would change, and the decision.

A form carries the fingerprint of what was shown. If the dataset has changed since, the decision is
refused by the rules, and the page shows the new state.
"""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint

from ckanext.govopen.views import asked, law, listing
from ckanext.govopen.views.forms import Reason, number_of_page, reasons, said, signed_in

_ = toolkit._
blueprint = Blueprint("govopen_review", __name__, url_prefix="/open/review")

PAGE_ROWS = 50
STATES = ("submitted", "open", "returned", "approved")


def _render_list(errors: list[Reason] | None = None) -> Any:
    args = toolkit.request.args
    state = args.get("state", "submitted")
    state = state if state in STATES else "submitted"
    number = number_of_page()
    wanted: dict[str, Any] = {
        "state": state,
        "limit": PAGE_ROWS,
        "offset": (number - 1) * PAGE_ROWS,
    }
    if args.get("organization"):
        wanted["organization"] = args["organization"]
    try:
        found = toolkit.get_action("govopen_review_list")(cast(Any, asked.context()), wanted)
    except toolkit.NotAuthorized:
        return toolkit.abort(404)
    except toolkit.ValidationError:
        found = {"count": 0, "results": []}
    last = max(1, -(-found["count"] // PAGE_ROWS))
    return toolkit.render(
        "govopen/review/index.html",
        {
            "reviews": found["results"],
            "count": found["count"],
            "state": state,
            "states": STATES,
            "organization": args.get("organization", ""),
            "numbers": listing.pages(min(number, last), last, list(args.items(multi=True))),
            "number": number,
            "errors": errors or [],
            "typed": toolkit.request.form,
        },
    )


@signed_in
def index() -> Any:
    """Reviews in one state, those that wait for a decision first."""
    return _render_list()


def _render_one(reference: str, errors: list[Reason] | None = None) -> Any:
    try:
        review = toolkit.get_action("govopen_review_show")(
            cast(Any, asked.context()), {"id": reference}
        )
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        # To whom it is not shown it does not exist.
        return toolkit.abort(404)
    return toolkit.render(
        "govopen/review/show.html",
        {"review": review, "errors": errors or [], "typed": toolkit.request.form},
    )


@signed_in
def show(id: str) -> Any:
    """One review: what is missing, what would change, and the form for the decision."""
    return _render_one(id)


@signed_in
def submit(id: str) -> Any:
    """The department says: this is ready to be reviewed."""
    try:
        toolkit.get_action("govopen_review_submit")(cast(Any, asked.context()), {"id": id})
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404)
    except toolkit.ValidationError as error:
        return _render_one(id, reasons(error))
    toolkit.h.flash_success(_("Submitted. The disclosure office decides next."))
    return toolkit.redirect_to("govopen_review.show", id=id)


def _decision() -> tuple[dict[str, Any], str | None]:
    """What the form says apart from the reviews it is about, and what is wrong with it, or None."""
    form = toolkit.request.form
    wanted, remarks = form.get("decision", ""), form.get("remarks", "").strip()
    answers: dict[str, bool] = {}
    unanswered = False
    for question in law.govopen_profile()["questions"]:
        answer = form.get(f"answer-{question['id']}")
        if answer in ("yes", "no"):
            answers[question["id"]] = answer == "yes"
        else:
            unanswered = True
    decision: dict[str, Any] = {"decision": wanted, "remarks": remarks, "answers": answers}
    if form.get("break_glass", "").strip():
        decision["break_glass"] = form["break_glass"].strip()
    if wanted not in ("approve", "return"):
        return decision, _("Choose whether to approve or to return.")
    if wanted == "return" and not remarks:
        return decision, _("Say what has to be changed, so that the department can act.")
    if wanted == "approve" and unanswered:
        return decision, _("Answer every question before approving.")
    return decision, None


def _decide(decisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        answer = toolkit.get_action("govopen_review_decide")(
            cast(Any, asked.context()), {"decisions": decisions}
        )
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404)
    return answer["results"]


@signed_in
def decide_one(id: str) -> Any:
    """The decision on one review."""
    decision, problem = _decision()
    if problem:
        return _render_one(id, said(problem))
    fingerprint = toolkit.request.form.get("fingerprint", "")
    try:
        results = _decide([{"id": id, "fingerprint": fingerprint, **decision}])
    except toolkit.ValidationError as error:
        return _render_one(id, reasons(error))
    if not results or not results[0]["ok"]:
        return _render_one(id, _failed(results))
    toolkit.h.flash_success(
        _("Approved. The public reads this state from now on.")
        if decision["decision"] == "approve"
        else _("Returned to the department with your remarks.")
    )
    return toolkit.redirect_to("govopen_review.index")


@signed_in
def decide_many() -> Any:
    """The same decision on all that were ticked, each with the fingerprint that was shown."""
    form = toolkit.request.form
    ticked = form.getlist("review")
    decision, problem = _decision()
    if not ticked:
        problem = _("Tick at least one review.")
    if problem:
        return _render_list(said(problem))
    try:
        results = _decide(
            [
                {"id": one, "fingerprint": form.get(f"fingerprint-{one}", ""), **decision}
                for one in ticked
            ]
        )
    except toolkit.ValidationError as error:
        return _render_list(reasons(error))
    failed = [r for r in results if not r["ok"]]
    if len(results) > len(failed):
        toolkit.h.flash_success(_("{count} decided.").format(count=len(results) - len(failed)))
    if failed:
        return _render_list(_failed(failed))
    return toolkit.redirect_to("govopen_review.index")


def _failed(results: list[dict[str, Any]]) -> list[Reason]:
    """What stands in the way of decisions; said once, however many it concerns."""
    found: dict[str, Reason] = {}
    for result in results:
        error = result.get("error")
        for reason in reasons(toolkit.ValidationError(error if isinstance(error, dict) else {})):
            found[reason["message"]] = reason
    return list(found.values()) or said(_("The decision was not accepted."))


blueprint.add_url_rule("", view_func=index)
blueprint.add_url_rule("/decide", view_func=decide_many, methods=["POST"])
blueprint.add_url_rule("/<id>", view_func=show)
blueprint.add_url_rule("/<id>/submit", view_func=submit, methods=["POST"])
blueprint.add_url_rule("/<id>/decide", view_func=decide_one, methods=["POST"])
