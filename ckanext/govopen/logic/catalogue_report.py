"""The report of a run: as people and programs read it, and who is told when it needs a person."""

from __future__ import annotations

import datetime
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic import command, post
from ckanext.govopen.logic.told import said
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import copying as copies

#: Most codes of records in one mail.
NAMED = 10

#: What is said of a run that failed without a word: its process was ended.
_ENDED = N_(
    "The run was broken off before its end: a process was stopped, or a later run began. What it "
    "wrote stays; run the source again."
)


def shown(run: table.CatalogueRun) -> dict[str, Any]:
    """A run in the reader's language, with all figures, its time, and how far it is.

    ``seconds`` and ``rate`` (records seen per second) are None until it has ended.
    """
    found = table.as_dict(run)
    found["counts"] = {key: run.counts.get(key, 0) for key in table.COUNTED}
    found["message"] = said(run.message)
    if run.state == table.FAILED and not found["message"]:
        found["message"] = toolkit._(_ENDED)
    found["seconds"] = found["rate"] = None
    if run.finished_at is not None:
        seconds = (run.finished_at - run.started_at).total_seconds()
        found["seconds"] = round(seconds, 1)
        found["rate"] = round(found["counts"]["seen"] / seconds, 1) if seconds > 0 else None
    found["progress"] = progress(run) if run.state == table.RUNNING else None
    return found


def progress(run: table.CatalogueRun) -> dict[str, Any]:
    """How far a run is: records done of a total, per second, and the seconds that are left.

    ``phase`` is ``waiting``, ``reading`` or ``writing``; what is not known is None.
    """
    noted = run.progress or {}
    phase = str(noted.get("phase") or "waiting")
    done, total, since = 0, None, run.started_at
    if phase == "reading":
        done, total = int(noted.get("read") or 0), noted.get("announced")
    elif phase == "writing":
        done, total = run.counts.get("seen", 0), noted.get("total")
        since = datetime.datetime.fromisoformat(str(noted["since"]))
    elapsed = (command.now() - since).total_seconds()
    rate = done / elapsed if done and elapsed > 0 else None
    total = max(total, done) if isinstance(total, int) else None
    left = round((total - done) / rate) if rate and total is not None else None
    return {
        "phase": phase,
        "done": done,
        "total": total,
        "rate": round(rate, 1) if rate else None,
        "left": left,
    }


def tell(run: table.CatalogueRun) -> None:
    """Notes a mail to who keeps the source when a run needs a person: one for each of them."""
    why = [
        template
        for template, true in (
            ("harvest-failed", run.state == table.FAILED),
            ("harvest-held", run.held),
            ("harvest-kept-back", bool(table.newly_kept(model.Session, run))),
        )
        if true
    ]
    if why:
        _mail(run, {template: {} for template in why})


def tell_files(source_id: str) -> None:
    """Notes a mail about the files that could not be had: one for a run, when all were tried.

    Nothing about a run that had no others than the run before it. Commits.
    """
    for run_id, (count, codes) in copies.failed_in_runs(model.Session, source_id, NAMED).items():
        run = table.tell_files_once(model.Session, run_id)
        if run is None or not table.newly_said(model.Session, run, table.FILE):
            continue
        named = ", ".join(dict.fromkeys(codes)) + (" …" if count > len(codes) else "")
        _mail(run, {"harvest-files": {"number": count, "codes": named}})
    command.finish({})


def _mail(run: table.CatalogueRun, said: dict[str, dict[str, Any]]) -> None:
    """Notes what is said by each template, for each of those who keep the source of a run."""
    for user_id, language in _keepers(run.source_id):
        facts = {"source": run.source_id, "run": run.id, "language": language}
        for template, params in said.items():
            post.put(template, [user_id], run.id, command.now(), **facts, said=params)


def _keepers(source_id: str) -> list[tuple[str, str]]:
    """Who made and who last edited a source and still works with it; with the language known."""
    package = model.Package.get(source_id)
    row = model.Session.get(table.CatalogueSource, source_id)
    if package is None:
        return []
    found: dict[str, str] = {}
    if package.creator_user_id:
        found[package.creator_user_id] = ""
    if row is not None and row.last_editor:
        found[row.last_editor] = row.language
    keepers: list[tuple[str, str]] = []
    for user_id, language in found.items():
        user = model.User.get(user_id)
        if user is None:
            continue
        who = person({"user": user.name})
        if who.sees_everything or who.works_for(package.owner_org):
            keepers.append((user_id, language))
    return keepers
