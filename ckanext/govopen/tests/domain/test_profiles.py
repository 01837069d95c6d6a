"""Each number and each trap of the six regulations, against the article that says it."""

from __future__ import annotations

import ast
import datetime
import itertools
import re

import chinese_calendar
import pytest

from ckanext.govopen.domain.classification import check_requirements, class_from_answers, reclassify
from ckanext.govopen.domain.deadline import Due, Pause, PublishedCalendar, due, silence_consents
from ckanext.govopen.domain.procedure import Clock
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.domain.review import Decide, Open, ReviewState, Submit, apply, decide
from ckanext.govopen.domain.terms import SHANGHAI, OpenClass

from .builders import (
    BUNDLED,
    EDITOR,
    JURISDICTIONS,
    NOW,
    ORG,
    REVIEWER,
    bundled,
    complete_dataset,
    profile_text,
)

date = datetime.date
CALENDAR = PublishedCalendar(chinese_calendar.is_workday, date(2004, 1, 1), date(2026, 12, 31))
IN_FORCE = ("shandong", "jilin")

#: Every number of the six texts: profile, group, clock, n, unit, start, stated?, actor, article.
NUMBERS = [
    ("shandong", "catalogue", "catalogue_update", 15, "wd", "law_or_function_change", False,
     "provider", "16.1"),
    ("shandong", "share", "share_reply", 10, "wd", "application", False, "provider", "23.3"),
    ("shandong", "open", "open_reply", 20, "wd", "receipt", True, "provider", "25.3"),
    ("shandong", "open", "correction_request", 7, "wd", "receipt", True, "provider", "25.3"),
    ("shandong", "open", "third_party_reply", 15, "wd", "receipt_of_opinion_request", True,
     "right_holder", "25.3"),
    ("haishu", "share", "share_provider_reply", 5, "wd", "receipt_of_opinion_request", True,
     "provider", "17.2"),
    ("haishu", "problem_report", "problem_data", 5, "wd", "provider_receipt", True, "provider",
     "27.3"),
    ("panzhihua", "catalogue", "catalogue_update", 15, "wd", "law_or_function_change", True,
     "provider", "9.1"),
    ("panzhihua", "share", "share_platform_approval", 2, "wd", "provider_consent", True,
     "platform_authority", "23"),
    ("panzhihua", "problem_report", "problem_report_by_user", 5, "wd", "discovery", True, "user",
     "24"),
    ("panzhihua", "problem_report", "problem_reply", 5, "wd", "provider_receipt", False,
     "provider", "24"),
    ("chaohu", "catalogue", "catalogue_update", 10, "wd", "law_or_function_change", True,
     "provider", "10.2"),
    ("chaohu", "problem_report", "problem_reply", 7, "wd", "receipt", True, "provider", "10.3"),
    ("chaohu", "share", "share_reply", 5, "wd", "application", False, "provider", "13.3"),
    ("chaohu", "open", "open_provide", 10, "nd", "acceptance", True, "provider", "19.3"),
    ("jilin", "objection", "objection_flag", 1, "wd", "receipt_of_objection", True, "authority",
     "46"),
    ("jilin", "objection", "objection_own_decision", 2, "wd", "receipt_of_objection", True,
     "authority", "46(1)"),
    ("jilin", "objection", "objection_forward", 2, "wd", "receipt_of_objection", True,
     "authority", "46(2)"),
    ("jilin", "objection", "objection_dept_decision", 5, "wd", "department_receipt", True,
     "responsible_department", "46(2)"),
    ("jilin", "complaint", "complaint", 5, "wd", "acceptance", True, "provider", "50.1"),
]  # fmt: skip


def clock(profile: str, group: str, name: str) -> Clock:
    return {(g, item.id): item for g, item in bundled(profile).clocks()}[group, name]


def at(year: int, month: int, day: int, hour: int = 10, minute: int = 0) -> datetime.datetime:
    return datetime.datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def limit(found: Clock, start: datetime.datetime, **more: object) -> Due:
    answer = due(found, start, CALENDAR, **more)  # type: ignore[arg-type]
    assert answer is not None
    return answer


# Numbers.


