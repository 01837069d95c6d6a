"""Nothing gets out: every readable action and every route, for everybody, answers read whole.

In the ordinary run every surface is asked by those of whom most is kept; the complete sweep (marked
``long``) asks with every reference and flag, for everybody.
"""

from __future__ import annotations

import pytest
from ckan.common import config

from ckanext.govopen.access.inventory import inventory
from ckanext.govopen.tests import figures
from ckanext.govopen.tests.access.sweep import asks, share
from ckanext.govopen.tests.access.sweep.secrets import (
    DATASETS,
    EVERYBODY,
    HIDDEN,
    MARK,
    Secret,
)
from ckanext.govopen.tests.access.sweep.share import Task
from ckanext.govopen.tests.access.sweep.sweep import Sweep, action, page
from ckanext.govopen.tests.access.sweep.world import World

#: Those for whom every surface is asked in the ordinary run, and those for a few of them.
MOST = ("anonymous", "other_editor", "granted")
FEW = (
    "citizen",
    "expired",
    "revoked",
    "stopped",
    "partly",
    "looking",
    "used_up",
    "auditor",
)


def _done(sweep: Sweep, what: str) -> None:
    figures.sweeps.add(what, sweep.requests, len(sweep.findings))
    assert not sweep.findings, sweep.report()


def _shown(world: World) -> list[asks.Ask]:
    """One row for every thing planted, on the actions and downloads that show most of it."""
    rows = []
    for planted in world.datasets.values():
        rows.append(action("package_show", {"id": planted.id}))
        rows.append(action("package_activity_list", {"id": planted.id}))
        for name, resource in planted.resources.items():
            base = f"/dataset/{planted.id}/resource/{resource}"
            rows.append(page("resource.download", f"{base}/download"))
            rows.append(action("datastore_search", {"resource_id": resource}))
            rows.append(action("resource_view_list", {"id": resource}))
            rows.append(page("datastore.dump", f"/datastore/dump/{resource}"))
            if name in planted.views:
                rows.append(action("resource_view_show", {"id": planted.views[name]}))
    for name, asked in asks.SPECIAL.items():
        if name in inventory().loaded_actions():
            rows += [action(name, data) for data in asked(world)[:3]]
    for reference in world.objects + world.jobs:
        rows.append(action("harvest_object_show", {"id": reference}))
        rows.append(action("harvest_job_show", {"id": reference}))
    rows.append(action("harvest_source_show", {"id": world.source}))
    return rows


def _read(world: World) -> list[asks.Ask]:
    """The pages of everything planted."""
    rows = []
    for planted in world.datasets.values():
        rows.append(page("dataset.read", f"/dataset/{planted.id}"))
        for resource in planted.resources.values():
            rows.append(page("resource.read", f"/dataset/{planted.id}/resource/{resource}"))
    return rows


def test_actions(world: World) -> None:
    """Every readable action, for an outsider, a grant holder and another department."""
    sweep = Sweep(world)
    rows = asks.action_rows(world, whole=False)
    sweep.rows(MOST[:2], rows)
    sweep.rows(MOST[2:], rows[::3])
    assert {row.surface for row in rows} >= {surface.name for surface in asks.readable()}
    _done(sweep, "actions")


def test_pages(world: World) -> None:
    """Every route that is read, and its other addresses, for an outsider."""
    sweep = Sweep(world)
    sweep.rows(["anonymous"], asks.page_rows(world, whole=False))
    sweep.rows(["anonymous"], asks.other_pages(world))
    _done(sweep, "pages")


def test_the_others_and_those_who_may_see(world: World) -> None:
    """The surfaces that show most, for everybody else: nobody too much, nobody too little."""
    sweep = Sweep(world)
    rows = _shown(world)
    sweep.rows(["anonymous", "granted", "editor", "authority", "operator"], rows)
    for number, actor in enumerate((*FEW, "other_editor", "member", "reviewer")):
        sweep.rows([actor], rows[number % 2 :: 2])
    sweep.rows(["granted", "editor"], _read(world))
    _done(sweep, "others")
    missing = sweep.unseen(_owed(world))
    assert not missing, "\n".join(missing[:40])


