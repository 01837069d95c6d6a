"""Under which rules a case runs: a procedure as data, and what the site sets."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ckanext.govopen.domain.agreement import PROOF_MAX_AGE
from ckanext.govopen.domain.deadline import Calendar
from ckanext.govopen.domain.levels import Levels
from ckanext.govopen.domain.procedure import Procedure, Target
from ckanext.govopen.domain.profile import Profile


@dataclass(frozen=True)
class Site:
    """What the site sets; all of it local rules.

    ``levels`` are the data authority and those of lower levels. ``bodies`` says which organisation
    of this portal a body of the profile is; one that is not here works outside. ``agreement``: an
    agreement is signed where the text leaves it open. ``targets`` are by clock id, for clocks
    without a number. A limit that is None does not exist.
    """

    levels: Levels = field(default_factory=Levels)
    bodies: Mapping[str, str] = field(default_factory=dict)
    agreement: bool = True
    identity: bool = True
    targets: Mapping[str, Target] = field(default_factory=dict)
    max_datasets: int = 20
    max_days: int | None = 3 * 366
    max_open_cases: int | None = 20
    max_per_day: int | None = 10
    sign_within_days: int | None = None
    proof_max_age: datetime.timedelta = PROOF_MAX_AGE

    @property
    def authority(self) -> str | None:
        """The organisation of the highest data authority."""
        return self.levels.top


@dataclass(frozen=True)
class Rules:
    """A procedure and the site's settings. ``id`` is ``<profile>/<version>/<procedure>``, and
    ``edition`` the SHA-256 of the profile's text; a case keeps those under which it began."""

    id: str
    procedure: Procedure
    site: Site
    towards: Literal["open", "share"]
    calendar: Calendar
    edition: str = ""

    @property
    def agreement_required(self) -> bool:
        """Does the applicant sign an agreement before he is granted anything?

        What an article demands cannot be switched off; where it is a rule of the site, the site
        says.
        """
        rule = self.procedure.agreement
        return self.site.agreement if rule.origin == "local" else rule.required

    @property
    def consent_by_silence(self) -> bool:
        """Does silence mean consent? Never towards the public, whatever a profile says."""
        return self.towards == "share" and self.procedure.silence.means == "consent"


def rules_of(
    profile: Profile,
    calendar: Calendar,
    site: Site | None = None,
    towards: Literal["open", "share"] = "open",
    edition: str = "",
) -> Rules:
    """The rules of a profile's procedure."""
    procedure = profile.open if towards == "open" else profile.share
    id = f"{profile.id}/{profile.version}/{towards}"
    return Rules(id, procedure, site or Site(), towards, calendar, edition)