@pytest.mark.parametrize(
    ("profile", "group", "name", "n", "unit", "start", "stated", "actor", "article"),
    NUMBERS,
    ids=[f"{row[0]}-{row[2]}" for row in NUMBERS],
)
def test_number(
    profile: str, group: str, name: str, n: int, unit: str, start: str, stated: bool,
    actor: str, article: str,
) -> None:  # fmt: skip
    found = clock(profile, group, name)
    assert (found.n, found.unit, found.start) == (n, unit, start)
    assert (found.start_stated, found.actor, found.article) == (stated, actor, article)


@pytest.mark.parametrize("profile", BUNDLED)
def test_no_number_beyond_the_text(profile: str) -> None:
    """Whatever is not in the table above has no number, and so no due date."""
    numbers = {(group, c.id) for group, c in bundled(profile).clocks() if c.n is not None}
    assert numbers == {(row[1], row[2]) for row in NUMBERS if row[0] == profile}
    for _, found in bundled(profile).clocks():
        assert found.target is None
        if found.n is None and found.date is None:
            assert due(found, at(2026, 3, 2), CALENDAR) is None


@pytest.mark.parametrize("profile", BUNDLED)
def test_every_due_date_carries_its_article(profile: str) -> None:
    for _, found in bundled(profile).clocks():
        if found.n is not None or found.date is not None:
            shown = limit(found, at(2026, 3, 2))
            assert shown.article == found.article and shown.article is not None
            assert shown.origin == found.origin


#: A start and the last day of each limit; 1 to 7 October 2021 off, 9 October 2021 worked.
DATES = [
    ("shandong", "catalogue", "catalogue_update", at(2026, 9, 14), date(2026, 10, 10)),
    ("shandong", "share", "share_reply", at(2026, 9, 21), date(2026, 10, 12)),
    ("shandong", "open", "open_reply", at(2026, 3, 2), date(2026, 3, 30)),
    ("shandong", "open", "correction_request", at(2026, 3, 2), date(2026, 3, 11)),
    ("shandong", "open", "third_party_reply", at(2026, 3, 2), date(2026, 3, 23)),
    ("haishu", "share", "share_provider_reply", at(2022, 1, 4), date(2022, 1, 11)),
    ("haishu", "problem_report", "problem_data", at(2022, 1, 28), date(2022, 2, 9)),
    ("panzhihua", "catalogue", "catalogue_update", at(2019, 9, 9), date(2019, 9, 30)),
    ("panzhihua", "share", "share_platform_approval", at(2019, 9, 29), date(2019, 10, 8)),
    ("panzhihua", "problem_report", "problem_report_by_user", at(2019, 9, 2), date(2019, 9, 9)),
    ("panzhihua", "problem_report", "problem_reply", at(2019, 9, 9), date(2019, 9, 17)),
    ("panzhihua", "catalogue", "annual_report", at(2019, 12, 31), date(2020, 1, 31)),
    ("chaohu", "catalogue", "catalogue_update", at(2021, 9, 24), date(2021, 10, 13)),
    ("chaohu", "problem_report", "problem_reply", at(2021, 9, 24), date(2021, 10, 9)),
    ("chaohu", "share", "share_reply", at(2021, 9, 28), date(2021, 10, 11)),
    ("chaohu", "open", "open_provide", at(2021, 9, 22), date(2021, 10, 8)),
    ("jilin", "objection", "objection_flag", at(2026, 9, 30), date(2026, 10, 8)),
    ("jilin", "objection", "objection_own_decision", at(2026, 9, 30), date(2026, 10, 9)),
    ("jilin", "objection", "objection_forward", at(2026, 11, 20), date(2026, 11, 24)),
    ("jilin", "objection", "objection_dept_decision", at(2026, 11, 24), date(2026, 12, 1)),
    ("jilin", "complaint", "complaint", at(2026, 10, 8), date(2026, 10, 14)),
]


@pytest.mark.parametrize(
    ("profile", "group", "name", "start", "last"),
    DATES,
    ids=[f"{row[0]}-{row[2]}" for row in DATES],
)
def test_due_date(
    profile: str, group: str, name: str, start: datetime.datetime, last: date
) -> None:
    shown = limit(clock(profile, group, name), start)
    assert shown.day == last
    assert shown.at.astimezone(SHANGHAI).time() == datetime.time(23, 59, 59, 999999)
    assert not shown.overdue(shown.at) and shown.overdue(shown.at + datetime.timedelta(seconds=1))


def test_every_number_has_its_due_date() -> None:
    assert {row[:3] for row in NUMBERS} <= {row[:3] for row in DATES}


