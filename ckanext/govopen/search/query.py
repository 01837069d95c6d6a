"""What may be asked of the index from outside, and how the portal asks.

``sanitise`` first, then ``search_defaults``; both are called with the data of ``package_search``
before CKAN reads it. The permission filter is CKAN's own and is not touched here: this closes the
ways round it (statistics, counts, names of fields), see ``docs/search.md``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ckan.lib.search import SearchError, SearchQueryError
from ckan.plugins import plugin_loaded, toolkit
from werkzeug.exceptions import BadRequest

from ckanext.govopen.domain.number import NotWhole, whole
from ckanext.govopen.search import fields, syntax

if TYPE_CHECKING:
    from ckanext.govopen.access.policy import Person

#: Parameters that steer Solr's parsers; the portal sets them.
_STEERING = ("qf", "pf", "bf", "bq", "uf", "boost", "defType", "mm", "tie", "df", "q.op", "wt")
#: Values of one facet that can be had at once.
MOST_FACET_VALUES = 2000
#: Hits that can be skipped; a page beyond is refused, since Solr would sort all of them.
MOST_SKIPPED = 1_000_000
#: Characters of a query or a filter; far beyond what people type.
LONGEST = 8000

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_ORDER = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_-]*)\s+(asc|desc)\s*\Z", re.IGNORECASE)
_CKAN_DEFAULT = "score desc, metadata_modified desc"


class SearchFailed(SearchQueryError, BadRequest):
    """A search that Solr could not carry out as it was asked: 400, wherever it comes up.

    Some of CKAN's pages (the feeds) catch no error of the search; as an HTTP error it still is an
    error page and not a fault of the server.
    """

    def __init__(self, message: str | None = None) -> None:
        message = message or ""
        super().__init__(message)
        self.args = (message,)  # CKAN's API tells these
        self.description = message


class SearchRefused(toolkit.ValidationError, SearchFailed):
    """A search that may not be asked: 409 by API, 400 on pages."""

    def __init__(self, error_dict: dict[str, Any]) -> None:
        super().__init__(error_dict)
        self.description = str(self)

    def __str__(self) -> str:
        """What the page tells: parameter and reason."""
        return "; ".join(f"{name}: {reason}" for name, reason in self.error_summary.items())


def _refuse(parameter: str, message: str) -> SearchRefused:
    return SearchRefused({parameter: [message]})


def site_fields() -> frozenset[str]:
    """Fields that the site's own dataset schemas and its ``search.facets`` add."""
    names: set[str] = set(toolkit.aslist(toolkit.config.get("search.facets") or []))
    if plugin_loaded("scheming_datasets"):
        for schema in (toolkit.h.scheming_dataset_schemas() or {}).values():
            names.update(field["field_name"] for field in schema.get("dataset_fields", ()))
    return frozenset(name for name in names if _NAME.match(name))


def sanitise(
    params: dict[str, Any], person: Person, extra: frozenset[str] | None = None
) -> dict[str, Any]:
    """The parameters of a ``package_search`` as this person may ask it.

    The portal itself and the operator may ask whatever CKAN allows. For everybody else: plain,
    listed field names only, no steering of Solr, counts from 1. In ``q`` and ``fq`` a field that is
    not listed behaves like one that does not exist.

    :param extra: more field names, by default those of the site's schemas
    :raises SearchRefused: says which parameter and why
    """
    if person.internal or person.sysadmin:
        return params
    result = dict(params)
    for name in _STEERING:
        if result.get(name) not in (None, ""):
            raise _refuse(name, toolkit._("This search parameter is set by the portal."))
        result.pop(name, None)
    more = site_fields() if extra is None else extra
    query, filters = fields.QUERY_FIELDS | more, ("fq", "fq_list")

    def may_ask(name: str) -> bool:
        return _NAME.match(name) is not None and fields.allowed(name, query)

    text = _text(result, "q").strip()
    if text and text not in ("*:*", '""', "''"):
        result["q"] = syntax.free_text(text, may_ask)
        result["defType"] = "edismax"
    for parameter in filters:
        if result.get(parameter):
            result[parameter] = _filters(result, parameter, may_ask)
    _returned(result, fields.RETURN_FIELDS | more)
    _sorted(result, fields.SORT_FIELDS)
    _facets(result, fields.FACET_FIELDS | more)
    start = _whole(result, "start")
    if start is not None and not 0 <= start <= MOST_SKIPPED:
        raise _refuse(
            "start",
            toolkit._("Must be a number from 0 to {most}.").format(most=MOST_SKIPPED),
        )
    return result


