"""The ways in which a catalogue misbehaves. Each has a name, and how often it happens."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Name of a fault -> what a source sees of it.
FAULTS = {
    "down": "The connection is closed without an answer.",
    "slow": "The answer comes byte by byte.",
    "total": "The total is a lie.",
    "short": "The catalogue ends after its first page, whatever the total says.",
    "endless": "There is always one more page, with records that are not in the catalogue.",
    "loop": "The last page leads to the first one again.",
    "repeat": "Every page comes twice.",
    "move": "Records move to the page before while the catalogue is read.",
    "redirect": "The answer leads to an address of a private network.",
    "huge": "The body does not end.",
    "encoding": "The text is GB 18030, whatever is said about it.",
    "busy": "429, with Retry-After.",
    "unavailable": "503, with Retry-After.",
    "error": "500.",
    "gzip": "The packed body is broken.",
    "json": "The JSON is cut off.",
    "shape": "The JSON is no page of records.",
    "empty": "The catalogue is empty.",
    "wrong": "Every tenth record is wrong: no code, no title, wrong types.",
    "file-missing": "There are no files: 404.",
    "file-checksum": "A file has other bytes than the catalogue says.",
    "file-cut": "A file breaks off in the middle.",
    "file-huge": "A file does not end.",
    "file-slow": "A file comes byte by byte.",
    "file-redirect": "A file leads to an address of a private network.",
    "file-busy": "A file is answered with 429 and Retry-After.",
    "file-down": "The connection is closed where a file is asked for.",
    "file-unsaid": "The catalogue says neither size nor SHA-256 of a file.",
    "file-whole": "A file always comes whole: without ETag, Last-Modified and ranges.",
    "tls": "The certificate is nobody's.",
}


@dataclass
class Faults:
    """Which faults happen, and how often each still does (None: always)."""

    left: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def from_text(cls, wishes: list[str]) -> Faults:
        """``busy:2`` for twice, ``busy`` for always. Raises ValueError."""
        left: dict[str, int | None] = {}
        for wish in wishes:
            name, _, often = wish.partition(":")
            if name not in FAULTS:
                raise ValueError(f"There is no fault “{name}”. Known: {', '.join(FAULTS)}.")
            if often and not (often.isascii() and often.isdigit()):
                raise ValueError(f"“{wish}”: after the colon stands how often, as a number.")
            left[name] = int(often) if often else None
        return cls(left)

    def __contains__(self, name: str) -> bool:
        return self.left.get(name, 0) != 0

    def take(self, name: str) -> bool:
        """Does it happen now? Counts."""
        often = self.left.get(name, 0)
        if often:
            self.left[name] = often - 1
        return often is None or often > 0
