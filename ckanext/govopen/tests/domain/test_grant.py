from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain import grant as rules
from ckanext.govopen.domain import grant_change
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.grant import (
    Grant,
    Holder,
    Quota,
    Usage,
    allows,
)
from ckanext.govopen.domain.grant_change import Give, Resume, Revoke, Suspend
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.domain.terms import OpenClass

from .builders import (
    AUTHORITY,
    EDITOR,
    HANDLER,
    NOW,
    OPERATOR,
    ORG,
    OTHER_REVIEWER,
    REVIEWER,
    STRANGER,
    bundled,
    jilin,
)

DAY = datetime.timedelta(days=1)
GRANT = Grant(
    id="g1",
    holder=Holder("person", frozenset({"ann"})),
    package_id="d1",
    organization=ORG,
    purpose="研究",
    delivery=frozenset({"download", "interface"}),
    valid_from=NOW,
    valid_to=NOW + 30 * DAY,
)
C = OpenClass.CONDITIONAL


def give(grant: Grant = GRANT, actor: Actor = HANDLER, **more: Any) -> list[Any]:
    return grant_change.decide(None, Give(grant, actor, **{"open_class": C, **more}), NOW, jilin())


@pytest.mark.parametrize(
    ("change", "at", "asked", "code"),
    [
        ({}, NOW, {}, "allowed"),
        ({}, NOW + 30 * DAY - datetime.timedelta(microseconds=1), {}, "allowed"),
        ({}, NOW + 30 * DAY, {}, "expired"),
        ({}, NOW - DAY, {}, "not_yet_valid"),
        ({"state": "suspended"}, NOW, {}, "suspended"),
        ({"state": "revoked"}, NOW, {}, "revoked"),
        ({"state": "ended"}, NOW, {}, "ended"),
        ({}, NOW, {"user_id": "ann"}, "allowed"),
        ({}, NOW, {"user_id": "bob"}, "not_holder"),
        ({"holder": Holder("organisation", frozenset(), "公司")}, NOW, {"user_id": "ann"},
         "not_holder"),
        ({}, NOW, {"package_id": "d2"}, "other_dataset"),
        ({}, NOW, {"delivery": "interface"}, "allowed"),
        ({}, NOW, {"delivery": "on_platform"}, "delivery"),
        ({}, NOW, {"delivery": "nonsense"}, "delivery"),
        ({"items": frozenset({"名称"})}, NOW, {"delivery": "download"}, "items_only"),
        ({"items": frozenset({"名称"})}, NOW, {"delivery": "interface", "items": ["名称"]},
         "allowed"),
        ({"items": frozenset({"名称"})}, NOW, {"delivery": "interface", "items": ["名称", "电话"]},
         "items"),
        ({"quota": Quota(downloads=2)}, NOW, {"usage": Usage(downloads=2)}, "allowed"),
        ({"quota": Quota(downloads=2)}, NOW, {"usage": Usage(downloads=3)}, "quota_downloads"),
        ({"quota": Quota(rows_per_day=9)}, NOW, {"usage": Usage(rows_today=10)}, "quota_rows"),
        ({"quota": Quota(requests_per_day=1)}, NOW, {"usage": Usage(requests_today=2)},
         "quota_requests"),
    ],
)  # fmt: skip
def test_allows(change: dict[str, Any], at: datetime.datetime, asked: dict[str, Any], code: str):
    answer = allows(replace(GRANT, **change), at, **asked)
    assert answer.code == code
    assert bool(answer) is (code == "allowed")
    assert answer or answer.text()


def test_given_by_the_department_or_the_authority() -> None:
    for actor in (HANDLER, AUTHORITY):
        [event] = give(actor=actor)
        assert rules.apply(None, event) == GRANT
    [event] = give(actor=OPERATOR, break_glass="迁移")
    assert event.payload["break_glass"] == "迁移"
    assert "break_glass" not in give(actor=replace(HANDLER, operator=True))[0].payload