def search_defaults(params: dict[str, Any], person: Person) -> dict[str, Any]:
    """Adds what makes a search find well: fields and their weights, matching, order.

    Nothing that is set already is changed. People of a department (and the portal itself) also
    search the words of datasets without a release; the permission labels show them their own.
    """
    result = dict(params)
    text = str(result.get("q") or "").strip()
    free = bool(text) and (":" not in text or result.get("defType") == "edismax")
    if free:
        result.setdefault("defType", "edismax")
        if result["defType"] == "edismax":
            clauses = syntax.any_of(text) if not result.get("mm") else None
            steering = {
                "qf": fields.STAFF_WEIGHTS if person.is_staff else fields.PUBLIC_WEIGHTS,
                # CKAN joins words by AND: what has operators of its own needs no minimum.
                "mm": fields.MINIMUM if clauses else "0%",
                "tie": fields.TIE,
            }
            result["q"] = clauses or text
            result.update({k: v for k, v in steering.items() if not result.get(k)})
    unsorted = result.get("sort") in (None, "", "rank")
    if unsorted and toolkit.config.get("ckan.search.default_package_sort") == _CKAN_DEFAULT:
        result["sort"] = fields.RELEVANCE if text and text != "*:*" else fields.NEWEST
    return result


def told(error: SearchError) -> SearchError:
    """An error of the search as it may be shown: CKAN's own text repeats the whole query, with
    the permission labels of the person and the address of Solr in it."""
    if isinstance(error, SearchFailed):
        return error
    if isinstance(error, SearchQueryError):
        return SearchFailed(str(error.args[0]) if error.args else "")
    return SearchFailed(toolkit._("The search could not be carried out as it was asked."))


def _text(params: dict[str, Any], parameter: str) -> str:
    value = params.get(parameter)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _refuse(parameter, toolkit._("Must be a text."))
    if len(value) > LONGEST:
        raise _refuse(
            parameter,
            toolkit._("Must have at most {most} characters.").format(most=LONGEST),
        )
    return value.replace("\x00", " ")


def _filters(params: dict[str, Any], parameter: str, may_ask: Any) -> Any:
    """The filters of a parameter, made safe; the same shape as before, but always readable."""
    if parameter == "fq":
        return _filter(_text(params, "fq"), "fq", may_ask)
    values = _names(params, parameter, split=False)
    return [_filter(_text({parameter: value}, parameter), parameter, may_ask) for value in values]


def _filter(text: str, parameter: str, may_ask: Any) -> str:
    try:
        return syntax.filter_query(text, may_ask)
    except syntax.Unreadable as error:
        reasons = {
            "quote": toolkit._("a quotation mark has no partner"),
            "bracket": toolkit._("brackets do not match"),
            "range": toolkit._("a range is written [from TO to]"),
            "field": toolkit._("a colon must follow the plain name of a field"),
            "slash": toolkit._("values with a slash must stand in quotation marks"),
            "escape": toolkit._("a backslash escapes nothing"),
        }
        raise _refuse(
            parameter,
            toolkit._("The filter cannot be read at character {position}: {reason}.").format(
                position=error.position, reason=reasons[error.reason]
            ),
        ) from None


def _names(params: dict[str, Any], parameter: str, split: bool = True) -> list[str]:
    """A list of texts, given as a list, as JSON or (``split``) separated by commas and spaces."""
    value = params.get(parameter)
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            raise _refuse(parameter, toolkit._("This JSON cannot be read.")) from None
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise _refuse(parameter, toolkit._("Must be a list of texts."))
    if not split:
        return list(value)
    return [name for item in value for name in re.split(r"[,\s]+", item) if name]


def _unknown(parameter: str, name: str) -> SearchRefused:
    return _refuse(
        parameter,
        toolkit._("“{name}” is not a field that can be used here.").format(name=name[:80]),
    )


def _returned(params: dict[str, Any], among: frozenset[str]) -> None:
    if not params.get("fl"):
        return
    names: list[str] = []
    for name in _names(params, "fl"):
        if name == "*":
            names += sorted(fields.RETURN_FIELDS)
        elif _NAME.match(name) and fields.allowed(name, among):
            names.append(name)
        else:
            raise _unknown("fl", name)
    params["fl"] = list(dict.fromkeys(names))


def _sorted(params: dict[str, Any], among: frozenset[str]) -> None:
    order = _text(params, "sort").strip()
    if not order or order == "rank":
        params.pop("sort", None)
        return
    parts: list[str] = []
    for part in order.split(","):
        match = _ORDER.match(part)
        if not match:
            raise _refuse(
                "sort", toolkit._("Sorting is written “field asc” or “field desc”, with commas.")
            )
        if match.group(1) not in among:
            raise _unknown("sort", match.group(1))
        parts.append(f"{match.group(1)} {match.group(2).lower()}")
    params["sort"] = ", ".join(parts)


def _facets(params: dict[str, Any], among: frozenset[str]) -> None:
    if params.get("facet.field"):
        names = _names(params, "facet.field")
        for name in names:
            if not (_NAME.match(name) and fields.allowed(name, among)):
                raise _unknown("facet.field", name)
        params["facet.field"] = names
    if params.get("facet.mincount") is not None:
        params["facet.mincount"] = max(1, _whole(params, "facet.mincount") or 1)
    limit = _whole(params, "facet.limit")
    if limit is not None:
        params["facet.limit"] = limit if 0 <= limit <= MOST_FACET_VALUES else MOST_FACET_VALUES


def _whole(params: dict[str, Any], parameter: str) -> int | None:
    value = params.get(parameter)
    if value is None or value == "":
        return None
    try:
        return whole(value, lowest=None)
    except NotWhole:
        raise _refuse(parameter, toolkit._("Must be a whole number.")) from None
