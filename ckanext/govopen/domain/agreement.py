"""Data-use agreements: versioned templates, the canonical text, and when a signature counts.

A template is plain text with places ``{{name}}`` out of a closed list. The text is rendered in one
pass: what the facts say is never read as a place again. Its SHA-256 is what is signed.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.grant import Grant
from ckanext.govopen.domain.ledger import canonical, stamp
from ckanext.govopen.domain.refusal import N_, Refusal, Refused, refuse

RULE = "AGR-1"
#: The places a template may have. All are filled by :func:`~.application.papers.agreement_facts`.
PLACES: frozenset[str] = frozenset(
    {
        "application",
        "portal",
        "instrument",
        "department",
        "applicant",
        "applicant_code",
        "signatory",
        "datasets",
        "purpose",
        "scenario",
        "security_measures",
        "delivery",
        "valid_from",
        "valid_to",
        "quota",
        "conditions",
        "template_version",
    }
)
_PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
TEXT_MAX = 60_000
#: How old the proof of identity may be when somebody signs, unless the site says otherwise.
PROOF_MAX_AGE = datetime.timedelta(minutes=10)


@dataclass(frozen=True)
class Template:
    """One version of a template, bound to a profile. ``text`` is in canonical form."""

    id: str
    version: int
    profile: str
    text: str

    @property
    def sha256(self) -> str:
        """SHA-256 of its text, 64 lower-case hex digits."""
        return digest(self.text)


@dataclass(frozen=True)
class Proof:
    """How and when the signer proved himself again."""

    method: Literal["password", "identity_provider"]
    at: datetime.datetime


def normal(text: str) -> str:
    """One form of a text: NFC, line ends ``\\n``, no blanks at line ends, one line end at the end.

    Control characters other than line ends and tabs are refused with ValueError.
    """
    plain = unicodedata.normalize("NFC", text)
    plain = re.sub(r"\r\n?|[\u0085\u2028\u2029]", "\n", plain)
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in plain):
        raise ValueError("The text has control characters.")
    lines = [line.rstrip() for line in plain.split("\n")]
    return "\n".join(lines).strip("\n") + "\n"


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, 64 lower-case hex digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def unknown_places(text: str) -> list[str]:
    """Places that no fact fills, and braces that are no place."""
    unknown = [name for name in _PLACE.findall(text) if name not in PLACES]
    rest = _PLACE.sub("", text)
    return [*unknown, *re.findall(r"\{\{|\}\}", rest)]


def render(template: Template, facts: Mapping[str, str]) -> str:
    """The canonical text of an agreement; raises Refused for a place that nothing fills."""
    missing = unknown_places(template.text)
    missing += [n for n in _PLACE.findall(template.text) if n in PLACES and n not in facts]
    if missing:
        raise refuse(
            RULE, None, N_("The template has an unknown place: %(place)s."), place=missing[0]
        )
    return normal(_PLACE.sub(lambda match: facts[match[1]], template.text))


@dataclass(frozen=True)
class Publish:
    """Publish a template anew; ``version`` is that of the newest one so far, 0: none."""

    actor: Actor
    template: str
    profile: str
    text: str
    version: int
    reason: str = ""


def publish(command: Publish) -> list[Event]:
    """Events of publishing a template (stream ``agreement/<template>``); raises Refused."""
    actor = command.actor
    if not (actor.authority or actor.system):
        raise refuse(RULE, None, N_("Templates are published by the data authority."))
    try:
        text = normal(command.text)
    except ValueError:
        raise refuse(RULE, None, N_("The text has control characters."), field="text") from None
    found: list[Refusal] = []
    if not text.strip():
        found.append(Refusal(RULE, None, N_("The text is empty."), {"field": "text"}))
    if len(text) > TEXT_MAX:
        found.append(
            Refusal(
                RULE,
                None,
                N_("At most %(most)s characters."),
                {"field": "text", "most": TEXT_MAX},
            )
        )
    for place in unknown_places(text):
        found.append(
            Refusal(
                RULE,
                None,
                N_("The template has an unknown place: %(place)s."),
                {"field": "text", "place": place},
            )
        )
    if found:
        raise Refused(found)
    return [
        Event(
            "agreement.template_published",
            {
                "template": command.template,
                "version": command.version + 1,
                "profile": command.profile,
                "sha256": digest(text),
                "text": text,
                "reason": command.reason.strip(),
            },
        )
    ]


def template_of(event: Event) -> Template:
    """The template that an event published."""
    payload = event.payload
    return Template(payload["template"], payload["version"], payload["profile"], payload["text"])


def may_sign(
    *,
    read_sha256: str,
    text: str,
    read: tuple[str, int],
    current: tuple[str, int],
    typed_name: str,
    checked_name: str,
    proof: Proof,
    now: datetime.datetime,
    max_age: datetime.timedelta = PROOF_MAX_AGE,
) -> list[Refusal]:
    """What is wrong with a signature; an empty list when it counts.

    ``read`` and ``current`` are template id and version, ``text`` the text rendered now.
    """
    found: list[Refusal] = []
    if read != current or read_sha256 != digest(text):
        message = N_("The text of the agreement has changed. Read it again before signing.")
        found.append(Refusal(RULE, None, message, {"field": "text_sha256"}))
    if not checked_name or _name(typed_name) != _name(checked_name):
        message = N_("The name is not the one that was checked. Type it as on your document.")
        found.append(Refusal(RULE, None, message, {"field": "typed_name"}))
    age = now - proof.at
    if not datetime.timedelta(0) <= age <= max_age:
        message = N_("Prove once more who you are: the last proof is too old.")
        found.append(Refusal(RULE, None, message, {"field": "proof"}))
    return found


def _name(name: str) -> str:
    """A name for comparing: one normal form, blanks folded; nothing else is forgiven."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def statement(
    *,
    application: str,
    part: str,
    applicant: str,
    text_sha256: str,
    template: str,
    template_version: int,
    signed_at: datetime.datetime,
) -> bytes:
    """The bytes that the portal's key signs. ``applicant`` is the pseudonym, ``part`` the
    department's id."""
    value: dict[str, Any] = {
        "format": "govopen-agreement-1",
        "application": application,
        "part": part,
        "applicant": applicant,
        "text_sha256": text_sha256,
        "template": template,
        "template_version": template_version,
        "signed_at": stamp(signed_at),
    }
    return canonical(value)


