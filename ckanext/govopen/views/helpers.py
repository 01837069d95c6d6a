"""What templates may ask: it comes from actions or from the request; nothing is decided here.

Everything here is called often, so it is cheap. The functions of one subject stand in the module
of that subject; ``__all__`` names what templates get.
"""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit
from markupsafe import Markup

from ckanext.govopen.views import asked, law, listing, texts, words
from ckanext.govopen.views.account import govopen_erase_days
from ckanext.govopen.views.asked import (
    govopen_lang,
    govopen_languages,
    govopen_pick,
    govopen_resource_url,
    govopen_url,
)
from ckanext.govopen.views.choices import (
    govopen_class_choices,
    govopen_org_type_choices,
    govopen_themes,
)
from ckanext.govopen.views.describe import (
    govopen_api_url,
    govopen_changed,
    govopen_changes,
    govopen_citation,
    govopen_path,
    govopen_structured_data,
    govopen_value,
)
from ckanext.govopen.views.law import (
    govopen_access,
    govopen_article,
    govopen_choice,
    govopen_class,
    govopen_classes,
    govopen_clock,
    govopen_profile,
)
from ckanext.govopen.views.oidc import govopen_sign_in_label
from ckanext.govopen.views.others import govopen_other_fields, govopen_words
from ckanext.govopen.views.registration import govopen_registers

_ = toolkit._
h = toolkit.h

#: Datasets on the home page.
LATEST = 6


def govopen_excerpt(text: Any, length: int = 120) -> str:
    """Plain text of a Markdown description, cut to ``length`` characters."""
    return words.excerpt(text, length)


def govopen_day(value: Any) -> str:
    """``2026-07-01``"""
    return words.day(value)


def govopen_moment(value: Any) -> str:
    """``2026-07-01 09:30``, China Standard Time."""
    return words.moment(value)


def govopen_size(value: Any) -> str:
    """``3.4 MB``"""
    return words.size(value)


def govopen_word(kind: str, value: Any) -> str:
    """A code in words: ``review_state``, ``duty``, ``change``, ``task``, ``facet``, …"""
    return {
        "access": words.access,
        "access_kind": words.access_kind,
        "access_outcome": words.access_outcome,
        "grant_cause": words.grant_cause,
        "review_state": words.review_state,
        "duty": words.duty_name,
        "change": words.change_kind,
        "task": words.task,
        "release_kind": words.release_kind,
        "release_status": words.release_status,
        "release_end": words.release_end,
        "grant_state": words.grant_state,
        "until": words.until,
        "place": words.place,
        "activity": words.activity,
        "column": words.column_type,
        "start": words.start,
        "profile_status": words.profile_status,
        "facet": _facet_name,
    }[kind](value)


def _facet_name(name: Any) -> str:
    return {
        "open_class": _("Opening class"),
        "theme": _("Theme"),
        "organization": _("Department"),
        "res_format": _("Format"),
        "update_cycle": _("Update cycle"),
        "tags": _("Keyword"),
        "license_id": _("Licence"),
        "groups": _("Group"),
    }.get(str(name), str(name))


def _facet_label(name: str, item: Any) -> str:
    if name == "open_class":
        return law.govopen_class(item["name"])["label"]
    if name in ("theme", "update_cycle"):
        return law.govopen_choice(name, item["name"])
    return str(item.get("display_name") or item["name"])


def _params() -> list[tuple[str, str]]:
    return list(toolkit.request.args.items(multi=True))


def govopen_facets(found: Any, hide: str = "") -> list[listing.Facet]:
    """The facets of a search result with their links; ``hide`` leaves one out."""
    names = [n for n in listing.FACETS if n != hide]
    return listing.facets(found or {}, _params(), _facet_label, names)


def govopen_chips(found: Any) -> list[listing.Chip]:
    """The active filters with the links that take them away."""
    return listing.chips(_params(), found or {}, _facet_label)


def govopen_hidden_params(*leave_out: str) -> list[tuple[str, str]]:
    """The parameters a search form carries on: the active filters."""
    return [(k, v) for k, v in _params() if k not in ("page", *leave_out) and v]


