"""The configuration of a catalogue source: what may stand in it, and which powers it asks for.

A source is configured with JSON in the ordinary harvest form. What is wrong in it is said with
the key's name and what to write instead; an unknown key is an error, since a misspelt one would
silently do nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ckan.plugins import toolkit

from ckanext.govopen.domain import sheet_columns
from ckanext.govopen.domain.sheet_columns import SheetConfig
from ckanext.govopen.domain.words import way
from ckanext.govopen.model.catalogue import (
    CREATE_ORGANIZATIONS,
    OTHER_DEPARTMENTS,
    PRIVATE_ADDRESS,
    SERVER_PATH,
)

KEYS = {
    "columns": "other headings and what they mean",
    "extract": "values that stand inside another cell, as regular expressions",
    "defaults": "values of fields that the table lacks; `acquired` must be stated",
    "sheet": "name of the workbook's sheet",
    "departments": "`own` (default) or `all`",
    "create_organizations": "true lets the source create organisations",
    "org_code_scheme": "what the departments' codes are, when they are not credit codes",
    "private_address": "true lets the source read from a private address",
    "withdraw": 'when missing records are withdrawn: {"share": 0.2, "at_least": 10}',
}
_ = toolkit._
UPLOAD, FILE = "upload", "file"


class ConfigError(ValueError):
    """The configuration is wrong; the message names the key and says what to write."""


@dataclass(frozen=True)
class Withdrawal:
    """Missing records are withdrawn unless they are more than this share and than this many."""

    share: float = 0.2
    at_least: int = 10

    def held(self, missing: int, alive: int) -> bool:
        """Are these too many to be withdrawn without a person's word?"""
        return missing > self.at_least and missing > self.share * alive


@dataclass(frozen=True)
class Config:
    """A checked configuration."""

    columns: SheetConfig
    sheet: str | None = None
    all_departments: bool = False
    create_organizations: bool = False
    org_code_scheme: str = ""
    private_address: bool = False
    withdraw: Withdrawal = field(default_factory=Withdrawal)


def parse(text: str | None) -> Config:
    """Reads a configuration. Raises :class:`ConfigError`."""
    try:
        raw = json.loads(text or "{}")
    except ValueError as error:
        raise ConfigError(
            _("The configuration is not JSON: %(error)s.") % {"error": error}
        ) from error
    if not isinstance(raw, dict):
        raise ConfigError(_("The configuration must be a JSON object: {…}."))
    unknown = sorted(set(raw) - set(KEYS))
    if unknown:
        raise ConfigError(
            _("Unknown key “%(name)s”. Known: %(known)s.")
            % {"name": unknown[0], "known": ", ".join(KEYS)}
        )
    try:
        columns = SheetConfig.from_json(raw)
    except sheet_columns.ConfigError as error:
        raise ConfigError(f"{error}.") from error
    _acquisition(columns)
    departments = raw.get("departments", "own")
    if departments not in ("own", "all"):
        raise ConfigError(_('`departments` must be "own" or "all".'))
    return Config(
        columns=columns,
        sheet=_text(raw, "sheet") or None,
        all_departments=departments == "all",
        create_organizations=_flag(raw, "create_organizations"),
        org_code_scheme=_text(raw, "org_code_scheme"),
        private_address=_flag(raw, "private_address"),
        withdraw=_withdrawal(raw.get("withdraw", {})),
    )


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


def _withdrawal(raw: Any) -> Withdrawal:
    if not isinstance(raw, dict) or set(raw) - {"share", "at_least"}:
        raise ConfigError(_('`withdraw` must look like {"share": 0.2, "at_least": 10}.'))
    share, at_least = raw.get("share", 0.2), raw.get("at_least", 10)
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ConfigError(_("`withdraw.share` must be a number between 0 and 1."))
    if isinstance(at_least, bool) or not isinstance(at_least, int) or at_least < 0:
        raise ConfigError(_("`withdraw.at_least` must be a whole number, 0 or more."))
    return Withdrawal(float(share), at_least)


def address(url: str) -> str:
    """The kind of a source's address: http, https, ``upload`` or ``file``. Raises
    :class:`ConfigError`.

    ``upload:NAME`` stands for a file that is uploaded to the source itself.
    """
    scheme = urlsplit(url.strip()).scheme.lower()
    if scheme not in ("http", "https", UPLOAD, FILE):
        raise ConfigError(
            _(
                "The address must begin with http:// or https://, or be “upload:NAME” for a file "
                "that is uploaded to the source."
            )
        )
    return scheme


def powers(url: str, config: Config) -> set[str]:
    """What a source with this address and configuration needs to have been given."""
    asked = set()
    if config.all_departments:
        asked.add(OTHER_DEPARTMENTS)
    if config.create_organizations:
        asked.add(CREATE_ORGANIZATIONS)
    if config.private_address:
        asked.add(PRIVATE_ADDRESS)
    if address(url) == FILE:
        asked.add(SERVER_PATH)
    return asked
