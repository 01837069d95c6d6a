from __future__ import annotations

import datetime
import itertools
from dataclasses import replace

import pytest

from ckanext.govopen.domain import ledger
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.ledger import SealedEvent, canonical, erase, from_dict, record, redact
from ckanext.govopen.domain.verification import verify

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


def test_erasing_personal_data_leaves_the_chain_whole() -> None:
    rows = [erase(row) for row in chain(3)]
    assert all("reason" not in row.payload and "reason" not in row.salts for row in rows)
    assert all("理由" not in str(row.as_dict()) for row in rows)
    assert verify(rows) == []


@pytest.mark.parametrize(
    ("reader", "visible"),
    [
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
    assert redact(row, "party").withheld
    assert erase(row).payload == {}


@pytest.mark.parametrize("reader", ["public", None])
def test_what_is_for_others_is_withheld_whole(reader: ledger.Readers | None) -> None:
    """Not even the type of what happened, when and by whom is told, and the chain still holds."""
    rows = [redact(row, reader) for row in chain(3)]
    said = [row.as_dict() for row in rows]
    assert {key for row in said for key in row} == {
        "stream",
        "version",
        "previous",
        "hash",
        "withheld",
    }
    assert verify(rows) == []
    assert verify([rows[0], rows[2]]) != []


def test_a_line_of_an_export_is_read_back() -> None:
    for row in [*chain(2), redact(chain(1)[0], "public")]:
        assert from_dict(row.as_dict()) == row


@pytest.mark.parametrize(
    "broken",
    [None, [], {}, {"version": True}, {"version": "1"}, {"payload": []}, {"actor": 7}, {"hash": 1}],
)
def test_a_broken_line_is_refused(broken: object) -> None:
    data = {**chain(1)[0].as_dict(), **broken} if isinstance(broken, dict) and broken else broken
    with pytest.raises(ValueError):
        from_dict(data)


def test_equal_values_have_different_digests() -> None:
    first, second = chain(2)
    assert first.payload["grant"] == second.payload["grant"]
    assert first.digests["grant"] != second.digests["grant"]