def test_retention_has_a_number_in_panzhihua_only() -> None:
    kept = {name: [r for r in bundled(name).retention if r.n is not None] for name in BUNDLED}
    assert {name for name, rows in kept.items() if rows} == {"panzhihua"}
    rows = {r.what: (r.n, r.unit, r.article, r.origin) for r in kept["panzhihua"]}
    assert rows == {
        "access_log": (2, "year", "33", "article"),
        "ledger": (2, "year", "33", "default"),
    }


# Status.


@pytest.mark.parametrize(
    ("profile", "status", "since", "until", "articles"),
    [
        ("xian", "partial", None, None, 11),
        ("shandong", "in_force", date(2020, 2, 1), None, 40),
        ("haishu", "repealed", date(2022, 1, 1), None, 38),
        ("panzhihua", "draft", None, None, 39),
        ("chaohu", "lapsed", date(2021, 5, 8), date(2023, 5, 8), 31),
        ("jilin", "in_force", date(2019, 1, 4), None, 53),
    ],
)
def test_status_and_articles(
    profile: str, status: str, since: date | None, until: date | None, articles: int
) -> None:
    found = bundled(profile)
    assert found.id == profile
    assert (found.status.value, found.status.valid_from, found.status.valid_to) == (
        status,
        since,
        until,
    )
    assert [row.number for row in found.articles] == list(range(1, articles + 1))
    complete = profile != "xian"
    assert found.instrument.complete is complete
    assert found.instrument.articles == (articles if complete else None)
    assert found.status.verify_before_use is not None


@pytest.mark.parametrize("profile", BUNDLED)
def test_article_rows_are_in_three_languages(profile: str) -> None:
    simplified = set("数据无条类审门办统规权责")
    for row in bundled(profile).articles:
        for text in (row.demand, row.portal):
            assert all(value.strip() for value in text.values())
            assert not simplified & set(text.zh_Hant)
            assert not re.search(r"[\u4e00-\u9fff]", text.en)


# The traps.


def test_trap_01_units_differ_within_a_rule_and_between_siblings() -> None:
    problem = clock("haishu", "problem_report", "problem_data")
    extension = problem.extension
    assert extension is not None and (problem.unit, extension.unit) == ("wd", "nd")
    assert (extension.until_total, extension.n, extension.approver) == (60, None, "authority")
    # Sixty days in all from the receipt (Tuesday, 1 March 2022), not sixty more; 30 April is off.
    assert limit(problem, at(2022, 3, 1)).day == date(2022, 3, 8)
    assert limit(problem, at(2022, 3, 1), extended=True).day == date(2022, 5, 5)
    assert limit(problem, at(2022, 3, 1), extended=59).day == date(2022, 4, 29)
    assert problem.urgent
    assert limit(problem, at(2022, 3, 1), urgent=date(2022, 3, 3)).day == date(2022, 3, 3)
    assert clock("chaohu", "share", "share_reply").unit == "wd"
    assert clock("chaohu", "open", "open_provide").unit == "nd"


def test_trap_02_clocks_start_at_different_events() -> None:
    starts = {row[5] for row in NUMBERS}
    assert starts == {
        "application",
        "acceptance",
        "receipt",
        "provider_consent",
        "receipt_of_opinion_request",
        "provider_receipt",
        "discovery",
        "receipt_of_objection",
        "department_receipt",
        "law_or_function_change",
    }
    ours = {
        (p, c.id) for p in BUNDLED for _, c in bundled(p).clocks() if c.n and not c.start_stated
    }
    assert ours == {
        ("shandong", "catalogue_update"),
        ("shandong", "share_reply"),
        ("panzhihua", "problem_reply"),
        ("chaohu", "share_reply"),
    }
    # Jilin 46(2): two clocks, the second from the department's own receipt; no sum.
    forward = limit(clock("jilin", "objection", "objection_forward"), at(2026, 11, 20))
    decided = limit(clock("jilin", "objection", "objection_dept_decision"), at(2026, 11, 26))
    assert (forward.day, decided.day) == (date(2026, 11, 24), date(2026, 12, 3))


