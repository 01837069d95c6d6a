"""Departments: their codes, and which organisation a record belongs to.

The unified social credit code (统一社会信用代码, GB 32100-2015) has 18 characters, the last a
check character over the others. Other codes are kept as they are, named by their scheme.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from stdnum.cn import uscc

from ckanext.govopen.domain.refusal import N_, Answer
from ckanext.govopen.domain.words import fold

Scheme = Literal["uscc", "tw", "other"]
SCHEMES: tuple[Scheme, ...] = ("uscc", "tw", "other")

#: Letters that GB 32100-2015 leaves out, since they look like digits.
_NOT_USED = re.compile(r"[IOZSV]")
_USCC = re.compile(r"^[0-9A-Z]{18}$")
#: Taiwan's codes of government bodies (機關代碼): nine characters and a check letter.
_TW = re.compile(r"^[0-9A-Z]{9,10}[A-Z]?$")


def normalize_code(code: str) -> str:
    """A code as it is stored: half width, upper case, without blanks and hyphens."""
    plain = code
    # Taking a blank out can bring a letter and its accent together, so until nothing changes.
    for _ in range(len(code) + 1):
        before = plain
        plain = re.sub(r"[\s-]+", "", unicodedata.normalize("NFKC", plain)).upper()
        if plain == before:
            break
    return plain


def detect_scheme(code: str) -> Scheme:
    """Which scheme a code has the form of."""
    plain = normalize_code(code)
    if _USCC.match(plain):
        return "uscc"
    return "tw" if _TW.match(plain) else "other"


def check_code(code: str, scheme: str | None = None) -> Answer:
    """Is the code well-formed in its scheme? Without a scheme: in the one it has the form of.

    A right check character says that nobody mistyped it, not that the organisation exists.
    """
    plain = normalize_code(code)
    if not plain:
        return Answer(False, "empty", N_("The code is empty."))
    if scheme is not None and scheme not in SCHEMES:
        return Answer(
            False,
            "scheme",
            N_("There is no code scheme %(scheme)s."),
            params={"scheme": scheme},
        )
    kind = scheme or detect_scheme(plain)
    if kind == "uscc":
        if not _USCC.match(plain):
            return Answer(
                False, "length", N_("A unified social credit code has 18 digits and letters.")
            )
        if _NOT_USED.search(plain):
            return Answer(
                False,
                "letters",
                N_("A unified social credit code has none of the letters I, O, S, V, Z."),
            )
        if not uscc.is_valid(plain):
            return Answer(
                False,
                "check",
                N_("The check character of the unified social credit code is wrong."),
            )
    if kind == "tw" and not _TW.match(plain):
        return Answer(False, "form", N_("This is no code of a government body."))
    if len(plain) > 64:
        return Answer(False, "length", N_("The code is too long."))
    return Answer(True, kind)


@dataclass(frozen=True)
class Known:
    """An organisation of the portal: id, codes, names, and the prefixes of its resource codes."""

    id: str
    code: str = ""
    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """Which organisation it is. ``id`` None: none found; ``ambiguous``: several, no guess."""

    id: str | None
    by: Literal["code", "prefix", "name", "nothing"]
    ambiguous: tuple[str, ...] = ()


def prefix_of(resource_code: str) -> str:
    """The part of a resource code that names its provider: what stands before the slash."""
    return resource_code.split("/", 1)[0].strip() if "/" in resource_code else ""


def match(name: str, code: str, resource_code: str, known: Iterable[Known]) -> Match:
    """Find the organisation of a record: by credit code, else by prefix, else by name.

    Never guesses between two. An organisation with another code than the record's is not the
    same one, however alike their names are.
    """
    candidates = list(known)
    wanted = normalize_code(code)
    if wanted:
        found = [item.id for item in candidates if normalize_code(item.code) == wanted]
        if found:
            return _only(found, "code")
        candidates = [item for item in candidates if not item.code]
    prefix = prefix_of(resource_code)
    if prefix:
        found = [item.id for item in candidates if prefix in item.prefixes]
        if found:
            return _only(found, "prefix")
    plain = fold(name)
    found = [item.id for item in candidates if plain and plain in {fold(n) for n in item.names}]
    return _only(found, "name") if found else Match(None, "nothing")


def _only(found: list[str], by: Literal["code", "prefix", "name"]) -> Match:
    return Match(found[0], by) if len(found) == 1 else Match(None, by, tuple(found))