def _owed(world: World) -> list[tuple[Secret, str]]:
    """What the sweep must have shown: a department everything of its own, and so on."""
    owed: list[tuple[Secret, str]] = []
    for secret in world.secrets.by_text.values():
        if not MARK.fullmatch(secret.text) or not secret.known_to:
            continue
        if secret.where not in DATASETS:
            continue
        if (secret.where, secret.what) not in REPLACED:
            owed += [(secret, actor) for actor in ("editor", "authority", "operator")]
        if secret.known_to >= EVERYBODY:
            owed.append((secret, "anonymous"))
        if "granted" in secret.known_to:
            owed.append((secret, "granted"))
    return owed


#: What a department itself does not read any more, each with the reason.
REPLACED = {
    ("open", "remarks"): "of a return; the approval that followed has its own, the ledger has both",
    ("pending", "view of file"): "renamed in the working copy; the release still has it",
    ("pending_conditional", "view of file"): "renamed in the working copy",
    ("pending_conditional", "link"): "the address has changed; the release streams the old one",
    ("suspended", "reason"): "stands in the ledger",
}


def test_refused_writes_tell_nothing(world: World) -> None:
    sweep = Sweep(world)
    planted = [world.datasets[kind] for kind in ("never", "conditional", "pending")]
    rows = asks.writes(world, planted)
    before = [sweep.ask("editor", action("package_show", {"id": each.id})).body for each in planted]
    for actor in ("anonymous", "citizen", "other_editor"):
        for row in rows:
            answer = sweep.row(actor, row)
            assert answer.status >= 400, f"{actor}: {row} was not refused: {answer.body[:300]}"
    after = [sweep.ask("editor", action("package_show", {"id": each.id})).body for each in planted]
    assert before == after
    _done(sweep, "writes")


def test_hidden_is_like_nothing(world: World) -> None:
    """The same answer, byte for byte, for what is hidden and for what does not exist."""
    sweep = Sweep(world)
    for actor, kind in (("anonymous", "never"), ("other_editor", "suspended")):
        for ask, other, names in asks.twins(world, (kind,)):
            sweep.same(actor, ask, other, names)
    _done(sweep, "existence")


def test_questions_are_no_oracles(world: World) -> None:
    """A word of a hidden thing is answered like a word that nobody has ever used."""
    sweep = Sweep(world)
    chosen = [
        secret
        for secret in world.secrets.by_text.values()
        if MARK.fullmatch(secret.text)
        and (
            (secret.where in ("never", "suspended") and secret.what in _ASKED)
            or (secret.where == "pending" and secret.what.startswith("new "))
            or (secret.where == "conditional" and secret.what in ("link", "cell", "column"))
        )
    ]
    assert len(chosen) > 15
    for secret in chosen:
        for ask, other, names in asks.oracles(secret):
            sweep.same("anonymous", ask, other, names)
    _done(sweep, "oracles")


_ASKED = ("title", "notes", "tag", "link", "name", "theme", "resource name", "share condition")


@pytest.mark.long
def test_complete(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything, for everybody."""
    monkeypatch.setitem(config, "ckanext.govopen.ledger.exports_per_minute", "1000000")
    sweep = Sweep(world)
    asked = [
        *asks.action_rows(world, whole=True),
        *asks.page_rows(world, whole=True),
        *asks.other_pages(world),
    ]
    rows = list({row.key: row for row in asked}.values())
    tasks = [Task(actor, row) for row in rows for actor in sorted(EVERYBODY)]
    for actor in ("anonymous", "citizen", "expired", "other_editor", "auditor"):
        tasks += [Task(actor, *pair) for pair in asks.twins(world, HIDDEN)]
    for secret in world.secrets.by_text.values():
        if MARK.fullmatch(secret.text) and "anonymous" not in secret.known_to:
            tasks += [Task("anonymous", *pair) for pair in asks.oracles(secret)]
    share.run(sweep, tasks)
    _done(sweep, "complete")
