"""What must hold in a profile and a JSON Schema cannot say.

Every check works on the plain values of a file that has passed the schema, and gives problems
with the line and the place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ckanext.govopen.domain.duty import Duty
from ckanext.govopen.domain.profile_text import Document, Path, Problem, show

_ARTICLE = re.compile(r"^(\d+)")
#: Bodies that every profile has; others are listed under ``bodies``.
_OWN_BODIES = frozenset({"provider", "authority"})
_PROCEDURES = ("open", "share")


def sense_problems(document: Document) -> Iterator[Problem]:
    """Everything that contradicts itself, in the order of the file's parts."""
    for path, reason in _all(document.value):
        yield Problem(document.line(path), show(path), reason)


def _all(value: Any) -> Iterator[tuple[Path, str]]:
    yield from _articles(value)
    yield from _classes(value)
    yield from _review(value)
    yield from _bases(value)
    for name in _PROCEDURES:
        yield from _procedure(value, name)
    yield from _clocks(value)
    since, until = value["status"]["valid_from"], value["status"]["valid_to"]
    if since and until and until <= since:
        yield ("status", "valid_to"), "the end lies before the beginning"


def _articles(value: Any) -> Iterator[tuple[Path, str]]:
    numbers = [row["number"] for row in value["articles"]]
    if numbers != list(range(1, len(numbers) + 1)):
        yield ("articles",), "the articles are not numbered 1, 2, 3 … without a gap"
    count = value["instrument"]["articles"]
    if count is not None and count != len(numbers):
        yield ("articles",), f"{len(numbers)} articles are listed, the text has {count}"
    for path, article in _citations(value, ()):
        match = _ARTICLE.match(article)
        if match and int(match[1]) not in numbers:
            yield path, f"article {article} is not in the table of articles"


def _classes(value: Any) -> Iterator[tuple[Path, str]]:
    lists: list[tuple[Path, Any]] = [
        (("classes", "items"), value["classes"]["items"]),
        (("share_classes",), value["share_classes"]),
    ]
    for path, items in lists:
        names = [item["canonical"] for item in items]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield (*path, index), f"the class {name} stands twice"
    default = value["classes"]["default"]["value"]
    if default is not None and default not in {i["canonical"] for i in value["classes"]["items"]}:
        yield ("classes", "default", "value"), f"there is no class {default}"


def _review(value: Any) -> Iterator[tuple[Path, str]]:
    questions = {item["id"] for item in value["review"]["questions"]}
    for index, item in enumerate(value["review"].get("exceptions", [])):
        for name in item["questions"]:
            if name not in questions:
                yield (
                    ("review", "exceptions", index, "questions"),
                    f"the review has no question {name}",
                )


def _bases(value: Any) -> Iterator[tuple[Path, str]]:
    known = {kind["id"] for kind in value["basis_kinds"]}
    for path, kinds in _found(value, (), "basis_kinds"):
        for kind in kinds if len(path) > 1 else []:
            if kind not in known:
                yield path, f"there is no kind of legal basis {kind}"


def _procedure(value: Any, name: str) -> Iterator[tuple[Path, str]]:
    procedure = value[name]
    if procedure["available"]:
        if procedure["receiving"] is None or not procedure["steps"]:
            yield (name, "available"), "a procedure needs who receives and at least one step"
    elif "unavailable" not in procedure:
        yield (name, "available"), "say under 'unavailable' why there is no procedure"
    bodies = _OWN_BODIES | {body["id"] for body in value.get("bodies", [])}
    receiving = procedure["receiving"] or {}
    for key in ("body", "forward_to"):
        if receiving.get(key) and receiving[key] not in bodies:
            yield (name, "receiving", key), f"there is no body {receiving[key]}"
    for index, step in enumerate(procedure["steps"]):
        yield from _step(step, (name, "steps", index), bodies)
    clocks = {clock["id"]: clock for clock in procedure["clocks"]}
    consultations = {item["id"] for item in procedure.get("consultations", [])}
    for index, item in enumerate(procedure.get("consultations", [])):
        if item.get("clock") and item["clock"] not in clocks:
            yield (name, "consultations", index, "clock"), f"there is no clock {item['clock']}"
    for index, clock in enumerate(procedure["clocks"]):
        for cause in clock.get("suspended_by", []):
            if cause not in consultations:
                yield (
                    (name, "clocks", index, "suspended_by"),
                    f"there is no consultation {cause}",
                )
    yield from _silence(procedure["silence"], name, clocks)


def _step(step: Any, path: Path, bodies: frozenset[str]) -> Iterator[tuple[Path, str]]:
    duties = {duty.value for duty in Duty}
    for party in step["parties"]:
        duty, body = party.split("@")
        if duty not in duties:
            yield (*path, "parties"), f"there is no duty {duty}"
        if body not in bodies:
            yield (*path, "parties"), f"there is no body {body}"
    if step.get("joint") and len(set(step["parties"])) < 2:
        yield (*path, "joint"), "a joint decision takes at least two parties"
    for party in step.get("outside", []):
        if party not in step["parties"]:
            yield (*path, "outside"), f"{party} is no party of this step"


def _silence(silence: Any, name: str, clocks: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    if silence["means"] != "consent":
        return
    if name == "open":
        # No text knows consent by silence in opening; it would publish without a decision.
        yield ("open", "silence", "means"), "silence never opens data to the public"
    clock = clocks.get(silence.get("clock") or "")
    if clock is None or clock["n"] is None:
        yield (name, "silence", "clock"), "consent by silence needs a clock with a number"


def _clocks(value: Any) -> Iterator[tuple[Path, str]]:
    for path, clocks in [*_found(value, (), "clocks"), *_found(value, (), "catalogue_clocks")]:
        seen: set[str] = set()
        for index, clock in enumerate(clocks):
            place = (*path, index)
            if clock["id"] in seen:
                yield place, f"the clock {clock['id']} stands twice"
            seen.add(clock["id"])
            if clock["n"] is None and clock.get("extension"):
                yield place, "a clock without a number is not extended"
            if clock["n"] is not None and clock.get("target"):
                yield place, "where the text has a number there is no target of the site"


def _citations(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if (key == "article" or key.endswith("_article")) and isinstance(item, str):
                yield (*path, key), item
            else:
                yield from _citations(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _citations(item, (*path, index))


def _found(value: Any, path: Path, name: str) -> Iterator[tuple[Path, list[Any]]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == name and isinstance(item, list):
                yield (*path, key), item
            else:
                yield from _found(item, (*path, key), name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _found(item, (*path, index), name)
