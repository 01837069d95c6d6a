"""Copying the files of a source into the portal, in the background: one worker for each source.

What is to be copied stands in the database (:mod:`ckanext.govopen.model.copying`), so that a
killed worker loses nothing but the piece of a file that the source cannot continue. Nothing
becomes public here: what was copied waits for its review like an upload.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib import uploader
from ckan.plugins import toolkit

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters import download, sealing, source
from ckanext.govopen.harvesters.fetch import Auth
from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.logic import catalogue_report, command, copying, deliver
from ckanext.govopen.logic.catalogue_source import Source, source_of
from ckanext.govopen.logic.reasons import of_validation, reason
from ckanext.govopen.model import catalogue
from ckanext.govopen.model import copying as table

log = logging.getLogger(__name__)

#: Seconds that a job works before it leaves the rest to another one, and that it may take at all.
WORK_SECONDS = 1500.0
JOB_SECONDS = 3600
#: After so many files in a row that a silent server did not give, the others are left alone.
IN_A_ROW = 5


def enqueue(payloads: list[dict[str, Any]]) -> None:
    """Has the files of sources copied by CKAN's job worker (a deliverer of the outbox)."""
    for source_id in sorted({payload["source"] for payload in payloads}):
        toolkit.enqueue_job(
            work,
            [source_id],
            title=f"govopen: copy the files of the source {source_id}",
            rq_kwargs={"timeout": JOB_SECONDS},
        )


def register() -> None:
    """Lets the outbox have files copied; called by the source types."""
    deliver.DELIVERERS[copying.COPY] = enqueue


def copy_progress(source_id: str, problems: int = 0) -> dict[str, Any]:
    """How far the copying of a source's files has come; see :func:`logic.copying.progress`."""
    return copying.progress(source_id, problems)


def work(source_id: str, again: bool = True) -> dict[str, int]:
    """Copies what waits; gives figures. Does nothing while another worker copies for this source.

    ``again``: what is left when the time is over is put into the queue.
    """
    done = {"copied": 0, "unchanged": 0, "failed": 0}
    with _alone(source_id) as mine:
        if not mine:
            return done
        worker = _worker(source_id)
        if worker is not None:
            worker.work(done)
        if not table.waits(model.Session, source_id):
            catalogue_report.tell_files(source_id)
    if worker is not None and again and table.waits(model.Session, source_id):
        enqueue([{"source": source_id}])
    model.Session.remove()
    return done


@contextmanager
def _alone(source_id: str) -> Iterator[bool]:
    """Is this the only worker of the source? A lock of PostgreSQL tells."""
    key = sa.func.hashtextextended(f"govopen:copy:{source_id}", 0)
    engine = model.meta.engine
    assert engine is not None
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mine = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))))
        try:
            yield mine
        finally:
            if mine:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))


def _worker(source_id: str) -> Worker | None:
    """The worker of a source; None when there is nothing to copy for it any more."""
    from ckanext.harvest.model import HarvestSource

    harvest: Any = model.Session.get(HarvestSource, source_id)
    if harvest is None or harvest.type not in configuration.OWN_KEYS:
        return None
    try:
        config = configuration.parse(harvest.config, harvest.type)
        if not config.copies:
            return None
        plain = sealing.opened(dict(config.auth), harvest.url)
        own = source_of(source_id)
    except (configuration.ConfigError, SourceError, toolkit.ObjectNotFound) as error:
        log.warning("The files of the source %s are not copied: %s", source_id, error)
        return None
    signed = plain.get("hmac") or {}
    auth = Auth(plain.get("bearer", ""), signed.get("client_id", ""), signed.get("secret", ""))
    private = source.private_places(harvest.url, config, source.powers(source_id))
    limit = uploader.get_max_resource_size() * 1024 * 1024
    return Worker(own, download.Client(source_id, harvest.url, auth, private, limit))


class Worker:
    """Copies the files of one source."""

    def __init__(self, own: Source, client: download.Client) -> None:
        self._source = own
        self._client = client
        self._end = time.monotonic() + WORK_SECONDS

    def work(self, done: dict[str, int]) -> None:
        """Goes through what waits, in the order of the codes; counts into ``done``."""
        after, silent = ("", ""), 0
        self._client.tidy(lambda ids: self._still(ids))
        while time.monotonic() < self._end:
            row = table.next_waiting(model.Session, self._source.id, after)
            if row is None:
                return
            after = (row.code, row.resource_id)
            model.Session.expunge(row)
            model.Session.commit()
            try:
                done["copied" if self._one(row) else "unchanged"] += 1
                silent = 0
            except download.Failed as failed:
                self._failed(row, [failed.reason])
                done["failed"] += 1
                silent = silent + 1 if failed.passing else 0
            except toolkit.ValidationError as error:
                model.Session.rollback()
                self._client.forget(row.resource_id)
                self._failed(row, of_validation(error))
                done["failed"] += 1
            if silent >= IN_A_ROW:
                done["failed"] += self._silent()
                return

    def _still(self, resource_ids: set[str]) -> set[str]:
        rows = table.CopyRow.__table__
        found = model.Session.scalars(
            sa.select(rows.c.resource_id).where(
                rows.c.source_id == self._source.id,
                rows.c.resource_id.in_(resource_ids),
                rows.c.state != table.COPIED,
            )
        )
        return set(found)

    def _one(self, row: table.CopyRow) -> bool:
        """Copies one file. False when it is as it was.

        :raises download.Failed: it cannot be had
        :raises ValidationError: it cannot be taken
        """
        if row.told:
            copying.attach(self._source, row, None, etag=row.etag, last_modified=row.last_modified)
            return False
        got = self._client.get(row)
        try:
            path = None if got.sha256 in ("", row.held_sha256) else got.path
            copying.attach(self._source, row, path, etag=got.etag, last_modified=got.last_modified)
        finally:
            model.Session.rollback()
        self._client.forget(row.resource_id)
        return path is not None

    def _failed(self, seen: table.CopyRow, reasons: list[dict[str, Any]]) -> None:
        row = table.locked(model.Session, seen.source_id, seen.resource_id)
        if row is not None and (row.url, row.sha256) == (seen.url, seen.sha256):
            row.state, row.reasons, row.tried_at = table.FAILED, reasons, command.now()
            self._remark(row.run_id, row.code, reasons, row.name)
        model.Session.commit()

    def _silent(self) -> int:
        """Leaves the rest to the next run: the server does not answer."""
        said = reason(
            "file_silent",
            N_("Not tried: the server of the files did not answer several times in a row."),
        )
        first = table.next_waiting(model.Session, self._source.id, ("", ""))
        run_id = first.run_id if first is not None else None
        count = table.give_up(model.Session, self._source.id, [said], command.now())
        if count:
            self._remark(run_id, "", [said], None)
        model.Session.commit()
        return count

    def _remark(
        self, run_id: str | None, code: str, reasons: list[dict[str, Any]], place: str | None
    ) -> None:
        """Tells it in the report of the run that wanted the file."""
        if run_id and model.Session.get(catalogue.CatalogueRun, run_id) is not None:
            catalogue.remark(model.Session, run_id, catalogue.FILE, code, reasons, place)