@dataclass(frozen=True)
class ReportDemand:
    """The agreement asks for a report of use, at the latest ``days`` after the grant's end."""

    days: int


def report_due(grant: Grant, demand: ReportDemand | None, reported: bool) -> datetime.date | None:
    """Until which day a report of use is owed; None when none is asked for or it is there."""
    if demand is None or reported or grant.state == "revoked":
        return None
    return local_date(grant.valid_to) + datetime.timedelta(days=demand.days)


@dataclass(frozen=True)
class Report:
    """The holder reports what he did with the data. ``attachments`` are ids."""

    actor: Actor
    text: str
    attachments: tuple[str, ...] = ()


def report(grant: Grant, command: Report) -> list[Event]:
    """Events of a report of use, in the grant's stream; raises Refused."""
    if command.actor.user_id not in grant.holder.persons:
        raise refuse("GRT-1", None, N_("The grant belongs to somebody else."))
    text = command.text.strip()
    if not text or len(text) > TEXT_MAX:
        raise refuse(
            "GRT-1",
            None,
            N_("Write between 1 and %(most)s characters."),
            field="text",
            most=TEXT_MAX,
        )
    return [
        Event(
            "grant.reported",
            {
                "grant": grant.id,
                "dataset": grant.package_id,
                "report": text,
                "attachments": list(command.attachments),
            },
        )
    ]
