"""One record of the exchange catalogue, and how it is read from JSON.

A record that is wrong is refused with its code and the reason; the others go on. A record that
only takes away (deleted, or not open) needs nothing but its code: what closes never fails for a
missing title.
"""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from json import dumps
from typing import Any

from ckanext.govopen.domain.catalogue.reading import (
    MAX_CODE,
    MAX_URL,
    Wrong,
    flag,
    line,
    lines,
    moment,
    number,
    read_date,
    read_list,
    read_object,
    text,
)
from ckanext.govopen.domain.ledger import sha256
from ckanext.govopen.domain.refusal import N_, fill
from ckanext.govopen.domain.words import cycle, item_type, partly, way

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[a-z0-9_-]{2,100}")


@dataclass(frozen=True)
class Item:
    """An information item (信息项). ``type`` is a code of :data:`~..words.ITEM_TYPES` or empty."""

    name: str
    type: str = ""
    open: bool = True


@dataclass(frozen=True)
class Distribution:
    """One way to get the data. ``columns`` None: the source does not say what it contains."""

    id: str
    name: str
    format: str
    url: str
    size: int | None = None
    sha256: str = ""
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Provider:
    """The department that the record belongs to."""

    name: str
    code: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Identity:
    """Id and name that a dataset had on an older portal, and keeps."""

    id: str
    name: str


@dataclass(frozen=True)
class Consent:
    """The consent of whoever provided data that was got by sharing: its number, its day as ISO
    text, and who gave it. All three are stated, or there is none."""

    number: str
    on: str
    by: str


@dataclass(frozen=True)
class SourceReview:
    """The review that the source says has taken place."""

    result: str
    version: int | None
    by: str
    at: str
    ref: str


@dataclass(frozen=True)
class Record:
    """One resource of the catalogue. Dates are ISO text as far as they could be read, ``cycle``
    and ``acquired`` canonical words (None: not stated), class names as the source writes them.
    ``partly``: the source says that only a part of it is open."""

    code: str
    title: str = ""
    summary: str = ""
    category: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    provider: Provider = Provider("")
    format_kind: str = ""
    format_detail: str = ""
    items: tuple[Item, ...] = ()
    share_class: str = ""
    share_condition: str = ""
    share_mode: str = ""
    open: bool = True
    partly: bool = False
    open_condition: str = ""
    open_class: str = ""
    cycle: str | None = None
    issued: str = ""
    updated: str = ""
    data_updated: str = ""
    acquired: str | None = None
    license_id: str = ""
    related: tuple[str, ...] = ()
    review: SourceReview | None = None
    distributions: tuple[Distribution, ...] = ()
    version: int | None = None
    deleted: bool = False
    identity: Identity | None = None
    consent: Consent | None = None


