"""The facts of a decision letter (告知书). Pure data: pages and PDF files are made elsewhere."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ckanext.govopen.domain import ledger
from ckanext.govopen.domain.application.clock import Running, running
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.scope import Basis, Scope
from ckanext.govopen.domain.application.state import Application, Letter, Part
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.terms import Text

Kind = Literal["approved", "refused", "partly_approved", "returned", "extended", "not_accepted"]
#: What is said about remedies where the profile says nothing: a text of the portal.
REMEDY = Text(
    zh_Hans="对本决定有异议的，可以向数据主管部门反映；认为合法权益受到侵犯的，可以依法申请行政复议或者提起行政诉讼。",
    zh_Hant="對本決定有異議的，可以向資料主管部門反映；認為合法權益受到侵犯的，可以依法申請行政複議或者提起行政訴訟。",
    en="You may turn to the data authority. If you hold that your rights are infringed, you may"
    " apply for administrative reconsideration or bring an action as the law provides.",
)


@dataclass(frozen=True)
class Remedy:
    """What the applicant can do. ``local``: said by the portal, not by the regulation."""

    text: Text
    article: str | None
    local: bool


@dataclass(frozen=True)
class Reason:
    """Why, as one body has put it. ``party`` is duty@body, empty for the receiving body."""

    party: str
    text: str


@dataclass(frozen=True)
class DecisionLetter:
    """One letter to the applicant about one part.

    ``scopes`` holds every dataset with what is granted of it; ``remarks`` what has to be changed;
    ``extended`` the clock with its new end. ``article`` is the one that the decision rests on.
    """

    number: str
    kind: Kind
    application: str
    organization: str
    rules: str
    article: str | None
    submitted_at: datetime.datetime
    issued_at: datetime.datetime
    datasets: tuple[str, ...]
    scopes: tuple[Scope, ...] = ()
    reasons: tuple[Reason, ...] = ()
    basis: tuple[Basis, ...] = ()
    conditions: tuple[str, ...] = ()
    remarks: Mapping[str, str] | None = None
    message: str = ""
    extended: Running | None = None
    remedies: tuple[Remedy, ...] = ()
    to_sign: bool = False
    delivered_at: datetime.datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON values, in the form that is hashed; without the delivery, which comes later."""
        extended = self.extended
        return {
            "number": self.number,
            "kind": self.kind,
            "application": self.application,
            "organization": self.organization,
            "rules": self.rules,
            "article": self.article,
            "submitted_at": ledger.stamp(self.submitted_at),
            "issued_at": ledger.stamp(self.issued_at),
            "datasets": list(self.datasets),
            "scopes": [scope.as_dict() for scope in self.scopes],
            "reasons": [vars(reason) for reason in self.reasons],
            "basis": [item.as_dict() for item in self.basis],
            "conditions": list(self.conditions),
            "remarks": dict(self.remarks) if self.remarks is not None else None,
            "message": self.message,
            "extended": None
            if extended is None
            else {
                "clock": extended.id,
                "article": extended.article,
                "until": extended.due.day.isoformat() if extended.due else None,
            },
            "remedies": [
                {"text": vars(item.text), "article": item.article, "local": item.local}
                for item in self.remedies
            ],
            "to_sign": self.to_sign,
        }

    @property
    def sha256(self) -> str:
        """SHA-256 of its canonical facts."""
        return ledger.sha256(self.as_dict())


def kind_of(event: Event, part: Part) -> Kind | None:
    """Which letter an event calls for, None: none. ``part`` is the state after it."""
    if event.type == "application.approved":
        whole = all(scope.granted for scope in part.scopes)
        return "approved" if whole else "partly_approved"
    return _KINDS.get(event.type)


_KINDS: Mapping[str, Kind] = {
    "application.refused": "refused",
    "application.returned": "returned",
    "application.extended": "extended",
    "application.declined": "not_accepted",
}


def letter_of(
    state: Application,
    event: Event,
    number: str,
    issued_at: datetime.datetime,
    rules: Rules,
) -> DecisionLetter:
    """The letter that ``event`` calls for; ``state`` is the case after it.

    Raises ValueError for an event without a letter (:func:`kind_of`).
    """
    part = state.part(event.payload["organization"])
    kind = kind_of(event, part) if part is not None else None
    if part is None or kind is None:
        raise ValueError(f"There is no letter about {event.type!r}.")
    letter = DecisionLetter(
        number=number,
        kind=kind,
        application=state.id,
        organization=part.organization,
        rules=rules.id,
        article=rules.procedure.article,
        submitted_at=part.submitted_at,
        issued_at=issued_at,
        datasets=tuple(item.dataset for item in part.datasets),
    )
    if kind == "returned":
        return replace(letter, remarks=part.remarks, message=part.message)
    if kind == "extended":
        clock = running(part, event.payload["clock"], rules, issued_at)
        reason = Reason("", event.payload.get("reason", ""))
        return replace(letter, extended=clock, reasons=(reason,))
    letter = replace(
        letter,
        article=rules.procedure.refusal.article if kind != "approved" else letter.article,
        remedies=() if kind == "approved" else _remedies(rules),
    )
    if kind == "not_accepted":
        basis = tuple(Basis(**row) for row in event.payload["basis"])
        return replace(letter, reasons=(Reason("", part.declined),), basis=basis)
    refused = kind == "refused"
    votes = [vote for vote in part.votes if vote.approve is not refused]
    return replace(
        letter,
        scopes=part.scopes,
        reasons=tuple(Reason(vote.party, vote.reason) for vote in votes if vote.reason),
        basis=tuple(item for vote in votes for item in vote.basis),
        conditions=part.conditions,
        to_sign=not refused and rules.agreement_required,
    )


def _remedies(rules: Rules) -> tuple[Remedy, ...]:
    """Those of the profile, else the portal's own, marked as such."""
    return tuple(
        Remedy(item.text, item.article, item.origin == "local")
        for item in rules.procedure.refusal.remedies
    ) or (Remedy(REMEDY, None, True),)


def delivered(letter: DecisionLetter, record: Letter) -> DecisionLetter:
    """The letter with the time at which it reached the applicant."""
    return replace(letter, delivered_at=record.delivered_at)
