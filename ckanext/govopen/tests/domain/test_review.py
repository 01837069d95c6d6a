from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ckanext.govopen.domain import review
from ckanext.govopen.domain.classification import Missing
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.refusal import Refusal, Refused, Word
from ckanext.govopen.domain.review import (
    TABLE,
    Cancel,
    Command,
    Decide,
    Open,
    ReviewState,
    Settings,
    Submit,
    Touch,
)
from ckanext.govopen.domain.state_words import REVIEW

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
    SYSTEM,
    changed,
    jilin,
)

MINUTE = datetime.timedelta(minutes=1)


def run(state: ReviewState, *commands: Command, **options: Any) -> ReviewState:
    now = options.pop("now", NOW)
    for command in commands:
        for event in review.decide(
            state, command, now, options.get("profile", jilin()), options.get("settings")
        ):
            state = review.apply(state, event, now)
    return state


def opened(actor: Actor = EDITOR, fingerprint: str = "f1") -> ReviewState:
    return run(ReviewState(), Open(actor, "d1", ORG, fingerprint, frozenset({actor.user_id})))


def submitted(fingerprint: str = "f1") -> ReviewState:
    return run(opened(fingerprint=fingerprint), Submit(EDITOR, fingerprint))


def approve(actor: Actor = REVIEWER, read: str = "f1", current: str = "f1", **more: Any) -> Decide:
    return Decide(actor, "approve", read, current, **more)


def refusal(state: ReviewState, command: Command, **options: Any) -> review.Status | str:
    with pytest.raises(Refused) as caught:
        run(state, command, **options)
    return " ".join(r.text() for r in caught.value.refusals)


def test_the_way_through() -> None:
    state = run(submitted(), approve(remarks="可以"))
    assert (state.status, state.approved_fingerprint, state.remarks) == ("approved", "f1", "可以")
    assert not state.is_open
    again = run(state, Open(SYSTEM, "d1", ORG, "f2", frozenset({"hana"})))
    assert (again.status, again.submitters) == ("open", frozenset({"hana"}))


def test_a_stale_fingerprint_never_approves() -> None:
    assert "changed" in refusal(submitted(), approve(read="f0"))
    assert "changed" in refusal(submitted(), approve(read="f1", current="f2"))
    assert "changed" in refusal(submitted(), approve(read="f2", current="f2"))
    touched = run(submitted(), Touch(EDITOR, "f2", frozenset()))
    assert touched.status == "open"
    assert "state “Not submitted yet”" in refusal(touched, approve(read="f2", current="f2"))


def test_what_is_missing_blocks_submitting_and_approving() -> None:
    missing = [Missing("share_class", "CAT-3", "15.1", "The regulation asks for this.")]
    with pytest.raises(Refused) as caught:
        run(opened(), Submit(EDITOR, "f1", missing))
    assert [(r.rule, r.article) for r in caught.value.refusals] == [("CAT-3", "15.1")]
    assert caught.value.refusals[0].params["field"] == "share_class"
    assert "asks for this" in refusal(submitted(), approve(missing=missing))
    assert run(submitted(), Decide(REVIEWER, "return", "f1", "f1", "补充", missing=missing))


@pytest.mark.parametrize("who", [EDITOR, SYSTEM])
def test_nobody_reviews_what_he_submitted(who: Actor) -> None:
    both = replace(REVIEWER, user_id="edith", edits=frozenset({ORG}))
    assert "submitted himself" in refusal(submitted(), approve(both))
    harvested = run(
        ReviewState(), Open(who, "d1", ORG, "f1", frozenset({"rita", "owner", "starter"}))
    )
    handed_in = run(harvested, Submit(EDITOR, "f1"))
    assert "submitted himself" in refusal(handed_in, approve(REVIEWER))
    assert "decide" not in review.may(handed_in, REVIEWER, jilin())


def test_who_hands_in_for_another_cannot_decide_either() -> None:
    state = run(opened(), Submit(REVIEWER, "f1"))
    assert "submitted himself" in refusal(state, approve(REVIEWER))


def test_earlier_hands_count_after_a_change_and_a_return() -> None:
    state = run(
        submitted(),
        Decide(REVIEWER, "return", "f1", "f1", "请补充说明"),
        Touch(SYSTEM, "f2", frozenset({"hana"})),
        Submit(SYSTEM, "f2"),
        now=NOW,
        settings=Settings(settle_minutes=0),
    )
    assert state.submitters == {"edith", "hana"}
    assert "submitted himself" in refusal(
        state, approve(replace(REVIEWER, user_id="edith"), "f2", "f2")
    )