def test_trap_03_silence_consents_in_chaohu_sharing_only() -> None:
    consenting = [
        (name, kind)
        for name in BUNDLED
        for kind in ("open", "share")
        if getattr(bundled(name), kind).silence.means != "nothing"
    ]
    assert consenting == [("chaohu", "share")]
    share, opening = bundled("chaohu").share, bundled("chaohu").open
    reply = limit(share.clocks[0], at(2021, 9, 28))
    assert reply.day == date(2021, 10, 11)
    first = at(2021, 10, 12, 0, 0)
    assert not silence_consents(share.silence, "share_reply", reply, reply.at, answered=False)
    assert silence_consents(share.silence, "share_reply", reply, first, answered=False)
    assert not silence_consents(share.silence, "share_reply", reply, first, answered=True)
    provide = limit(opening.clocks[1], at(2021, 9, 22))
    for found in opening.clocks:
        assert not silence_consents(
            opening.silence, found.id, provide, at(2030, 1, 1), answered=False
        )


def test_trap_04_timely_is_neither_zero_nor_infinite() -> None:
    timely = {
        ("xian", "share", "share_reply"),
        ("haishu", "open", "reply"),
        ("haishu", "catalogue", "catalogue_update"),
        ("panzhihua", "share", "share_provider_approval"),
        ("chaohu", "open", "acceptance"),
        ("jilin", "open", "reply"),
        ("jilin", "catalogue", "catalogue_update"),
    }
    for profile, group, name in timely:
        found = clock(profile, group, name)
        assert found.n is None
        assert due(found, at(2026, 3, 2), CALENDAR) is None


@pytest.mark.parametrize("profile", BUNDLED)
def test_trap_05_only_law_in_force_runs_a_portal(profile: str) -> None:
    reason = bundled(profile).usable(NOW)
    assert (reason is None) == (profile in IN_FORCE)
    assert bundled(profile).usable(NOW, allow_not_in_force=True) is None
    if reason is not None:
        assert bundled(profile).status.value in reason


def test_trap_06_a_case_on_a_higher_portal() -> None:
    owners = {name: bundled(name).portal_owner.id for name in BUNDLED}
    assert owners["haishu"] == "city" and owners["chaohu"] == "hefei"
    forwarded = {
        name: procedure.receiving.forward_to
        for name in BUNDLED
        for procedure in (bundled(name).open, bundled(name).share)
        if procedure.receiving is not None and procedure.receiving.forward_to
    }
    assert forwarded == {"haishu": "city_authority"}
    opening = bundled("haishu").open
    assert opening.receiving is not None and opening.receiving.transmission == "by_hand"
    (step,) = opening.steps
    assert step.joint
    assert step.parties == ("authority@city_authority", "handler@provider")
    assert step.outside == ("authority@city_authority",)
    receiving = bundled("chaohu").open.receiving
    assert receiving is not None and receiving.body == "provider"


def test_trap_07_no_exception_for_state_secrets() -> None:
    exceptions = {item.ground: item for item in bundled("chaohu").review.exceptions}
    assert set(exceptions) == {"right_holder_consent", "public_interest"}
    for item in exceptions.values():
        assert "state_secret" not in item.questions
        assert {"trade_secret", "privacy"} <= set(item.questions)
        assert (item.strictest_allowed, item.article) == (OpenClass.CONDITIONAL, "17.2")
    # Whoever can be identified has to consent: the public interest alone does not do.
    assert "identifiable_person" in exceptions["right_holder_consent"].questions
    assert "identifiable_person" not in exceptions["public_interest"].questions
    assert not [name for name in BUNDLED if name != "chaohu" and bundled(name).review.exceptions]
    assert all("state_secret" in {q.id for q in bundled(n).review.questions} for n in BUNDLED)


#: What the provider's refusal needs: reason, basis, article.
REFUSALS = {
    ("xian", "share"): (True, False, None),
    ("shandong", "share"): (True, False, "23.3"),
    ("haishu", "share"): (False, True, "17.2"),
    ("panzhihua", "share"): (True, False, "23"),
    ("chaohu", "share"): (True, True, "13.3"),
    ("jilin", "share"): (False, True, "24.2"),
    ("chaohu", "open"): (True, True, "19.3"),
    ("shandong", "open"): (True, True, "25.3"),
    ("haishu", "open"): (True, False, None),
    ("jilin", "open"): (True, False, None),
}


