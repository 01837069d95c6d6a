"""What templates may ask: it comes from actions or from the request; nothing is decided here.

Everything here is called often, so it is cheap. The functions of one subject stand in the module
of that subject; ``__all__`` names what templates get.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

from ckan.lib.datapreview import get_view_plugin
from ckan.plugins import toolkit
from markupsafe import Markup

from ckanext.govopen.model import settings
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
from ckanext.govopen.views.contact import govopen_contact, govopen_levels
from ckanext.govopen.views.describe import (
    govopen_api_url,
    govopen_changed,
    govopen_citation,
    govopen_path,
    govopen_structured_data,
)
from ckanext.govopen.views.differences import govopen_differences
from ckanext.govopen.views.fewer import govopen_fewer
from ckanext.govopen.views.form import (
    govopen_demands,
    govopen_form_errors,
    govopen_form_rows,
    govopen_form_sections,
    govopen_is_conditional,
    govopen_licenses,
    govopen_review_on,
)
from ckanext.govopen.views.freshness import govopen_update_due
from ckanext.govopen.views.law import (
    govopen_access,
    govopen_article,
    govopen_choice,
    govopen_class,
    govopen_classes,
    govopen_clock,
    govopen_deliveries,
    govopen_has_rule,
    govopen_profile,
)
from ckanext.govopen.views.mended import govopen_mended
from ckanext.govopen.views.oidc import govopen_passwords, govopen_sign_in_label
from ckanext.govopen.views.others import govopen_other_fields, govopen_without_groups, govopen_words
from ckanext.govopen.views.registration import govopen_registers
from ckanext.govopen.views.tables import govopen_table_remarks

_ = toolkit._
h = toolkit.h

#: Datasets on the home page.
LATEST = 6
#: Rows of a table that the page of a file shows at once.
FIRST_ROWS = 20


def govopen_excerpt(text: Any, length: int = 120) -> str:
    """Plain text of a Markdown description, cut to ``length`` characters."""
    return words.excerpt(text, length)


def govopen_first_sentence(text: Any) -> str:
    """The first sentence of a text, for a line that stands for the whole."""
    return words.first_sentence(text)


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
        "way": words.way,
        "span": words.span,
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
        "frequency": _("Update frequency"),
        "source_type": _("Source type"),
    }.get(str(name), str(name))


def _facet_label(name: str, item: Any) -> str:
    if name == "open_class":
        return law.govopen_class(item["name"])["label"]
    if name in ("theme", "update_cycle"):
        return law.govopen_choice(name, item["name"])
    if name == "frequency":
        return _(str(item["name"]).title())
    if name == "source_type":
        known = {one["name"]: one["title"] for one in h.harvesters_info()}
        return _(known.get(item["name"], item["name"]))
    return str(item.get("display_name") or item["name"])


def govopen_facet_label(name: str) -> Callable[[Any], str]:
    """What CKAN's own lists of filters call the values of a facet."""
    return functools.partial(_facet_label, name)


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
        "end": listing.page_link(last, params),
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


def govopen_rows(resource: Any, limit: int = FIRST_ROWS) -> dict[str, Any] | None:
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


def govopen_previews(views: Any, resource: Any) -> list[dict[str, Any]]:
    """The views of a resource that have something to show: ``[{id, title, kind, description}]``.

    ``kind`` is ``table`` (reads the rows that the portal holds), ``picture`` (the file itself) or
    ``frame`` (a page of its own). Without a review others may load rows and do not tell.
    """
    found = []
    for view in views or []:
        plugin = get_view_plugin(view["view_type"])
        if plugin is None:
            continue
        kind = "table" if plugin.info().get("requires_datastore") else "frame"
        if kind == "table" and not resource.get("datastore_active"):
            if settings.review_on():
                continue
            kind = "frame"
        if view["view_type"] == "image_view" and not view.get("image_url"):
            kind = "picture" if resource.get("url_type") == "upload" else "frame"
        found.append(
            {
                "id": view["id"],
                "title": view.get("title") or _("Preview"),
                "kind": kind,
                "description": view.get("description"),
            }
        )
    return found


def govopen_waiting() -> int:
    """How much waits on the reader's desk: two queries a page at most, none for visitors."""
    memo = asked.memo()
    if "waiting" not in memo:
        memo["waiting"] = 0
        if toolkit.current_user.is_authenticated:
            found = toolkit.get_action("govopen_desk_count")(cast(Any, asked.context()), {})
            memo["waiting"] = found["applications"] + found["reviews"]
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
    "govopen_chips",
    "govopen_choice",
    "govopen_citation",
    "govopen_class",
    "govopen_class_choices",
    "govopen_classes",
    "govopen_clock",
    "govopen_contact",
    "govopen_day",
    "govopen_deliveries",
    "govopen_demands",
    "govopen_differences",
    "govopen_erase_days",
    "govopen_excerpt",
    "govopen_facet_label",
    "govopen_facets",
    "govopen_fewer",
    "govopen_first_sentence",
    "govopen_form_errors",
    "govopen_form_rows",
    "govopen_form_sections",
    "govopen_has_rule",
    "govopen_hidden_params",
    "govopen_home",
    "govopen_is_conditional",
    "govopen_lang",
    "govopen_languages",
    "govopen_levels",
    "govopen_licenses",
    "govopen_markdown",
    "govopen_mended",
    "govopen_moment",
    "govopen_org_type_choices",
    "govopen_other_fields",
    "govopen_page_text",
    "govopen_pages",
    "govopen_passwords",
    "govopen_path",
    "govopen_pick",
    "govopen_previews",
    "govopen_profile",
    "govopen_registers",
    "govopen_resource_url",
    "govopen_review_on",
    "govopen_rows",
    "govopen_sign_in_label",
    "govopen_size",
    "govopen_structured_data",
    "govopen_table_remarks",
    "govopen_themes",
    "govopen_update_due",
    "govopen_url",
    "govopen_waiting",
    "govopen_without_groups",
    "govopen_word",
    "govopen_words",
]
