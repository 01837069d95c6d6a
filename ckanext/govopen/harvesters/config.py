"""The configuration of a catalogue source: what may stand in it, and which powers it asks for.

A source is configured with JSON in the ordinary harvest form. What is wrong in it is said with
the key's name and what to write instead; an unknown key is an error, since a misspelt one would
silently do nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ckanext.govopen.access import network
from ckanext.govopen.domain import sheet_columns
from ckanext.govopen.domain.catalogue import Withdrawal
from ckanext.govopen.domain.catalogue import ckan as ckan_mapping
from ckanext.govopen.domain.sheet_columns import SheetConfig
from ckanext.govopen.domain.words import way
from ckanext.govopen.harvesters import sealing
from ckanext.govopen.logic.told import told as _
from ckanext.govopen.model.catalogue import (
    CREATE_ORGANIZATIONS,
    KEEP_IDENTIFIERS,
    OTHER_DEPARTMENTS,
    PRIVATE_ADDRESS,
    SERVER_PATH,
)

#: What may stand in the configuration of every source …
KEYS = {
    "departments": "`own` (default) or `all`",
    "create_organizations": "true lets the source create organisations",
    "org_code_scheme": "what the departments' codes are, when they are not credit codes",
    "private_address": "true lets the source read from a private address",
    "files": "`copy` (default) brings the files into the portal, `link` publishes their addresses",
    "file_hosts": "other hosts of private addresses that files may be copied from",
    "withdraw": 'when missing records are withdrawn: {"share": 0.2, "at_least": 10}',
}
#: … and of each kind of source besides.
TABLE, EXCHANGE, CKAN = "govopen_spreadsheet", "govopen_exchange", "govopen_ckan"
OWN_KEYS = {
    TABLE: {
        "columns": "other headings and what they mean",
        "extract": "values that stand inside another cell, as regular expressions",
        "defaults": "values of fields that the table lacks; `acquired` must be stated",
        "sheet": "name of the workbook's sheet",
    },
    EXCHANGE: {
        "auth": 'how to prove who asks: {"bearer": "…"} or {"hmac": {"client_id", "secret"}}',
        "page": "records in one page, 500 unless told, 1000 at most",
        "full_every": "days between full readings; only changes are asked for in between",
    },
    CKAN: {
        "auth": 'a token of the other portal: {"bearer": "…"}',
        "defaults": "what the other portal does not say: acquired, class, condition, provider",
        "fq": "only the datasets that this filter of its search finds",
        "keep_identifiers": "true keeps the names and ids of the other portal",
        "page": "datasets in one page, 100 unless told, 1000 at most",
    },
}
UPLOAD, FILE = "upload", "file"


class ConfigError(ValueError):
    """The configuration is wrong; the message names the key and says what to write."""


@dataclass(frozen=True)
class Config:
    """A checked configuration."""

    columns: SheetConfig = field(default_factory=SheetConfig)
    sheet: str | None = None
    #: As it stands there, credentials sealed; never to be shown or logged in the clear.
    auth: Mapping[str, Any] = field(default_factory=dict, repr=False)
    page: int = 0
    full_every: int = 0
    defaults: ckan_mapping.Defaults = field(default_factory=ckan_mapping.Defaults)
    fq: str = ""
    keep_identifiers: bool = False
    all_departments: bool = False
    create_organizations: bool = False
    org_code_scheme: str = ""
    private_address: bool = False
    #: Are the files copied into the portal? Otherwise their addresses are published.
    copies: bool = True
    #: Hosts and ports beside the source's own that may be spoken to at private addresses.
    file_hosts: frozenset[network.Place] = frozenset()
    withdraw: Withdrawal = field(default_factory=Withdrawal)


def parse(text: str | None, kind: str = TABLE) -> Config:
    """Reads a configuration of a kind of source. Raises :class:`ConfigError`."""
    try:
        raw = json.loads(text or "{}")
    except ValueError as error:
        raise ConfigError(
            _("The configuration is not JSON: %(error)s.") % {"error": error}
        ) from error
    if not isinstance(raw, dict):
        raise ConfigError(_("The configuration must be a JSON object: {…}."))
    known = {**KEYS, **OWN_KEYS[kind]}
    unknown = sorted(set(raw) - set(known))
    if unknown:
        raise ConfigError(
            _("Unknown key “%(name)s”. Known: %(known)s.")
            % {"name": unknown[0], "known": ", ".join(known)}
        )
    departments = raw.get("departments", "own")
    if departments not in ("own", "all"):
        raise ConfigError(_('`departments` must be "own" or "all".'))
    files = raw.get("files", "copy")
    if files not in ("copy", "link"):
        raise ConfigError(_('`files` must be "copy" or "link".'))
    return Config(
        copies=files == "copy",
        file_hosts=_hosts(raw),
        all_departments=departments == "all",
        create_organizations=_flag(raw, "create_organizations"),
        org_code_scheme=_text(raw, "org_code_scheme"),
        private_address=_flag(raw, "private_address"),
        withdraw=_withdrawal(raw.get("withdraw", {})),
        **_OWN[kind](raw),
    )


def _table(raw: Mapping[str, Any]) -> dict[str, Any]:
    try:
        columns = SheetConfig.from_json(raw)
    except sheet_columns.ConfigError as error:
        raise ConfigError(f"{error}.") from error
    _acquisition(columns)
    return {"columns": columns, "sheet": _text(raw, "sheet") or None}


def _exchange(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "auth": _auth(raw, ("bearer", "hmac")),
        "page": _whole(raw, "page", 500, 1, 1000),
        "full_every": _whole(raw, "full_every", 0, 0, 31),
    }


def _ckan(raw: Mapping[str, Any]) -> dict[str, Any]:
    try:
        defaults = ckan_mapping.Defaults.from_json(raw.get("defaults") or {})
    except ckan_mapping.DefaultsError as error:
        raise ConfigError(f"{error}.") from error
    return {
        "auth": _auth(raw, ("bearer",)),
        "page": _whole(raw, "page", 100, 1, 1000),
        "defaults": defaults,
        "fq": _text(raw, "fq"),
        "keep_identifiers": _flag(raw, "keep_identifiers"),
    }


_OWN: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    TABLE: _table,
    EXCHANGE: _exchange,
    CKAN: _ckan,
}


def _auth(raw: Mapping[str, Any], ways: tuple[str, ...]) -> dict[str, Any]:
    """Credentials, sealed. None of the messages repeats what stands there."""
    auth = raw.get("auth")
    if auth is None:
        return {}
    if not isinstance(auth, dict) or len(auth) != 1 or next(iter(auth)) not in ways:
        raise ConfigError(_form(ways))
    value = auth.get("bearer", auth.get("hmac"))
    secret = value
    if "hmac" in auth:
        if not isinstance(value, dict) or set(value) != {"client_id", "secret"}:
            raise ConfigError(_form(ways))
        secret = value["secret"]
        if not isinstance(value["client_id"], str) or not value["client_id"].isprintable():
            raise ConfigError(_("`auth.hmac.client_id` must be text on one line."))
    if not isinstance(secret, str) or not secret:
        raise ConfigError(_("The credential in `auth` must be text."))
    if not sealing.is_sealed(secret):
        raise ConfigError(_("A credential is saved with its source only: sources seal it first."))
    return auth


def _form(ways: tuple[str, ...]) -> str:
    if "hmac" in ways:
        return _(
            '`auth` must look like {"bearer": "…"} or {"hmac": {"client_id": "…", "secret": "…"}}.'
        )
    return _('`auth` must look like {"bearer": "…"}.')


def _whole(raw: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = raw.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(
            _("`%(key)s` must be a whole number from %(least)s to %(most)s.")
            % {"key": key, "least": least, "most": most}
        )
    return value


def _acquisition(columns: SheetConfig) -> None:
    """The catalogue guide's template does not say how data was acquired, so the source must."""
    stated = columns.defaults.get("acquired")
    if stated is None and ("acquired" in columns.columns.values() or "acquired" in columns.extract):
        return
    if not isinstance(stated, str) or way(stated) is None:
        raise ConfigError(
            _(
                'State how the data was acquired: {"defaults": {"acquired": "collected"}} '
                "(or shared, negotiated, purchased), or map a column to it."
            )
        )