@pytest.mark.parametrize(
    ("change", "command"),
    [
        ({}, {"actor": EDITOR}),
        ({}, {"actor": REVIEWER}),
        ({}, {"actor": OTHER_REVIEWER}),
        ({}, {"actor": STRANGER}),
        ({}, {"actor": OPERATOR}),
        ({}, {"actor": replace(HANDLER, user_id="ann")}),
        ({}, {"actor": replace(OPERATOR, user_id="ann"), "break_glass": "x"}),
        ({}, {"open_class": OpenClass.NON_OPEN}),
        ({}, {"open_class": OpenClass.UNCONDITIONAL}),
        ({}, {"open_class": None}),
        ({"holder": Holder("person", frozenset())}, {}),
        ({"holder": Holder("organisation", frozenset({"ann"}))}, {}),
        ({"purpose": " "}, {}),
        ({"delivery": frozenset()}, {}),
        ({"delivery": frozenset({"mail"})}, {}),
        ({"valid_to": NOW}, {}),
        ({"valid_from": NOW - 9 * DAY, "valid_to": NOW - DAY}, {}),
        ({"items": frozenset()}, {}),
        ({"items": frozenset({"名称"})}, {}),
        ({"quota": Quota(downloads=0)}, {}),
        ({"state": "suspended"}, {}),
    ],
)
def test_not_given(change: dict[str, Any], command: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        give(replace(GRANT, **change), **{"actor": HANDLER, **command})
    assert {refusal.rule for refusal in caught.value.refusals} == {"GRT-1"}


def test_twice_is_refused() -> None:
    with pytest.raises(Refused):
        grant_change.decide(GRANT, Give(GRANT, HANDLER, C), NOW, jilin())
    with pytest.raises(Refused):
        grant_change.decide(None, Suspend(HANDLER, "x"), NOW, jilin())


@pytest.mark.parametrize(
    ("state", "command", "after"),
    [
        ("active", Suspend, "suspended"),
        ("suspended", Resume, "active"),
        ("active", Revoke, "revoked"),
        ("suspended", Revoke, "revoked"),
        ("suspended", Suspend, None),
        ("active", Resume, None),
        ("revoked", Resume, None),
        ("revoked", Suspend, None),
        ("revoked", Revoke, None),
        ("ended", Resume, None),
    ],
)
def test_states(state: Any, command: Any, after: str | None) -> None:
    grant = replace(GRANT, state=state)
    if after is None:
        with pytest.raises(Refused):
            grant_change.decide(grant, command(HANDLER, "理由"), NOW, jilin())
        return
    [event] = grant_change.decide(grant, command(HANDLER, "理由"), NOW, jilin())
    assert rules.apply(grant, event).state == after
    for actor, reason in ((STRANGER, "理由"), (OPERATOR, "理由"), (HANDLER, " ")):
        with pytest.raises(Refused):
            grant_change.decide(grant, command(actor, reason), NOW, jilin())


def test_nobody_resumes_his_own_but_may_end_it() -> None:
    own = replace(HANDLER, user_id="ann")
    with pytest.raises(Refused):
        grant_change.decide(replace(GRANT, state="suspended"), Resume(own, "x"), NOW, jilin())
    assert grant_change.decide(GRANT, Revoke(own, "不再需要"), NOW, jilin())


def test_an_expired_grant_is_not_resumed() -> None:
    with pytest.raises(Refused):
        grant_change.decide(
            replace(GRANT, state="suspended"), Resume(HANDLER, "x"), NOW + 31 * DAY, jilin()
        )


def test_a_grant_ends_with_its_dataset() -> None:
    [event] = rules.ended(GRANT, "non_open")
    assert not allows(rules.apply(GRANT, event), NOW)
    assert rules.ended(replace(GRANT, state="revoked"), "withdrawn") == []


STATES = st.sampled_from(["active", "suspended", "revoked", "ended"])


@given(STATES, st.integers(-40, 40), st.sampled_from(["ann", "bob"]), st.none() | st.just("d2"))
def test_never_outside_state_time_person_dataset(
    state: Any, days: int, user: str, package: str | None
) -> None:
    now = NOW + days * DAY
    answer = allows(replace(GRANT, state=state), now, user_id=user, package_id=package)
    inside = state == "active" and 0 <= days < 30 and user == "ann" and package is None
    assert bool(answer) is inside


def test_authorised_use_is_the_authority_s_and_for_organisations() -> None:
    firm = Holder("organisation", frozenset({"ann"}), "某公司", "91350211M000100Y46")
    wanted = replace(GRANT, holder=firm, authorised_use=True)
    xian = bundled("xian")

    def refusals(grant: Grant, actor: Actor, text: Any = xian, **more: Any) -> list[Any]:
        with pytest.raises(Refused) as caught:
            grant_change.decide(None, Give(grant, actor, C, **more), NOW, text)
        return [(one.rule, one.article) for one in caught.value.refusals]

    [event] = grant_change.decide(None, Give(wanted, AUTHORITY, C), NOW, xian)
    assert event.payload["authorised_use"] is True
    assert rules.apply(None, event) == wanted
    assert refusals(wanted, HANDLER) == [("GRT-3", "9.1")]
    person = replace(wanted, holder=GRANT.holder)
    assert refusals(person, AUTHORITY) == [("GRT-3", "9.1")]
    assert grant_change.decide(None, Give(wanted, OPERATOR, C, "主管机构空缺"), NOW, xian)
    # Where the text does not know it, nobody gives it; a common grant is not one.
    for name in ("jilin", "haishu", "shandong", "panzhihua", "chaohu"):
        assert refusals(wanted, AUTHORITY, bundled(name)) == [("GRT-3", None)]
    [plain] = grant_change.decide(None, Give(GRANT, HANDLER, C), NOW, xian)
    assert "authorised_use" not in plain.payload


def test_use_within_the_portal_alone_has_a_daily_limit() -> None:
    inside = replace(GRANT, delivery=frozenset({"on_platform"}), quota=Quota())
    assert rules.with_daily_rows(inside, 500).quota == Quota(rows_per_day=500)
    assert rules.with_daily_rows(inside, 0) == inside
    own = replace(inside, quota=Quota(rows_per_day=7))
    file = replace(inside, delivery=frozenset({"on_platform", "download"}))
    for grant in (own, file):
        assert rules.with_daily_rows(grant, 500) == grant
