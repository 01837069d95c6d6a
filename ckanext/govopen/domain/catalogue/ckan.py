"""What a dataset of another CKAN portal says, as a record of the exchange catalogue.

Another portal with this extension says its classes itself, and they are kept. What a stock portal
does not say stands in the source's configuration; whoever configures the source answers for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.domain.words import way, yes_or_no

_KEYS = ("acquired", "class", "condition", "provider", "license")


class DefaultsError(ValueError):
    """The defaults are wrong; the message names the key."""


@dataclass(frozen=True)
class Defaults:
    """What the other portal does not say."""

    acquired: str = ""
    open_class: str = ""
    condition: str = ""
    license: str = ""
    provider_name: str = ""
    provider_code: str = ""

    @classmethod
    def from_json(cls, raw: Any) -> Defaults:
        """Reads `defaults` of a configuration. Raises :class:`DefaultsError`."""
        if not isinstance(raw, Mapping) or set(raw) - set(_KEYS):
            raise DefaultsError(f"defaults: an object with {', '.join(_KEYS)} is wanted")
        provider = raw.get("provider") or {}
        if not isinstance(provider, Mapping) or set(provider) - {"name", "code"}:
            raise DefaultsError("defaults.provider: an object with name and code is wanted")
        values = {key: raw.get(key) or "" for key in _KEYS if key != "provider"}
        values |= {f"provider.{key}": provider.get(key) or "" for key in ("name", "code")}
        for key, value in values.items():
            if not isinstance(value, str):
                raise DefaultsError(f"defaults.{key} is no text")
        if values["acquired"] and way(values["acquired"]) is None:
            raise DefaultsError("defaults.acquired is collected, shared, negotiated or purchased")
        return cls(
            values["acquired"], values["class"], values["condition"], values["license"],
            values["provider.name"], values["provider.code"],
        )  # fmt: skip


def code_of(package: Mapping[str, Any]) -> str:
    """The code of a dataset: its resource code, or else its id on the other portal."""
    return _text(package, "resource_code").strip() or _text(package, "id")


def to_record(package: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    """The record of a dataset dict of ``package_search`` or ``package_show``.

    Nothing in it is trusted to have the right type: what is wrong is read by
    :func:`~..record.parse_record`, which refuses the record by name.
    """
    code = code_of(package)
    opening = _text(package, "open_class") or defaults.open_class
    public = package.get("state", "active") == "active" and package.get("private") is not True
    if not public or opening == OpenClass.NON_OPEN.value:
        return {"code": code, "title": _text(package, "title"), "open": {"open": False}}
    organization = package.get("organization")
    organization = organization if isinstance(organization, Mapping) else {}
    said = bool(_text(package, "open_class"))
    name = _text(organization, "title") or _text(organization, "name")
    return {
        "code": code,
        "identity": {"id": package.get("id"), "name": package.get("name")},
        "title": package.get("title") or package.get("name"),
        "summary": package.get("notes"),
        "category": [theme] if (theme := _text(package, "theme")) else [],
        "keywords": [_text(tag, "name") for tag in _objects(package, "tags")],
        "provider": {
            "name": defaults.provider_name or name,
            "code": defaults.provider_code or _text(organization, "org_code"),
            "unit": package.get("provider_unit"),
        },
        "items": [
            {"name": item.get("name"), "type": item.get("type"), "open": _yes(item.get("open"))}
            for item in _objects(package, "info_items")
        ],
        "open": {
            "open": True,
            # A class that the portal states stands as it is; only a silent one is filled in.
            "condition": _text(package, "open_condition") or ("" if said else defaults.condition),
            "class": opening or None,
        },
        "cycle": package.get("update_cycle"),
        "issued": _text(package, "issued") or _text(package, "metadata_created")[:10],
        "data_updated": _text(package, "data_updated") or _text(package, "metadata_modified")[:10],
        "acquired": _text(package, "acquired_by") or defaults.acquired,
        "license": _text(package, "license_id") or defaults.license,
        "distributions": [_distribution(one) for one in _objects(package, "resources")],
    }


def _distribution(resource: Mapping[str, Any]) -> dict[str, Any]:
    digest = _text(resource, "hash").removeprefix("sha256:").lower()
    size = resource.get("size")
    known = len(digest) == 64 and not set(digest) - set("0123456789abcdef")
    return {
        "id": resource.get("id"),
        "name": resource.get("name"),
        "format": resource.get("format"),
        "url": resource.get("url"),
        "size": size if isinstance(size, int) and not isinstance(size, bool) else None,
        "sha256": digest if known else "",
    }


def _yes(value: Any) -> Any:
    """An item is open unless it says no; nonsense stays nonsense, and refuses the record."""
    if value is None or value == "":
        return True
    said = yes_or_no(value) if isinstance(value, str) else value
    return value if said is None else said


def _text(json: Mapping[str, Any], key: str) -> str:
    value = json.get(key)
    return value if isinstance(value, str) else ""


def _objects(json: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = json.get(key)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