@dataclass(frozen=True)
class RecordError:
    """Why a record is refused. ``code`` is empty when it could not even be read."""

    code: str
    message: str
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The message in English, with its places filled."""
        return fill(self.message, self.params)


def parse_record(json: Any) -> Record | RecordError:
    """Read one record; unknown fields are ignored, wrong ones refuse the record."""
    if not isinstance(json, Mapping):
        return RecordError("", N_("the record is no object"))
    try:
        code = line(json, "code", MAX_CODE)
    except Wrong as wrong:
        return RecordError("", wrong.message, wrong.params)
    if not code:
        return RecordError("", N_("the code is missing"))
    try:
        deleted = flag(json, "deleted") or False
        opening = read_object(json, "open")
        is_open = flag(opening, "open", "open.open")
        if deleted or is_open is False:
            return _closed(code, json, deleted)
        if is_open is None:
            raise Wrong(N_("%(where)s is missing"), where="open.open")
        return _record(code, json, opening)
    except Wrong as wrong:
        return RecordError(code, wrong.message, wrong.params)


def _closed(code: str, json: Mapping[str, Any], deleted: bool) -> Record:
    try:
        title = line(json, "title")
    except Wrong:
        title = ""
    version = json.get("version")
    return Record(
        code=code,
        title=title,
        open=False,
        deleted=deleted,
        version=version if isinstance(version, int) else None,
    )


def _record(code: str, json: Mapping[str, Any], opening: Mapping[str, Any]) -> Record:
    title = line(json, "title")
    if not title:
        raise Wrong(N_("the title is missing"))
    provider = read_object(json, "provider")
    name = line(provider, "name", where="provider.name")
    if not name:
        raise Wrong(N_("%(where)s is missing"), where="provider.name")
    share, form = read_object(json, "share"), read_object(json, "format")
    return Record(
        code=code,
        title=title,
        summary=text(json, "summary"),
        category=lines(json, "category"),
        keywords=lines(json, "keywords"),
        provider=Provider(
            name,
            line(provider, "code", where="provider.code"),
            line(provider, "unit", where="provider.unit"),
        ),
        format_kind=line(form, "kind", where="format.kind"),
        format_detail=line(form, "detail", where="format.detail"),
        items=tuple(_item(item, at) for at, item in enumerate(read_list(json, "items"), 1)),
        share_class=line(share, "class", where="share.class"),
        share_condition=text(share, "condition", "share.condition"),
        share_mode=line(share, "mode", where="share.mode"),
        partly=bool(flag(opening, "partly", "open.partly")) or _partly(opening.get("open")),
        open_condition=text(opening, "condition", "open.condition"),
        open_class=line(opening, "class", where="open.class"),
        cycle=_cycle(json),
        issued=read_date(json, "issued"),
        updated=moment(json, "updated"),
        data_updated=read_date(json, "data_updated"),
        acquired=_acquired(json),
        license_id=line(json, "license"),
        related=lines(json, "related"),
        review=_review(json),
        distributions=_distributions(read_list(json, "distributions")),
        version=number(json, "version"),
        identity=_identity(json),
        consent=_consent(json),
    )


def _identity(json: Mapping[str, Any]) -> Identity | None:
    given = read_object(json, "identity")
    if not given:
        return None
    id, name = line(given, "id", where="identity.id"), line(given, "name", where="identity.name")
    if not _UUID.fullmatch(id):
        raise Wrong(N_("%(where)s is no identifier"), where="identity.id")
    if not _NAME.fullmatch(name):
        raise Wrong(N_("%(where)s is no name of a dataset"), where="identity.name")
    return Identity(id, name)


def _consent(json: Mapping[str, Any]) -> Consent | None:
    given = read_object(json, "consent")
    found = Consent(
        line(given, "number", where="consent.number"),
        read_date(given, "on", "consent.on"),
        line(given, "by", where="consent.by"),
    )
    return found if found.number and found.on and found.by else None


def _item(json: Any, position: int) -> Item:
    where = f"items[{position}]"
    if not isinstance(json, Mapping):
        raise Wrong(N_("%(where)s is no object"), where=where)
    name = line(json, "name", where=f"{where}.name")
    if not name:
        raise Wrong(N_("%(where)s is missing"), where=f"{where}.name")
    raw = line(json, "type", where=f"{where}.type")
    kind = item_type(raw) if raw else ""
    if kind is None:
        raise Wrong(
            N_("%(where)s is no type of information item: %(value)s"),
            where=f"{where}.type",
            value=raw,
        )
    is_open = flag(json, "open", f"{where}.open")
    return Item(name, kind, True if is_open is None else is_open)


def _distributions(rows: Sequence[Any]) -> tuple[Distribution, ...]:
    """Each with an id of its own: its resource is known by it."""
    found = [_distribution(row, at) for at, row in enumerate(rows, 1)]
    given = {one.id for one in found}
    taken: set[str] = set()
    for at, one in enumerate(found, 1):
        if one.id in taken:
            where = f"distributions[{at}].id"
            raise Wrong(N_("%(where)s is that of another distribution"), where=where)
        if not one.id:
            unnamed = str(at) if str(at) not in given else f"#{at}"
            found[at - 1] = one = replace(one, id=unnamed)
        taken.add(one.id)
    return tuple(found)


def _distribution(json: Any, position: int) -> Distribution:
    where = f"distributions[{position}]"
    if not isinstance(json, Mapping):
        raise Wrong(N_("%(where)s is no object"), where=where)
    url = line(json, "url", MAX_URL, f"{where}.url")
    digest = line(json, "sha256", where=f"{where}.sha256").lower()
    if digest and (len(digest) != 64 or set(digest) - set("0123456789abcdef")):
        raise Wrong(N_("%(where)s is no SHA-256"), where=f"{where}.sha256")
    given = json.get("columns")
    return Distribution(
        id=line(json, "id", where=f"{where}.id"),
        name=line(json, "name", where=f"{where}.name"),
        format=line(json, "format", where=f"{where}.format"),
        url=url,
        size=number(json, "size", f"{where}.size"),
        sha256=digest,
        columns=None if given is None else lines(json, "columns", f"{where}.columns"),
    )


def _partly(value: Any) -> bool:
    return isinstance(value, str) and partly(value)


def _review(json: Mapping[str, Any]) -> SourceReview | None:
    review = read_object(json, "review")
    if not review:
        return None
    return SourceReview(
        result=line(review, "result", where="review.result"),
        version=number(review, "version", "review.version"),
        by=line(review, "by", where="review.by"),
        at=line(review, "at", where="review.at"),
        ref=line(review, "ref", where="review.ref"),
    )


def _cycle(json: Mapping[str, Any]) -> str | None:
    """An unknown cycle is no reason to refuse a record: it says nothing then."""
    return cycle(line(json, "cycle"))


def _acquired(json: Mapping[str, Any]) -> str | None:
    raw = line(json, "acquired")
    if not raw:
        return None
    known = way(raw)
    if known is None:
        raise Wrong(
            N_("%(where)s is no known way of acquisition: %(value)s"), where="acquired", value=raw
        )
    return known


def record_hash(record: Record) -> str:
    """SHA-256 over all that a record says, 64 hex digits: equal means nothing to do."""
    said = _said(record)
    for name in ("identity", "consent"):
        if said[name] is None:
            del said[name]
    whole = {"format": "govopen-record-1", **said}
    # What is in normal form already, as nearly all text is, has no need of a look at each piece.
    text = dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if not unicodedata.is_normalized("NFC", text):
        return sha256(whole)
    return hashlib.sha256(text.encode()).hexdigest()


def _said(value: Any) -> Any:
    """As ``dataclasses.asdict`` has it, without a copy of every text: it is hashed and gone."""
    if isinstance(value, tuple):
        return [_said(one) for one in value]
    names = _names(type(value))
    return {name: _said(getattr(value, name)) for name in names} if names else value


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass; () of anything else."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
