"""Reads what people write in ``q`` and ``fq`` the way Solr will, and lets no field name past.

Pure. Solr's own parsers decide what a query means; this reader only finds every place where a
field can be named, and refuses whatever it does not understand itself. It errs on the strict side:
comments, regular expressions, local parameters and names written with escapes are not for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable

#: A field that no document has: what takes the place of names that may not be used.
NOWHERE = "govopen_nowhere"

_BLANK = " \t\n\r\u3000"
_SPACE = re.compile(f"[{_BLANK}]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BOUND = rf'(?:"(?:[^"\\]|\\.)*"|[^{_BLANK}\[\]{{}}"!][^{_BLANK}\[\]{{}}"]*)'
_RANGE = re.compile(rf"[\[{{][{_BLANK}]*{_BOUND}[{_BLANK}]+TO[{_BLANK}]+{_BOUND}[{_BLANK}]*[\]}}]")
_ALL = re.compile(r"\*:\*(?![^\s)])")
_TERM = re.compile(
    rf'(?:[^{_BLANK}+\-!():^\[\]"{{}}~\\/]|\\.)(?:[^{_BLANK}!():^\[\]"{{}}~\\/]|\\.)*', re.DOTALL
)
_OPERATORS = frozenset("+-!^~")
_SPECIAL = re.compile(r'([\\+\-&|!(){}\[\]^"~*?:/])')


class Unreadable(ValueError):
    """The text has a construct that people may not use; ``reason`` is one of the keys below.

    ``quote`` (a quotation mark without its partner), ``bracket`` (unbalanced), ``range`` (not
    ``[a TO b]``), ``field`` (no plain name before a colon), ``slash`` (regular expression or
    comment), ``escape`` (a backslash at the end). ``position`` counts characters from 1.
    """

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at {position + 1}")
        self.reason = reason
        self.position = position + 1


def rewrite(text: str, name_for: Callable[[str], str]) -> str:
    """``text`` with every field name replaced by what ``name_for`` gives for it.

    :param name_for: takes the name exactly as written, backslashes and wildcards included
    :raises Unreadable: for what this reader does not know
    """
    out: list[str] = []
    depth = 0
    position = 0
    named = False  # does ``out`` end with a word that a colon could follow?
    while position < len(text):
        character = text[position]
        match = _ALL.match(text, position) or _SPACE.match(text, position)
        if match:
            named = False
        elif character == '"':
            match, named = _QUOTED.match(text, position), False
            if not match:
                raise Unreadable("quote", position)
        elif character in "[{":
            match, named = _RANGE.match(text, position), False
            if not match or "/*" in match.group():
                raise Unreadable("range", position)
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth < 0:
                raise Unreadable("bracket", position)
            named = False
        elif character == ":":
            if not named:
                raise Unreadable("field", position)
            out[-1] = name_for(out[-1])
            named = False
        elif character in _OPERATORS:
            named = False
        else:
            match = _TERM.match(text, position)
            if not match:
                raise Unreadable({"/": "slash", "\\": "escape"}.get(character, "bracket"), position)
            named = True
        token = match.group() if match else character
        out.append(token)
        position += len(token)
    if depth:
        raise Unreadable("bracket", len(text) - 1)
    return "".join(out)


def literal(text: str) -> str:
    """``text`` with every character escaped that a query parser could read as more than text."""
    return _SPECIAL.sub(r"\\\1", text)


def quoted(text: str) -> str:
    """``text`` as a phrase of Solr's query language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def filter_query(text: str, allowed: Callable[[str], bool]) -> str:
    """A filter (``fq``) in which names that are not allowed match nothing.

    :raises Unreadable: for what cannot be read; a filter is not guessed at
    """
    return rewrite(text, lambda name: name if allowed(name) else NOWHERE)


def free_text(text: str, allowed: Callable[[str], bool]) -> str:
    """A query (``q``) that cannot fail: what is not a proper query is looked for as words."""

    def name_for(name: str) -> str:
        if not allowed(name):
            raise Unreadable("field", 0)
        return name

    try:
        return rewrite(text, name_for)
    except Unreadable:
        return literal(text)


_HAN = "\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE = re.compile(rf"[{_HAN}]+|[^{_BLANK}{_HAN}]+")
_STEERED = re.compile(
    r'["():\[\]{}^~*?\\]|(?:^|[ \t\n\r\u3000])(?:[-+!]|(?:AND|OR|NOT|&&|\|\|)(?=\s))'
)
#: Between clauses of which one is enough.
OR = " OR "
#: Clauses that one query may have; nobody types more words.
MOST_CLAUSES = 100


def any_of(text: str) -> str | None:
    """Plain words as clauses of which Solr may demand a part; None for a query with operators.

    Words without spaces between them are the rule in Chinese, and where one of them is replaced by
    the other side's word (開放資料, 开放数据) the pairs of characters across the border differ too.
    Longer runs therefore become one clause for each pair, of which most must occur; words of up to
    three characters stay whole, so that all of them must occur and longer synonyms are found.
    """
    if _STEERED.search(text):
        return None
    clauses: list[str] = []
    for piece in _PIECE.findall(text):
        if len(piece) > 3 and re.match(f"[{_HAN}]", piece):
            clauses += [piece[start : start + 2] for start in range(len(piece) - 1)]
        else:
            clauses.append(literal(piece))
    return OR.join(list(dict.fromkeys(clauses))[:MOST_CLAUSES])


def some_of(text: str) -> str | None:
    """A query that any part of ``text`` answers; None for one part, or with operators of its own.

    What has more of the parts, or has them in its title, comes first by its score.
    """
    clauses = any_of(text)
    return clauses if clauses and OR in clauses else None
