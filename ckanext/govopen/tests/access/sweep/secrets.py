"""The secrets that the sweep plants and who may come to know each: the whole truth in one table."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

#: Nine letters after a beginning that no word has: stands whole in any encoding, name or column.
MARK = re.compile(r"zqx[a-z]{9}")
IDENTITY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# Who asks. "granted", "expired", "revoked", "stopped" are applicants with a grant in that state,
# for every conditional dataset; of those in force "partly" covers a column without a secret,
# "looking" the portal's own table alone, and the quota of "used_up" is used.
OUTSIDERS = frozenset(
    {
        "anonymous",
        "citizen",
        "granted",
        "expired",
        "revoked",
        "stopped",
        "partly",
        "looking",
        "used_up",
    }
)
#: Staff elsewhere: they know accounts, and nothing of this department.
ELSEWHERE = frozenset({"other_editor", "auditor"})
INSIDE = frozenset({"member", "editor", "reviewer", "authority", "operator"})
EVERYBODY = OUTSIDERS | ELSEWHERE | INSIDE
STAFF = ELSEWHERE | INSIDE
GRANTED = INSIDE | {"granted"}

#: Dataset -> who knows the description, who the content, by the design's table. What is only in
#: the working copy ("working") is for the inside of the department alone, in every dataset.
DATASETS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "open": (EVERYBODY, EVERYBODY),
    "conditional": (EVERYBODY, GRANTED),
    "pending": (EVERYBODY, EVERYBODY),
    "pending_conditional": (EVERYBODY, GRANTED),
    "narrowed": (EVERYBODY, EVERYBODY),
    "tightened": (EVERYBODY, GRANTED),
    "non_open": (INSIDE, INSIDE),
    "closed": (INSIDE, INSIDE),
    "never": (INSIDE, INSIDE),
    "draft": (INSIDE, INSIDE),
    "suspended": (INSIDE, INSIDE),
    "unpublished": (INSIDE, INSIDE),
    "deleted": (INSIDE, INSIDE),
}
#: Of these an outsider knows that they exist.
VISIBLE = tuple(name for name, (meta, _) in DATASETS.items() if meta == EVERYBODY)
HIDDEN = tuple(name for name in DATASETS if name not in VISIBLE)


#: What an auditor comes to know, by his duty: what events say, where the ledger is read;
#: nothing of the datasets themselves.
LEDGER = frozenset(
    {
        "govopen_ledger_export",
        "govopen_ledger_show",
        "govopen_ledger_verify",
        "govopen_ledger.export",
        "govopen_ledger.index",
    }
)
EVENTS_SAY = frozenset({"id", "new reason of class", "reason", "remarks"})


@dataclass(frozen=True)
class Secret:
    """Something planted: what it is, where, and who may know it."""

    text: str
    where: str
    what: str
    known_to: frozenset[str]

    def __str__(self) -> str:
        return f"{self.what} of {self.where}"

    def may_know(self, actor: str, surface: str) -> bool:
        """May it come to this actor there?"""
        said = self.what in EVENTS_SAY or self.what.startswith("purpose ")
        return actor in self.known_to or (actor == "auditor" and surface in LEDGER and said)


def mark(where: str, what: str) -> str:
    """The marker for a place; always the same for the same words."""
    digest = hashlib.sha256(f"{where}/{what}".encode()).digest()
    return "zqx" + "".join(chr(97 + byte % 26) for byte in digest[:9])


class Secrets:
    """All that was planted, by text: markers and identifiers."""

    def __init__(self) -> None:
        self.by_text: dict[str, Secret] = {}

    def add(self, text: str, where: str, what: str, known_to: frozenset[str]) -> str:
        self.by_text[text] = Secret(text, where, what, known_to)
        return text

    def plant(self, where: str, what: str, known_to: frozenset[str]) -> str:
        """A new marker."""
        return self.add(mark(where, what), where, what, known_to)

    def found_in(self, text: str) -> set[str]:
        """The planted texts that stand in a text."""
        lowered = text.lower()
        found = set(MARK.findall(lowered)) | set(IDENTITY.findall(lowered))
        return {item for item in found if item in self.by_text}