def _flag(raw: Mapping[str, Any], key: str) -> bool:
    value = raw.get(key, False)
    if not isinstance(value, bool):
        raise ConfigError(_("`%(key)s` must be true or false.") % {"key": key})
    return value


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str):
        raise ConfigError(_("`%(key)s` must be text.") % {"key": key})
    return value.strip()


def _hosts(raw: Mapping[str, Any]) -> frozenset[network.Place]:
    value = raw.get("file_hosts", [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError(_hosts_form())
    if value and raw.get("private_address") is not True:
        raise ConfigError(_("`file_hosts` means something only with `private_address`."))
    return frozenset(place for one in value for place in _places(one.strip()))


def _places(text: str) -> list[network.Place]:
    """A host, with its port or else with those of http and https."""
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    try:
        parsed = network.parse(f"http://{text}")
    except network.AddressRefused:
        raise ConfigError(_hosts_form()) from None
    if parsed.path or parsed.query is not None or parsed.fragment is not None:
        raise ConfigError(_hosts_form())
    host, port = network.place(parsed)
    return [(host, port)] if parsed.port else [(host, 80), (host, 443)]


def _hosts_form() -> str:
    return _(
        "`file_hosts` must be a list of hosts, with a port where it is another than 80 or 443: "
        '["files.example.org", "10.0.0.5:8080"].'
    )


def _withdrawal(raw: Any) -> Withdrawal:
    if not isinstance(raw, dict) or set(raw) - {"share", "at_least"}:
        raise ConfigError(_('`withdraw` must look like {"share": 0.2, "at_least": 10}.'))
    share, at_least = raw.get("share", 0.2), raw.get("at_least", 10)
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ConfigError(_("`withdraw.share` must be a number between 0 and 1."))
    if isinstance(at_least, bool) or not isinstance(at_least, int) or at_least < 0:
        raise ConfigError(_("`withdraw.at_least` must be a whole number, 0 or more."))
    return Withdrawal(float(share), at_least)


def address(url: str, kind: str = TABLE) -> str:
    """The kind of a source's address: http, https, ``upload`` or ``file``; a catalogue that is
    asked page by page has one of the web. Raises :class:`ConfigError`.

    ``upload:NAME`` stands for a file that is uploaded to the source itself.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise ConfigError(_("The address cannot be read.")) from error
    scheme = parts.scheme.lower()
    if kind != TABLE:
        if scheme not in ("http", "https") or parts.query or parts.fragment:
            raise ConfigError(
                _("The address must begin with http:// or https:// and have no “?” or “#” in it.")
            )
        return scheme
    if scheme not in ("http", "https", UPLOAD, FILE):
        raise ConfigError(
            _(
                "The address must begin with http:// or https://, or be “upload:NAME” for a file "
                "that is uploaded to the source."
            )
        )
    return scheme


def powers(url: str, config: Config, kind: str = TABLE) -> set[str]:
    """What a source with this address and configuration needs to have been given."""
    asked = set()
    if config.all_departments:
        asked.add(OTHER_DEPARTMENTS)
    if config.create_organizations:
        asked.add(CREATE_ORGANIZATIONS)
    if config.private_address:
        asked.add(PRIVATE_ADDRESS)
    if config.keep_identifiers:
        asked.add(KEEP_IDENTIFIERS)
    if address(url, kind) == FILE:
        asked.add(SERVER_PATH)
    return asked