@pytest.mark.parametrize("who", [EDITOR, HANDLER, OTHER_REVIEWER, STRANGER, SYSTEM, AUTHORITY])
def test_others_decide_nothing(who: Actor) -> None:
    assert "disclosure office" in refusal(submitted(), approve(who))
    assert "decide" not in review.may(submitted(), who, jilin())


def test_the_authority_decides_only_where_it_was_delegated() -> None:
    state = run(submitted(), approve(AUTHORITY), settings=Settings(delegate_to_authority=True))
    assert state.status == "approved"


def test_the_profile_names_who_reviews() -> None:
    handlers = changed(lambda data: data["review"].update(reviewer="handler"))
    assert run(submitted(), approve(HANDLER), profile=handlers).status == "approved"
    assert "disclosure" in refusal(submitted(), approve(REVIEWER), profile=handlers)
    central = changed(lambda data: data["review"].update(reviewer="authority"))
    assert run(submitted(), approve(AUTHORITY), profile=central).status == "approved"


def test_the_operator_breaks_glass_with_a_reason() -> None:
    assert "emergency" in refusal(submitted(), approve(OPERATOR))
    assert "emergency" in refusal(submitted(), approve(OPERATOR, break_glass="  "))
    [event] = review.decide(submitted(), approve(OPERATOR, break_glass="灾情"), NOW, jilin())
    assert event.payload["break_glass"] == "灾情"
    assert event.payload["role"] == "operator"
    both = replace(OPERATOR, duties=REVIEWER.duties)
    [event] = review.decide(submitted(), approve(both), NOW, jilin())
    assert event.payload["role"] == "reviewer"
    assert "break_glass" not in event.payload


def test_a_return_says_what_to_change_and_can_be_handed_in_again() -> None:
    assert "what has to be changed" in refusal(submitted(), Decide(REVIEWER, "return", "f1", "f1"))
    assert "changed since" in refusal(submitted(), Decide(REVIEWER, "return", "f0", "f1", "改"))
    state = run(submitted(), Decide(REVIEWER, "return", "f1", "f1", "请补充"))
    assert (state.status, state.remarks, state.is_open) == ("returned", "请补充", True)
    assert "others" in refusal(state, Submit(SYSTEM, "f1"))
    assert run(state, Submit(EDITOR, "f1")).status == "submitted"


def test_answers_that_forbid_opening() -> None:
    for question, article in (("state_secret", "2.2"), ("privacy", "45.1")):
        with pytest.raises(Refused) as caught:
            run(submitted(), approve(answers={question: True}))
        assert [(r.rule, r.article) for r in caught.value.refusals] == [("REV-4", article)]
    answers = {question.id: False for question in jilin().review.questions}
    [event] = review.decide(submitted(), approve(answers=answers), NOW, jilin())
    assert event.payload["answers"] == answers


def test_it_submits_itself_when_it_has_settled() -> None:
    state = opened()
    settings = Settings(settle_minutes=10)
    assert review.submit_at(state, settings) == NOW + 10 * MINUTE
    early = NOW + 10 * MINUTE - datetime.timedelta(seconds=1)
    assert "still being changed" in refusal(state, Submit(SYSTEM, "f1"), now=early)
    done = run(state, Submit(SYSTEM, "f1"), now=NOW + 10 * MINUTE)
    assert (done.status, done.submitters) == ("submitted", frozenset({"edith"}))
    later = run(state, Touch(EDITOR, "f2", frozenset()), now=NOW + 9 * MINUTE)
    assert review.submit_at(later, settings) == NOW + 19 * MINUTE
    assert review.submit_at(done, settings) is None
    assert run(state, Submit(EDITOR, "f1"), now=NOW).status == "submitted"


def test_the_table_is_the_rule() -> None:
    """Every pair of state and command that is not in the table is refused for everybody."""
    everybody = Actor("all", frozenset({(ORG, "reviewer")}), frozenset({ORG}), True, True, True)
    commands: dict[str, Command] = {
        "open": Open(everybody, "d1", ORG, "f1", frozenset()),
        "touch": Touch(everybody, "f1", frozenset()),
        "submit": Submit(everybody, "f1"),
        "decide": approve(everybody),
        "cancel": Cancel(everybody),
    }
    for status in ("none", "open", "submitted", "approved", "returned", "cancelled"):
        state = replace(submitted(), status=status)
        for name, command in commands.items():
            if (status, name) not in TABLE:
                assert f"state “{REVIEW[status]}”" in refusal(state, command)
    assert "others" in refusal(opened(), Submit(STRANGER, "f1"))
    assert "others" in refusal(opened(), Cancel(STRANGER))
    assert "others" in refusal(ReviewState(), Open(STRANGER, "d", ORG, "f", frozenset()))


