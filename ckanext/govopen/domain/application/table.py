"""Commands, states, roles: who may do what, and when. What is not in the table is refused.

The documentation prints this very table (:func:`markdown`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ckanext.govopen.domain.application import commands
from ckanext.govopen.domain.application.state import OPEN, STATUSES, Status

#: ``applicant`` handed it in (before the first submission: whoever is signed in); ``receiver``
#: belongs to the body that receives applications; ``provider`` handles for the part's department;
#: ``party`` decides in the step whose turn it is; ``approver`` may lengthen the clock in question;
#: ``operator`` only with a reason (break-glass); ``system`` is the portal's own job.
Role = Literal[
    "applicant", "receiver", "provider", "party", "approver", "authority", "operator", "system"
]
ROLES: tuple[Role, ...] = (
    "applicant",
    "receiver",
    "provider",
    "party",
    "approver",
    "authority",
    "operator",
    "system",
)
#: ``none``: before the first submission.
State = Literal["none"] | Status
STATES: tuple[State, ...] = ("none", *STATUSES)

NAMES: Mapping[type, str] = {
    commands.Submit: "submit",
    commands.Withdraw: "withdraw",
    commands.Return: "return",
    commands.Decline: "decline",
    commands.Accept: "accept",
    commands.Forward: "forward",
    commands.RecordForwardAnswer: "record_answer",
    commands.Consult: "consult",
    commands.CloseConsultation: "close_consultation",
    commands.Extend: "extend",
    commands.Assign: "assign",
    commands.Decide: "decide",
    commands.Sign: "sign",
    commands.Lapse: "lapse",
    commands.Drop: "drop",
    commands.Silence: "silence",
    commands.IssueLetter: "issue_letter",
    commands.DeliverLetter: "deliver_letter",
}

_APPLICANT: frozenset[Role] = frozenset({"applicant"})
_SYSTEM: frozenset[Role] = frozenset({"system"})
_RECEIVE: frozenset[Role] = frozenset({"receiver", "operator"})
_RECORD: frozenset[Role] = frozenset({"receiver", "authority", "operator"})
_CONSULT: frozenset[Role] = frozenset({"receiver", "party", "operator"})
_EXTEND: frozenset[Role] = frozenset({"approver", "operator"})
_ASSIGN: frozenset[Role] = frozenset({"provider", "operator"})
_DECIDE: frozenset[Role] = frozenset({"party", "operator"})

TABLE: Mapping[tuple[State, str], frozenset[Role]] = {
    ("none", "submit"): _APPLICANT,
    ("returned", "submit"): _APPLICANT,
    **{(status, "withdraw"): _APPLICANT for status in STATUSES if status in OPEN},
    ("submitted", "return"): _RECEIVE,
    ("submitted", "decline"): _RECEIVE,
    ("submitted", "accept"): _RECEIVE,
    ("submitted", "assign"): _ASSIGN,
    ("accepted", "assign"): _ASSIGN,
    ("accepted", "forward"): _RECEIVE,
    ("accepted", "record_answer"): _RECORD,
    ("accepted", "consult"): _CONSULT,
    ("accepted", "close_consultation"): _CONSULT,
    ("submitted", "extend"): _EXTEND,
    ("accepted", "extend"): _EXTEND,
    ("accepted", "decide"): _DECIDE,
    ("approved", "sign"): _APPLICANT,
    ("approved", "lapse"): _SYSTEM,
    ("submitted", "silence"): _SYSTEM,
    ("accepted", "silence"): _SYSTEM,
    **{(status, "drop"): _SYSTEM for status in STATUSES if status in OPEN},
    **{(status, "issue_letter"): _SYSTEM for status in STATUSES},
    **{(status, "deliver_letter"): _SYSTEM | _APPLICANT for status in STATUSES},
}

#: Acts for a body: nobody does them on his own application.
OFFICIAL: frozenset[str] = frozenset(name for (_, name), who in TABLE.items() if "operator" in who)


def markdown() -> str:
    """The table as the documentation prints it: a row a command, a column a state."""
    lines = [
        "| command | " + " | ".join(STATES) + " |",
        "|---" * (len(STATES) + 1) + "|",
    ]
    for name in NAMES.values():
        cells = []
        for state in STATES:
            who = TABLE.get((state, name), frozenset())
            cells.append(", ".join(role for role in ROLES if role in who) or "–")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
