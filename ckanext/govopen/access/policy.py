"""The one place that decides what a person may see of a dataset.

Pure: facts in, answer out. Everything else in ``access`` only gathers the facts or carries the
answer to a surface. What cannot be decided is not shown.

| | unconditional | conditional | non_open | no live release |
|---|---|---|---|---|
| outsider: metadata | yes | yes | no | no |
| outsider: content | yes | with a valid grant | no | no |
| owning department, its reviewer, authority, operator | yes | yes | yes | yes |
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.domain.grant import Grant, allows
from ckanext.govopen.domain.refusal import N_

#: Duties that make somebody see the working copies of the organisation they are held in.
SEEING_DUTIES = frozenset({"reviewer", "handler"})


class Sight(enum.IntEnum):
    """How much of a dataset's description somebody sees."""

    NOTHING = 0
    RELEASE = 1
    WORKING = 2


@dataclass(frozen=True)
class Person:
    """Who is asking.

    ``memberships`` maps organisation ids to CKAN capacities; ``duties`` holds (organisation id,
    duty) pairs. ``authority`` is true for holders of the duty ``authority`` in the organisation
    that the site names as its data authority; ``beyond`` are the departments for which those of a
    lower level decide instead, and ``area`` the departments of which he is such an authority.
    ``internal`` is the portal itself (``ignore_auth``).
    ``runs_group`` is true for administrators of a group that is no organisation. ``collaborates``
    holds the datasets on which another department lets him work with it: only where the site has no
    review, and only those whose working copy is open to everybody.
    """

    user_id: str | None = None
    sysadmin: bool = False
    internal: bool = False
    authority: bool = False
    area: frozenset[str] = frozenset()
    beyond: frozenset[str] = frozenset()
    memberships: Mapping[str, str] = field(default_factory=dict)
    duties: frozenset[tuple[str, str]] = frozenset()
    runs_group: bool = False
    collaborates: frozenset[str] = frozenset()

    @property
    def is_staff(self) -> bool:
        """Belongs to some department or to the authority, or runs the portal."""
        return (
            self.internal
            or self.sysadmin
            or self.authority
            or bool(self.memberships)
            or bool(self.duties)
        )

    @property
    def sees_accounts(self) -> bool:
        """Works with other people's accounts: staff, and who gives a group its members."""
        return self.is_staff or self.runs_group

    @property
    def sees_everything(self) -> bool:
        return self.internal or self.sysadmin or self.authority

    @property
    def departments(self) -> frozenset[str]:
        """The departments whose working copies he reads: he is a member, holds a duty that does,
        or is the authority of their level."""
        held = {place for place, duty in self.duties if duty in SEEING_DUTIES}
        return self.area | held | set(self.memberships)

    def works_for(self, organization_id: str | None) -> bool:
        """Does he read the working copies of this department?"""
        return organization_id is not None and (
            organization_id in self.memberships
            or organization_id in self.area
            or any((organization_id, duty) in self.duties for duty in SEEING_DUTIES)
        )


ANONYMOUS = Person()
INTERNAL = Person(internal=True)


def in_circle(who: Person, circle: str) -> bool:
    """Does the person belong to the circle that may use a surface at all?"""
    if who.internal or who.sysadmin:
        return True
    return {
        "anyone": True,
        "user": who.user_id is not None,
        "accounts": who.sees_accounts,
        "staff": who.is_staff,
        "operator": False,
    }[circle]


@dataclass(frozen=True)
class DatasetFacts:
    """What the decision needs to know of a dataset.

    ``open_class`` is the class in force: that of the live release, which a stricter working copy
    has tightened already; None without a live release.
    """

    package_id: str
    owner_org: str | None
    governed: bool
    state: str
    has_release: bool
    open_class: OpenClass | None
    suspended: bool = False
    creator_user_id: str | None = None


@dataclass(frozen=True)
class Access:
    """The answer: how much is seen, whether content may be read, and a code for the reason."""

    sight: Sight
    content: bool
    reason: str

    @property
    def visible(self) -> bool:
        return self.sight is not Sight.NOTHING


NOTHING = Access(Sight.NOTHING, False, "hidden")
#: What somebody is told who sees a dataset and may not read its content.
CONDITIONAL = N_("This data is open on conditions: it can be read after an application.")

#: Gives the grants of a person for a dataset; called only when the answer depends on them.
GrantLookup = Callable[[], "list[Grant]"]


def decide(
    person: Person,
    dataset: DatasetFacts | None,
    now: datetime.datetime,
    grants: GrantLookup = list,
) -> Access:
    """What ``person`` may see of ``dataset`` at ``now``.

    ``grants`` is called at most once, only for a conditional dataset and a known user.
    """
    if dataset is None:
        return NOTHING
    if person.internal:
        return Access(Sight.WORKING, True, "internal")
    if person.sees_everything:
        return Access(Sight.WORKING, True, "oversight")
    if person.works_for(dataset.owner_org):
        return Access(Sight.WORKING, True, "department")
    if dataset.owner_org is None and person.user_id and person.user_id == dataset.creator_user_id:
        return Access(Sight.WORKING, True, "creator")
    if not (dataset.governed and dataset.state == "active") or dataset.suspended:
        return NOTHING
    if (
        dataset.package_id in person.collaborates
        and person.user_id
        and dataset.open_class in (None, OpenClass.UNCONDITIONAL)
    ):
        return Access(Sight.WORKING, True, "collaborator")
    if not dataset.has_release:
        return NOTHING
    if dataset.open_class is OpenClass.UNCONDITIONAL:
        return Access(Sight.RELEASE, True, "unconditional")
    if dataset.open_class is OpenClass.CONDITIONAL:
        if person.user_id and any(allows(grant, now) for grant in grants()):
            return Access(Sight.RELEASE, True, "grant")
        return Access(Sight.RELEASE, False, "conditional")
    return NOTHING
