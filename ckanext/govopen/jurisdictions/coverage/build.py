"""Writes docs/coverage.md: ``python -m ckanext.govopen.jurisdictions.coverage.build``.

The behaviours stand in ``behaviours.yaml``, what an article asks for in the profiles. Whoever
changes what the portal does changes the state there and the row of the article in the profile; a
test says when the two disagree, when a named test does not exist, or when the table is stale.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ckanext.govopen.domain.jurisdiction import load
from ckanext.govopen.domain.profile import Profile

HERE = Path(__file__).parent
PROFILES = HERE.parent
TESTS = HERE.parents[1] / "tests"
TABLE = HERE.parents[3] / "docs" / "coverage.md"

#: The regulations in the order of the table.
REGULATIONS = ("xian", "shandong", "haishu", "panzhihua", "chaohu", "jilin")
#: The states of a behaviour, the worst first, and what the table calls them.
STATES = {
    "not_yet": "not yet",
    "done": "done",
    "data": "profile data",
    "people": "people",
}
_CODE = re.compile(r"(\d+)(?:\.(\d+)|\((\d+)\))([a-z]?)$")


class CoverageError(ValueError):
    """``behaviours.yaml`` cannot be used; the message says which entry, and why."""


@dataclass(frozen=True)
class Behaviour:
    """What the portal does, or why it does nothing, for the paragraphs in ``rows``."""

    id: str
    title: str
    state: str
    rows: dict[str, tuple[str, ...]]
    does: str = ""
    lacks: str = ""
    tests: tuple[str, ...] = ()

    def text(self) -> str:
        """What is there, and what is not."""
        lacks = f"Not there yet: {self.lacks}" if self.lacks else ""
        return f"{self.id} {self.title}: {' '.join(filter(None, (self.does, lacks)))}"


@dataclass
class Paragraph:
    """One paragraph of a regulation, with the behaviours that stand for it."""

    code: str
    behaviours: list[Behaviour] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The worst state of its behaviours."""
        return worst(item.state for item in self.behaviours)


def worst(states: Iterable[str]) -> str:
    """The state that decides when there are several."""
    return min(states, key=list(STATES).index)


def key(code: str) -> tuple[int, bool, int, str]:
    """Sorts codes as the text has them: 46.1a, 46.1b, 46(1), 46(2)."""
    match = _CODE.match(code)
    if match is None:
        raise CoverageError(f"{code!r} names no paragraph: 25.3, 25.3a, 46(2) or 46(2)b.")
    article, paragraph, item, duty = match.groups()
    return int(article), item is not None, int(paragraph or item), duty


def article_of(code: str) -> int:
    """The article of a paragraph."""
    return key(code)[0]


@functools.cache
def behaviours() -> tuple[Behaviour, ...]:
    """All behaviours; raises :class:`CoverageError` with the entry that is wrong."""
    found = []
    for entry in yaml.safe_load((HERE / "behaviours.yaml").read_text(encoding="utf-8")):
        name = f"{entry.get('id')} ({entry.get('title')})"
        found.append(_behaviour(entry, name))
    return tuple(found)


def _behaviour(entry: dict[str, Any], name: str) -> Behaviour:
    unknown = set(entry) - {"id", "title", "state", "does", "lacks", "tests", "rows"}
    if unknown:
        raise CoverageError(f"{name}: unknown key {', '.join(sorted(unknown))}.")
    if entry["state"] not in STATES:
        raise CoverageError(f"{name}: there is no state {entry['state']}.")
    if (entry["state"] == "not_yet") != bool(entry.get("lacks")):
        raise CoverageError(f"{name}: 'lacks' belongs to the state not_yet, and only there.")
    if entry["state"] != "not_yet" and not entry.get("does"):
        raise CoverageError(f"{name}: say what is done, or why nothing is.")
    if entry["state"] == "done" and not entry.get("tests"):
        raise CoverageError(f"{name}: what is done is shown by a test.")
    for regulation, codes in entry["rows"].items():
        if regulation not in REGULATIONS:
            raise CoverageError(f"{name}: there is no regulation {regulation}.")
        for code in codes:
            key(code)
    return Behaviour(
        id=entry["id"],
        title=entry["title"],
        state=entry["state"],
        does=entry.get("does") or "",
        lacks=entry.get("lacks") or "",
        tests=tuple(entry.get("tests") or ()),
        rows={name: tuple(codes) for name, codes in entry["rows"].items()},
    )


