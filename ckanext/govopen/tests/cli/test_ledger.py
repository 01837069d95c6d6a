"""``ckan govopen ledger``, and the scheduler's checkpoints with their witnesses."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib import mailer

from ckanext.govopen.cli import rounds
from ckanext.govopen.logic import command, deliver
from ckanext.govopen.model import checkpoint
from ckanext.govopen.model.outbox import OutboxRow
from ckanext.govopen.model.release import ReleaseRow
from ckanext.govopen.tests.ledger_site import own_key
from ckanext.govopen.tests.portal import Portal

__all__ = ["own_key"]


@pytest.fixture
def run(quick: Any, portal: Portal) -> Any:
    """Runs ``ckan govopen ledger …`` and gives what it says."""

    def call(*words: str, code: int = 0) -> str:
        result = quick.invoke(ckan, ["govopen", "ledger", *words])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    return call


def write_keys(portal: Portal, target: Path) -> None:
    target.write_bytes(portal.get("/open/ledger/keys.json").get_data())


def test_an_export_is_verified_with_files_alone(
    run: Any, portal: Portal, own_key: Path, tmp_path: Path
) -> None:
    made = portal.released(portal.department())
    stream = f"dataset/{made['id']}"
    export, proof, keys = (str(tmp_path / name) for name in ("export", "proof", "keys.json"))
    assert "Checkpoint 1" in run("checkpoint", "--out", proof)
    assert "Nothing has happened" in run("checkpoint")
    write_keys(portal, Path(keys))
    run("export", "--out", export, "--stream", stream, "--reader", "public")
    lines = Path(export).read_text(encoding="utf-8").splitlines()
    header = json.loads(lines[0])
    assert (header["reader"], header["whole"]) == ("public", False)
    assert {json.loads(line)["stream"] for line in lines[1:]} == {stream}
    words = (export, "--checkpoint", proof, "--key", keys)
    assert "Nothing is wrong" in run("verify", *words)
    assert "Nothing is wrong" in run("verify", export)
    assert "removed" in run("verify", *words, "--whole", code=1)
    changed = lines[1].replace('"unconditional"', '"conditional"')
    assert changed != lines[1]
    Path(export).write_text("\n".join([lines[0], changed, *lines[2:]]) + "\n", encoding="utf-8")
    assert f"{stream} 1: changed: the field open_class" in run("verify", *words, code=1)
    run("export", "--out", export)
    assert json.loads(Path(export).read_text(encoding="utf-8").partition("\n")[0])["whole"]
    assert "signature" in json.loads(Path(proof).read_text(encoding="utf-8"))
    forged = Path(proof).read_text(encoding="utf-8").replace('"number": 1', '"number": 7')
    Path(proof).write_text(forged, encoding="utf-8")
    assert "signature is wrong" in run("verify", *words, code=1)


def test_the_operator_exports_what_everybody_reads(
    run: Any, portal: Portal, own_key: Path, tmp_path: Path
) -> None:
    hidden = portal.dataset(portal.department())
    out = tmp_path / "export"
    run("export", "--out", str(out), "--reader", "public")
    assert hidden["id"] not in out.read_text(encoding="utf-8")
    run("export", "--out", str(out), "--dataset", hidden["name"])
    assert hidden["id"] in out.read_text(encoding="utf-8")


def test_tables_are_compared_and_rebuilt(run: Any, portal: Portal) -> None:
    made = portal.released(portal.department())
    table = ReleaseRow.__table__
    here = table.c.package_id == made["id"]
    model.Session.execute(sa.update(table).where(here).values(status="withdrawn"))
    model.repo.commit()
    said = run("rebuild", "--check", code=1)
    assert f"releases {made['id']}/1: changed status: withdrawn -> live" in said
    found = json.loads(run("rebuild", "--json"))
    assert [one["field"] for one in found if made["id"] in one["key"]]
    model.Session.rollback()
    assert model.Session.execute(sa.select(table.c.status).where(here)).scalar() == "live"


def test_the_key_is_replaced_by_command(run: Any, portal: Portal, own_key: Path) -> None:
    run("checkpoint")
    before = own_key.read_bytes()
    assert "is in use" in run("rotate-key")
    assert own_key.read_bytes() != before
    assert len(portal.get("/open/ledger/keys.json").get_json()["keys"]) == 2


def test_erasing_needs_a_reason_and_says_what_it_did(run: Any, portal: Portal) -> None:
    assert "--reason" in run("erase", "--stream", "review/none", code=2)
    assert "0 events" in run("erase", "--stream", "review/none", "--reason", "请求")
    assert "stream" in run("erase", "--reason", "请求", code=1)


def test_the_scheduler_signs_when_something_happened_and_the_time_has_come(
    portal: Portal, own_key: Path, monkeypatch: pytest.MonkeyPatch, ckan_config: Any
) -> None:
    portal.department()
    assert rounds.Rounds().checkpoint() == 1
    portal.department()
    assert rounds.Rounds().checkpoint() == 0  # too early
    later = command.now() + datetime.timedelta(minutes=61)
    monkeypatch.setattr(command, "now", lambda: later)
    scheduler = rounds.Rounds()
    assert scheduler.checkpoint() == 1
    assert scheduler.checkpoint() == 0
    evening = later + datetime.timedelta(hours=2)
    monkeypatch.setattr(command, "now", lambda: evening)
    assert rounds.Rounds().checkpoint() == 0  # nothing has happened
    monkeypatch.setitem(ckan_config, "ckanext.govopen.ledger.checkpoint_minutes", "0")
    portal.department()
    assert rounds.Rounds().checkpoint() == 0
    last = checkpoint.latest(model.Session)
    assert last is not None
    assert last.number == 2


def test_witnesses_get_every_checkpoint_by_mail_in_the_end(
    portal: Portal, own_key: Path, monkeypatch: pytest.MonkeyPatch, ckan_config: Any
) -> None:
    monkeypatch.setitem(
        ckan_config, "ckanext.govopen.ledger.witnesses", "a@example.org b@example.org"
    )
    sent: list[tuple[str, dict[str, Any]]] = []
    broken = True

    def mail(name: str, address: str, *_: Any, attachments: Any, **__: Any) -> None:
        if broken:
            raise mailer.MailerException("no server")
        ((_name, content, _type),) = attachments
        sent.append((address, json.loads(content.read())))

    monkeypatch.setattr(mailer, "mail_recipient", mail)
    made = portal.call("govopen_ledger_checkpoint", portal.operator)["made"]
    assert sent == []
    assert model.Session.query(OutboxRow).filter_by(kind="checkpoint").count() == 2
    model.Session.rollback()
    broken = False
    deliver.due_now(command.now() + datetime.timedelta(hours=1))
    assert sent == [("a@example.org", made), ("b@example.org", made)]
    assert model.Session.query(OutboxRow).filter_by(kind="checkpoint").count() == 0
