"""Data authorities of several levels: which one stands above which department.

The site names one data authority, which is the highest. Below it departments may be placed under
an authority of their own level (ID-1; Shandong 6.1, Jilin 5.3): a city's data bureau, say, on the
portal of its province. Whoever holds the duty ``authority`` there decides for the departments of
that area, and for no other. Where the profile knows them, a department also has another one that is
responsible for the data of its system (Jilin 14): named, and without power over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import N_, Refused, refuse

RULE = "LVL-1"
#: Provision of a profile that names the levels, and what it says where each keeps to its own.
PROVISION, OWN_LEVEL = "levels", "own_level"
#: Provision of a profile that knows departments responsible for a system.
SYSTEMS = "responsible_departments"


@dataclass(frozen=True)
class Levels:
    """Who stands above whom. All names are organisation ids.

    ``top`` is the site's data authority; ``under`` maps a department to the authority right above
    it, where that is another one, and ``responsible`` to the one that is responsible for the data
    of its system. With ``own_level`` the powers of a higher authority end where
    those of a lower one begin; else it keeps them. Organisations that are gone are in none.
    """

    top: str | None = None
    under: Mapping[str, str] = field(default_factory=dict)
    own_level: bool = False
    responsible: Mapping[str, str] = field(default_factory=dict)

    @property
    def seats(self) -> frozenset[str]:
        """The authorities below the highest one."""
        return frozenset(self.under.values()) - {self.top or ""}

    def line(self, organization: str) -> tuple[str, ...]:
        """The authorities above a department, the nearest first and the highest last.

        An authority is its own nearest one. Of a circle, which nobody can make by a command,
        nobody but the highest stands above.
        """
        highest = (self.top,) if self.top is not None else ()
        found: list[str] = [organization] if organization in self.seats else []
        seen = {organization}
        for above in self._above(organization):
            if above in seen:
                return highest
            seen.add(above)
            if above != self.top:
                found.append(above)
        return (*found, *highest)

    def nearest(self, organization: str) -> str | None:
        """The authority that is competent for a department; None when the site has none."""
        return next(iter(self.line(organization)), None)

    def lifted_by(self, authority: str | None, organization: str) -> tuple[str, ...]:
        """The authorities that may take back what this one has done to a department; None: the
        operator did it.

        Where it is not above the department any more, those that are: somebody has to be able to.
        """
        if authority is None or authority == self.top:
            return self.line("")
        if self.own_level:
            return self._competent(organization)
        found = self.line(organization)
        return found[found.index(authority) :] if authority in found else found

    def area(self, seats: frozenset[str]) -> frozenset[str]:
        """The departments for which somebody decides who holds the authority in ``seats``."""
        mine = seats & self.seats
        if not mine:
            return frozenset()
        return frozenset(one for one in self._placed() if mine & set(self._competent(one)))

    def beyond(self) -> frozenset[str]:
        """The departments for which the highest authority does not decide."""
        return frozenset(one for one in self._placed() if self.top not in self._competent(one))

    def lower(self) -> dict[str, str]:
        """The departments whose nearest authority is not the highest one, each with it."""
        found = {one: self.line(one)[:1] for one in self._placed()}
        return {one: line[0] for one, line in found.items() if line and line[0] != self.top}

    def _competent(self, organization: str) -> tuple[str, ...]:
        line = self.line(organization)
        return line[:1] if self.own_level else line

    def _placed(self) -> frozenset[str]:
        return frozenset(self.under) | self.seats

    def _above(self, organization: str) -> Iterator[str]:
        # At most as many steps as there are departments, and one more that closes a circle.
        for _step in range(len(self.under) + 1):
            above = self.under.get(organization)
            # The site may have made another one its highest than it was when this one was placed.
            if above is None or organization == self.top:
                return
            yield above
            organization = above


@dataclass(frozen=True)
class Place:
    """Place a department under an authority, None: the highest one; and say which department is
    responsible for the data of its system, None: none."""

    organization: str
    authority: str | None
    responsible: str | None = None
    break_glass: str = ""


def decide(levels: Levels, command: Place, actor: Actor, systems: bool = False) -> list[Event]:
    """Events of placing a department; [] when it stands there already.

    ``systems``: the profile knows departments that are responsible for a system.

    :raises Refused: saying what is in the way
    """
    if not (actor.authority or actor.operator or actor.system):
        raise refuse(RULE, None, N_("The highest data authority or the operator does this."))
    if levels.top is None:
        raise refuse(RULE, None, N_("This site has no data authority yet."))
    if command.organization == levels.top:
        raise refuse(RULE, None, N_("Nobody stands above the highest data authority."))
    above = None if command.authority == levels.top else command.authority
    if above == command.organization:
        raise refuse(RULE, None, N_("An authority does not stand above itself."))
    if above is not None and command.organization in _all_above(levels, above):
        raise refuse(
            RULE, None, N_("This department stands above that authority: it would be a circle.")
        )
    if command.responsible is not None and not systems:
        raise refuse(RULE, None, N_("This regulation knows no departments for a whole system."))
    if command.responsible == command.organization:
        raise refuse(RULE, None, N_("A department is not named for itself."))
    here = (levels.under.get(command.organization), levels.responsible.get(command.organization))
    if here == (above, command.responsible):
        return []
    payload = {
        "organization": command.organization,
        "authority": above,
        "responsible": command.responsible,
    }
    if command.break_glass:
        payload["break_glass"] = command.break_glass
    return [Event("level.set", payload)]


def may(actor: Actor) -> bool:
    """Could he place departments at all? For forms; the command checks all."""
    try:
        decide(Levels(top="top"), Place("department", None), actor)
    except Refused:
        return False
    return True


def _all_above(levels: Levels, organization: str) -> set[str]:
    found: set[str] = set()
    above = levels.under.get(organization)
    while above is not None and above not in found:
        found.add(above)
        above = levels.under.get(above)
    return found


def apply(levels: Levels, event: Event) -> Levels:
    """The placings after an event."""
    place = event.payload["organization"]

    def after(known: Mapping[str, str], value: str | None) -> dict[str, str]:
        rest = {key: other for key, other in known.items() if key != place}
        return rest if value is None else {**rest, place: value}

    return replace(
        levels,
        under=after(levels.under, event.payload["authority"]),
        responsible=after(levels.responsible, event.payload["responsible"]),
    )