def test_commands_for_buttons() -> None:
    assert review.may(opened(), EDITOR, jilin()) == ["submit", "cancel"]
    assert review.may(submitted(), REVIEWER, jilin()) == ["decide", "cancel"]
    assert review.may(submitted(), STRANGER, jilin()) == []
    assert run(submitted(), Cancel(EDITOR, "删除")).status == "cancelled"


ACTORS = st.sampled_from(
    [EDITOR, REVIEWER, OTHER_REVIEWER, AUTHORITY, OPERATOR, SYSTEM, STRANGER,
     replace(REVIEWER, user_id="edith", edits=frozenset({ORG}))]
)  # fmt: skip
PRINTS = st.sampled_from(["f1", "f2", "f3"])


class ReviewMachine(RuleBasedStateMachine):
    """Random people giving random commands, while the working copy changes under them."""

    @initialize()
    def begin(self) -> None:
        self.state = ReviewState()
        self.now = NOW
        self.current = "f1"
        self.hands: set[str] = set()
        self.approvals: list[tuple[str, str, str]] = []

    def give(self, command: Command) -> bool:
        options = Settings(settle_minutes=10, delegate_to_authority=True)
        try:
            events = review.decide(self.state, command, self.now, jilin(), options)
        except Refused as refused:
            assert all(r.message for r in refused.refusals)
            return False
        for event in events:
            self.state = review.apply(self.state, event, self.now)
        return True

    @rule(minutes=st.integers(0, 20))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(actor=ACTORS, fingerprint=PRINTS, reported=st.booleans())
    def edit(self, actor: Actor, fingerprint: str, reported: bool) -> None:
        """The working copy changes; ``reported`` false: the review does not hear of it."""
        self.current = fingerprint
        self.hands.add(actor.user_id)
        if not reported:
            return
        people = frozenset({actor.user_id})
        if self.state.is_open:
            self.give(Touch(actor, fingerprint, people))
        elif self.give(Open(actor, "d1", ORG, fingerprint, people)):
            self.hands = {actor.user_id}

    @rule(actor=ACTORS)
    def submit(self, actor: Actor) -> None:
        self.give(Submit(actor, self.current))

    @rule(actor=ACTORS)
    def cancel(self, actor: Actor) -> None:
        self.give(Cancel(actor))

    @rule(actor=ACTORS, read=PRINTS, yes=st.booleans(), reason=st.sampled_from(["", "灾情"]))
    def decide(self, actor: Actor, read: str, yes: bool, reason: str) -> None:
        before = self.state
        command = Decide(
            actor, "approve" if yes else "return", read, self.current, "备注", break_glass=reason
        )
        if self.give(command):
            assert before.status == "submitted"
            assert actor.user_id not in before.submitters
            assert actor in (REVIEWER, AUTHORITY, OPERATOR) or actor.has(ORG, REVIEWER_DUTY)
            assert actor != OPERATOR or reason
            if yes:
                assert read == self.current == before.submitted_fingerprint
                assert self.state.approved_fingerprint == self.current

    @invariant()
    def closed_or_open(self) -> None:
        if hasattr(self, "state") and self.state.status == "approved":
            assert not self.state.is_open
            assert self.state.approved_fingerprint == self.state.submitted_fingerprint


REVIEWER_DUTY = review.Duty.REVIEWER
TestReviewMachine = ReviewMachine.TestCase
TestReviewMachine.settings = hypothesis_settings(max_examples=60, stateful_step_count=30)


def test_a_cancelled_review_hands_its_submitters_on_until_an_approval() -> None:
    gone = run(opened(), Cancel(SYSTEM, "deleted"))
    machine = Open(SYSTEM, "d1", ORG, "f2", frozenset({"hana"}))
    other = run(ReviewState(), machine, Cancel(SYSTEM, "deleted"))
    approved = run(submitted(), approve())
    returned = run(submitted(), Decide(REVIEWER, "return", "f1", "f1", remarks="改"))
    assert review.carried([]) == frozenset()
    assert review.carried([gone, other]) == {EDITOR.user_id, "hana"}
    assert review.carried([gone, approved]) == frozenset()
    assert review.carried([gone, approved, other]) == {"hana"}
    assert review.carried([approved]) == review.carried([returned]) == frozenset()


def test_a_word_in_a_message_is_translated_with_it() -> None:
    refusal = Refusal(
        "X", None, "In %(state)s, by %(who)s.", {"state": Word("Open"), "who": "Open"}
    )
    chinese = {"In %(state)s, by %(who)s.": "%(who)s：%(state)s", "Open": "开放"}
    assert refusal.text() == "In Open, by Open."
    assert refusal.text(chinese.__getitem__) == "Open：开放"