def test_trap_08_what_a_refusal_needs() -> None:
    for (profile, kind), wanted in REFUSALS.items():
        rule = getattr(bundled(profile), kind).refusal
        assert (rule.reason, rule.basis, rule.article) == wanted, (profile, kind)
    assert bundled("shandong").open.refusal.origin == "derived"
    # Chaohu 13 and 19 name no kinds of basis, Haishu and Jilin do.
    assert bundled("chaohu").open.refusal.basis_kinds == ()
    assert bundled("haishu").share.refusal.basis_kinds == ("law", "regulation", "rule")


#: Which sharing classes need a reason, and which a basis.
SHARING = {
    "xian": (set(), set()),
    "shandong": (set(), {"conditional", "none"}),
    "haishu": ({"conditional", "none"}, {"conditional", "none"}),
    "panzhihua": (set(), {"none"}),
    "chaohu": (set(), {"none"}),
    "jilin": ({"conditional", "none"}, {"conditional", "none"}),
}


@pytest.mark.parametrize("profile", BUNDLED)
def test_trap_08_what_a_sharing_class_needs(profile: str) -> None:
    reasons, bases = SHARING[profile]
    for share_class in ("unconditional", "conditional", "none"):
        fields = complete_dataset(share_class=share_class)
        missing = {item.field for item in check_requirements(fields, bundled(profile))}
        assert ("class_reason" in missing) == (share_class in reasons)
        assert ("legal_basis" in missing) == (share_class in bases)


def test_trap_08_kinds_of_basis() -> None:
    def missing(profile: str, kind: str) -> bool:
        fields = complete_dataset(
            share_class="none",
            class_reason="x",
            legal_basis=[{"instrument": "某规定", "article": "1", "kind": kind}],
        )
        return "legal_basis" in {m.field for m in check_requirements(fields, bundled(profile))}

    for profile in ("shandong", "haishu", "panzhihua", "chaohu", "jilin"):
        assert not any(missing(profile, kind) for kind in ("law", "regulation", "rule"))
    assert not missing("chaohu", "document")
    assert missing("jilin", "document")
    # Policy and sector rules have to be confirmed first.
    assert missing("panzhihua", "policy") and missing("panzhihua", "sector_rule")


#: Scope, default inside it, default of what nobody classified, legal classes in the text's words.
CLASSES = {
    "xian": ("all", None, None, []),
    "shandong": ("opt_in", None, None, ["无条件开放", "依申请开放"]),
    "haishu": ("opt_in", "unconditional", None, ["无条件开放", "有条件开放"]),
    "panzhihua": ("all", None, None, []),
    "chaohu": ("all", None, None, ["无条件开放", "依申请开放", "依法不予开放"]),
    "jilin": ("all", "unconditional", "unconditional", ["无条件开放", "有条件开放", "非开放"]),
}


@pytest.mark.parametrize("profile", BUNDLED)
def test_trap_09_classes_scope_and_default(profile: str) -> None:
    found = bundled(profile)
    mode, inside, plain, names = CLASSES[profile]
    assert found.classes.scope.mode == mode
    assert found.default_in_scope == inside and found.default_class == plain
    legal = [item.names.zh_Hans for item in found.classes.items if item.origin == "article"]
    assert legal == names
    assert found.classes.known == bool(names)
    # All three canonical classes can be told apart everywhere; what the text lacks is marked.
    assert [item.canonical for item in found.classes.items] == list(OpenClass)
    for item in found.classes.items:
        assert item.origin in {"article", "derived" if names else "local"}


def test_share_classes_and_their_origin() -> None:
    names = {n: [c.names.zh_Hans for c in bundled(n).share_classes] for n in BUNDLED}
    assert names["haishu"] == ["无条件共享类", "受限共享类", "非共享类"]
    assert names["jilin"] == ["无条件共享", "授权共享", "非共享"]
    assert names["chaohu"] == names["shandong"] == ["无条件共享", "有条件共享", "不予共享"]
    local = {n for n in BUNDLED if any(c.origin == "local" for c in bundled(n).share_classes)}
    assert local == {"xian"}
    assert all(c.article is None for c in bundled("xian").share_classes)


def test_trap_09_a_default_holds_inside_the_scope_only() -> None:
    haishu = bundled("haishu")
    answers = {criterion.id: False for criterion in haishu.classes.criteria}
    assert class_from_answers(answers, haishu) == (OpenClass.UNCONDITIONAL, ["25.1"])
    assert class_from_answers({}, haishu) == (None, [])
    assert class_from_answers({**answers, "privacy": True}, haishu) == (
        OpenClass.NON_OPEN,
        ["32.1"],
    )
    shandong = bundled("shandong")
    no = {criterion.id: False for criterion in shandong.classes.criteria}
    assert class_from_answers(no, shandong)[0] is None


