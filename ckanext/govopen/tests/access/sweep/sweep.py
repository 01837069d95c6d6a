"""Asks the portal everything, and reads every answer to the last byte."""

from __future__ import annotations

import gzip
import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from werkzeug.test import Client

from ckanext.govopen.tests.access.sweep.secrets import Secret
from ckanext.govopen.tests.access.sweep.world import World

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
#: What differs between two askings of the same thing.
_VARIES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?|csrf[^\n]*|\d{10,}|ckan=[^;\s]+"
)


@dataclass(frozen=True)
class Ask:
    """One request: a row of the sweep. ``surface`` names the action or the route."""

    surface: str
    method: str
    path: str
    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def said(self) -> str:
        """All that the asker has said himself; it may come back to him."""
        return unquote(f"{self.path} {self.json or ''} {self.form or ''} {self.headers}").lower()

    @property
    def key(self) -> str:
        """The same for the same question."""
        return f"{self.method} {self.path} {self.json} {self.form} {self.headers}"

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.json or self.form or ''}"


def action(name: str, data: Mapping[str, Any] | None = None) -> Ask:
    """An action by POST with JSON."""
    return Ask(name, "POST", f"/api/3/action/{name}", json=dict(data or {}))


def page(surface: str, path: str, **headers: str) -> Ask:
    """A page by GET."""
    pairs = tuple((key.replace("_", "-"), value) for key, value in headers.items())
    return Ask(surface, "GET", path, headers=pairs)


@dataclass(frozen=True)
class Answer:
    """Status and whole text of an answer: line, headers and body, in every decoding."""

    status: int
    body: str
    headers: str

    @property
    def text(self) -> str:
        return f"{self.headers}\n{self.body}"


@dataclass(frozen=True)
class Finding:
    """Somebody came to know what he must not, or the portal broke."""

    actor: str
    ask: Ask
    status: int
    problem: str

    def __str__(self) -> str:
        return f"{self.actor}: {self.ask} -> {self.status}: {self.problem}"


def decoded(text: str) -> str:
    """The text and what it says once JSON, HTML and URL escapes are undone."""
    variants = [text]
    if "\\u" in text:
        variants.append(_ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text))
    if "&" in text:
        variants.append(html.unescape(text))
    if "%" in text:
        variants.append(unquote(text, errors="replace"))
    return "\n".join(dict.fromkeys(variants))


@dataclass
class Sweep:
    """Runs rows for actors and keeps what came of it."""

    world: World
    requests: int = 0
    findings: list[Finding] = field(default_factory=list)
    #: (planted text, actor) that was seen by who may see it.
    seen: set[tuple[str, str]] = field(default_factory=set)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    #: Answers about nothing, by actor and question: each is asked once, however many are compared.
    _nothing: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def ask(self, actor: str, ask: Ask) -> Answer:
        """One real request with the strongest token of the actor: it may decide as well."""
        user = self.world.actors[actor]
        headers = dict(ask.headers)
        if user is not None:
            headers["Authorization"] = user.deciding.token
        options: dict[str, Any] = {"headers": headers, "base_url": "http://test.ckan.net"}
        if ask.json is not None:
            options["json"] = dict(ask.json)
        if ask.form is not None:
            options["data"] = dict(ask.form)
        client = Client(self.world.portal.app, use_cookies=False)
        response = client.open(ask.path, method=ask.method, **options)
        raw = response.get_data()
        response.close()
        if response.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        self.requests += 1
        lines = "\n".join(f"{key}: {value}" for key, value in response.headers.items())
        return Answer(response.status_code, raw.decode("utf-8", "replace"), lines)

    def row(self, actor: str, ask: Ask) -> Answer:
        """Asks and searches the whole answer."""
        answer = self.ask(actor, ask)
        self.statuses[ask.surface, answer.status] += 1
        # 502 says in the portal's own words that the source of streamed content does not answer.
        if answer.status >= 500 and answer.status != 502:
            self._find(actor, ask, answer, "the portal broke")
        said = ask.said
        for text in self.world.secrets.found_in(decoded(answer.text)):
            secret = self.world.secrets.by_text[text]
            if secret.may_know(actor, ask.surface):
                self.seen.add((text, actor))
            elif text not in said:
                self._find(actor, ask, answer, f"shows the {secret}")
        return answer

    def rows(self, actors: Iterable[str], asks: Iterable[Ask]) -> None:
        asks = list(asks)
        for actor in actors:
            for ask in asks:
                self.row(actor, ask)

    def same(self, actor: str, ask: Ask, other: Ask, names: Mapping[str, str]) -> None:
        """Both rows must be answered alike; ``names`` maps what ``ask`` names to ``other``'s."""
        one = self.row(actor, ask)
        key = (actor, other.key)
        if key not in self._nothing:
            self._nothing[key] = self.row(actor, other)
        two = self._nothing[key]
        if one.status != two.status:
            self._find(actor, ask, one, f"nothing there is answered with {two.status}")
            return
        left, right = one.text, two.text
        for index, (mine, others) in enumerate(names.items()):
            left, right = left.replace(mine, f"<{index}>"), right.replace(others, f"<{index}>")
        left, right = _VARIES.sub("~", left), _VARIES.sub("~", right)
        if left != right:
            at = next(
                (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
                min(len(left), len(right)),
            )
            near = slice(max(0, at - 60), at + 80)
            self._find(actor, ask, one, f"differs from nothing: {left[near]!r} / {right[near]!r}")

    def _find(self, actor: str, ask: Ask, answer: Answer, problem: str) -> None:
        self.findings.append(Finding(actor, ask, answer.status, problem))

    def unseen(self, wanted: Iterable[tuple[Secret, str]]) -> list[str]:
        """What somebody may see and did not."""
        return [
            f"{actor}: {secret}"
            for secret, actor in wanted
            if (secret.text, actor) not in self.seen
        ]

    def report(self, most: int = 40) -> str:
        """Findings grouped by what was asked and what came out."""
        groups = Counter((f.ask.surface, f.status, f.problem, f.actor) for f in self.findings)
        lines = [f"{self.requests} requests, {len(self.findings)} findings"]
        example = {(f.ask.surface, f.status, f.problem, f.actor): f for f in self.findings}
        lines += [f"{count} × {example[key]}" for key, count in groups.most_common(most)]
        return "\n".join(lines)
