"""Who holds which duty, who may give and take it, and who stands in for whom.

Duties are held in an organisation. ``authority`` and ``auditor`` belong to the one organisation
that the site names as its data authority, ``authority`` to those of lower levels as well. An
auditor reads and decides nothing, so nobody is an auditor and a decider at once.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable
from dataclasses import dataclass

from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import N_, refuse


class Duty(str, enum.Enum):
    """What somebody may do for an organisation beyond CKAN's own capacities."""

    REVIEWER = "reviewer"
    HANDLER = "handler"
    AUTHORITY = "authority"
    AUDITOR = "auditor"

    @classmethod
    def of(cls, value: str) -> Duty | None:
        """The duty of that name, or None."""
        try:
            return cls(value)
        except ValueError:
            return None


#: Duties that are held in the data authority's own organisation and nowhere else.
CENTRAL = frozenset({Duty.AUTHORITY, Duty.AUDITOR})
#: Why such a duty is refused in another organisation.
_ELSEWHERE = {
    Duty.AUTHORITY: N_(
        "No department stands under this organisation, so it is no data authority. Place a "
        "department under it first."
    ),
    Duty.AUDITOR: N_("Auditors belong to the data authority of this portal."),
}
DECIDING = frozenset({Duty.REVIEWER, Duty.HANDLER, Duty.AUTHORITY})


@dataclass(frozen=True)
class Actor:
    """Who gives a command.

    ``duties`` holds (organisation id, duty) pairs in force now, deputies included; ``edits`` the
    organisations whose datasets he may change; ``authority`` is true for holders of the duty
    ``authority`` in the site's data authority, who decide for all departments but those ``beyond``
    their level; ``area`` are the departments of which he is the authority of a lower level (see
    ``domain.levels``). ``operator`` is true for sysadmins; ``system`` for the portal's own jobs,
    which act for nobody.
    """

    user_id: str
    duties: frozenset[tuple[str, str]] = frozenset()
    edits: frozenset[str] = frozenset()
    authority: bool = False
    operator: bool = False
    system: bool = False
    area: frozenset[str] = frozenset()
    beyond: frozenset[str] = frozenset()

    def has(self, organization: str, duty: Duty) -> bool:
        """Does he hold ``duty`` in ``organization``?"""
        return (organization, duty.value) in self.duties

    def is_authority_of(self, organization: str) -> bool:
        """Does he decide for the data authority that is competent for ``organization``?"""
        return organization in self.area or (self.authority and organization not in self.beyond)


@dataclass(frozen=True)
class DutyRow:
    """One duty of one person. As a deputy he holds it for ``deputy_for``, while it lasts."""

    user: str
    organization: str
    duty: Duty
    deputy_for: str | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None

    def in_force(self, now: datetime.datetime) -> bool:
        """Is it in force at ``now``? The last moment does not belong to it."""
        if self.since is not None and now < self.since:
            return False
        return self.until is None or now < self.until


@dataclass(frozen=True)
class Give:
    """Give a duty; with ``deputy_for`` only for the absence of that person, until ``until``."""

    user: str
    organization: str
    duty: str
    deputy_for: str | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    break_glass: str = ""


@dataclass(frozen=True)
class Take:
    """Take a duty away, and with it every deputy of that person in this duty."""

    user: str
    organization: str
    duty: str
    break_glass: str = ""


def holds(
    rows: Iterable[DutyRow], user: str, organization: str, duty: Duty, now: datetime.datetime
) -> bool:
    """Does ``user`` hold the duty at ``now``, himself or as a deputy of somebody who holds it?"""
    return (organization, duty.value) in duties_of(rows, user, now)


def duties_of(
    rows: Iterable[DutyRow], user: str, now: datetime.datetime
) -> frozenset[tuple[str, str]]:
    """(organisation id, duty) pairs of ``user`` in force at ``now``.

    A deputy counts only while the person he stands in for still holds the duty himself.
    """
    known = list(rows)
    own = {
        (row.user, row.organization, row.duty)
        for row in known
        if row.deputy_for is None and row.in_force(now)
    }
    return frozenset(
        (row.organization, row.duty.value)
        for row in known
        if row.user == user
        and row.in_force(now)
        and (row.deputy_for is None or (row.deputy_for, row.organization, row.duty) in own)
    )


