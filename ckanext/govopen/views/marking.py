"""What differs between two texts: the stretches that only one of them has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

#: A stretch of a text, and whether it is in this text only.
Piece = tuple[str, bool]

#: Chinese characters one by one, other words whole, so that no word is torn apart.
_TOKENS = re.compile(r"[0-9A-Za-z_À-ɏ]+|\s+|.", re.DOTALL)
#: Comparing takes steps in the product of both lengths: beyond this the whole middle is marked.
_MOST = 4_000_000
#: Two texts that have less than this in common are different texts: nothing is marked.
_ALIKE = 0.3
#: An unchanged stretch beyond this is cut, and so much stays on either side.
_LONG, _KEPT = 600, 120


def marked(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces; what only one of them has is marked."""
    old, new = _TOKENS.findall(before), _TOKENS.findall(after)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    head, tail = old[:start], old[len(old) - end :]
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    left: list[Piece] = [("".join(head), False)]
    right = list(left)
    if len(old) * len(new) > _MOST:
        left.append(("".join(old), True))
        right.append(("".join(new), True))
    else:
        for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
            left.append(("".join(old[i:j]), tag != "equal"))
            right.append(("".join(new[k:m]), tag != "equal"))
    for side in (left, right):
        side.append(("".join(tail), False))
    kept = sum(len(text) for text, alone in left if not alone)
    if kept < _ALIKE * max(len(before), len(after)):
        return [(before, False)], [(after, False)]
    return list(_joined(left)), list(_joined(right))


def shortened(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with long unchanged stretches cut; a text without a mark stays whole."""
    if not any(alone for _text, alone in pieces):
        return list(pieces)
    found: list[Piece] = []
    for number, (text, alone) in enumerate(pieces):
        if alone or len(text) <= _LONG:
            found.append((text, alone))
            continue
        first = text[:_KEPT] if number else ""
        last = text[-_KEPT:] if number < len(pieces) - 1 else ""
        found.append((f"{first} … {last}".strip() if first or last else "…", False))
    return found


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items both begin with."""
    number = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        number += 1
    return number


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    text, mark = "", False
    for piece, alone in pieces:
        if not piece:
            continue
        if alone != mark and text:
            yield text, mark
            text = ""
        text, mark = text + piece, alone
    if text:
        yield text, mark
