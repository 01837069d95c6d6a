from __future__ import annotations

import datetime
import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain import ledger
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.ledger import SealedEvent, canonical, erase, record, redact, verify

AT = datetime.datetime(2026, 11, 23, 1, 2, 3, tzinfo=datetime.timezone.utc)


def salts():
    counter = itertools.count()
    return lambda: f"{next(counter):032x}"


def chain(length: int, stream: str = "review/1") -> list[SealedEvent]:
    rows: list[SealedEvent] = []
    new_salt = salts()
    for version in range(1, length + 1):
        event = Event(
            "grant.suspended",
            {"grant": "g", "dataset": f"d{version}", "reason": f"理由{version}", "break_glass": ""},
        )
        previous = rows[-1].hash if rows else ledger.GENESIS
        rows.append(record(event, stream, version, previous, "actor-7", AT, new_salt))
    return rows


def test_canonical_is_one_form() -> None:
    assert (
        canonical({"b": [1, True, None], "a": "数据"}) == '{"a":"数据","b":[1,true,null]}'.encode()
    )
    assert canonical("e\u0301") == canonical("\u00e9")


@pytest.mark.parametrize("value", [1.5, float("nan"), {1: "a"}, AT, b"x", {"a": {2}}])
def test_canonical_refuses_what_has_no_one_form(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)


def test_canonical_refuses_broken_unicode_and_keys_that_become_one() -> None:
    with pytest.raises(ValueError):
        canonical("\ud800")
    with pytest.raises(ValueError):
        canonical({"e\u0301": 1, "\u00e9": 2})


def test_the_format_is_pinned() -> None:
    """Written records have to verify for ever: this hash may never change."""
    sealed = ledger.seal(ledger.GENESIS, "review/1", 1, "review.opened", "ab" * 32, "7", AT)
    assert sealed == "9e311203f5e255e8d1c4b00227da85fbc05f06b0a15be5f65272f740fd1c3cc9"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError):
        ledger.stamp(AT.replace(tzinfo=None))


def test_a_moment_is_stamped_the_same_in_every_zone() -> None:
    local = AT.astimezone(datetime.timezone(datetime.timedelta(hours=8)))
    assert ledger.stamp(local) == ledger.stamp(AT) == "2026-11-23T01:02:03.000000Z"


def test_an_untouched_chain_has_no_fault() -> None:
    assert verify(chain(5)) == []
    mixed = [row for pair in zip(chain(3, "a"), chain(3, "b"), strict=True) for row in pair]
    assert verify(mixed) == []


CHANGES = {
    "type": {"type": "grant.revoked"},
    "actor": {"actor": "actor-8"},
    "time": {"at": "2026-11-23T01:02:04.000000Z"},
    "value": {"payload": {"grant": "g", "dataset": "d9", "reason": "理由2", "break_glass": ""}},
    "more": {"payload": {"grant": "g", "extra": 1}},
    "salt": {"salts": {"grant": "0", "dataset": "0", "reason": "0", "break_glass": "0"}},
    "digests": {"digests": {}},
    "hash": {"hash": "0" * 64},
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("at", [0, 1, 4])
def test_a_changed_event_is_found_where_it_is(name: str, at: int) -> None:
    rows = chain(5)
    rows[at] = replace(rows[at], **CHANGES[name])
    faults = verify(rows)
    assert any(fault.kind == "changed" and fault.version == at + 1 for fault in faults)


@given(st.integers(2, 9), st.data())
def test_removed_reordered_inserted(length: int, data: st.DataObject) -> None:
    rows = chain(length)
    at = data.draw(st.integers(0, length - 2))
    removed = verify(rows[:at] + rows[at + 1 :])
    assert [(f.kind, f.version) for f in removed] == [("removed", at + 2)]
    swapped = [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]]
    assert "reordered" in {fault.kind for fault in verify(swapped)}
    doubled = [*rows[: at + 1], rows[at], *rows[at + 1 :]]
    assert "reordered" in {fault.kind for fault in verify(doubled)}


def test_an_event_put_between_two_others_is_found() -> None:
    rows = chain(3)
    event = Event("grant.revoked", {"grant": "g", "dataset": "d", "reason": "x", "break_glass": ""})
    false = record(event, "review/1", 2, rows[0].hash, "actor-7", AT, salts())
    renumbered = [replace(row, version=row.version + 1) for row in rows[1:]]
    kinds = {(fault.kind, fault.version) for fault in verify([rows[0], false, *renumbered])}
    assert ("inserted", 3) in kinds
    assert ("changed", 3) in kinds


def test_a_rewritten_tail_is_found_by_a_known_head() -> None:
    rows = chain(4)
    heads = {"review/1": (4, rows[-1].hash)}
    assert verify(rows, heads) == []
    assert [f.kind for f in verify(rows[:3], heads)] == ["truncated"]
    assert [f.kind for f in verify([], heads)] == ["truncated"]
    event = Event("grant.resumed", {"grant": "g", "dataset": "d", "reason": "x"})
    other = record(event, "review/1", 4, rows[2].hash, "actor-7", AT, salts())
    assert verify([*rows[:3], other]) == []
    assert [f.kind for f in verify([*rows[:3], other], heads)] == ["changed"]


def test_a_longer_chain_still_contains_the_known_head() -> None:
    rows = chain(6)
    assert verify(rows, {"review/1": (4, rows[3].hash)}) == []


def test_erasing_personal_data_leaves_the_chain_whole() -> None:
    rows = [erase(row) for row in chain(3)]
    assert all("reason" not in row.payload and "reason" not in row.salts for row in rows)
    assert all("理由" not in str(row.as_dict()) for row in rows)
    assert verify(rows) == []


@pytest.mark.parametrize(
    ("reader", "visible"),
    [
        ("public", set()),
        ("party", {"grant", "dataset", "reason", "break_glass"}),
        ("staff", {"grant", "dataset", "reason", "break_glass"}),
    ],
)
def test_redaction_shows_what_the_type_allows(reader: ledger.Readers, visible: set[str]) -> None:
    rows = [redact(row, reader) for row in chain(2)]
    assert all(set(row.payload) == visible == set(row.salts) for row in rows)
    assert verify(rows) == []


def test_the_public_reads_no_personal_field_of_a_public_event() -> None:
    event = Event(
        "dataset.class_tightened",
        {
            "dataset": "d",
            "before": "unconditional",
            "after": "non_open",
            "reason": "张三来电",
            "answers": {"privacy": True},
        },
    )
    row = record(event, "dataset/d", 1, ledger.GENESIS, "7", AT, salts())
    public = redact(row, "public")
    assert set(public.payload) == {"dataset", "before", "after"}
    assert "张三" not in str(public.as_dict())
    assert set(redact(row, "party").payload) == {"dataset", "before", "after", "reason"}
    assert verify([public]) == []


def test_an_unknown_type_shows_nothing_to_anybody() -> None:
    row = replace(chain(1)[0], type="later.invention")
    assert redact(row, "staff").payload == {}
    assert erase(row).payload == {}


def test_equal_values_have_different_digests() -> None:
    first, second = chain(2)
    assert first.payload["grant"] == second.payload["grant"]
    assert first.digests["grant"] != second.digests["grant"]