def decide(
    rows: Iterable[DutyRow],
    command: Give | Take,
    actor: Actor,
    authority_organization: str | None,
    now: datetime.datetime,
    seats: frozenset[str] = frozenset(),
) -> list[Event]:
    """Events of giving or taking a duty; raises :class:`~.refusal.Refused`.

    ``rows`` are the duties of everybody concerned (at least those of the command's user and of
    the person he deputises for), ``authority_organization`` the id of the data authority, ``seats``
    those of the authorities of lower levels.
    """
    known = list(rows)
    not_his = refuse(
        "DUTY-1", None, N_("Duties are given and taken by the data authority or the operator.")
    )
    if not may_give(actor):
        raise not_his
    if actor.user_id == command.user:
        raise refuse("DUTY-2", None, N_("Nobody gives a duty to himself or takes it from himself."))
    duty = Duty.of(command.duty)
    if duty is None:
        raise refuse("DUTY-3", None, N_("There is no duty %(duty)s."), duty=command.duty)
    # Who decides for an authority is said by the highest one, not by that authority itself.
    if not may_give(actor, command.organization, duty):
        raise not_his
    if isinstance(command, Take):
        return _take(known, command, duty)
    places = {Duty.AUTHORITY: seats | {authority_organization}}
    held_in = places.get(duty, frozenset({authority_organization}))
    return _give(known, command, duty, held_in, now)


def may_give(actor: Actor, organization: str | None = None, duty: Duty | None = None) -> bool:
    """May he give and take duties at all; in this organisation; this duty?"""
    if actor.operator or actor.system:
        return True
    if duty in CENTRAL:
        return actor.authority
    if organization is None:
        return actor.authority or bool(actor.area)
    return actor.is_authority_of(organization)


def _give(
    rows: list[DutyRow],
    command: Give,
    duty: Duty,
    held_in: frozenset[str | None],
    now: datetime.datetime,
) -> list[Event]:
    if duty in CENTRAL and command.organization not in held_in:
        raise refuse("DUTY-4", None, _ELSEWHERE[duty])
    if command.until is not None and command.until <= max(now, command.since or now):
        raise refuse("DUTY-5", None, N_("The end lies before the beginning or in the past."))
    if command.deputy_for is not None:
        if command.deputy_for == command.user:
            raise refuse("DUTY-6", None, N_("Nobody is his own deputy."))
        if command.until is None:
            raise refuse("DUTY-6", None, N_("A deputy is named until a certain day."))
        own = {row for row in rows if row.user == command.deputy_for and row.deputy_for is None}
        if not any(
            row.organization == command.organization and row.duty is duty and row.in_force(now)
            for row in own
        ):
            raise refuse(
                "DUTY-6", None, N_("The person to be deputised for does not hold this duty.")
            )
    others = {row.duty for row in rows if row.user == command.user and _lasts(row, now)}
    mixed = others & DECIDING if duty is Duty.AUDITOR else others & {Duty.AUDITOR}
    if mixed:
        raise refuse(
            "DUTY-7", None, N_("An auditor decides nothing: the two duties exclude each other.")
        )
    for row in rows:
        same = (row.user, row.organization, row.duty, row.deputy_for)
        if same == (command.user, command.organization, duty, command.deputy_for) and _lasts(
            row, now
        ):
            raise refuse("DUTY-8", None, N_("This person holds this duty already."))
    return [Event("duty.given", _payload(command, duty, command))]


def _lasts(row: DutyRow, now: datetime.datetime) -> bool:
    return row.until is None or now < row.until


def _take(rows: list[DutyRow], command: Take, duty: Duty) -> list[Event]:
    place = (command.organization, duty)
    gone = [
        row
        for row in rows
        if (row.organization, row.duty) == place and command.user in (row.user, row.deputy_for)
    ]
    if not any(row.user == command.user for row in gone):
        raise refuse("DUTY-9", None, N_("This person does not hold this duty."))
    return [Event("duty.taken", _payload(row, row.duty, command)) for row in gone]


def _payload(row: DutyRow | Give, duty: Duty, command: Give | Take) -> dict[str, str | None]:
    payload = {
        "user": row.user,
        "organization": row.organization,
        "duty": duty.value,
        "deputy_for": row.deputy_for,
        "since": row.since.isoformat() if row.since else None,
        "until": row.until.isoformat() if row.until else None,
    }
    if command.break_glass:
        payload["break_glass"] = command.break_glass
    return payload


def apply(rows: Iterable[DutyRow], event: Event) -> list[DutyRow]:
    """The rows after an event."""
    payload = event.payload
    row = DutyRow(
        user=payload["user"],
        organization=payload["organization"],
        duty=Duty(payload["duty"]),
        deputy_for=payload["deputy_for"],
        since=_moment(payload["since"]),
        until=_moment(payload["until"]),
    )
    kept = [
        known
        for known in rows
        if (known.user, known.organization, known.duty, known.deputy_for)
        != (row.user, row.organization, row.duty, row.deputy_for)
    ]
    return [*kept, row] if event.type == "duty.given" else kept


def _moment(value: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(value) if value else None
