from __future__ import annotations

import datetime
import typing
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.govopen.domain import procedure, profile, terms
from ckanext.govopen.domain.jurisdiction import OpenClass, ProfileError, ShareClass, load, schema
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.terms import SHANGHAI, Text

from .builders import NOW, changed, dump, jilin, profile_text


def line_of(text: str, part: str, nth: int = 1) -> int:
    numbers = [at for at, line in enumerate(text.splitlines(), 1) if part in line]
    return numbers[nth - 1]


def wrong(text: str) -> ProfileError:
    with pytest.raises(ProfileError) as caught:
        load(text, "jilin.yaml")
    return caught.value


# The numbers of the text, each against the article that says it.


@pytest.mark.parametrize(
    ("group", "clock", "n", "unit", "start", "article"),
    [
        ("objection", "objection_flag", 1, "wd", "receipt_of_objection", "46"),
        ("objection", "objection_own_decision", 2, "wd", "receipt_of_objection", "46(1)"),
        ("objection", "objection_forward", 2, "wd", "receipt_of_objection", "46(2)"),
        ("objection", "objection_dept_decision", 5, "wd", "department_receipt", "46(2)"),
        ("complaint", "complaint", 5, "wd", "acceptance", "50.1"),
    ],
)
def test_clocks_of_jilin(
    group: str, clock: str, n: int, unit: str, start: str, article: str
) -> None:
    found = {(name, item.id): item for name, item in jilin().clocks()}[group, clock]
    assert (found.n, found.unit, found.start, found.article) == (n, unit, start, article)
    assert found.start_stated


def test_no_number_is_invented() -> None:
    numbers = {item.id for _, item in jilin().clocks() if item.n is not None}
    assert numbers == {
        "objection_flag",
        "objection_own_decision",
        "objection_forward",
        "objection_dept_decision",
        "complaint",
    }
    assert all(item.n is None for item in jilin().retention)
    assert jilin().open.silence.means == jilin().share.silence.means == "nothing"
    agreement = jilin().open.agreement
    assert (agreement.required, agreement.article, agreement.origin) == (True, None, "local")


def test_classes_of_jilin() -> None:
    assert jilin().default_class is OpenClass.UNCONDITIONAL
    assert jilin().classes.scope.mode == "all"
    labels = {item.canonical.value: item.names.zh_Hans for item in jilin().classes.items}
    assert labels == {
        "unconditional": "无条件开放",
        "conditional": "有条件开放",
        "non_open": "非开放",
    }


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("有条件开放", OpenClass.CONDITIONAL),
        ("有條件開放", OpenClass.CONDITIONAL),
        (" 無條件開放類 ", OpenClass.UNCONDITIONAL),
        ("conditional", OpenClass.CONDITIONAL),
        ("Not open", OpenClass.NON_OPEN),
        ("non_open", OpenClass.NON_OPEN),
        ("依申请开放", None),
        ("", None),
    ],
)
def test_classes_are_found_by_their_names(name: str, wanted: OpenClass | None) -> None:
    assert jilin().class_named(name) is wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("授权共享", ShareClass.CONDITIONAL),
        ("有條件共享", ShareClass.CONDITIONAL),
        ("不予共享", ShareClass.NONE),
        ("无条件共享", ShareClass.UNCONDITIONAL),
        ("部分共享", None),
    ],
)
def test_share_classes_are_found_by_their_names(name: str, wanted: ShareClass | None) -> None:
    assert jilin().share_class_named(name) is wanted


def test_every_article_has_its_row_in_three_languages() -> None:
    assert [row.number for row in jilin().articles] == list(range(1, 54))
    for row in jilin().articles:
        for text in (row.demand, row.portal):
            assert len(set(text.values())) >= 2
            assert all(value.strip() for value in text.values())
    assert {row.state for row in jilin().articles} == {"done", "people", "not_yet"}
    assert jilin().article(28) is not None
    assert jilin().article(54) is None


def test_traditional_text_is_traditional() -> None:
    simplified = set("数据无条开发类审门")
    for row in jilin().articles:
        assert not simplified & set(row.demand.zh_Hant + row.portal.zh_Hant) - {"开"}