def test_trap_09_a_ban_comes_before_criteria_and_default() -> None:
    jilin = bundled("jilin")
    both = {c.id: c.id in ("privacy", "security") for c in jilin.classes.criteria}
    assert class_from_answers(both, jilin) == (OpenClass.NON_OPEN, ["28.1"])
    with pytest.raises(Refused):
        reclassify(None, OpenClass.UNCONDITIONAL, "x", [], jilin, "edith", answers=both)


@pytest.mark.parametrize("profile", BUNDLED)
def test_trap_10_no_residue_of_the_sources(profile: str) -> None:
    text = profile_text(profile)
    pinyin = "[\u4e00-\u9fff][(（][a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]+[)）]"
    assert not re.search(pinyin, text)
    for broken in ("??", "�", "墓体碑", "網路安全法", "陜", "三亚", "南京"):
        assert broken not in text


# What differs between the procedures.


def test_shandong_limits_by_reference() -> None:
    reply = clock("shandong", "open", "open_reply")
    assert (reply.origin, reply.by_reference) == ("derived", "govinfo_disclosure")
    assert reply.suspended_by == ("third_party_consultation", "other_organ_consultation")
    assert reply.restarted_by == ("correction_received",)
    extension = reply.extension
    assert extension is not None
    assert (extension.n, extension.unit, extension.approver) == (20, "wd", "disclosure_office_head")
    start = at(2026, 3, 2)
    assert limit(reply, start).origin == "derived"
    assert limit(reply, start, extended=True).day == date(2026, 4, 28)
    assert limit(reply, start, extended=30).day == date(2026, 4, 28)
    # Two organs asked one after the other: three and two working days do not count.
    pauses = [
        Pause(date(2026, 3, 4), date(2026, 3, 6), "third_party_consultation"),
        Pause(date(2026, 3, 9), date(2026, 3, 10), "other_organ_consultation"),
    ]
    assert limit(reply, start, pauses=pauses).day == date(2026, 4, 7)
    # A correction lets it begin anew.
    assert limit(reply, at(2026, 3, 12)).day == date(2026, 4, 10)


def test_chaohu_calendar_days() -> None:
    provide = clock("chaohu", "open", "open_provide")
    assert (provide.until, provide.extension) == ("data_supplied", None)
    # Ten days end on Saturday, 2 October 2021, a holiday: moved to the next working day.
    moved = limit(provide, at(2021, 9, 22))
    assert (moved.day, moved.moved, moved.origin) == (date(2021, 10, 8), True, "derived")
    plain = limit(provide, at(2021, 6, 1))
    assert (plain.day, plain.moved, plain.origin) == (date(2021, 6, 11), False, "article")
    # Nothing stops it, not even the question to the holder of the right.
    pause = [Pause(date(2021, 6, 2), date(2021, 6, 9), "right_holder_consent")]
    assert limit(provide, at(2021, 6, 1), pauses=pause, extended=True).day == date(2021, 6, 11)
    assert clock("chaohu", "open", "acceptance").n is None


#: Who decides, step by step.
STEPS = {
    ("xian", "open"): [],
    ("xian", "share"): [("handler@provider",)],
    ("shandong", "open"): [("handler@provider",)],
    ("shandong", "share"): [("handler@provider",)],
    ("haishu", "open"): [("authority@city_authority", "handler@provider")],
    ("haishu", "share"): [("authority@authority",), ("handler@provider",)],
    ("panzhihua", "open"): [],
    ("panzhihua", "share"): [("handler@provider",), ("authority@platform_authority",)],
    ("chaohu", "open"): [("handler@provider",)],
    ("chaohu", "share"): [("handler@provider",)],
    ("jilin", "open"): [("handler@provider",)],
    ("jilin", "share"): [("authority@authority", "handler@responsible_department")],
}


@pytest.mark.parametrize(("profile", "kind"), list(STEPS))
def test_steps(profile: str, kind: str) -> None:
    steps = getattr(bundled(profile), kind).steps
    assert [step.parties for step in steps] == STEPS[profile, kind]
    assert all(step.joint == (len(step.parties) > 1) for step in steps)


