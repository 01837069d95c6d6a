"""What the pages of an application say: states, steps, roles, differences, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from ckan.plugins import toolkit

from ckanext.govopen.domain import state_words
from ckanext.govopen.views import asked, law

_ = toolkit._


def found(id: str) -> dict[str, Any]:
    """The case as the reader may see it; what he may not see is answered as what is not there.

    :raises ValidationError: it is his to see, and a rule says why it cannot be shown
    """
    try:
        return toolkit.get_action("govopen_application_show")(
            cast(Any, asked.context()), {"id": id}
        )
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404)
    except toolkit.ValidationError as error:
        if "refusal" in error.error_dict:
            raise
        return toolkit.abort(404)


def may(case: Mapping[str, Any]) -> set[str]:
    """What the reader may do now, on the case or any of its parts."""
    commands: set[str] = set(case.get("may") or ())
    for part in case.get("parts") or ():
        commands |= set(part.get("may") or ())
    return commands


def content(case: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the draft, or in the newest revision."""
    return dict(case.get("draft") or case.get("content") or {})


def remarks(case: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """What has to be changed, field by field: ``{field, organization, text}``."""
    return [
        {"field": field, "organization": part["organization"]["title"], "text": text}
        for part in (case or {}).get("parts") or ()
        if part["status"] == "returned"
        for field, text in (part.get("remarks") or {}).items()
    ]


def messages(case: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """What the departments wrote that returned their parts."""
    return [
        {"organization": part["organization"]["title"], "text": part["message"]}
        for part in (case or {}).get("parts") or ()
        if part["status"] == "returned" and part.get("message")
    ]


def status(name: Any) -> str:
    """The state of a part in plain words."""
    return state_words.told(state_words.APPLICATION, name, _)


#: Commands by which a case goes on; who may give none of them here looks on.
_ACTING = frozenset({"accept", "return", "decide"})


def next_step(part: Mapping[str, Any], mine: bool) -> dict[str, str]:
    """What comes next, who does it, and until when: ``{what, who, due, article}``; {} at the end.

    The day is that of the clock that runs out first and is not stopped; empty where the text sets
    none.
    """
    what = {
        "submitted": _("Acceptance"),
        "returned": _("Correction"),
        "accepted": _("Decision"),
        "approved": _("Signature of the agreement"),
    }.get(str(part["status"]))
    receiving = law.govopen_profile()["open"]["receiving"] or {}
    outside, receiver = receiving.get("forward_to"), receiving.get("body")
    waiting = list(part.get("waits_for") or ())
    if part["status"] == "accepted" and outside:
        receivers = [one for one in waiting if one.endswith(f"@{receiver}")]
        if receivers and not part.get("forwarding"):
            what = _("Passing on to {body}").format(body=party(f"@{outside}"))
            waiting = receivers
        elif len(waiting) > len(receivers):
            waiting = [one for one in waiting if one not in receivers]
    who = [
        # Which desk it is there is the body's own affair.
        _("you") if mine and one == "applicant" else waits_for(body_of(one) if mine else one)
        for one in waiting
    ]
    if not what or not who:
        return {}
    running = [
        clock for clock in part.get("clocks") or () if clock["due"] and not clock["suspended"]
    ]
    first = min(running, key=lambda clock: clock["due_at"], default=None)
    return {
        "what": what,
        "who": _(", ").join(who),
        "due": first["due"] if first else "",
        "article": (first["article"] or "") if first and not first["internal"] else "",
    }


def explained(part: Mapping[str, Any], mine: bool) -> str:
    """What the state means for whoever reads it."""
    if mine:
        return {
            "submitted": _(
                "With {body}: it is looked whether everything is there and who you are."
            ).format(body=waits_for(body_of(next(iter(part.get("waits_for") or ()), "provider")))),
            "returned": _("Something has to be changed. Correct it and submit again."),
            "accepted": _("Your application is complete. The decision comes next."),
            "approved": _("You may have the data. Read and sign the agreement to get it."),
            "refused": _("You do not get this data. The letter says why, and what you can do."),
            "granted": _("You may use the data, as far and as long as the grant says."),
            "withdrawn": _("You have given this up."),
            "lapsed": _("This has ended without a grant."),
        }.get(str(part["status"]), "")
    acts = bool(_ACTING & set(part.get("may") or ()))
    return {
        "submitted": _("Look whether everything is there, check who applies, then accept.")
        if acts
        else _("It is being looked whether everything is there and who applies."),
        "returned": _("The applicant has to correct it."),
        "accepted": _("The decision is to be made."),
        "approved": _("The applicant has to sign the agreement."),
        "granted": _("The applicant may use the data under the grant."),
    }.get(str(part["status"]), "")


def basis_hint(rule: Mapping[str, Any], kinds: Mapping[str, str]) -> str:
    """What the regulation wants of a refusal beside its reason; ``kinds`` are its kinds of
    ground in words."""
    if not rule["basis"]:
        return _("This regulation does not ask for a legal basis; you may name one.")
    named = [kinds[one] for one in rule.get("basis_kinds") or kinds if one in kinds]
    return _("This regulation asks for the legal basis as well: {kinds}.").format(
        kinds=_(" or ").join(named)
    )


def party(name: Any) -> str:
    """A party of a step (duty@body), or a body, in words."""
    duty, _at, body = str(name or "").rpartition("@")
    bodies = {
        "provider": _("the providing department"),
        "authority": _("the data authority"),
        "city_authority": _("the data authority of the city"),
        "responsible_department": _("the responsible department"),
    }
    named = law.govopen_profile()["bodies"]  # as the regulation calls them
    bodies |= {id: asked.govopen_pick(names) for id, names in named.items()}
    duties = {
        "handler": _("who handles applications"),
        "authority": _("who decides for the authority"),
        "reviewer": _("the disclosure office"),
    }
    if body in bodies:
        if duty not in duties:
            return bodies[body]
        return _("{body} ({duty})").format(body=bodies[body], duty=duties[duty])
    return str(name or "")


def body_of(party: str) -> str:
    """The body of a party of a step (duty@body)."""
    return party.rpartition("@")[2]


def waits_for(name: Any) -> str:
    """Who has to act next, in words."""
    return {
        "applicant": _("the applicant"),
        "right_holder": _("the holder of a right"),
    }.get(str(name or ""), party(name))


def outcome(name: Any) -> str:
    """The outcome of a consultation in words."""
    return {
        "consent": _("Consent"),
        "objection": _("Objection"),
        "answered": _("Answered"),
        "no_answer": _("No answer"),
    }.get(str(name or ""), str(name or ""))


def way(procedure: Mapping[str, Any], agreement: bool) -> list[dict[str, Any]]:
    """The way of an application as the profile orders it, for the picture above the form."""
    clocks = {clock["id"]: clock for clock in procedure["clocks"]}
    accept, reply = clocks.get("acceptance"), _reply(procedure)
    steps = [
        _step(_("Fill in and submit"), _("you"), state="now"),
        _step(
            _("Acceptance"),
            _("{body} checks that it is complete and who you are").format(
                body=party((procedure["receiving"] or {}).get("body") or "provider")
            ),
            accept,
        ),
        *(
            _step(asked.govopen_pick(step["names"]), _parties(step), step)
            for step in procedure["steps"]
        ),
    ]
    if reply is not None and reply["n"] is not None:
        steps[-1]["note"] += _(", ") + law.govopen_clock(reply)
    rule = procedure["agreement"]
    if rule["required"] and (agreement or rule["origin"] != "local"):
        steps.append(_step(_("Agreement"), _("you read and sign it here"), rule))
    steps.append(_step(_("Grant"), _("you use the data as was agreed")))
    return steps


def _reply(procedure: Mapping[str, Any]) -> Any:
    numbered = [c for c in procedure["clocks"] if c["n"] is not None and c["until"] != "acceptance"]
    return next((c for c in numbered if c["actor"] in ("provider", "authority")), None)


def _parties(step: Mapping[str, Any]) -> str:
    return (_(" and ") if step["joint"] else _(" or ")).join(map(party, step["parties"]))


def _step(
    label: str, note: str, rule: Mapping[str, Any] | None = None, state: str = "later"
) -> dict[str, Any]:
    return {
        "label": label,
        "note": note,
        "article": (rule or {}).get("article"),
        "origin": (rule or {}).get("origin"),
        "state": state,
    }


#: The stations of a part, in their order, with the states in which each is over.
_STATIONS = ("submitted", "accepted", "approved", "granted")


def stations(part: Mapping[str, Any], signed: bool) -> list[dict[str, Any]]:
    """Where a part stands on its way, for its picture; ``signed``: an agreement belongs to it."""
    names = [  # once it is done, and while it lies ahead
        (_("Handed in"), _("Handing in")),
        (_("Accepted"), _("Acceptance")),
        (_("Decided"), _("Decision")),
        *([(_("Signed"), _("Signing"))] if signed else []),
        (_("Granted"), _("Grant")),
    ]
    last = len(names) - 1
    status_ = part["status"]
    done = {"submitted": 1, "returned": 1, "accepted": 2, "approved": 3, "granted": last + 1}
    if status_ == "refused":
        accepted = bool(part.get("accepted_at"))
        return [
            _step(_("Handed in"), "", state="done"),
            *([_step(_("Accepted"), "", state="done")] if accepted else []),
            _step(_("Not approved"), "", state="stopped"),
        ]
    if status_ in ("withdrawn", "lapsed"):
        return [
            _step(_("Handed in"), "", state="done"),
            _step(status(status_), "", state="stopped"),
        ]
    over = done.get(str(status_), 0)
    return [
        _step(past, "", state="done")
        if n < over
        else _step(ahead, "", state="now" if n == over else "later")
        for n, (past, ahead) in enumerate(names)
    ]


def cause(name: Any) -> str:
    """Why a part ended without a decision on it; empty where its state says it already."""
    return {
        "not_signed": _("The agreement was not signed in time."),
        "non_open": _("The data is no longer open."),
        "unconditional": _("The data can be had without an application now."),
    }.get(str(name or ""), "")


class Links:
    """Addresses of what belongs to a case and has pages of its own."""

    @staticmethod
    def agreement(case: str, organization: Mapping[str, Any]) -> str:
        """The agreement of a part, for reading and signing."""
        return toolkit.h.url_for(f"/open/agreement/{quote(case)}/{quote(organization['id'])}")

    @staticmethod
    def letter(number: str) -> str:
        """A decision letter."""
        return toolkit.h.url_for(f"/open/letter/{quote(number, safe='')}")

    @staticmethod
    def grant(grant: str) -> str:
        """A grant, for whoever holds it."""
        return toolkit.h.url_for(f"/open/grant/{quote(grant)}")


def event(name: str) -> str:
    """A type of event of a case in words."""
    return {
        "application.submitted": _("Handed in"),
        "application.withdrawn": _("Withdrawn by the applicant"),
        "application.returned": _("Returned for correction"),
        "application.declined": _("Not accepted"),
        "application.accepted": _("Accepted"),
        "application.forwarded": _("Passed on to another body"),
        "application.answered": _("Answer of another body recorded"),
        "application.consulted": _("An opinion was asked for"),
        "application.consultation_closed": _("Consultation closed"),
        "application.extended": _("Time limit extended"),
        "application.assigned": _("Assigned to a colleague"),
        "application.decided": _("One decision recorded"),
        "application.approved": _("Approved"),
        "application.refused": _("Not approved"),
        "application.granted": _("Granted"),
        "application.lapsed": _("Lapsed"),
        "application.datasets_ended": _("Datasets left the application"),
        "application.letter_issued": _("Letter issued"),
        "application.letter_delivered": _("Letter delivered"),
        "agreement.signed": _("Agreement signed"),
    }.get(name, name)


def path(place: str, labels: Mapping[str, str], case: Mapping[str, Any]) -> str:
    """The place of a difference in words: a field, or a dataset with what is wanted of it."""
    first, *rest = place.split(".")
    if first == "parts" and len(rest) >= 3:
        titles = {d["dataset"]: d["title"] for p in case["parts"] for d in p["datasets"]}
        return f"{titles.get(rest[1]) or _('Dataset')}{_(': ')}{labels.get(rest[2], rest[2])}"
    if first == "attachments":
        return labels["attachments"]
    if first == "fields" and rest:
        return labels.get(rest[0], rest[0])
    return labels.get(place) or labels.get(first, place)
