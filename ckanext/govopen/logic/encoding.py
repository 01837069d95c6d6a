"""In which encoding a text file is written: UTF-8, UTF-16, GB 18030 or Big5.

Frequency tables for many languages guess wrong on short tables of names and numbers. Only these
encodings come up here, and they can be told apart by rule: UTF-8 and UTF-16 prove themselves; of
the two double-byte encodings the right one puts nearly every character into its own block of
common characters, the wrong one does not.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import IO

__all__ = ["Undecodable", "detect"]

CHUNK = 256 * 1024

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Undecodable(ValueError):
    """The bytes are text in none of the known encodings."""


def _block(encoding: str, leads: range, trails: Iterable[int]) -> set[str]:
    """The characters of a block of a double-byte encoding."""
    pairs = (bytes((lead, trail)) for lead in leads for trail in trails)
    return set("".join(pair.decode(encoding, "ignore") for pair in pairs))


#: The common characters of both scripts: level 1 of GB 2312 and level 1 of Big5.
_COMMON = frozenset(
    _block("gb2312", range(0xB0, 0xD8), range(0xA1, 0xFF))
    | _block("cp950", range(0xA4, 0xC7), (*range(0x40, 0x7F), *range(0xA1, 0xFF)))
)


class _Candidate:
    """One encoding put to the test: does everything decode, and how common are the characters?"""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self.possible = True
        self._seen = 0
        self._hits = 0

    def feed(self, chunk: bytes, final: bool) -> None:
        if not self.possible:
            return
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError:
            self.possible = False
            return
        wide = [char for char in text if char >= "\u3400" and not "\uff00" <= char <= "\uffef"]
        self._seen += len(wide)
        self._hits += sum(char in _COMMON for char in wide)

    @property
    def score(self) -> float:
        """Share of common characters; 1 where there are none at all to tell by."""
        return self._hits / self._seen if self._seen else 1.0


def _chunks(file: IO[bytes]) -> Iterable[bytes]:
    file.seek(0)
    return iter(lambda: file.read(CHUNK), b"")


def _is(encoding: str, file: IO[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        for chunk in _chunks(file):
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def detect(file: IO[bytes]) -> str:
    """Name of the codec of a text file; the file is left at its beginning.

    Reads the whole file, for a single character in its last line decides between ASCII and the
    rest.

    :raises Undecodable: it is text in none of the known encodings
    """
    file.seek(0)
    begin = file.read(4)
    try:
        for mark, name in _MARKS:
            if begin.startswith(mark):
                if not _is(name, file):
                    raise Undecodable("The text is not what its first bytes say.")
                return name
        if _is("utf-8", file):
            return "utf-8"
        candidates = [_Candidate(name) for name in ("gb18030", "cp950", "big5hkscs")]
        for chunk in _chunks(file):
            for candidate in candidates:
                candidate.feed(chunk, final=False)
        for candidate in candidates:
            candidate.feed(b"", final=True)
        possible = [candidate for candidate in candidates if candidate.possible]
        if not possible:
            raise Undecodable("The text is neither UTF-8 nor GB 18030 nor Big5.")
        return max(possible, key=lambda candidate: candidate.score).encoding
    finally:
        file.seek(0)