@pytest.mark.parametrize("profile", ["xian", "panzhihua"])
def test_no_applications_where_the_text_has_no_classes(profile: str) -> None:
    found = bundled(profile)
    assert not found.classes.known
    assert not found.open.available and found.open.unavailable is not None
    assert found.open.receiving is None and found.open.clocks == ()
    assert found.class_named("conditional") is OpenClass.CONDITIONAL


def test_agreement_is_law_in_haishu_only() -> None:
    rules = {name: bundled(name).open.agreement for name in BUNDLED if bundled(name).open.available}
    assert all(rule.required for rule in rules.values())
    assert {name: rule.article for name, rule in rules.items() if rule.origin == "article"} == {
        "haishu": "25.3"
    }
    assert all(rule.article is None for rule in rules.values() if rule.origin == "local")
    assert "no_cross_border" in rules["haishu"].demands
    assert not any(bundled(name).share.agreement.required for name in BUNDLED)


def test_application_fields_by_law_in_haishu_only() -> None:
    def by_law(name: str) -> set[str]:
        return {f.id for f in bundled(name).open.fields if f.origin == "article"}

    assert by_law("haishu") == {"purpose", "scenario", "security_measures"}
    assert not any(by_law(name) for name in BUNDLED if name != "haishu")
    for name in ("shandong", "haishu", "chaohu", "jilin"):
        assert {f.id for f in bundled(name).open.fields} == {
            "items",
            "purpose",
            "scenario",
            "security_measures",
            "capability",
            "delivery",
            "period",
        }


def test_fields_of_a_request_for_sharing() -> None:
    fields = {name: [f.id for f in bundled(name).share.fields] for name in BUNDLED}
    assert fields == {
        "xian": ["need", "purpose"],
        "shandong": [],
        "haishu": ["business_flow", "scenario"],
        "panzhihua": ["need", "purpose", "condition_met"],
        "chaohu": ["scenario"],
        "jilin": [],
    }


def test_delivery_modes() -> None:
    def modes(name: str) -> tuple[str, ...]:
        delivery = bundled(name).open.delivery
        return delivery.modes if delivery else ()

    assert modes("haishu") == ("on_platform",)
    assert modes("jilin")[0] == "interface"
    assert modes("xian") == modes("panzhihua") == ()


def test_sharing_by_scenario_and_ladders_of_disputes() -> None:
    scenario = {name for name in BUNDLED if bundled(name).share.scenario is not None}
    assert scenario == {"chaohu", "jilin"}
    ladders = {n: [p.id for p in bundled(n).share.disputes] for n in BUNDLED}
    assert {n: steps for n, steps in ladders.items() if steps} == {
        "haishu": ["coordination", "adjudication", "issue_list", "leading_group"],
        "panzhihua": ["negotiation", "coordination", "ruling"],
    }


@pytest.mark.parametrize("profile", BUNDLED)
def test_shared_data_is_never_published(profile: str) -> None:
    rule = bundled(profile).acquired_rule("shared")
    assert rule is not None
    wanted = "not_in_catalogue" if profile == "haishu" else "not_published"
    assert rule.effect == wanted
    assert rule.unless == ("provider_consent" if profile == "chaohu" else None)
    fields = complete_dataset(acquired_by="shared", open_class="unconditional")
    assert "acquired_by" in {item.field for item in check_requirements(fields, bundled(profile))}


def test_negotiated_data_stays_out_of_the_open_list_in_jilin_only() -> None:
    effects = {n: getattr(bundled(n).acquired_rule("negotiated"), "effect", None) for n in BUNDLED}
    assert effects == {**dict.fromkeys(BUNDLED), "jilin": "not_published"}


def test_reviews_differ() -> None:
    assert [n for n in BUNDLED if bundled(n).review.risk_assessment] == ["haishu"]
    assert [n for n in BUNDLED if bundled(n).review.catalogue_audit] == ["panzhihua", "jilin"]
    work = {n for n in BUNDLED if "work_secret" in {q.id for q in bundled(n).review.questions}}
    assert work == {"panzhihua"}


