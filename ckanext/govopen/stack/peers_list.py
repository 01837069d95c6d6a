"""The tests of other projects that this extension makes fail, with the reason of each.

``peers.yaml`` is the list; the tables of ``docs/peers.md`` are made from it by
``python -m ckanext.govopen.stack.peers_list`` (a test compares).
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .home import REPOSITORY
from .peers_results import Outcome, differences
from .peers_suites import SUITES
from .say import StackError

LIST = Path(__file__).with_name("peers.yaml")
DOCUMENT = REPOSITORY / "docs/peers.md"
BEGIN = "<!-- made from ckanext/govopen/stack/peers.yaml: begin -->"
END = "<!-- made from ckanext/govopen/stack/peers.yaml: end -->"


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why some tests fail with the extension.

    :ivar title: a few words, heading of the tests in the document
    :ivar why: the reason, one paragraph
    :ivar tests: pytest's names; one without brackets stands for all its parameters
    """

    title: str
    why: str
    tests: tuple[str, ...]

    def covers(self, test: str) -> bool:
        """Whether the reason is given for this test."""
        return test in self.tests or test.partition("[")[0] in self.tests


def suite_of(test: str) -> str:
    """Name of the suite to which a test belongs; empty when it belongs to none."""
    for name, suite in SUITES.items():
        if any(test.startswith(f"{path}/") for path in suite.paths):
            return name
    return ""


def load(path: Path = LIST) -> tuple[Reason, ...]:
    """The list, checked.

    :raises StackError: for an entry without reason, or a test that stands twice or in no suite
    """
    found, seen = [], set()
    for number, entry in enumerate(yaml.safe_load(path.read_text("utf-8")) or [], 1):
        where = f"{path.name}, reason {number}"
        if not isinstance(entry, dict) or set(entry) != {"title", "why", "tests"}:
            raise StackError(f"{where}: it needs title, why and tests, and nothing else.")
        reason = Reason(str(entry["title"]), " ".join(str(entry["why"]).split()), _tests(entry))
        if not reason.title.strip() or not reason.why or not reason.tests:
            raise StackError(f"{where}: title, why and tests must not be empty.")
        for test in reason.tests:
            if not suite_of(test) or "::" not in test:
                raise StackError(f"{where}: {test} is no test of a suite.", f"Known: {[*SUITES]}")
            if test in seen:
                raise StackError(f"{where}: {test} stands in the list twice.")
            seen.add(test)
        found.append(reason)
    return tuple(found)


def _tests(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(test) for test in entry["tests"] or ())


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What was found, held against the list.

    :ivar explained: tests that differ, and the list says why
    :ivar fresh: tests that differ, and the list does not know them
    :ivar settled: entries of the list all of whose tests ran on both sides and none differs
    """

    explained: dict[str, Outcome]
    fresh: dict[str, Outcome]
    settled: tuple[str, ...]


def compare(
    off: Mapping[str, Outcome], on: Mapping[str, Outcome], reasons: Iterable[Reason]
) -> Comparison:
    """Hold the outcomes of both sides against the list."""
    reasons = tuple(reasons)
    found = differences(off, on)
    explained = {
        test: outcome
        for test, outcome in found.items()
        if any(reason.covers(test) for reason in reasons)
    }
    settled = []
    for entry in (test for reason in reasons for test in reason.tests):
        one = Reason("", "", (entry,))
        ran = [test for test in off if one.covers(test)]
        if ran and all(test in on for test in ran) and not any(test in found for test in ran):
            settled.append(entry)
    fresh = {test: outcome for test, outcome in found.items() if test not in explained}
    return Comparison(explained, fresh, tuple(settled))


def _section(reasons: tuple[Reason, ...]) -> Iterator[str]:
    for reason in reasons:
        yield f"### {reason.title}\n\n{reason.why}\n"
        yield "\n".join(f"- `{test}`" for test in reason.tests) + "\n"


def document(text: str, reasons: tuple[Reason, ...]) -> str:
    """The document with the list put between its two marks.

    :raises StackError: when the marks are not there
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise StackError(f"docs/peers.md lacks the marks {BEGIN} and {END}.")
    return f"{head}{BEGIN}\n\n" + "\n".join(_section(reasons)) + f"\n{END}{tail}"


def main() -> int:
    """Write the list into the document."""
    DOCUMENT.write_text(document(DOCUMENT.read_text("utf-8"), load()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
