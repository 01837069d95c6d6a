"""Templates of agreements: reading them, trying one out, publishing a new version."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import agreement as rules
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import N_, refuse
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import agreement as agreements
from ckanext.govopen.logic import command
from ckanext.govopen.logic.schema import agreement as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import agreement as stored
from ckanext.govopen.model import jurisdiction, ledger

__all__ = [
    "govopen_agreement_template_list",
    "govopen_agreement_template_preview",
    "govopen_agreement_template_publish",
    "govopen_agreement_template_show",
]


@tk.side_effect_free
@takes(schema.TEMPLATE)
def govopen_agreement_template_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One version of a template.

    :param id: the template, named as its profile; left out: that of the active profile
    :param version: its number; left out: the newest
    :returns: ``{"id", "version", "profile", "text", "sha256", "bundled", "reason",
        "published_at", "current", "places": […]}``; for staff also ``published_by``
    :raises ObjectNotFound: there is none
    """
    tk.check_access("govopen_agreement_template_show", context, data_dict)
    given = schema.TEMPLATE.read(data_dict)
    name, version = given["id"] or jurisdiction.profile().id, given["version"]
    rows = _versions(context, name)
    for row in rows:
        if version in (None, row["version"]):
            return {**row, "places": sorted(rules.PLACES)}
    raise tk.ObjectNotFound(tk._("There is no such template."))


@tk.side_effect_free
@takes(schema.TEMPLATES)
def govopen_agreement_template_list(
    context: Any, data_dict: dict[str, Any]
) -> list[dict[str, Any]]:
    """All versions of a template, the newest first.

    :param id: the template, named as its profile; left out: that of the active profile
    :returns: as in :func:`govopen_agreement_template_show`, without ``text`` and ``places``
    """
    tk.check_access("govopen_agreement_template_list", context, data_dict)
    name = schema.TEMPLATES.read(data_dict)["id"] or jurisdiction.profile().id
    return [
        {key: value for key, value in row.items() if key != "text"}
        for row in _versions(context, name)
    ]


@tk.side_effect_free
@takes(schema.PREVIEW)
def govopen_agreement_template_preview(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What a text would look like as an agreement, filled with made-up facts. Keeps nothing.

    :param text: the text of the template
    :returns: ``{"text", "sha256"}``: the rendered text, and the hash that the template would have
    :raises ValidationError: ``refusal`` when a place is unknown, or the text cannot be published
    """
    tk.check_access("govopen_agreement_template_preview", context, data_dict)
    text = schema.PREVIEW.read(data_dict)["text"]
    name = jurisdiction.profile().id
    with command.refusals():
        event = rules.publish(_order(context, name, text, "", 0))[0]
    template = rules.template_of(event)
    return {
        "text": rules.render(template, agreements.example(template)),
        "sha256": template.sha256,
    }


@command.decision()
@takes(schema.PUBLISH)
def govopen_agreement_template_publish(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Publish a new version of the active profile's template. Agreements to come use it.

    :param text: the text, with places ``{{name}}`` out of the known ones
    :param reason: why it was changed (optional, public)
    :param version: the version that it follows, as it was read; another one meanwhile refuses
    :returns: as in :func:`govopen_agreement_template_show`
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no
    """
    tk.check_access("govopen_agreement_template_publish", context, data_dict)
    given = schema.PUBLISH.read(data_dict)
    text, reason, version = given["text"], given["reason"], given["version"]
    name = jurisdiction.profile().id
    now, by = command.now(), command.actor(context)
    ledger.lock(model.Session, agreements.stream(name))
    latest = stored.current(model.Session, name)
    with command.refusals():
        if latest.version != version:
            raise refuse(
                rules.RULE,
                None,
                N_("Somebody has published another version meanwhile. Read it first."),
                field="version",
            )
        events: list[Event] = rules.publish(_order(context, name, text, reason, latest.version))
    agreements.record_bundled(model.Session, name, now)
    ledger.append(model.Session, agreements.stream(name), events, by, now)
    row = stored.project_template(model.Session, events[0], by, now)
    found = row.version
    command.finish(context)
    return govopen_agreement_template_show(context, {"id": name, "version": found})


def _order(context: Any, name: str, text: str, reason: str, version: int) -> rules.Publish:
    actor = actors.of(person(context), command.actor(context))
    return rules.Publish(actor, name, name, text, version, reason)


def _versions(context: Any, name: str) -> list[dict[str, Any]]:
    """The published versions; the bundled one while there is none, for a profile that exists."""
    rows = stored.published(model.Session, name)
    who = person(context)
    if not rows:
        if name != jurisdiction.profile().id and name not in jurisdiction.bundled():
            return []
        template = stored.bundled(name)
        return [_entry(template, True, "", None, current=True)]
    first = stored.bundled(name).sha256
    found = []
    for row in rows:
        entry = _entry(
            stored.to_rule(row),
            row.version == 1 and row.sha256 == first,
            row.reason,
            values.iso(row.published_at),
            current=row is rows[0],
        )
        if who.sees_everything:
            user = model.User.get(row.published_by) if row.published_by else None
            entry["published_by"] = user.name if user else None
        found.append(entry)
    return found


def _entry(
    template: rules.Template, bundled: bool, reason: str, at: str | None, *, current: bool
) -> dict[str, Any]:
    return {
        "id": template.id,
        "version": template.version,
        "profile": template.profile,
        "text": template.text,
        "sha256": template.sha256,
        "bundled": bundled,
        "reason": reason,
        "published_at": at,
        "current": current,
    }
