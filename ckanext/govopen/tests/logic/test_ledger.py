"""The ledger on a running portal: who reads what, exports that verify, rebuilding, erasing."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model

from ckanext.govopen.domain import checkpoint as rules
from ckanext.govopen.ledger_verifier import verify_ledger
from ckanext.govopen.logic import command
from ckanext.govopen.model import checkpoint, ledger, projections, signing
from ckanext.govopen.model.duty import DutyRow
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.release import ReleaseRow
from ckanext.govopen.model.review import ReviewRow
from ckanext.govopen.tests.ledger_site import own_key
from ckanext.govopen.tests.portal import AUTHORITY, Department, Portal, Refused, User, unique

__all__ = ["own_key"]


@pytest.fixture(scope="module")
def department(_one_portal: Portal) -> Department:
    _one_portal.ready()
    return _one_portal.department()


@pytest.fixture(scope="module")
def authority(_one_portal: Portal) -> User:
    _one_portal.ready()
    user = User.make()
    _one_portal.duty(user, AUTHORITY, "authority")
    return user


def shown(portal: Portal, user: User | None, **asked: Any) -> list[dict[str, Any]]:
    return portal.call("govopen_ledger_show", user, **asked)["results"]


def types(portal: Portal, user: User | None, **asked: Any) -> list[str]:
    return [event["type"] for event in shown(portal, user, **asked)]


def exported(portal: Portal, user: User | None, **asked: Any) -> list[dict[str, Any]]:
    answer = portal.call("govopen_ledger_export", user, **asked)
    assert answer["next"] is None
    return [json.loads(line) for line in answer["lines"]]


def granted(portal: Portal, department: Department, package_id: str, user: User) -> dict[str, Any]:
    handler = User.make()
    portal.duty(handler, department.name, "handler")
    return portal.call(
        "govopen_grant_give",
        handler.deciding,
        package_id=package_id,
        persons=[user.name],
        purpose="教学研究",
        valid_to="2099-12-31",
    )


# Who reads what


def test_everybody_reads_of_a_public_dataset_what_is_public(
    portal: Portal, department: Department
) -> None:
    made = portal.released(department, open_class="unconditional")
    events = shown(portal, None, dataset=made["id"])
    assert [event["type"] for event in events] == ["release.published"]
    (event,) = events
    assert event["dataset"]["title"] == made["title"]
    assert (event["reader"], event["by"]) == ("public", None)
    assert event["payload"]["open_class"] == "unconditional"
    assert shown(portal, None, dataset=made["name"]) == events
    assert "review.approved" in types(portal, department.member, dataset=made["id"])
    staff = shown(portal, department.member, dataset=made["id"], type="review.approved")
    assert staff[0]["by"]["name"] == department.reviewer.name


@pytest.mark.parametrize("how", ["suspend", "close", "delete"])
def test_what_was_withdrawn_is_not_named_by_its_withdrawal(
    portal: Portal, department: Department, how: str
) -> None:
    made = portal.released(department, open_class="unconditional")
    public_before = exported(portal, None)
    if how == "suspend":
        portal.call(
            "govopen_dataset_suspend", department.editor.deciding, id=made["id"], reason="核查"
        )
    elif how == "close":
        portal.call(
            "govopen_dataset_reclassify",
            department.editor,
            id=made["id"],
            open_class="non_open",
            reason="涉密",
            legal_basis=[{"instrument": "保守国家秘密法", "article": "9", "kind": "law"}],
        )
    else:
        portal.call("package_delete", department.editor, id=made["id"])
    name = f"dataset/{made['id']}"
    nothing = shown(portal, None, dataset=unique("nothing"))
    assert shown(portal, None, dataset=made["id"]) == nothing == []
    assert shown(portal, None, stream=name) == []
    assert any(row.get("stream") == name for row in public_before)
    assert made["id"] not in json.dumps(exported(portal, None))
    outsider = User.make()
    assert made["id"] not in json.dumps(exported(portal, outsider))
    assert shown(portal, department.member, stream=name)


def test_what_happened_while_it_was_hidden_stays_hidden(
    portal: Portal, department: Department
) -> None:
    """A dataset that was closed first and open later: its closed past is not told."""
    made = portal.dataset(department, open_class="non_open", class_reason="暂不开放")
    portal.call(
        "package_patch",
        department.editor,
        id=made["id"],
        legal_basis=[{"instrument": "数据安全法", "article": "21", "kind": "law"}],
    )
    portal.approve(department, made["id"])
    portal.call("package_patch", department.editor, id=made["id"], open_class="unconditional")
    portal.approve(department, made["id"])
    events = shown(portal, None, dataset=made["id"])
    assert [(e["type"], e["payload"]["open_class"]) for e in events] == [
        ("release.published", "unconditional")
    ]
    rows = [r for r in exported(portal, None) if r.get("stream") == f"dataset/{made['id']}"]
    assert [bool(row.get("withheld")) for row in rows] == [True, False]
    assert set(rows[0]) == {"stream", "version", "previous", "hash", "withheld"}


def test_a_grant_is_read_by_its_holder_and_its_department_only(
    portal: Portal, department: Department, authority: User
) -> None:
    made = portal.released(department, open_class="conditional", open_condition="实名")
    holder, stranger, elsewhere = User.make(), User.make(), portal.department()
    grant = granted(portal, department, made["id"], holder)
    name = f"grant/{grant['id']}"
    for user in (None, stranger, elsewhere.member, elsewhere.reviewer):
        assert shown(portal, user, stream=name) == []
        assert name not in json.dumps(exported(portal, user))
    (own,) = shown(portal, holder, stream=name)
    assert (own["reader"], own["by"]) == ("party", None)
    assert own["payload"]["purpose"] == "教学研究"
    for user in (department.reviewer, authority, portal.operator):
        (event,) = shown(portal, user, stream=name)
        assert event["reader"] == "staff"
    # It says who the holder is: a member without a duty reads the grant, and not this.
    assert shown(portal, department.member, stream=name) == []
    assert holder.id not in json.dumps(exported(portal, department.member))
    assert types(portal, holder, part="party", stream=name) == ["grant.given"]
    assert types(portal, holder, part="public", stream=name) == []


def test_an_auditor_reads_everything_and_a_reviewer_his_department(
    portal: Portal, department: Department
) -> None:
    auditor = User.make()
    portal.duty(auditor, AUTHORITY, "auditor")
    made = portal.dataset(department)
    other = portal.department()
    assert types(portal, auditor, dataset=made["id"]) == ["review.opened"]
    assert types(portal, department.reviewer, dataset=made["id"]) == ["review.opened"]
    assert types(portal, other.reviewer, dataset=made["id"]) == []
    assert types(portal, None, dataset=made["id"]) == []
    assert portal.ask("govopen_ledger_verify", {}, auditor).status_code == 200
    assert portal.ask("govopen_ledger_verify", {}, other.reviewer).status_code == 403
    assert portal.ask("govopen_ledger_verify", {}).status_code == 403


@pytest.mark.parametrize("action", ["checkpoint", "erase", "rebuild", "rotate_key"])
def test_only_the_operator_keeps_the_ledger(
    portal: Portal, department: Department, authority: User, action: str
) -> None:
    for user in (None, User.make(), department.reviewer, authority):
        assert portal.ask(f"govopen_ledger_{action}", {"reason": "x"}, user).status_code in (
            403,
            404,
        )


def test_pages_and_filters(portal: Portal, department: Department) -> None:
    made = portal.released(department)
    every = shown(portal, department.member, organization=department.name, limit=500)
    assert every == sorted(every, key=lambda e: e["at"], reverse=True)
    first = portal.call(
        "govopen_ledger_show", department.member, organization=department.id, limit=1
    )
    assert (first["results"], first["more"]) == (every[:1], True)
    second = shown(portal, department.member, organization=department.id, limit=1, offset=1)
    assert second == every[1:2]
    tomorrow = (command.now() + datetime.timedelta(days=2)).date().isoformat()
    assert shown(portal, department.member, dataset=made["id"], since=tomorrow) == []
    assert shown(portal, department.member, dataset=made["id"], until="2020-01-01") == []
    assert shown(portal, None, organization=unique("none")) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": -1},
        {"limit": "x"},
        {"offset": 2**40},
        {"part": "everything"},
        {"since": "soon"},
        {"stream": ["a"]},
        {"dataset": {"id": 1}},
    ],
)
def test_bad_input_is_said(portal: Portal, asked: dict[str, Any]) -> None:
    assert portal.ask("govopen_ledger_show", asked).status_code == 409


@pytest.mark.parametrize("asked", [{"reader": "x"}, {"after": 7}, {"stream": 1}, {"dataset": []}])
def test_bad_input_of_an_export_is_said(portal: Portal, asked: dict[str, Any]) -> None:
    answer = portal.ask("govopen_ledger_export", asked)
    assert answer.status_code == 409 or asked == {"dataset": []}


# Exports, checkpoints, keys


def proof(portal: Portal) -> tuple[str, str]:
    """(checkpoints, keys) as they are published."""
    checkpoints = portal.get("/open/ledger/checkpoints.jsonl").get_data(as_text=True)
    return checkpoints, portal.get("/open/ledger/keys.json").get_data(as_text=True)


def run_verifier(tmp_path: Path, export: str, checkpoints: str, keys: str) -> tuple[int, str]:
    import contextlib
    import io

    for name, text in (("e", export), ("c", checkpoints), ("k", keys)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = verify_ledger.main(
            [str(tmp_path / "e"), "--checkpoint", str(tmp_path / "c"), "--key", str(tmp_path / "k")]
        )
    return code, said.getvalue()


def test_what_everybody_gets_verifies_with_the_stand_alone_verifier(
    portal: Portal,
    department: Department,
    own_key: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = portal.released(department)
    assert (
        portal.call("govopen_ledger_checkpoint", portal.operator)["made"]["statement"]["number"]
        == 1
    )
    assert portal.call("govopen_ledger_checkpoint", portal.operator)["made"] is None
    checkpoints, keys = proof(portal)
    answer = portal.get("/open/ledger/export.jsonl")
    assert answer.status_code == 200
    export = answer.get_data(as_text=True)
    assert f"dataset/{made['id']}" in export
    code, said = run_verifier(tmp_path, export, checkpoints, keys)
    assert (code, "Not proven yet" in said) == (0, False), said
    portal.released(department)
    later = portal.get("/open/ledger/export.jsonl").get_data(as_text=True)
    code, said = run_verifier(tmp_path, later, checkpoints, keys)
    assert code == 0
    assert "Not proven yet: dataset/" in said
    (tmp_path / ("k" * 64)).write_text(keys, encoding="utf-8")  # as long as a key, and none
    monkeypatch.chdir(tmp_path)
    assert verify_ledger.main(["e", "--checkpoint", "c", "--key", "k" * 64]) == 0
    changed = export.replace('"unconditional"', '"conditional"', 1)
    assert changed != export
    assert run_verifier(tmp_path, changed, checkpoints, keys)[0] == 1
    assert checkpoint.folder() is not None
    assert (tmp_path / "checkpoints" / "1.json").exists()
    assert portal.get("/open/ledger/checkpoints/1.json").get_json()["statement"]["number"] == 1
    assert portal.get("/open/ledger/checkpoints/99.json").status_code == 404
    assert portal.get("/open/ledger/checkpoints/99999999999999.json").status_code == 404


def test_no_checkpoint_names_a_case(portal: Portal, department: Department, own_key: Path) -> None:
    made = portal.dataset(department)
    portal.call("govopen_ledger_checkpoint", portal.operator)
    text = json.dumps(list(checkpoint.documents(model.Session)))
    review = model.Session.query(ReviewRow).filter_by(package_id=made["id"]).one()
    for name in (made["id"], review.id, department.id, "review/", "dataset/", "duty/"):
        assert name not in text


def test_a_changed_database_is_found_by_the_checkpoint(
    portal: Portal, department: Department, own_key: Path
) -> None:
    made = portal.released(department)
    stream = f"dataset/{made['id']}"
    portal.call("govopen_ledger_checkpoint", portal.operator)
    report = portal.call("govopen_ledger_verify", portal.operator, stream=stream)
    assert (report["ok"], report["unproven"]) == (True, [])
    table = ledger.EventRow.__table__
    kept = model.Session.execute(sa.select(table).where(table.c.stream == stream)).mappings().all()
    model.Session.execute(
        sa.update(table)
        .where(table.c.stream == stream)
        .values(payload=sa.func.jsonb_set(table.c.payload, "{kind}", sa.text("'\"other\"'::jsonb")))
    )
    model.repo.commit()
    try:
        report = portal.call("govopen_ledger_verify", portal.operator, stream=stream)
        assert [(f["kind"], f["version"]) for f in report["faults"]] == [("changed", 1)]
        model.Session.execute(sa.delete(table).where(table.c.stream == stream))
        model.repo.commit()
        whole = portal.call("govopen_ledger_verify", portal.operator)
        assert (kept[0]["hash"], "removed") in {(f["stream"], f["kind"]) for f in whole["faults"]}
    finally:
        model.Session.execute(sa.delete(table).where(table.c.stream == stream))
        for row in kept:
            model.Session.execute(sa.insert(table).values(dict(row)))
        model.repo.commit()
    assert portal.call("govopen_ledger_verify", portal.operator, stream=stream)["ok"]


def test_the_key_is_private_and_is_replaced_by_one_it_signed(
    portal: Portal, department: Department, own_key: Path, tmp_path: Path
) -> None:
    portal.call("govopen_ledger_checkpoint", portal.operator)
    assert own_key.stat().st_mode & 0o777 == 0o600
    before = own_key.read_bytes()
    keys = portal.call("govopen_ledger_rotate_key", portal.operator.deciding)["keys"]
    assert [key["signed_by"] for key in keys] == [None, keys[0]["id"]]
    assert own_key.read_bytes() != before
    assert own_key.stat().st_mode & 0o777 == 0o600
    portal.released(department)
    made = portal.call("govopen_ledger_checkpoint", portal.operator)["made"]
    assert made["signature"]["key"] == keys[1]["id"]
    export = portal.get("/open/ledger/export.jsonl").get_data(as_text=True)
    assert run_verifier(tmp_path, export, *proof(portal))[0] == 0
    assert portal.get("/open/ledger/keys.json").get_json()["keys"] == keys
    assert b"PRIVATE" not in portal.get("/open/ledger/keys.json").get_data()


def test_a_crash_between_commit_and_the_new_file_leaves_a_key_that_fits(
    portal: Portal, own_key: Path
) -> None:
    now = command.now()
    signing.ensure(model.Session, now)
    model.repo.commit()
    old = own_key.read_bytes()
    waiting = signing.rotate(model.Session, None, now)
    model.Session.rollback()
    assert signing.sign(model.Session, b"x", now)  # before the commit: the old key goes on
    assert (own_key.read_bytes(), waiting.exists()) == (old, True)
    signing.rotate(model.Session, None, now)
    model.repo.commit()
    assert own_key.read_bytes() == old
    signature = signing.sign(model.Session, b"x", now)  # after it: the new one takes its place
    assert own_key.read_bytes() != old
    assert not waiting.exists()
    assert signature.key_id == signing.public_keys(model.Session)[-1].id
    assert signing.verify(model.Session, b"x", signature)
    assert not signing.verify(model.Session, b"y", signature)
    assert not signing.verify(model.Session, b"x", signing.Signature(signature.key_id, "zz"))


def test_a_lost_or_foreign_key_is_never_replaced_in_silence(portal: Portal, own_key: Path) -> None:
    now = command.now()
    signing.ensure(model.Session, now)
    model.repo.commit()
    own_key.rename(own_key.with_suffix(".lost"))
    with pytest.raises(Refused) as caught:
        portal.call("govopen_ledger_checkpoint", portal.operator)
    assert "not there" in str(caught.value.error["key"])
    assert not own_key.exists()
    assert signing.make(own_key)
    with pytest.raises(Refused) as caught:
        portal.call("govopen_ledger_checkpoint", portal.operator)
    assert "but the ledger names" in str(caught.value.error["key"])
    assert signing.mismatch(model.Session, own_key)


def test_known_series_of_the_database_holds(portal: Portal, own_key: Path) -> None:
    for _ in range(3):
        portal.department()
        portal.call("govopen_ledger_checkpoint", portal.operator)
    known = checkpoint.known(model.Session)
    assert (known.number, known.complete) == (3, True)
    keys = rules.read_keys(signing.keys_document(model.Session), signing.check)
    assert len(keys) == 1


# Rebuilding and erasing


def differences(*keys: str) -> list[projections.Difference]:
    """What differs in rows whose key holds one of these ids."""
    return [one for one in projections.check(model.Session) if any(k in one.key for k in keys)]


def test_the_tables_say_what_the_ledger_says(portal: Portal, department: Department) -> None:
    made = portal.released(department, open_class="conditional", open_condition="实名")
    holder = User.make()
    grant = granted(portal, department, made["id"], holder)
    portal.call(
        "govopen_grant_suspend",
        portal.operator.deciding,
        id=grant["id"],
        reason="x",
        break_glass="y",
    )
    portal.call("govopen_dataset_suspend", department.editor.deciding, id=made["id"], reason="核查")
    review = model.Session.query(ReviewRow).filter_by(package_id=made["id"]).one()
    mine = (made["id"], grant["id"], review.id, department.id)
    assert differences(*mine) == []

    row = model.Session.get(GrantRow, grant["id"])
    assert row is not None
    row.state, row.valid_to = "active", row.valid_to + datetime.timedelta(days=365)
    model.Session.execute(
        sa.update(ReleaseRow.__table__)
        .where(ReleaseRow.__table__.c.package_id == made["id"])
        .values(open_class="unconditional")
    )
    model.Session.delete(review)
    duty = model.Session.query(DutyRow).filter_by(user_id=department.reviewer.id).one()
    given_at = duty.given_at
    model.Session.delete(duty)
    model.Session.add(
        DutyRow(
            user_id=holder.id,
            organization_id=department.id,
            duty="reviewer",
            given_at=command.now(),
        )
    )
    model.repo.commit()
    found = {(one.table, one.kind, one.field) for one in differences(*mine)}
    assert found == {
        ("grants", "changed", "state"),
        ("grants", "changed", "valid_to"),
        ("releases", "changed", "open_class"),
        ("reviews", "missing", None),
        ("duties", "missing", None),
        ("duties", "too_much", None),
    }
    projections.rebuild(model.Session)
    model.repo.commit()
    assert differences(*mine) == []
    duty = model.Session.query(DutyRow).filter_by(user_id=department.reviewer.id).one()
    assert duty.given_at == given_at


def test_a_purged_dataset_leaves_no_difference(portal: Portal, department: Department) -> None:
    made = portal.released(department, open_class="conditional", open_condition="实名")
    grant = granted(portal, department, made["id"], User.make())
    review = model.Session.query(ReviewRow).filter_by(package_id=made["id"]).one().id
    portal.call("dataset_purge", portal.operator, id=made["id"])
    assert differences(made["id"], grant["id"], review) == []
    assert types(portal, portal.operator, stream=f"dataset/{made['id']}")[0] == "dataset.purged"


def erase(portal: Portal, **asked: Any) -> dict[str, Any]:
    return portal.call(
        "govopen_ledger_erase", portal.operator.deciding, reason="申请人要求", **asked
    )


def test_personal_data_goes_when_it_may_and_the_chain_stays(
    portal: Portal, department: Department, own_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = portal.released(department, open_class="conditional", open_condition="实名")
    holder = User.make()
    grant = granted(portal, department, made["id"], holder)
    stream = f"grant/{grant['id']}"
    portal.call("govopen_ledger_checkpoint", portal.operator)
    with pytest.raises(Refused) as caught:
        erase(portal, stream=stream, force=True)
    assert caught.value.rules == ["LED-1"]  # in force: it is still needed
    portal.call(
        "govopen_grant_revoke",
        portal.operator.deciding,
        id=grant["id"],
        reason="张三",
        break_glass="y",
    )
    with pytest.raises(Refused) as caught:
        erase(portal, user=holder.name)
    assert caught.value.rules == ["LED-1"]  # it has to be kept
    assert holder.id in json.dumps([r.payload for r in ledger.read(model.Session, stream)])
    assert erase(portal, user=holder.name, force=True)["events"] == 1
    assert erase(portal, stream=stream, force=True)["events"] == 1
    rows = list(ledger.read(model.Session, stream))
    text = json.dumps([row.as_dict() for row in rows], ensure_ascii=False)
    for gone in (holder.id, "张三", "教学研究"):
        assert gone not in text
    assert portal.call("govopen_ledger_verify", portal.operator, stream=stream)["ok"]
    assert differences(grant["id"]) == []
    said = shown(portal, portal.operator, stream="ledger/erasures", limit=1)[0]
    assert (said["type"], said["payload"]["forced"]) == ("ledger.erased", True)
    assert erase(portal, stream=stream, force=True)["events"] == 0
    # Years later nothing has to be forced.
    other = granted(portal, department, made["id"], holder)
    portal.call(
        "govopen_grant_revoke",
        portal.operator.deciding,
        id=other["id"],
        reason="x",
        break_glass="y",
    )
    later = command.now() + datetime.timedelta(days=366 * 5 + 1)
    monkeypatch.setattr(command, "now", lambda: later)
    assert erase(portal, stream=f"grant/{other['id']}")["events"] == 2


def test_a_number_is_unlinked_from_its_person(portal: Portal, department: Department) -> None:
    number = ledger.number_of(model.Session, department.editor.id)
    portal.released(department)
    number = number or ledger.number_of(model.Session, department.editor.id)
    assert number is not None
    with pytest.raises(Refused):
        erase(portal, user=department.editor.name, unlink=True)
    stranger = User.make()
    erase(portal, user=stranger.name, unlink=True)
    assert ledger.number_of(model.Session, department.editor.id) == number


@pytest.mark.parametrize(
    "asked",
    [{}, {"stream": "a", "user": "b"}, {"stream": "a", "types": ["nonsense"]}, {"user": ["x"]}],
)
def test_a_wrong_order_to_erase_is_said(portal: Portal, asked: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        erase(portal, **asked)
    assert caught.value.status == 409
