"""The rules of a case: those under which it began, and what the site sets."""

from __future__ import annotations

import logging

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.application.content import Content
from ckanext.govopen.domain.application.rules import Rules, Site, rules_of
from ckanext.govopen.domain.application.state import Application
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.refusal import N_, refuse
from ckanext.govopen.logic import command
from ckanext.govopen.model import edition as editions
from ckanext.govopen.model import jurisdiction, levels, settings, working_days

log = logging.getLogger(__name__)


class TextMissing(tk.ValidationError):
    """A case cannot be read or decided: the text of the law under which it began is not there."""

    def __init__(self) -> None:
        refused = refuse(
            "GOV-1",
            None,
            N_(
                "The text of the regulation under which this application began is missing or was "
                "changed. Until the operator has restored it, the application can be neither read "
                "nor decided."
            ),
        )
        made = command.validation_error(refused)
        super().__init__(made.error_dict, made.error_summary)


def edition_of(state: Application | None) -> jurisdiction.Edition:
    """The text of the law under which a case began, however the file has changed since; the site's
    present one for a new case.

    :raises TextMissing: there is no such text, or it is not what it was
    """
    if state is None or not state.edition:
        return jurisdiction.active()
    try:
        return editions.find(model.Session, state.edition)
    except jurisdiction.ProfileError as problem:
        log.error("The application %s cannot be read: %s", state.id, problem)
        raise TextMissing() from None


def profile_of(state: Application | None) -> Profile:
    """The profile under which a case began."""
    return edition_of(state).profile


def site() -> Site:
    """What the site sets for applications."""
    bodies = {}
    for body, name in settings.application_bodies().items():
        group = model.Group.get(name)
        if group is not None and group.state == "active":
            bodies[body] = group.id
    return Site(
        levels=levels.find(model.Session),
        bodies=bodies,
        agreement=settings.agreement(),
        identity=settings.application_identity(),
        targets=settings.application_targets(),
        max_datasets=settings.application_datasets(),
        max_days=settings.application_max_days() or None,
        max_open_cases=settings.application_max_open() or None,
        max_per_day=settings.application_max_per_day() or None,
        sign_within_days=settings.application_sign_within_days() or None,
    )


def authority_id() -> str | None:
    """Id of the organisation that is the data authority; None when there is none."""
    group = model.Group.get(settings.authority()) if settings.authority() else None
    return group.id if group is not None else None


def bodies_of(content: Content) -> set[str]:
    """The organisations that have a say in a case: its departments, the authority, the bodies that
    the profile names."""
    here = site()
    places = {part.organization for part in content.parts}
    above = {one for place in places for one in here.levels.line(place)}
    return places | set(here.bodies.values()) | above


def rules_for(state: Application | None) -> Rules:
    """The rules of a case, those of the active profile for a new one."""
    edition = edition_of(state)
    return rules_of(
        edition.profile, working_days.calendar(), site(), edition=edition.sha256
    )  # fmt: skip