def test_ways_of_acquisition() -> None:
    effects = {rule.way.value: (rule.effect, rule.article) for rule in jilin().acquired}
    assert effects == {
        "collected": ("allowed", "17.1"),
        "shared": ("not_published", "29.1"),
        "negotiated": ("not_published", "29.1"),
        "purchased": ("ask", "29.1"),
    }


def test_texts_by_locale() -> None:
    text = Text("简", "繁", "en")
    assert [text.get(name) for name in ("zh_Hans_CN", "zh_Hant_TW", "en", "en_GB", "de", None)] == [
        "简",
        "繁",
        "en",
        "en",
        "简",
        "简",
    ]


# In force or not.


@pytest.mark.parametrize("status", ["repealed", "draft", "lapsed", "partial"])
def test_only_law_in_force_runs_a_portal(status: str) -> None:
    other = changed(lambda data: data["status"].update(value=status))
    assert status in (other.usable(NOW) or "")
    assert other.usable(NOW, allow_not_in_force=True) is None


def test_validity_is_counted_in_chinese_days() -> None:
    other = changed(
        lambda data: data["status"].update(valid_from="2021-05-08", valid_to="2023-05-08")
    )
    at = datetime.datetime
    assert other.usable(at(2021, 5, 7, 23, 59, tzinfo=SHANGHAI))
    assert other.usable(at(2021, 5, 7, 16, 0, tzinfo=datetime.timezone.utc)) is None
    assert other.usable(at(2023, 5, 7, 23, 59, tzinfo=SHANGHAI)) is None
    assert "lapsed" in (other.usable(at(2023, 5, 8, tzinfo=SHANGHAI)) or "")
    assert jilin().usable(NOW) is None


# What is wrong is said with file, line and reason.


def test_the_same_key_twice() -> None:
    text = profile_text().replace("version: 1\n", "version: 1\nid: other\n")
    error = wrong(text)
    assert error.problems[0].line == line_of(text, "id: other")
    assert "jilin.yaml, line" in str(error)
    assert "twice" in str(error)


def test_an_unknown_key() -> None:
    text = profile_text().replace("  pending: stay", "  pending: stay\n  colour: red")
    problem = wrong(text).problems[0]
    assert (problem.line, problem.path) == (line_of(text, "colour: red"), "review.colour")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("value: in_force", "value: alive", "alive"),
        ("valid_from: 2019-01-04", "valid_from: 2019-02-30", "2019-02-30"),
        ("valid_from: 2019-01-04", "valid_from: 1.5", "neither text, number"),
        ("catalogue_audit: true", "catalogue_audit: yes", "yes"),
        ("leads_to: conditional", "leads_to: secret", "secret"),
        ('article: "50.1"', 'article: "99.1"', "not in the table"),
        ('article: "50.1"', "article: fifty", "does not match"),
        ("n: 5\n", "n: 0\n", "minimum"),
        ("n: 5\n", "n: -5\n", "neither text, number"),
        ("basis_kinds: [law, regulation, rule]", "basis_kinds: [law, custom]", "custom"),
        ("- number: 2\n", "- number: 3\n", "without a gap"),
        ("articles: 53", "articles: 54", "the text has 54"),
        ("- canonical: non_open", "- canonical: conditional", "stands twice"),
        ("- id: objection_forward", "- id: objection_flag", "stands twice"),
        ("parties: [handler@provider]", "parties: [clerk@provider]", "no duty clerk"),
        ("parties: [handler@provider]", "parties: [handler@nobody]", "no body nobody"),
        (
            "parties: [handler@provider]",
            "joint: true\n    parties: [handler@provider]",
            "at least two parties",
        ),
        (
            "parties: [handler@provider]",
            "outside: [authority@authority]\n    parties: [handler@provider]",
            "is no party",
        ),
        ("    body: provider\n", "    body: somebody\n", "no body somebody"),
        ("    who: right_holder\n", "    who: right_holder\n    clock: gone\n", "no clock gone"),
        ("    n: 5\n", "    n: 5\n    target: {n: 3, unit: wd}\n", "no target of the site"),
        (
            "    n: 5\n",
            "    n: 5\n    extension: {unit: wd, approver: head, article: null}\n",
            "not valid under any",
        ),
        (
            '  available: true\n  article: "28.2"',
            '  available: false\n  article: "28.2"',
            "unavailable",
        ),
    ],
)
def test_wrong_values(old: str, new: str, reason: str) -> None:
    text = profile_text()
    assert old in text
    text = text.replace(old, new, 1)
    error = wrong(text)
    assert reason in str(error)
    assert all(problem.line > 1 for problem in error.problems)