def govopen_pages(page: Any) -> dict[str, Any]:
    """Page numbers of CKAN's ``Page``: ``{numbers: [(number, link)], before, after, current}``."""
    params = _params()
    current, last = int(page.page or 1), int(page.page_count or 1)
    return {
        "numbers": listing.pages(current, last, params),
        "before": listing.page_link(current - 1, params) if current > 1 else None,
        "after": listing.page_link(current + 1, params) if current < last else None,
        "current": current,
        "last": last,
    }


def govopen_home() -> dict[str, Any]:
    """What the home page shows: the newest datasets and the counts by class, theme and department.

    One search, never kept: what was taken away a moment ago is not shown here either.
    """
    found = toolkit.get_action("package_search")(
        cast(Any, asked.context()),
        {
            "q": "*:*",
            "fq": "+dataset_type:dataset",
            "rows": LATEST,
            "sort": "metadata_modified desc",
            "facet.field": ["open_class", "theme", "organization"],
            "facet.limit": 500,
        },
    )
    facets = found.get("search_facets", {})

    def values(name: str) -> list[dict[str, Any]]:
        items = [i for i in facets.get(name, {}).get("items", []) if i.get("name")]
        items.sort(key=lambda i: (-i["count"], i["name"]))
        return [
            {"name": i["name"], "label": _facet_label(name, i), "count": i["count"]} for i in items
        ]

    return {
        "count": found["count"],
        "latest": found["results"],
        "classes": {i["name"]: i["count"] for i in values("open_class")},
        "themes": values("theme"),
        "departments": values("organization"),
    }


def govopen_rows(resource: Any, limit: int = 10) -> dict[str, Any] | None:
    """The first rows of a file whose rows the portal holds, where the reader may have them.

    ``{fields: [name], records: [{name: value}], total}``; None when there are none to show.
    """
    if not resource.get("datastore_active"):
        return None
    try:
        found = toolkit.get_action("datastore_search")(
            cast(Any, asked.context()), {"resource_id": resource["id"], "limit": limit}
        )
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized, toolkit.ValidationError):
        return None
    names = [f["id"] for f in found["fields"] if f["id"] != "_id"]
    return {"fields": names, "records": found["records"], "total": found.get("total", 0)}


def govopen_waiting() -> int:
    """How many applications wait for the reader: one query a page, none for visitors."""
    memo = asked.memo()
    if "waiting" not in memo:
        memo["waiting"] = 0
        if toolkit.current_user.is_authenticated:
            found = toolkit.get_action("govopen_desk_count")(cast(Any, asked.context()), {})
            memo["waiting"] = found["applications"]
    return memo["waiting"]


def govopen_markdown(text: Any) -> Markup:
    """A description as HTML, by CKAN's own renderer (which cleans it)."""
    return h.render_markdown(text) if text else Markup("")


def govopen_page_text(name: str) -> str:
    """The operator's text for a page (``terms``, ``privacy``); empty: the built-in one is shown."""
    return texts.text(name, asked.locale())


__all__ = [
    "govopen_access",
    "govopen_api_url",
    "govopen_article",
    "govopen_changed",
    "govopen_changes",
    "govopen_chips",
    "govopen_choice",
    "govopen_citation",
    "govopen_class",
    "govopen_class_choices",
    "govopen_classes",
    "govopen_clock",
    "govopen_day",
    "govopen_erase_days",
    "govopen_excerpt",
    "govopen_facets",
    "govopen_hidden_params",
    "govopen_home",
    "govopen_lang",
    "govopen_languages",
    "govopen_markdown",
    "govopen_moment",
    "govopen_org_type_choices",
    "govopen_other_fields",
    "govopen_page_text",
    "govopen_pages",
    "govopen_path",
    "govopen_pick",
    "govopen_profile",
    "govopen_registers",
    "govopen_resource_url",
    "govopen_rows",
    "govopen_sign_in_label",
    "govopen_size",
    "govopen_structured_data",
    "govopen_themes",
    "govopen_url",
    "govopen_value",
    "govopen_waiting",
    "govopen_word",
    "govopen_words",
]
