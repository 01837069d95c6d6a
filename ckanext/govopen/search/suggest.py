"""Suggestions while somebody types, out of what he may see.

Everything is asked with the permission labels of the viewer (``None``: all), so a title, a tag or a
format that only hidden datasets have is never suggested to those who may not see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ckan.lib.search.common import make_connection
from ckan.plugins import toolkit

from ckanext.govopen.search.syntax import literal, quoted

#: The index has the parts of titles and tags up to this many characters.
LONGEST_PART = 8
#: Characters of what was typed that are looked at; far beyond what people type.
LONGEST = 200
#: Values of a facet that are looked through.
_CANDIDATES = 500
_SEPARATOR = "\n"


@dataclass(frozen=True)
class Counted:
    """A value and the number of datasets with it."""

    name: str
    count: int


@dataclass(frozen=True)
class Title:
    """A dataset by its title."""

    name: str
    title: str


def titles(query: str, labels: Sequence[str] | None, limit: int = 10) -> list[Title]:
    """Datasets whose title or name has all the words of ``query``, each as a part; best first.

    Traditional and simplified characters, widths and cases are the same. A dataset without a
    release is not suggested, not even to its department: it has no title in the open fields.
    """
    query = query[:LONGEST]
    words = _words(query)
    if not words or limit < 1:
        return []
    found = _ask(
        " ".join(f"+{_part('title_part', 'name_ngram', word)}" for word in words)
        + f" title:{quoted(query)}^5 title_string:{_prefix(query)}*^20",
        labels,
        fl="name,title",
        rows=min(limit, 100),
    )
    return [Title(hit["name"], hit.get("title") or hit["name"]) for hit in found.docs]


def tags(query: str, labels: Sequence[str] | None, limit: int = 10) -> list[Counted]:
    """Tags that contain ``query``, with the number of visible datasets, most used first."""
    words = _words(query[:LONGEST])
    if not words or limit < 1:
        return []
    q = " ".join(f"+tags_part:{quoted(word[:LONGEST_PART])}" for word in words)
    counted = _facet(q, labels, "tags")
    wanted = list(fold(words).values())
    folded = fold([tag for tag, _ in counted])
    return _first(
        ((tag, count) for tag, count in counted if all(word in folded[tag] for word in wanted)),
        limit,
    )


def formats(query: str, labels: Sequence[str] | None, limit: int = 5) -> list[Counted]:
    """Formats that contain ``query``, with the number of visible datasets, most used first."""
    wanted = query[:LONGEST].strip().casefold()
    if not wanted or limit < 1:
        return []
    counted = _facet("*:*", labels, "res_format")
    return _first(((name, n) for name, n in counted if wanted in name.casefold()), limit)


def fold(texts: Iterable[str]) -> dict[str, str]:
    """Each text as the index compares it: width, case and Traditional characters folded.

    One request for all that are not remembered.
    """
    wanted = list(dict.fromkeys(texts))
    unknown = [text for text in wanted if text not in _remembered()]
    if unknown:
        joined = _SEPARATOR.join(text.replace(_SEPARATOR, " ") for text in unknown)
        parts = _analysed(joined).split(_SEPARATOR)
        if len(parts) != len(unknown):  # never seen; plain case folding is the safe answer
            parts = [text.casefold() for text in unknown]
        if len(_remembered()) > 20_000:
            _remembered().clear()
        _remembered().update(zip(unknown, parts, strict=True))
    return {text: _remembered()[text] for text in wanted}


@lru_cache(maxsize=1)
def _remembered() -> dict[str, str]:
    return {}


def _analysed(text: str) -> str:
    """What the query analysis of the type ``text_part`` makes of a text: one token."""
    connection = make_connection()
    answer = connection.get_session().post(
        f"{connection.url.rstrip('/')}/analysis/field",
        data={"analysis.fieldtype": "text_part", "analysis.query": text, "wt": "json"},
        timeout=connection.timeout,
    )
    answer.raise_for_status()
    stages = answer.json()["analysis"]["field_types"]["text_part"]["query"]
    tokens = [stage for stage in stages if isinstance(stage, list)][-1]
    return tokens[0]["text"] if tokens else ""


def _prefix(query: str) -> str:
    return literal(query.strip()).replace(" ", "\\ ").replace("\u3000", "\\\u3000")


def _words(query: str) -> list[str]:
    return query.replace("\u3000", " ").split()[:8]


def _part(field: str, names: str, word: str) -> str:
    part = f"{field}:{quoted(word[:LONGEST_PART])}"
    if len(word) > LONGEST_PART:
        part = f"(+{part} +title:{quoted(word)})"
    return f"({part} OR {names}:{quoted(word)})"


def _facet(q: str, labels: Sequence[str] | None, field: str) -> list[tuple[str, int]]:
    found = _ask(
        q,
        labels,
        rows=0,
        **{
            "facet": "true",
            "facet.field": field,
            "facet.mincount": 1,
            "facet.limit": _CANDIDATES,
            "facet.sort": "count",
        },
    )
    flat = found.facets["facet_fields"][field]
    return list(zip(flat[0::2], flat[1::2], strict=True))


def _first(pairs: Iterable[tuple[str, int]], limit: int) -> list[Counted]:
    ordered = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    return [Counted(name, count) for name, count in ordered[:limit]]


def _ask(q: str, labels: Sequence[str] | None, **options: Any) -> Any:
    filters = [
        f"+site_id:{quoted(toolkit.config['ckan.site_id'])}",
        "+entity_type:package +state:active +dataset_type:dataset",
    ]
    if labels is not None:
        held = " OR ".join(quoted(label) for label in labels) or '""'
        filters.append(f"+permission_labels:({held})")
    return make_connection(decode_dates=False).search(
        q, fq=filters, df="title", **{"q.op": "OR", "defType": "lucene", **options}
    )
