"""The parts of a list page that lead somewhere else: facets, active filters, page numbers.

All their links are relative (``?q=…``), made from the parameters of the request: CKAN asks its URL
machinery about two hundred times for one list, which is a good part of what its list costs.
Pure: parameters in, links out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

Params = Sequence[tuple[str, str]]

#: Facets in the order in which people narrow a list.
FACETS = ("open_class", "theme", "organization", "res_format", "update_cycle")
#: How many values of one facet are shown before "show all".
FACET_VALUES = 8


@dataclass(frozen=True)
class Value:
    """One value of a facet with its link: adds the value, or takes it away when it is active."""

    name: str
    label: str
    count: int
    href: str
    active: bool


@dataclass(frozen=True)
class Facet:
    """One facet; ``more`` is the link that shows all its values, ``fewer`` the way back."""

    name: str
    values: tuple[Value, ...]
    more: str | None
    fewer: str | None
    active: bool


@dataclass(frozen=True)
class Chip:
    """An active filter and the link without it."""

    facet: str
    label: str
    href: str


def query(params: Iterable[tuple[str, str]]) -> str:
    """A relative link with these parameters; ``?`` alone goes back to the bare list."""
    return "?" + urlencode([(k, v) for k, v in params if v != ""])


def without(params: Params, name: str, value: str | None = None) -> list[tuple[str, str]]:
    """The parameters without one (or without one value of it), back on page one."""
    return [
        (k, v)
        for k, v in params
        if k != "page" and not (k == name and (value is None or v == value))
    ]


def facets(
    found: Mapping[str, Any],
    params: Params,
    label: Callable[[str, Mapping[str, Any]], str],
    names: Sequence[str] = FACETS,
) -> list[Facet]:
    """The facets of a search result as they are shown, empty ones left out.

    ``found`` is ``search_facets`` of ``package_search``; ``label(facet, item)`` names a value.
    """
    shown: list[Facet] = []
    for name in names:
        items = [i for i in (found.get(name) or {}).get("items", ()) if i.get("name")]
        active = {v for k, v in params if k == name}
        if not items and not active:
            continue
        items.sort(key=lambda i: (i["name"] not in active, -i["count"], i["name"]))
        limit_name = f"_{name}_limit"
        everything = (limit_name, "0") in params
        more = fewer = None
        if everything:
            fewer = query(without(params, limit_name)) if len(items) > FACET_VALUES else None
        elif len(items) > FACET_VALUES:
            more = query([*without(params, limit_name), (limit_name, "0")])
            items = items[:FACET_VALUES]
        values = tuple(
            Value(
                name=i["name"],
                label=label(name, i),
                count=i["count"],
                href=query(
                    without(params, name, i["name"])
                    if i["name"] in active
                    else [*without(params, name, i["name"]), (name, i["name"])]
                ),
                active=i["name"] in active,
            )
            for i in items
        )
        shown.append(Facet(name, values, more, fewer, bool(active)))
    return shown


def chips(
    params: Params, found: Mapping[str, Any], label: Callable[[str, Mapping[str, Any]], str]
) -> list[Chip]:
    """One chip for every active filter, those that are no facet (a tag, a licence) included."""
    active: list[Chip] = []
    for name, value in params:
        if name in ("q", "page", "sort") or name.startswith("_") or not value:
            continue
        items = (found.get(name) or {}).get("items", ())
        item = next(
            (i for i in items if i.get("name") == value), {"name": value, "display_name": value}
        )
        active.append(Chip(name, label(name, item), query(without(params, name, value))))
    return active


def pages(current: int, last: int, params: Params) -> list[tuple[int | None, str]]:
    """Page numbers around the current one as ``(number, link)``; ``(None, "")`` is a gap."""
    if last <= 1:
        return []
    wanted = sorted({1, last, *(n for n in range(current - 2, current + 3) if 1 <= n <= last)})
    rest = without(params, "page")
    out: list[tuple[int | None, str]] = []
    before = 0
    for number in wanted:
        if number - before > 1:
            out.append((None, ""))
        out.append((number, page_link(number, rest)))
        before = number
    return out


def page_link(number: int, params: Params) -> str:
    """The link to one page of the list."""
    rest = without(params, "page")
    return query(rest if number == 1 else [*rest, ("page", str(number))])
