"""The Solr document of a dataset, from its dict under CKAN's default show schema and the site's.

No database, no Solr: what is hidden and who may see it comes from ``access`` through the caller.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from dateutil import parser as dates

from ckanext.govopen.search.fields import INTERNAL, STAFF_TEXT, STAFF_TITLE

#: Values of ``govopen_form``: made from a release, words for staff only, CKAN's own document.
RELEASE, STAFF, CKAN = "release", "staff", "ckan"

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: What a date without a day or a month is completed from.
_START = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
_KEY = re.compile(r"[^A-Za-z0-9_-]")
#: Fields whose stored form is JSON: their words are indexed one by one, not as they stand.
_STRUCTURED = frozenset({"info_items", "legal_basis"})
#: Parts of a dataset dict that are flattened by themselves, or that name other datasets.
_RELATIONSHIPS = ("relationships_as_subject", "relationships_as_object")
_APART = frozenset({"resources", "tags", "groups", "organization", "extras", *_RELATIONSHIPS})
_RESOURCE_FIELDS = {
    "name": "res_name",
    "description": "res_description",
    "format": "res_format",
    "url": "res_url",
    "resource_type": "res_type",
}


def document(
    default: Mapping[str, Any],
    shown: Mapping[str, Any],
    *,
    hidden: bool,
    labels: Iterable[str],
    site_id: str,
    open_class: str | None = None,
    fingerprint: str = "",
    vocabularies: Mapping[str, str] | None = None,
    harvest_source: str | None = None,
) -> dict[str, Any]:
    """The whole document.

    :param default: dataset dict under CKAN's default show schema (site's own fields as extras)
    :param shown: the same under the site's schema
    :param hidden: outsiders must not find it: its words go into the staff fields only
    :param labels: permission labels
    :param open_class: class in force; not given for hidden datasets
    :param fingerprint: of the release it is made from; empty without one
    :param vocabularies: names of tag vocabularies by id
    :param harvest_source: id of the harvest source it comes from
    """
    default, shown = _stored(default), _stored(shown)
    base = _base(default, shown, site_id)
    base["permission_labels"] = list(labels)
    base["govopen_fingerprint"] = fingerprint
    if hidden:
        return _clean({**base, **_staff(default, shown), "govopen_form": STAFF})
    flat = _flat(default, vocabularies or {})
    flat.update(base)
    flat.update(portal_fields(default, shown, open_class))
    flat.update(capacity="public", private=False, govopen_form=RELEASE)
    if harvest_source:
        flat["harvest_source_id"] = harvest_source
    return _clean(flat)


def portal_fields(
    default: Mapping[str, Any], shown: Mapping[str, Any], open_class: str | None
) -> dict[str, Any]:
    """The portal's own search fields of a dataset that may be found."""
    value = _reader(default, shown)
    fields: dict[str, Any] = {
        "title_string": str(default.get("title") or default.get("name") or "").strip(),
        "open_class": open_class or value("open_class"),
        "theme": _many(value("theme")),
        "update_cycle": value("update_cycle"),
        "resource_code": value("resource_code"),
        "items_text": _item_names(value("info_items")),
        "provider_text": _provider(default, value),
        "data_date": _data_date(default, value),
    }
    return {key: found for key, found in fields.items() if found}


def _base(default: Mapping[str, Any], shown: Mapping[str, Any], site_id: str) -> dict[str, Any]:
    organization = default.get("organization") or {}
    identifier = str(default["id"])
    base = {
        "id": identifier,
        # CKAN's way of making it: its own deletions and updates must meet the same document.
        "index_id": hashlib.md5(
            f"{identifier}{site_id}".encode(), usedforsecurity=False
        ).hexdigest(),
        "site_id": site_id,
        "entity_type": "package",
        "dataset_type": default.get("type") or "dataset",
        "capacity": "private",
        "state": default.get("state") or "active",
        "owner_org": default.get("owner_org"),
        "organization": organization.get("name"),
        "metadata_created": _instant(default.get("metadata_created")),
        "metadata_modified": _instant(default.get("metadata_modified")),
        "data_date": _instant(default.get("metadata_modified")),
        "data_dict": json.dumps(default, ensure_ascii=False, default=str),
        "validated_data_dict": json.dumps(shown, ensure_ascii=False, default=str),
    }
    return {key: value for key, value in base.items() if value is not None}


