"""A decision letter as a page and as PDF, for the parties of its case (``/open/letter/…``)."""

from __future__ import annotations

import datetime
from typing import Any, cast

from ckan.plugins import toolkit
from flask import Blueprint, Response

from ckanext.govopen.logic.letter import names_of
from ckanext.govopen.logic.paper import letter as paper
from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import signed_in

_ = toolkit._
blueprint = Blueprint("govopen_letter", __name__, url_prefix="/open/letter/<number>")


def _read(number: str) -> tuple[dict[str, Any], dict[str, Any], paper.Names, Any]:
    """The letter, its facts with the case's number, its names, and when it was delivered."""
    context = cast(Any, asked.context())
    try:
        letter = toolkit.get_action("govopen_letter_show")(context, {"number": number})
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404, _("There is no such letter."))
    at = letter["delivered_at"]
    delivered = datetime.datetime.fromisoformat(at) if at else None
    facts = {**letter["facts"], "application": letter["case"]}
    return letter, facts, names_of(context, letter), delivered


@signed_in
def show(number: str) -> str:
    """The letter. It is a Chinese paper in every language of the portal."""
    letter, facts, names, delivered = _read(number)
    return toolkit.render(
        "govopen/agreement/letter.html",
        {
            "letter": letter,
            "heading": paper.TITLES[facts["kind"]],
            "opening": paper.opening(facts, names),
            "sections": paper.sections(facts, names),
            "closing": paper.closing(facts, names, delivered),
        },
    )


@signed_in
def pdf(number: str) -> Response:
    """The letter as a file."""
    letter, facts, names, delivered = _read(number)
    return Response(
        paper.draw(facts, names, delivered),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="letter-{letter["number"]}.pdf"',
            "X-Content-Type-Options": "nosniff",
        },
    )


blueprint.add_url_rule("", view_func=show)
blueprint.add_url_rule("/letter.pdf", view_func=pdf)
