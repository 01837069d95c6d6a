"""Catalogue sources: the bulk writer, the reports of runs, and the word that a mass withdrawal
needs.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ckan import model
from ckan.plugins import plugin_loaded
from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic import catalogue_import, command, copying, deliver, turns, upload
from ckanext.govopen.logic import catalogue_report as report
from ckanext.govopen.logic.advice import advices
from ckanext.govopen.logic.catalogue_source import admitted, source_of
from ckanext.govopen.logic.reasons import reason, said
from ckanext.govopen.logic.schema import catalogue as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.logic.told import stored
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import file

__all__ = [
    "govopen_catalogue_confirm",
    "govopen_catalogue_copies",
    "govopen_catalogue_import",
    "govopen_catalogue_run_list",
    "govopen_catalogue_run_show",
    "govopen_catalogue_upload",
]


@takes(schema.IMPORT)
def govopen_catalogue_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Write records of a source: the bulk writer, which goes round no rule.

    :param source: id or name of the harvest source
    :param records: list of records as the exchange catalogue has them, 1000 at most
    :param run: id of the run they belong to (optional: the call is a run of its own)
    :returns: ``{"run", "new", "changed", "unchanged", "withdrawn", "kept_back",
        "refused": [{"code", "reason"}]}``; but for ``refused`` these are numbers
    :raises ValidationError: a parameter is wrong; a record that is wrong is in ``refused`` instead
    """
    tk.check_access("govopen_catalogue_import", context, data_dict)
    given = schema.IMPORT.read(data_dict)
    reference, run_id, records = given["source"], given["run"], given["records"]
    caller = command.actor(context)
    source_id = _source_id(reference)
    with _turn(source_id, run_id):
        run = _run(source_id, run_id, caller)
        source = source_of(source_id, run.started_by, caller)
        done = catalogue_import.Writer(source, run.id).write(
            [admitted(source, record) for record in records or []]
        )
        if not run_id:
            finish_run(run.id, source_id)
    return _summary(run.id, done)