def _staff(default: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    value = _reader(default, shown)
    words: list[Any] = [default.get(key) for key in ("title", "name", "notes", "author", "url")]
    words += [tag.get("name") for tag in default.get("tags") or []]
    words += [group.get("name") for group in default.get("groups") or []]
    words += _provider(default, value) + _item_names(value("info_items"))
    for resource in default.get("resources") or []:
        words += [resource.get(key) for key in ("name", "description", "format")]
    words += [v for key, v in _extras(default) if key not in _STRUCTURED]
    return {
        STAFF_TITLE: str(default.get("title") or default.get("name") or ""),
        STAFF_TEXT: [str(word) for word in words if word not in (None, "", [])],
    }


def _flat(default: Mapping[str, Any], vocabularies: Mapping[str, str]) -> dict[str, Any]:
    """The fields that CKAN itself makes of a dataset dict."""
    flat: dict[str, Any] = {
        key: value
        for key, value in default.items()
        if key not in _APART and not isinstance(value, (dict, list, tuple))
    }
    for key, value in _extras(default):
        if key in _STRUCTURED:
            continue
        flat[f"extras_{key}"] = value
        flat.setdefault(key, value)
    tags: list[str] = []
    for tag in default.get("tags") or []:
        vocabulary = vocabularies.get(tag.get("vocabulary_id") or "")
        if vocabulary:
            flat.setdefault(f"vocab_{vocabulary}", []).append(tag["name"])
        elif not tag.get("vocabulary_id"):
            tags.append(tag["name"])
    flat["tags"] = tags
    flat["groups"] = [group["name"] for group in default.get("groups") or []]
    for resource in default.get("resources") or []:
        for key, field in _RESOURCE_FIELDS.items():
            flat.setdefault(field, []).append(str(resource.get(key) or ""))
    return dated({key: value for key, value in flat.items() if value not in (None, "", [])})


def _stored(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without what stays among the departments and without names of other datasets."""
    copy = {key: value for key, value in dataset.items() if key not in INTERNAL}
    copy.pop("with_custom_schema", None)
    if isinstance(copy.get("extras"), list):
        copy["extras"] = [extra for extra in copy["extras"] if extra.get("key") not in INTERNAL]
    if isinstance(copy.get("resources"), list):
        copy["resources"] = [
            {key: value for key, value in resource.items() if key not in INTERNAL}
            for resource in copy["resources"]
        ]
    for key in _RELATIONSHIPS:
        if key in copy:
            copy[key] = []
    return copy


def _extras(default: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs = []
    for extra in default.get("extras") or []:
        key, value = _KEY.sub("", str(extra["key"])), extra["value"]
        if isinstance(value, (list, tuple)):
            value = " ".join(map(str, value))
        if key and key not in INTERNAL and value not in (None, ""):
            pairs.append((key, str(value)))
    return pairs


def _reader(default: Mapping[str, Any], shown: Mapping[str, Any]) -> Any:
    extras = {extra["key"]: extra["value"] for extra in default.get("extras") or []}

    def value(name: str) -> Any:
        for source in (shown, default, extras):
            if source.get(name) not in (None, "", []):
                return source[name]
        return None

    return value


def _many(value: Any) -> list[str]:
    """A list out of a list, a JSON list or a single value."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    if value in (None, ""):
        return []
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]


def _item_names(value: Any) -> list[str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    if not isinstance(value, list):
        return []
    names = [item.get("name") if isinstance(item, dict) else item for item in value]
    return [str(name) for name in names if name]


def _provider(default: Mapping[str, Any], value: Any) -> list[str]:
    organization = default.get("organization") or {}
    names = [organization.get("title"), organization.get("name"), value("provider_unit")]
    return [str(name) for name in names if name]


def _data_date(default: Mapping[str, Any], value: Any) -> str | None:
    for candidate in (value("data_updated"), value("issued"), default.get("metadata_modified")):
        found = _instant(candidate)
        if found:
            return found
    return None


def _instant(value: Any) -> str | None:
    """An ISO 8601 instant in UTC as Solr reads it; None for what is no date."""
    if not value:
        return None
    text = str(value).strip()
    for read in (dates.isoparse, _loosely):
        try:
            moment = read(text)
            if moment.tzinfo is not None:
                moment = moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        except (ValueError, OverflowError):  # no date, no such zone, before or after all years
            continue
        return moment.isoformat() + "Z"
    return None


def _loosely(text: str) -> datetime.datetime:
    return dates.parse(text, default=_START)


def dated(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document whose dates Solr can read: what is none is left out, or Solr would refuse it."""
    found = {key: _dated(key, value) for key, value in document.items()}
    return {key: value for key, value in found.items() if value is not None}


def impossible_dates(data: Mapping[str, Any]) -> dict[str, str]:
    """Fields of a dataset that is to be written whose dates break CKAN's own indexing, and values.

    CKAN leaves out what is no date, but fails on a zone or a number beyond all dates. A dataset
    must not be lost by that, so they are refused while it is written.
    """
    extras = data.get("extras")
    rows = extras if isinstance(extras, (list, tuple)) else ()
    pairs = [*data.items()]
    pairs += [(row.get("key"), row.get("value")) for row in rows if isinstance(row, Mapping)]
    return {
        str(key): value
        for key, value in pairs
        if isinstance(value, str) and _KEY.sub("", str(key)).endswith("_date") and _breaks(value)
    }


def _breaks(text: str) -> bool:
    try:
        dates.parse(text).isoformat()
    except dates.ParserError:
        return False
    except (ValueError, OverflowError):
        return True
    return False


def _dated(key: str, value: Any) -> Any:
    return _instant(value) if key.endswith("_date") else value


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _ILLEGAL.sub("", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items() if item is not None}
    return value