def test_silence_never_opens_data() -> None:
    text = profile_text()
    at = text.index("\nopen:\n")
    rest = text[at:].replace("means: nothing", "means: consent", 1)
    assert "silence never opens" in str(wrong(text[:at] + rest))


def test_consent_by_silence_needs_a_clock_with_a_number() -> None:
    text = profile_text("chaohu")
    assert "means: consent\n    clock: share_reply" in text
    broken = text.replace("    clock: share_reply\n", "    clock: share_answer\n", 1)
    assert "needs a clock with a number" in str(wrong(broken))


def test_what_suspends_a_clock_is_a_consultation_of_the_procedure() -> None:
    text = profile_text("shandong")
    old = "suspended_by: [third_party_consultation, other_organ_consultation]"
    assert old in text
    assert "no consultation holiday" in str(wrong(text.replace(old, "suspended_by: [holiday]")))


def test_an_exception_lifts_a_question_of_the_review() -> None:
    text = profile_text("chaohu")
    old = "questions: [trade_secret, privacy]"
    assert old in text
    assert "no question taste" in str(wrong(text.replace(old, "questions: [taste]")))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("a: [1\n", "not valid YAML"),
        ("a: &x 1\nb: *x\n", "anchors"),
        ("a: !!python/object:os.system x\n", "tags"),
        ("- 1\n", "not of type 'object'"),
        ("id: jilin\n", "required"),
    ],
)
def test_files_that_are_no_profile(text: str, reason: str) -> None:
    assert reason in str(wrong(text))


@settings(max_examples=60)
@given(st.data())
def test_any_damage_is_named_with_file_and_line(data: st.DataObject) -> None:
    """A line lost, doubled or overwritten: a good profile still, or an error that says where."""
    lines = profile_text("chaohu").splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    indent = len(lines[at]) - len(lines[at].lstrip())
    other = data.draw(st.text("abc:[]{}&*!#-\"' \t中0", max_size=12))
    new = data.draw(st.sampled_from(([], [lines[at], lines[at]], [other], [" " * indent + other])))
    text = "\n".join([*lines[:at], *new, *lines[at + 1 :]])
    try:
        load(text, "chaohu.yaml")
    except ProfileError as error:
        assert error.problems
        for problem in error.problems:
            assert f"chaohu.yaml, line {problem.line}" in str(error)
            assert 1 <= problem.line <= len(lines) + 2 and problem.reason


# The shape.


def test_schema_and_classes_say_the_same() -> None:
    """Every key of the schema is a field, every field a key: neither can be forgotten."""
    definitions = schema()["$defs"]

    def resolve(part: dict[str, Any]) -> dict[str, Any]:
        while True:
            if "$ref" in part:
                part = definitions[part["$ref"].rsplit("/", 1)[-1]]
            elif "anyOf" in part:
                part = part["anyOf"][0]
            elif part.get("type") == "array":
                part = part["items"]
            else:
                return part

    seen = set()

    def compare(kind: type, part: dict[str, Any]) -> None:
        seen.add(kind)
        properties = part["properties"]
        assert set(properties) == {item.name for item in fields(kind)}, kind.__name__
        hints = typing.get_type_hints(kind, {**vars(terms), **vars(procedure), **vars(profile)})
        for name, hint in hints.items():
            for inner in (hint, *typing.get_args(hint)):
                if isinstance(inner, type) and is_dataclass(inner):
                    compare(inner, resolve(properties[name]))

    compare(Profile, schema())
    assert len(seen) > 20


def test_dumped_and_loaded_again_it_is_the_same() -> None:
    assert load(dump(yaml.safe_load(profile_text())), "again.yaml") == jilin()