@takes(schema.CONFIRM)
def govopen_catalogue_confirm(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Withdraw the records that a run missed and that were too many to withdraw without a word.

    :param run: id of the run; it must be the source's last one
    :returns: as :func:`govopen_catalogue_import`
    """
    tk.check_access("govopen_catalogue_confirm", context, data_dict)
    run_id = schema.CONFIRM.read(data_dict)["run"]
    run = _existing_run(run_id)
    last = table.runs(model.Session, run.source_id, limit=1)
    if not run.held or last[0].id != run.id:
        raise tk.ValidationError(
            {
                "run": [
                    tk._("Nothing waits for a confirmation in this run, or a later one followed.")
                ]
            }
        )
    gone = reason("missing", N_("The record is no longer in the catalogue; a person confirmed it."))
    with _turn(run.source_id, ""):
        codes = table.missing(model.Session, run.source_id, run.id)
        run.held = False
        writer = catalogue_import.Writer(source_of(run.source_id, run.started_by), run.id)
        done = []
        for start in range(0, len(codes), 200):
            done += writer.withdraw(codes[start : start + 200], gone)
        command.finish(context)
    return _summary(run_id, done)


@tk.side_effect_free
@takes(schema.COPIES)
def govopen_catalogue_copies(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """How far the copying of a source's files into the portal has come.

    :param source: id or name of the harvest source
    :param limit: most problems, 100 unless told, 1000 at most
    :param offset: problems to leave out
    :returns: ``{"files", "copied", "waiting", "failed", "bytes", "bytes_held", "problems":
        [{"code", "name", "reasons": [{"rule", "article", "message"}], "tried_at"}]}``
    """
    tk.check_access("govopen_catalogue_copies", context, data_dict)
    given = schema.COPIES.read(data_dict)
    return copying.progress(_source_id(given["source"]), given["limit"], given["offset"])


@tk.side_effect_free
@takes(schema.RUNS)
def govopen_catalogue_run_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs of a source, newest first.

    :param source: id or name of the harvest source
    :param limit: most runs, 20 unless told, 100 at most
    """
    tk.check_access("govopen_catalogue_run_list", context, data_dict)
    given = schema.RUNS.read(data_dict)
    rows = table.runs(model.Session, _source_id(given["source"]), given["limit"])
    return [report.shown(row) for row in rows]


@tk.side_effect_free
@takes(schema.RUN)
def govopen_catalogue_run_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The report of one run.

    :param run: id of the run, which is that of its harvest job
    :param kind: only remarks of this kind: refused, kept_back, withdrawn, missing, warning
    (optional)
    :param limit: most remarks, 100 unless told, 1000 at most
    :param offset: remarks to leave out
    :returns: the run with its ``counts``, its ``seconds`` and ``rate`` (records per second), while
        it runs ``progress`` (``{"phase", "done", "total", "rate", "left"}``, ``left`` in seconds),
        and ``remarks``:
        ``[{"code", "kind", "place", "reasons": [{"rule", "article", "message"}], "to_do"}]``
    """
    tk.check_access("govopen_catalogue_run_show", context, data_dict)
    given = schema.RUN.read(data_dict)
    run = _existing_run(given["run"])
    shown = report.shown(run)
    shown["remarks"] = [
        {
            "code": row.code,
            "kind": row.kind,
            "place": row.place,
            "reasons": said(row.reasons),
            "to_do": advices(row.reasons),
        }
        for row in table.remarks(
            model.Session, run.id, given["kind"] or None, given["limit"], given["offset"]
        )
    ]
    return shown


@takes(schema.UPLOAD)
def govopen_catalogue_upload(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Upload the table of a source whose address is ``upload:NAME``; the next run reads it.

    :param source: id or name of the harvest source
    :param upload: the file, as multipart form data
    :returns: ``{"source", "name", "size", "sha256"}``
    """
    tk.check_access("govopen_catalogue_upload", context, data_dict)
    given = schema.UPLOAD.read(data_dict)
    file_given = given["upload"]
    source_id = _source_id(given["source"])
    fact = upload.store(file_given.stream, file_given.filename)
    file.record(model.Session, source_id, source_id, fact, command.now())
    command.finish(context)
    return {"source": source_id, "name": fact.name, "size": fact.size, "sha256": fact.sha256}


def finish_run(run_id: str, source_id: str, failed: str | None = None) -> None:
    """Closes a run: its state, its time, one activity. Commits."""
    run = model.Session.get(
        table.CatalogueRun, run_id, populate_existing=True, with_for_update=True
    )
    if run is None or run.state != table.RUNNING:
        model.Session.rollback()
        return
    run.state = table.FAILED if failed else table.FINISHED
    run.message = stored(failed) or run.message
    run.finished_at = command.now()
    _copy_files(source_id, run_id)
    _activity(run, source_id)
    report.tell(run)
    written = any(run.counts.get(key) for key in ("new", "changed"))
    command.finish({})
    if written:
        deliver.shown()


def _copy_files(source_id: str, run_id: str) -> None:
    """The files follow in the background; a source that was deleted meanwhile has none."""
    try:
        source = source_of(source_id)
    except tk.ObjectNotFound:
        return
    copying.start(source, run_id)


def _activity(run: table.CatalogueRun, source_id: str) -> None:
    """One entry for the whole run, on its source; of what it wrote nothing is repeated there."""
    counts = {key: run.counts.get(key, 0) for key in table.COUNTED}
    package = model.Session.get(model.Package, source_id)
    if package is None or not any(counts[key] for key in ("new", "changed", "withdrawn")):
        return
    if not plugin_loaded("activity"):
        return
    site_user = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    tk.get_action("activity_create")(
        {"ignore_auth": True, "user": site_user["name"], "defer_commit": True},
        {
            "user_id": run.started_by or site_user["name"],
            "object_id": source_id,
            "activity_type": "changed package",
            "data": {
                "package": {
                    "id": package.id,
                    "name": package.name,
                    "title": package.title,
                    "type": package.type,
                },
                "run": {"id": run.id, **counts},
            },
        },
    )


@contextmanager
def _turn(source_id: str, run_id: str) -> Iterator[None]:
    """Two runs of a source never overlap: a call that is a run of its own waits for its turn, but
    not for long; one that belongs to a run waits until nobody reads the source anew.

    :raises ValidationError: another run has not ended
    """
    turn = turns.shared if run_id else turns.alone
    with ExitStack() as stack:
        try:
            stack.enter_context(turn(source_id, turns.SHORT_WAIT))
            if not run_id and table.under_way(model.Session, source_id):
                raise turns.Busy(
                    tk._("Another run of this source has not ended yet. Run it again later.")
                )
        except turns.Busy as busy:
            raise tk.ValidationError({"source": [str(busy)]}) from busy
        yield


def _source_id(reference: str) -> str:
    package = model.Package.get(reference)
    if package is None or package.type != "harvest":
        raise tk.ObjectNotFound(tk._("Harvest source not found"))
    return package.id


def _run(source_id: str, run_id: str, caller: str | None) -> table.CatalogueRun:
    if run_id:
        run = _existing_run(run_id)
        if run.source_id != source_id:
            raise tk.ObjectNotFound(tk._("There is no such run of this source."))
        return run
    return table.start_run(model.Session, str(uuid.uuid4()), source_id, caller, command.now())


def _existing_run(run_id: str) -> table.CatalogueRun:
    run = model.Session.get(table.CatalogueRun, run_id)
    if run is None:
        raise tk.ObjectNotFound(tk._("There is no such run of this source."))
    return run


def _summary(run_id: str, done: list[catalogue_import.Done]) -> dict[str, Any]:
    counts = Counter(one.outcome for one in done)
    return {
        "run": run_id,
        **{key: counts[key] for key in ("new", "changed", "unchanged", "withdrawn", "kept_back")},
        "refused": [
            {"code": one.code, "reason": "; ".join(str(r["message"]) for r in said(one.reasons))}
            for one in done
            if one.outcome == "refused"
        ],
    }