def paragraphs(regulation: str) -> list[Paragraph]:
    """The paragraphs of a regulation in the order of the text."""
    found: dict[str, Paragraph] = {}
    for behaviour in behaviours():
        for code in behaviour.rows.get(regulation, ()):
            found.setdefault(code, Paragraph(code)).behaviours.append(behaviour)
    return sorted(found.values(), key=lambda item: key(item.code))


def article_state(regulation: str, number: int) -> str:
    """What the profile's row of an article has to say: done, not_yet or people."""
    states = [p.state for p in paragraphs(regulation) if article_of(p.code) == number]
    if "not_yet" in states:
        return "not_yet"
    return "done" if "done" in states else "people"


def profile(regulation: str) -> Profile:
    """The bundled profile."""
    path = PROFILES / f"{regulation}.yaml"
    return load(path.read_text(encoding="utf-8"), path.name)


def names_a_test(name: str) -> bool:
    """Is there a test of that name, ``<path below tests/>::[<class>::]<function>``?"""
    path, *inner = name.split("::")
    file = TESTS / path
    if not inner or not file.is_file():
        return False
    body: list[ast.stmt] = _statements(file)
    for part in inner:
        found = [
            item
            for item in body
            if isinstance(item, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and item.name == part
        ]
        if not found:
            return False
        body = found[0].body
    return inner[-1].startswith("test_")


@functools.cache
def _statements(file: Path) -> list[ast.stmt]:
    return ast.parse(file.read_text(encoding="utf-8")).body


def table() -> str:
    """The whole document."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# What the portal does for each article"
    yield ""
    yield (
        "Written by `python -m ckanext.govopen.jurisdictions.coverage.build` from "
        "`ckanext/govopen/jurisdictions/`; a test fails when it is stale, when an article is "
        "missing, or when a test that it names does not exist."
    )
    yield ""
    yield (
        "25.3 is article 25 paragraph 3, 25.3a the first duty in it, 46(2) item 2. *done*: all of "
        "it, shown by the tests. *profile data*: in the profile, complete and validated, carried "
        "out by nobody on this portal. *not yet*: what is there and what is not. *people*: "
        "nothing for software to do, and why. Tests are named from `ckanext/govopen/tests/`."
    )
    yield ""
    yield "| regulation | status | articles | paragraphs | " + " | ".join(STATES.values()) + " |"
    yield "|---|---|---:|---:|" + "---:|" * len(STATES)
    for name in REGULATIONS:
        rows, law = paragraphs(name), profile(name)
        counts = [str(sum(row.state == state for row in rows)) for state in STATES]
        yield (
            f"| [{law.instrument.short.en}](#{name}) | {law.status.value.replace('_', ' ')} "
            f"| {len(law.articles)} | {len(rows)} | {' | '.join(counts)} |"
        )
    for name in REGULATIONS:
        yield from _regulation(name)


def _regulation(name: str) -> Iterator[str]:
    law = profile(name)
    yield ""
    yield f'<a id="{name}"></a>'
    yield ""
    yield f"## {law.instrument.names.en}"
    yield ""
    yield law.instrument.names.zh_Hans
    if law.status.verify_before_use is not None:
        yield ""
        yield f"> {law.status.verify_before_use.en}"
    yield ""
    yield "| paragraph | state | what the portal does | shown by |"
    yield "|---|---|---|---|"
    rows = paragraphs(name)
    for article in law.articles:
        yield f"| **{article.number}** | | *{_cell(article.demand.en)}* | |"
        for row in rows:
            if article_of(row.code) == article.number:
                does = "<br>".join(_cell(b.text()) for b in row.behaviours)
                tests = dict.fromkeys(test for b in row.behaviours for test in b.tests)
                shown = "<br>".join(f"`{test}`" for test in tests)
                yield f"| {row.code} | {STATES[row.state]} | {does} | {shown} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    """Write the table; 0 when it is written."""
    TABLE.write_text(table(), encoding="utf-8")
    count = sum(len(paragraphs(name)) for name in REGULATIONS)
    sys.stdout.write(f"{TABLE.name}: {count} paragraphs.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