@pytest.mark.parametrize("profile", BUNDLED)
def test_each_question_of_the_review_stops_it(profile: str) -> None:
    law = bundled(profile)
    state = ReviewState()
    for command in (
        Open(EDITOR, "d1", ORG, "f1", frozenset({"edith"})),
        Submit(EDITOR, "f1"),
    ):
        for event in decide(state, command, NOW, law):
            state = apply(state, event, NOW)
    for question in law.review.questions:
        with pytest.raises(Refused) as caught:
            decide(
                state,
                Decide(REVIEWER, "approve", "f1", "f1", answers={question.id: True}),
                NOW,
                law,
            )
        assert [(r.rule, r.article) for r in caught.value.refusals] == [("REV-4", question.article)]
    no = {question.id: False for question in law.review.questions}
    [event] = decide(state, Decide(REVIEWER, "approve", "f1", "f1", answers=no), NOW, law)
    assert event.payload["answers"] == no


def test_provider_types_differ() -> None:
    def types(name: str, by_reference: bool) -> set[str]:
        found = bundled(name).provider_types
        return {kind.id for kind in found if kind.by_reference is by_reference}

    courts = {n for n in BUNDLED if "court" in types(n, False)}
    assert courts == {"xian"}
    assert {n for n in BUNDLED if "utility" in types(n, False)} == {"haishu", "jilin"}
    assert {n for n in BUNDLED if "utility" in types(n, True)} == {"shandong", "chaohu"}


@pytest.mark.parametrize("profile", BUNDLED)
def test_required_fields_can_be_filled(profile: str) -> None:
    """A field that the dataset form lacks would block every review for ever."""
    schema = (JURISDICTIONS.parent / "schemas" / "dataset.yaml").read_text(encoding="utf-8")
    known = set(re.findall(r"^- field_name: (\w+)$", schema, re.MULTILINE))
    assert {item.field for item in bundled(profile).requirements} <= known
    kinds = schema.split("field_name: kind", 1)[1].split("- field_name", 1)[0]
    offered = set(re.findall(r"- value: (\w+)", kinds))
    assert {kind.id for kind in bundled(profile).basis_kinds} <= offered


def asked(profile: str, **fields: str) -> set[str]:
    """What a record with these fields lacks still, by field."""
    return {item.field for item in check_requirements(fields, bundled(profile))}


def test_haishu_asks_for_nine_contents_of_the_catalogue() -> None:
    """10.3; the sharing period is asked for of what is shared, by no other regulation."""
    nine = {
        "business", "information_system", "info_items", "storage_format", "share_class",
        "open_class", "delivery", "update_cycle", "share_until",
    }  # fmt: skip
    lacking = asked("haishu", share_class="conditional", open_class="conditional")
    assert nine - {"share_class", "open_class"} <= lacking
    assert {"share_class", "open_class"} <= asked("haishu")
    assert "share_until" not in asked("haishu", share_class="none")
    for name in set(BUNDLED) - {"haishu"}:
        assert "share_until" not in asked(name, share_class="conditional")


def test_bought_data_needs_its_approval_in_shandong_only() -> None:
    approval = {"purchase_approval", "purchase_approved_on"}
    for name in BUNDLED:
        wanted = approval if name == "shandong" else set()
        assert asked(name, acquired_by="purchased") & approval == wanted
        assert not asked(name, acquired_by="collected") & approval
    assert "share_class" in asked("shandong", acquired_by="purchased")


def test_types_of_resources_are_asked_for_in_panzhihua_only() -> None:
    assert {name for name in BUNDLED if "resource_type" in asked(name)} == {"panzhihua"}
    assert "resource_type" not in asked("panzhihua", resource_type="basic")


def test_provider_ids_and_class_names_are_unique() -> None:
    for name in BUNDLED:
        found = bundled(name)
        for group in (found.provider_types, found.basis_kinds, found.governance, found.exclusions):
            ids = [item.id for item in group]
            assert len(ids) == len(set(ids)), name
        names = [n for item in found.classes.items for n in (*item.names.values(), *item.aliases)]
        for a, b in itertools.combinations(found.classes.items, 2):
            assert not set(a.names.values()) & set(b.names.values()), name
        assert names


def test_no_code_knows_a_regulation_by_name() -> None:
    """The law is data: nothing asks which regulation it is. A default is named in one place."""
    allowed = {"model/settings.py"}
    named = []
    for room in ("domain", "model", "access", "search", "logic", "views", "harvesters"):
        for file in sorted((JURISDICTIONS.parent / room).rglob("*.py")):
            place = file.relative_to(JURISDICTIONS.parent).as_posix()
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Constant)
                    and node.value in BUNDLED
                    and place not in allowed
                ):
                    named.append(f"{place}:{node.lineno}")
    assert named == []
