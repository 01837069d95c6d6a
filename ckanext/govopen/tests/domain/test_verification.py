"""Each kind of tampering with a random ledger is found, and its place; both verifiers agree."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain import checkpoint
from ckanext.govopen.domain.checkpoint import Known, Untrusted
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.ledger import SealedEvent, record, redact, stamp
from ckanext.govopen.domain.verification import Report, verify_export
from ckanext.govopen.ledger_verifier import verify_ledger
from ckanext.govopen.tests.domain.ledgers import (
    START,
    Ledger,
    build,
    check,
    keys_document,
    lines,
    private,
    public,
    sign,
)

KEYS = checkpoint.read_keys(keys_document(private()), check)
LENGTHS = st.dictionaries(
    st.sampled_from(["grant/a", "grant/b", "grant/c", "grant/d"]),
    st.integers(2, 7),
    min_size=1,
)
#: Small changes of one event, each to be found as ``changed`` in its place.
CHANGES: dict[str, dict[str, Any]] = {
    "type": {"type": "grant.revoked"},
    "actor": {"actor": "8"},
    "nobody": {"actor": None},
    "time": {"at": "2026-03-02T01:00:00.000001Z"},
    "value": {"payload": {"grant": "g", "dataset": "d", "reason": "另一个理由", "break_glass": ""}},
    "more": {"payload": {"grant": "g", "extra": 1}},
    "fraction": {"payload": {"reason": 1.5}},
    "salts": {"salts": {"grant": "0", "dataset": "0", "reason": "0", "break_glass": "0"}},
    "no salts": {"salts": {}},
    "digests": {"digests": {}},
    "hash": {"hash": "0" * 64},
    "stream": {"stream": "grant/elsewhere"},
}


def known(*documents: dict[str, Any]) -> Known:
    return checkpoint.read_checkpoints(documents, KEYS, check)


def both(rows: Sequence[str], proof: Known | None = None, whole: bool = False) -> Report:
    """The report; the stand-alone verifier must say exactly the same."""
    report = verify_export(rows, proof, whole)
    proof = proof or Known()
    faults, unproven, streams, events = verify_ledger.verify(
        rows, proof.heads, proof.complete, proof.made_at, whole
    )
    assert faults == [(f.stream, f.version, f.kind, f.message) for f in report.faults]
    assert unproven == report.unproven
    assert (streams, events) == (report.streams, report.events)
    return report


def flat(ledger: Ledger) -> list[SealedEvent]:
    return [row for stream in sorted(ledger) for row in ledger[stream]]


def places(report: Report) -> set[tuple[str, str, int]]:
    return {(fault.kind, fault.stream, fault.version) for fault in report.faults}


@given(LENGTHS, st.data())
def test_an_untouched_ledger_has_no_fault(lengths: dict[str, int], data: st.DataObject) -> None:
    ledger = build(lengths)
    proof = known(sign(ledger))
    mixed = data.draw(st.permutations(sorted(ledger)))
    report = both(lines([row for stream in mixed for row in ledger[stream]]), proof, True)
    assert (report.faults, report.unproven) == ([], {})
    public_rows = [redact(row, None) for row in flat(ledger)]
    assert both(lines(public_rows), proof, True).faults == []


@given(LENGTHS, st.sampled_from(sorted(CHANGES)), st.data())
def test_a_changed_event_is_found_where_it_is(
    lengths: dict[str, int], change: str, data: st.DataObject
) -> None:
    rows = flat(build(lengths))
    at = data.draw(st.integers(0, len(rows) - 1))
    rows[at] = replace(rows[at], **CHANGES[change])
    assert ("changed", rows[at].stream, rows[at].version) in places(both(lines(rows)))


@given(LENGTHS, st.data())
def test_a_removed_event_is_found(lengths: dict[str, int], data: st.DataObject) -> None:
    ledger = build(lengths)
    rows = flat(ledger)
    gone = data.draw(st.sampled_from(rows))
    rest = lines([row for row in rows if row is not gone])
    kind = "truncated" if gone is ledger[gone.stream][-1] else "removed"
    found = places(both(rest, known(sign(ledger)), True))
    assert (kind, gone.stream, gone.version) in found
    if kind == "removed":
        assert places(both(rest)) == {(kind, gone.stream, gone.version)}


@given(LENGTHS, st.data())
def test_a_truncated_stream_is_found(lengths: dict[str, int], data: st.DataObject) -> None:
    ledger = build(lengths)
    proof = known(sign(ledger))
    stream = data.draw(st.sampled_from(sorted(ledger)))
    left = data.draw(st.integers(1, len(ledger[stream]) - 1))
    cut = {**ledger, stream: ledger[stream][:left]}
    assert places(both(lines(flat(cut)), proof)) == {("truncated", stream, left + 1)}
    without = {name: rows for name, rows in ledger.items() if name != stream}
    found = places(both(lines(flat(without)), proof))
    assert found == {("removed", ledger[stream][0].hash, 1)}
    # An export that does not claim to be whole may leave streams out.
    assert both(lines(flat(without), whole=False), proof).faults == []


@given(LENGTHS, st.data())
def test_reordered_events_are_found(lengths: dict[str, int], data: st.DataObject) -> None:
    ledger = build(lengths)
    stream = data.draw(st.sampled_from(sorted(ledger)))
    rows = list(ledger[stream])
    order = data.draw(st.permutations(range(len(rows))).filter(lambda o: list(o) != sorted(o)))
    ledger[stream] = [rows[index] for index in order]
    late = {
        rows[index].version
        for place, index in enumerate(order)
        if any(other > index for other in order[:place])
    }
    found = places(both(lines(flat(ledger))))
    assert {(kind, version) for kind, _, version in found} == {("reordered", v) for v in late}


@given(LENGTHS, st.data())
def test_an_inserted_event_is_found(lengths: dict[str, int], data: st.DataObject) -> None:
    ledger = build(lengths)
    stream = data.draw(st.sampled_from(sorted(ledger)))
    rows = ledger[stream]
    after = data.draw(st.integers(1, len(rows)))
    event = Event("grant.revoked", {"grant": "g", "dataset": "d", "reason": "x"})
    false = record(event, stream, after + 1, rows[after - 1].hash, "7", START, lambda: "0" * 32)
    ledger[stream] = [*rows[:after], false, *rows[after:]]
    found = places(both(lines(flat(ledger)), known(sign(build(lengths)))))
    assert ("inserted", stream, after + 1) in found
    doubled = [*rows[:after], rows[after - 1], *rows[after:]]
    assert places(both(lines(doubled))) == {("inserted", stream, after)}


@given(LENGTHS, st.data())
def test_swapped_streams_are_found(lengths: dict[str, int], data: st.DataObject) -> None:
    ledger = build({**lengths, "grant/x": 3, "grant/y": 3})
    one, two = ledger["grant/x"], ledger["grant/y"]
    ledger["grant/x"] = [replace(row, stream="grant/x") for row in two]
    ledger["grant/y"] = [replace(row, stream="grant/y") for row in one]
    found = places(both(lines(flat(ledger))))
    assert {("changed", name, v) for name in ("grant/x", "grant/y") for v in (1, 2, 3)} <= found


@given(LENGTHS, st.data())
def test_a_stream_rewritten_with_all_its_hashes_is_found(
    lengths: dict[str, int], data: st.DataObject
) -> None:
    """Who writes the database can make a chain that is right in itself, but not the checkpoint."""
    ledger = build(lengths)
    proof = known(sign(ledger))
    stream = data.draw(st.sampled_from(sorted(ledger)))
    at = data.draw(st.integers(1, len(ledger[stream]) - 1))
    rows = ledger[stream][:at]
    for old in ledger[stream][at:]:
        event = Event(old.type, {**old.payload, "reason": "无"})
        moment = START.fromisoformat(old.at.replace("Z", "+00:00"))
        rows.append(
            record(event, stream, old.version, rows[-1].hash, "7", moment, lambda: "1" * 32)
        )
    ledger[stream] = rows
    assert both(lines(flat(ledger))).faults == []
    assert places(both(lines(flat(ledger)), proof)) == {("changed", stream, len(rows))}


def test_a_stream_made_anew_is_found_even_in_an_export_that_is_not_whole() -> None:
    real, false = build({"grant/a": 3}), build({"grant/a": 4})
    proof = known(sign(real))
    forged = [replace(row, actor="9") for row in false["grant/a"]]
    assert both(lines(forged, whole=False), proof).faults
    resealed = build({"grant/a": 3, "grant/z": 2})  # other salts, other hashes, all of them right
    rewritten = resealed["grant/z"]
    assert {fault.kind for fault in both(lines(rewritten, whole=False), proof).faults} == {
        "inserted"
    }


def test_what_came_after_the_checkpoint_is_not_proven_yet() -> None:
    ledger = build({"grant/a": 5, "grant/b": 2}, days=9)
    first = sign({**ledger, "grant/a": ledger["grant/a"][:3]}, days=10)
    late = build({"grant/c": 2}, days=11)
    report = both(lines([*flat(ledger), *late["grant/c"]]), known(first))
    assert report.unproven == {"grant/a": (3, 5), "grant/c": (0, 2)}
    assert report.faults == []


def test_lines_that_are_no_events_are_named_by_their_number() -> None:
    rows = lines(flat(build({"grant/a": 3})))
    rows[2] = "{nothing\n"
    report = both(rows)
    assert ("changed", "", 3) in places(report)
    assert ("removed", "grant/a", 2) in places(report)
    for broken in ("[]", "null", "3", json.dumps({"stream": "s"}), '{"version": 1e400}'):
        assert ("changed", "", 2) in places(both([rows[0], broken]))


def test_a_series_of_checkpoints_proves_each_end_of_it() -> None:
    ledger = build({"grant/a": 6, "grant/b": 3})
    early = {"grant/a": ledger["grant/a"][:4], "grant/b": ledger["grant/b"]}
    first = sign(early, days=2)
    second = sign(
        ledger, 2, checkpoint.digest(first["statement"]), days=3, skip={"grant/a": 4, "grant/b": 3}
    )
    assert [head[1] for head in second["heads"]] == [6]
    proof = known(second, first)
    assert both(lines(flat(ledger)), proof, True).faults == []
    alone = known(second)
    assert not alone.complete
    assert both(lines(flat(ledger)), alone).unproven == {"grant/b": (0, 3)}
    # Cut back to the first checkpoint, and written on in another way.
    event = Event("grant.resumed", {"grant": "g", "dataset": "d", "reason": "x"})
    other = record(event, "grant/a", 5, ledger["grant/a"][3].hash, "7", START, lambda: "2" * 32)
    forked = {**ledger, "grant/a": [*ledger["grant/a"][:4], other]}
    assert ("truncated", "grant/a", 6) in places(both(lines(flat(forked)), proof))


def altered(document: dict[str, Any], change: str) -> dict[str, Any]:
    forged = copy.deepcopy(document)
    if change == "signature":
        value = forged["signature"]["value"]
        forged["signature"]["value"] = ("0" if value[0] != "0" else "1") + value[1:]
    elif change == "heads":
        forged["heads"][0][1] += 1
    elif change == "count":
        forged["heads"].append(["ab" * 32, 1, "cd" * 32])
    elif change == "time":
        forged["statement"]["made_at"] = "2026-01-01T00:00:00.000000Z"
    elif change == "number":
        forged["statement"]["number"] = 2
    elif change == "key":
        forged["signature"]["key"] = "0" * 16
    elif change == "another key":
        forged = sign(build({"grant/a": 2}), key=private(9))
    elif change == "its own key":
        forged = sign(build({"grant/a": 2}), key=private(9))
        forged["signature"]["key"] = checkpoint.key_id(public(private()))
    elif change == "shape":
        forged = {"statement": {"number": 1}}
    return forged


FORGERIES = (
    "signature",
    "heads",
    "count",
    "time",
    "number",
    "key",
    "another key",
    "its own key",
    "shape",
)


@pytest.mark.parametrize("change", FORGERIES)
def test_a_forged_checkpoint_is_refused_by_both(change: str, tmp_path: Any) -> None:
    forged = altered(sign(build({"grant/a": 2})), change)
    with pytest.raises(Untrusted):
        known(forged)
    for name, content in (
        ("keys", json.dumps(keys_document(private()))),
        ("checkpoint", json.dumps(forged)),
        ("export", "".join(lines(flat(build({"grant/a": 2}))))),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
    arguments = [str(tmp_path / "export"), "--checkpoint", str(tmp_path / "checkpoint")]
    assert verify_ledger.main([*arguments, "--key", str(tmp_path / "keys")]) in (1, 2)


def test_checkpoints_out_of_their_series_are_refused() -> None:
    ledger = build({"grant/a": 3})
    first = sign(ledger)
    link = checkpoint.digest(first["statement"])
    with pytest.raises(Untrusted, match="missing"):
        known(first, sign(ledger, 3, link))
    with pytest.raises(Untrusted, match="does not name"):
        known(first, sign(ledger, 2, "0" * 64))
    with pytest.raises(Untrusted, match="does not name"):
        known(sign(ledger, 1, link))
    with pytest.raises(Untrusted):
        known(first, sign(build({"grant/a": 2})))


def test_keys_follow_each_other() -> None:
    first, second, third = private(1), private(2), private(3)
    document = keys_document(first, second, third, days=[0, 5, 9])
    keys = checkpoint.read_keys(document, check)
    assert [key.until for key in keys.values()] == [keys_at(5), keys_at(9), None]
    assert {name: (key.public, key.until) for name, key in keys.items()} == {
        name: (raw, until)
        for name, (raw, _, until) in verify_ledger.read_keys(json.dumps(document)).items()
    }
    signed_late = sign(build({"grant/a": 2}), key=first, days=6)
    with pytest.raises(Untrusted, match="replaced"):
        checkpoint.read_checkpoints([signed_late], keys, check)
    signed_in_time = sign(build({"grant/a": 2}), key=second, days=6)
    assert checkpoint.read_checkpoints([signed_in_time], keys, check).complete
    for break_it in ("signature", "signed_by", "public", "made_at", "id"):
        broken = copy.deepcopy(document)
        broken["keys"][1][break_it] = broken["keys"][2][break_it]
        with pytest.raises(Untrusted):
            checkpoint.read_keys(broken, check)
        with pytest.raises((verify_ledger.Bad, ValueError)):
            verify_ledger.read_keys(json.dumps(broken))
    for nonsense in ("", "nothing", "{}", "[]", "zz" * 32, '{"format": "x"}'):
        with pytest.raises(Untrusted):
            checkpoint.keys_of_text(nonsense, check)


def keys_at(day: int) -> str:
    return stamp(START.replace(day=START.day + day))


def test_one_public_key_in_hex_will_do() -> None:
    bare = public(private()).hex()
    keys = checkpoint.keys_of_text(bare, check)
    assert checkpoint.read_checkpoints([sign(build({"grant/a": 2}))], keys, check).number == 1
    assert list(verify_ledger.read_keys(bare)) == list(keys)


#: RFC 8032, section 7.1: secret key, public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
        "f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
        "dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3"
        "feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c6643"
        "1e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_the_signatures_of_rfc_8032(key: str, message: str, signature: str) -> None:
    parts = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert verify_ledger.signed_by(*parts)
    assert not verify_ledger.signed_by(parts[0], parts[1] + b"x", parts[2])
    assert not verify_ledger.signed_by(parts[0], parts[1], parts[2][:-1])
    assert not verify_ledger.signed_by(b"\xff" * 32, parts[1], parts[2])
    # The same signature with the order of the group added to its second half.
    half = int.from_bytes(parts[2][32:], "little") + verify_ledger.L
    assert not verify_ledger.signed_by(*parts[:2], parts[2][:32] + half.to_bytes(32, "little"))


@given(st.binary(max_size=80), st.integers(0, 255), st.integers(0, 511))
def test_the_verifiers_own_ed25519_says_what_the_library_says(
    message: bytes, seed: int, bit: int
) -> None:
    key = private(seed)
    signature = key.sign(message)
    assert verify_ledger.signed_by(public(key), message, signature)
    wrong = bytearray(signature)
    wrong[bit // 8] ^= 1 << bit % 8
    assert verify_ledger.signed_by(public(key), message, bytes(wrong)) is check(
        public(key), message, bytes(wrong)
    )


def test_the_command_line_of_the_verifier(tmp_path: Any, capsys: Any) -> None:
    ledger = build({"grant/a": 3, "grant/b": 2})
    export, proof, keys = tmp_path / "export", tmp_path / "checkpoints", tmp_path / "keys"
    export.write_text("".join(lines(flat(ledger))), encoding="utf-8")
    proof.write_text(json.dumps(sign(ledger)), encoding="utf-8")
    keys.write_text(json.dumps(keys_document(private())), encoding="utf-8")
    arguments = [str(export), "--checkpoint", str(proof), "--key", str(keys)]
    assert verify_ledger.main(arguments) == 0
    assert "5 events in 2 streams.\n" in capsys.readouterr().out
    export.write_text("".join(lines(flat(ledger)[:-1])), encoding="utf-8")
    assert verify_ledger.main(arguments) == 1
    assert "WRONG: grant/b 2: truncated" in capsys.readouterr().out
    assert verify_ledger.main([str(export), "--checkpoint", str(proof)]) == 1
    assert verify_ledger.main([str(tmp_path / "nothing")]) == 2


def test_the_verifier_needs_nothing_but_python_and_is_short() -> None:
    import ast
    import sys
    from pathlib import Path

    text = Path(verify_ledger.__file__).read_text(encoding="utf-8")
    names = {
        (node.names[0].name if isinstance(node, ast.Import) else str(node.module)).split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert names <= sys.stdlib_module_names
    assert len(text.splitlines()) < 360


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_verifier_is_as_long_as_is_said(name: str) -> None:
    """Whoever is to read it first is told how much that is."""
    verifier = Path(verify_ledger.__file__)
    lines_of_it = len(verifier.read_text(encoding="utf-8").splitlines())
    text = (verifier.parents[3] / name).read_text(encoding="utf-8")
    assert f" {lines_of_it} 行" in text or f"verifier of {lines_of_it}\n  lines" in text
