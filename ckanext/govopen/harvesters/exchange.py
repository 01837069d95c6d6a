"""``govopen_exchange``: a JSON catalogue over HTTP, read page by page.

Pages may come twice, records may move between them while they are read, totals may be wrong. What
is missing at the end is asked for once more by itself before it counts as gone.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import ckan.plugins as p
from ckan import model
from ckanext.harvest.interfaces import IHarvester

from ckanext.govopen.domain.catalogue.sweep import SETTLED, Known
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters import memory as memories
from ckanext.govopen.harvesters import sealing, source
from ckanext.govopen.harvesters.asked import JobLike
from ckanext.govopen.harvesters.base import CatalogueHarvester
from ckanext.govopen.harvesters.fetch import Answer, Auth, Client
from ckanext.govopen.harvesters.memory import Memory, Page
from ckanext.govopen.harvesters.reading import Entry, Reading, SourceError
from ckanext.govopen.logic.command import now
from ckanext.govopen.logic.told import told as _
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import jurisdiction

#: Pages in a row that bring nothing new before the source is taken to lead in a circle.
BARREN = 20
#: Most records of one source.
MOST_RECORDS = 1_000_000


class ExchangeHarvester(CatalogueHarvester, p.SingletonPlugin):
    """The harvest source type."""

    p.implements(IHarvester)
    p.implements(p.IActions)
    p.implements(p.IPackageController, inherit=True)

    NAME = configuration.EXCHANGE

    def info(self) -> dict[str, str]:
        return {
            "name": self.NAME,
            "title": p.toolkit._("Exchange catalogue"),
            "description": p.toolkit._(
                "The catalogue of an exchange platform as JSON over HTTP; the address is that "
                "before /records."
            ),
            "form_config_interface": "Text",
        }

    @contextmanager
    def reading(self, job: JobLike, config: configuration.Config) -> Iterator[Reading]:
        """Reads all of it, or what changed since the last time where that is configured."""
        source_id, url = job.source.id, job.source.url.strip().rstrip("/")
        configuration.address(url, self.NAME)
        given = source.given(job.source)
        private = source.private_places(url, config, given)
        client = Client(_auth(config, url), allow_private=private, **source.limits(job.source))
        rules = memories.rules(jurisdiction.profile().id, job.source.config, given)
        remembered = source.remembers(job.source)
        last = memories.load(source_id, rules) if remembered else Memory()
        fresh = Memory(job.id, rules)
        catalogue = Catalogue(client, url, config.page, last, fresh, _since(last, config))
        catalogue.reading.done = lambda: memories.save(source_id, catalogue.remembered())
        yield catalogue.reading


def _auth(config: configuration.Config, url: str) -> Auth:
    plain = sealing.opened(dict(config.auth), url)
    signed = plain.get("hmac") or {}
    return Auth(plain.get("bearer", ""), signed.get("client_id", ""), signed.get("secret", ""))


def _since(last: Memory, config: configuration.Config) -> str:
    """From when on changes are asked for; empty for a full reading.

    Only when the last run came to its end: what it did not write would never be asked for again.
    """
    if not config.full_every or not last.snapshot or not last.full_at:
        return ""
    run = model.Session.get(table.CatalogueRun, last.run)
    if run is None or run.state != table.FINISHED:
        return ""
    full_at = datetime.datetime.fromisoformat(last.full_at)
    due = full_at + datetime.timedelta(days=config.full_every)
    return last.snapshot if now() < due else ""


class Catalogue:
    """One reading of an exchange catalogue."""

    def __init__(
        self, client: Client, url: str, limit: int, last: Memory, fresh: Memory, since: str = ""
    ) -> None:
        self._client = client
        self._url = url
        self._limit = limit
        self._last = last
        self._next = fresh
        self._since = since
        self._began = now()
        self._known: Mapping[str, Known] = {}
        self.reading = Reading(
            self._entries(limit),
            None if since else self._look,
            self._begin,
            partial=bool(since),
            # Smaller pages: what lay at the end of one lies within another.
            again=lambda: self._entries(max(1, limit * 2 // 3)),
        )

    def _begin(self, known: Mapping[str, Known]) -> None:
        self._known = known

    def _entries(self, limit: int) -> Iterator[Entry]:
        cursors: set[str] = set()
        #: Of every code only a number: enough to see whether a page brings anything new.
        seen: set[int] = set()
        cursor, barren = "", 0
        while True:
            url = self._page_url(cursor, limit)
            page = self._known_page(url)
            answer = self._client.get(url, page.etag if page else "")
            before = len(seen)
            if answer.status == 304 and page is not None:
                self._next.pages[url] = page
                following, total = page.next, page.total
                seen.update(map(hash, page.codes))
                yield Entry(unchanged=page.codes)
            else:
                records, following, total = self._read(answer)
                keeps = not self._since and limit == self._limit
                yield from self._remembered(url, answer, records, following, total, seen, keeps)
            if total is not None:
                self.reading.announced = max(total, self.reading.announced or 0)
            barren = barren + 1 if len(seen) == before else 0
            if following is None:
                return
            if following in cursors or barren >= BARREN:
                raise SourceError(
                    _(
                        "The source leads in a circle: its pages do not end. What was read before "
                        "is kept. The exchange side has to mend its paging."
                    )
                )
            if len(seen) > MOST_RECORDS:
                raise SourceError(_("The source has more records than can be true."))
            cursors.add(following)
            cursor = following

    def _page_url(self, cursor: str, limit: int) -> str:
        query: dict[str, Any] = {"limit": limit}
        if cursor:
            query["cursor"] = cursor
        if self._since:
            query["since"] = self._since
        return f"{self._url}/records?{urlencode(query)}"

    def _known_page(self, url: str) -> Page | None:
        """A page of the last reading that is here as it was there."""
        page = self._last.pages.get(url)
        return page if page and page.etag and page.holds(self._known) else None

    def _read(self, answer: Answer) -> tuple[list[Any], str | None, int | None]:
        content = answer.content
        records = content.get("records") if isinstance(content, Mapping) else None
        if not isinstance(content, Mapping) or not isinstance(records, list):
            raise SourceError(
                _(
                    "The answer of the source is no page of an exchange catalogue. Check the "
                    "address: it is that before /records."
                )
            )
        following, total = content.get("next"), content.get("total")
        snapshot = content.get("snapshot")
        if isinstance(snapshot, str) and not self._next.snapshot:
            # The first page's: what changes while the rest is read comes again the next time.
            self._next.snapshot = snapshot[:64]
        known = isinstance(total, int) and not isinstance(total, bool) and total >= 0
        return (
            records,
            following if isinstance(following, str) and following else None,
            total if known else None,
        )

    def _remembered(
        self,
        url: str,
        answer: Answer,
        records: list[Any],
        following: str | None,
        total: int | None,
        seen: set[int],
        keeps: bool,
    ) -> Iterator[Entry]:
        """The records of a page; those that came like this before need not be read again.

        A page that could be read whole is remembered where such pages are asked for again
        (``keeps``), with its ETag if it has one.
        """
        before = self._last.pages.get(url)
        marked = before.marked() if before else {}
        pairs: list[tuple[str, str]] = []
        marks: list[str] = []
        for record in records:
            code, mark = self._as_before(record, marked)
            if code:
                yield Entry(unchanged=(code,))
                digest = self._known[code].digest
            else:
                entry = Entry(record=record)
                yield entry
                code, digest = entry.code, entry.digest
                mark = memories.mark(record, digest)
            if code:
                seen.add(hash(code))
            pairs.append((code, digest))
            marks.append(mark)
        if keeps and all(digest for _, digest in pairs):
            codes = [code for code, _ in pairs]
            self._next.pages[url] = Page(
                answer.etag, following, total, codes, memories.digest(pairs), "".join(marks)
            )

    def _as_before(self, record: Any, marked: Mapping[str, str]) -> tuple[str, str]:
        """Code and mark of a record that came like this the last time, and is here as it was then;
        empty for any other."""
        code = record.get("code") if isinstance(record, dict) else None
        if not isinstance(code, str) or code not in marked:
            return "", ""
        known = self._known.get(code)
        if known is None or known.state not in SETTLED:
            return "", ""
        mark = memories.mark(record, known.digest)
        return (code, mark) if mark == marked[code] else ("", "")

    def _look(self, code: str) -> Any:
        url = f"{self._url}/records/{quote(code, safe='')}"
        answer = self._client.get(url, gone=(404, 410))
        return answer.content if answer.status == 200 else None

    def remembered(self) -> Memory:
        """What the next reading is to know of this one."""
        if self._since:
            self._next.pages, self._next.full_at = self._last.pages, self._last.full_at
        else:
            self._next.full_at = self._began.isoformat()
        # When every page was the same, so is the moment of which they tell.
        self._next.snapshot = self._next.snapshot or self._last.snapshot
        return self._next
