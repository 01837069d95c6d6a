"""What pages say of the law: the profile, the classes, and what the reader may see of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ckan.plugins import toolkit

from ckanext.govopen.domain.grant import DELIVERIES
from ckanext.govopen.model import jurisdiction, settings
from ckanext.govopen.views import asked, others, words

h = toolkit.h

#: The active profile as pages use it, by the option that names it: it changes with a restart only.
_profiles: dict[str, dict[str, Any]] = {}


def govopen_profile() -> dict[str, Any]:
    """The active profile (``govopen_profile_show``), laid out for pages; the same for everybody.

    ``{names, issuer, bodies, status, note, valid_from, valid_to, classes: {name: {label, meaning,
    article}}, default_class, criteria, questions, articles}``; texts in three languages.
    """
    option = settings.jurisdiction()
    if option not in _profiles:
        shown = toolkit.get_action("govopen_profile_show")(cast(Any, asked.context()), {})
        instrument, status = shown["instrument"], shown["status"]
        _profiles[option] = {
            "names": instrument["names"],
            "issuer": instrument["issuer"],
            "bodies": {one["id"]: one["names"] for one in shown["bodies"]},
            "status": status["value"],
            "note": status["verify_before_use"],
            "valid_from": status["valid_from"],
            "valid_to": status["valid_to"],
            "classes": {
                c["canonical"]: {
                    "label": c["names"],
                    "meaning": c["meaning"],
                    "article": c["article"],
                }
                for c in shown["classes"]["items"]
            },
            # Where opening has a scope, the default holds only for what was taken into it.
            "default_class": shown["classes"]["default"]["value"]
            if shown["classes"]["scope"]["mode"] == "all"
            else None,
            "criteria": shown["classes"]["criteria"],
            "questions": shown["review"]["questions"],
            "legal_bases": shown["legal_bases"],
            "articles": shown["articles"],
            "open": shown["open"],
        }
    return _profiles[option]


def govopen_class(open_class: str | None) -> dict[str, str]:
    """An opening class as pages show it: ``{name, label, meaning, article}``, by the profile."""
    memo = asked.memo()
    name = open_class or ""
    key = ("class", name)
    if key not in memo:
        known = govopen_profile()["classes"].get(name, {})
        memo[key] = {
            "name": name,
            "label": words.pick(known.get("label"), asked.locale()) or words.class_fallback(name),
            "meaning": words.pick(known.get("meaning"), asked.locale())
            or words.class_meaning(name),
            "article": str(known.get("article") or ""),
        }
    return memo[key]


def govopen_classes() -> list[dict[str, str]]:
    """The three classes in the order of their openness."""
    return [govopen_class(n) for n in ("unconditional", "conditional", "non_open")]


def govopen_access(package_id: str) -> dict[str, Any]:
    """What the reader may see of a dataset, with the reason (``govopen_access_show``)."""
    memo = asked.memo()
    key = ("access", package_id)
    if key not in memo:
        memo[key] = toolkit.get_action("govopen_access_show")(
            cast(Any, asked.context()), {"id": package_id}
        )
    return memo[key]


def govopen_choice(field: str, value: Any, part: str | None = None) -> str:
    """The label of a coded dataset field (theme, update cycle, …); a free value is its own label.

    ``part`` names a field within a repeating one: ``("info_items", "C", "type")``.
    """
    return choices(field, part).get(value) or str(value or "")


def govopen_deliveries(package: Mapping[str, Any]) -> list[str]:
    """The ways in which a dataset can be asked for: the regulation's, as far as the dataset's."""
    delivery = govopen_profile()["open"]["delivery"]
    known = list(delivery["modes"]) if delivery else list(DELIVERIES)
    offered = package.get("delivery") or []
    offered = [offered] if isinstance(offered, str) else offered
    return [mode for mode in known if not offered or mode in offered]


def choices(field: str, part: str | None = None) -> dict[str, str]:
    """The values of a coded dataset field with their labels, in the order of the form."""
    memo = asked.memo()
    key = ("choices", field, part)
    if key not in memo:
        schema = others.dataset_schema()
        found = _field(schema.get("dataset_fields", []), field)
        if part:
            found = _field(found.get("repeating_subfields", []), part)
        offered = found.get("choices") or ()
        if not offered and found.get("choices_helper"):
            offered = h.scheming_field_choices(found) or ()
        memo[key] = {c["value"]: words.pick(c.get("label"), asked.locale()) for c in offered}
    return memo[key]


def _field(fields: Any, name: str) -> dict[str, Any]:
    return next((f for f in fields if f.get("field_name") == name), {})


def govopen_article(place: Any) -> str:
    """A place in the regulation in words."""
    return words.article(place)


def govopen_has_rule(rule: str) -> bool:
    """Does the active profile have a rule of governance of this id?"""
    return jurisdiction.profile().provision(rule) is not None


def govopen_clock(clock: Any) -> str:
    """The length of one of the profile's clocks in words."""
    return words.clock(clock.get("n"), clock.get("unit"), clock.get("date"))
