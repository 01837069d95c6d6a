"""Random people at many applications: what they try, and what must hold all the same.

Everybody tries everything, mostly what is in its place. Each event is sealed into a ledger. After
every command the invariants are looked at; a breach raises AssertionError.
"""

from __future__ import annotations

import datetime
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ckanext.govopen.domain import agreement, grant_change, ledger
from ckanext.govopen.domain import grant as grants
from ckanext.govopen.domain.application import commands as c
from ckanext.govopen.domain.application.content import WantedPart
from ckanext.govopen.domain.application.decide import decide
from ckanext.govopen.domain.application.fold import apply, fold
from ckanext.govopen.domain.application.grants import grants_of
from ckanext.govopen.domain.application.roles import step_done
from ckanext.govopen.domain.application.rules import Rules
from ckanext.govopen.domain.application.scope import Scope
from ckanext.govopen.domain.application.state import Application, OutsideLetter
from ckanext.govopen.domain.application.table import OFFICIAL
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.domain.terms import OpenClass
from ckanext.govopen.domain.verification import verify

from .test_profiles import asked
from .world import (
    ANN,
    AUTHORITY,
    BUREAU,
    DAY,
    FACTS,
    HANDLER_A,
    HANDLER_A2,
    HANDLER_B,
    LAW,
    NOW,
    OPERATOR,
    PERSON,
    REVIEWER_A,
    STRANGER,
    SYSTEM,
    TEMPLATE,
    A,
    B,
    Case,
    profile,
    rules,
    wanted,
)

#: Carl handles for department A and is named in some applications; Ann is mighty now and then.
CARL = Actor("carl", duties=frozenset({(A, "handler"), (B, "handler")}))
MIGHTY = Actor("ann", CARL.duties, authority=True, operator=True)
PEOPLE: tuple[Actor, ...] = (
    ANN, HANDLER_A, HANDLER_A2, HANDLER_B, REVIEWER_A, AUTHORITY, OPERATOR, SYSTEM, STRANGER,
    CARL, MIGHTY,
)  # fmt: skip
WORLDS: Sequence[tuple[str, Any]] = (
    ("jilin", "open"),
    ("shandong", "open"),
    ("haishu", "open"),
    ("chaohu", "open"),
    ("chaohu", "share"),
    ("panzhihua", "share"),
    ("haishu", "share"),
    ("jilin", "share"),
)
PROFILES = {f"{name}/{profile(name).version}/{way}": name for name, way in WORLDS}


@dataclass
class Figures:
    """What a simulation did."""

    applications: int = 0
    commands: int = 0
    refused: int = 0
    events: int = 0
    grants: int = 0
    seconds: float = 0.0
    verified: int = 0
    statuses: Counter[str] = field(default_factory=Counter)


class Walk:
    """One application that random people walk through."""

    def __init__(self, dice: random.Random, number: int, under: Rules) -> None:
        self.dice = dice
        self.case = Case(under, f"app-{number}")
        self.case.identity = PERSON if under.towards == "open" else None
        self.rows: list[ledger.SealedEvent] = []
        self.given: dict[str, grants.Grant] = {}
        self.tried = self.refused = 0

    def actor(self, *likely: Actor) -> Actor:
        """Mostly somebody whose turn it is, else anybody."""
        return self.dice.choice(likely if likely and self.dice.random() < 0.8 else PEOPLE)

    def step(self) -> None:
        """One command of somebody; the case afterwards is whole, whatever comes of it."""
        case, dice = self.case, self.dice
        if dice.random() < 0.3:
            case.now += datetime.timedelta(hours=dice.randint(1, 200))
        command = self.command()
        if command is None:
            return
        self.tried += 1
        before = case.state
        try:
            events = decide(before, command, case.now, case.rules)
        except Refused as refused:
            self.refused += 1
            assert all(item.message for item in refused.refusals)
            assert case.state is before
            return
        for event in events:
            case.state = apply(case.state, event, case.now)
            case.events.append((event, case.now))
            self.seal(event, command.actor)
        self.hold(before, command, events)

    def seal(self, event: Event, actor: Actor) -> None:
        previous = self.rows[-1].hash if self.rows else ledger.GENESIS
        salt = iter(range(10**6))
        self.rows.append(
            ledger.record(
                event,
                f"application/{self.case.id}",
                len(self.rows) + 1,
                previous,
                actor.user_id or None,
                self.case.now,
                lambda: f"{next(salt):032x}",
            )
        )

    def command(self) -> c.Command | None:
        """Something that somebody might try."""
        case, dice = self.case, self.dice
        if case.state is None:
            return c.Submit(ANN, case.id, self.content(), FACTS, persons=frozenset({"carl"}))
        org = dice.choice([part.organization for part in case.state.parts])
        part = case.part(org)
        handlers = (HANDLER_A, HANDLER_A2, CARL) if org == A else (HANDLER_B, CARL)
        receiver = case.rules.procedure.receiving
        likely = (AUTHORITY,) if receiver and receiver.body == "authority" else handlers
        name = dice.choice(_LIKELY[part.status] if dice.random() < 0.85 else _ALL)
        glass = "灾情" if dice.random() < 0.3 else ""
        number = part.revision if dice.random() < 0.95 else 1
        read = {"revision": number, "sha256": case.state.revision(number).sha256}
        yes = dice.random() < 0.75
        opinion = c.Opinion(yes, "理由", () if yes else (LAW,), scopes=self.scopes(org, yes))
        letter = OutsideLetter("函1", case.now.date() - DAY)
        actor = self.actor(*likely)
        made: dict[str, Any] = {
            "submit": lambda: c.Submit(
                self.actor(ANN), case.id, self.content(), FACTS, persons=frozenset({"carl"})
            ),
            "withdraw": lambda: c.Withdraw(self.actor(ANN), dice.choice([org, None])),
            "return": lambda: c.Return(actor, org, {"purpose": "写明"}, break_glass=glass),
            "decline": lambda: c.Decline(actor, org, "不受理", (LAW,), glass),
            "accept": lambda: c.Accept(actor, org, case.identity, glass),
            "forward": lambda: c.Forward(actor, org, letter, glass),
            "record_answer": lambda: c.RecordForwardAnswer(
                self.actor(AUTHORITY), org, dice.choice(_PARTIES), letter, opinion,
                datasets=FACTS, break_glass=glass, **read,
            ),
            "consult": lambda: c.Consult(
                actor, org, dice.choice(_KINDS), dice.choice("甲乙"), "?", break_glass=glass
            ),
            "close_consultation": lambda: c.CloseConsultation(
                actor, org, len(part.consultations), dice.choice(["consent", "no_answer"]), "答",
                glass,
            ),
            "extend": lambda: c.Extend(
                self.actor(REVIEWER_A), org, "open_reply", "复杂", break_glass=glass
            ),
            "assign": lambda: c.Assign(
                self.actor(*handlers), org, dice.choice(handlers).user_id, True, "分工", glass
            ),
            "decide": lambda: c.Decide(
                self.actor(*handlers, AUTHORITY), org, opinion, datasets=FACTS,
                party=dice.choice([None, None, *_PARTIES]), break_glass=glass, **read,
            ),
            "sign": lambda: self.sign(org),
            "lapse": lambda: c.Lapse(self.actor(SYSTEM), org),
            "drop": lambda: c.Drop(self.actor(SYSTEM), org, [dice.choice(_GONE)], "non_open"),
            "silence": lambda: c.Silence(self.actor(SYSTEM), org, case.identity, FACTS),
            "issue_letter": lambda: c.IssueLetter(SYSTEM, org, str(len(self.rows)), "x", "0" * 64),
            "deliver_letter": lambda: c.DeliverLetter(ANN, org, "1", "page"),
        }  # fmt: skip
        return made[name]()

    def content(self) -> Any:
        base = asked(self.case.rules)
        modes = base.parts[0].datasets[0].delivery
        parts = (
            WantedPart(A, (wanted("a1", *modes), wanted("a2", *modes))),
            WantedPart(B, (wanted("b1", *modes),)),
        )
        organisation = base.organisation and replace(base.organisation, persons=("carl",))
        return replace(
            base,
            parts=parts,
            organisation=organisation,
            salt=str(self.dice.random()),
            valid_to=self.case.now.date() + 200 * DAY,
            valid_from=self.case.now.date(),
        )

    def scopes(self, org: str, yes: bool) -> tuple[Scope, ...]:
        if not yes or self.dice.random() < 0.6:
            return ()
        dataset = self.dice.choice(["a1", "a2"] if org == A else ["b1"])
        return self.dice.choice(
            [
                (Scope(dataset, granted=False, reason="涉密"),),
                (Scope(dataset, delivery=("on_platform",)),),
                (Scope(dataset, quota=grants.Quota(None, 100, None)),),
            ]
        )

    def sign(self, org: str) -> c.Command | None:
        case = self.case
        if case.part(org).status != "approved":
            return None
        text = case.text(org)
        read = text if self.dice.random() < 0.8 else text + "改"
        return c.Sign(
            self.actor(ANN), org, TEMPLATE.id, 1, agreement.digest(read), "安妮",
            agreement.Proof("password", case.now), text, TEMPLATE.id, 1, case.identity, FACTS,
        )  # fmt: skip

    # invariants

    def hold(self, before: Application | None, command: c.Command, events: Sequence[Event]) -> None:
        """What must be true after a command that was carried out."""
        case = self.case
        state = case.state
        assert state is not None
        own = before is not None and command.actor.user_id in before.concerned
        if own:
            assert type(command).__name__ in ("Submit", "Withdraw", "Sign", "DeliverLetter")
        for event in events:
            assert event.type.split(".")[0] in ("application", "agreement")
            if event.type == "application.decided":
                assert event.payload["by"] not in state.concerned
                assert not (event.payload["silent"] and case.rules.towards == "open")
        for part in state.parts:
            if part.status == "granted":
                self.granted(state, part.organization)
            else:
                assert grants_of(state, part.organization) == []
            if part.status in ("approved", "granted"):
                assert all(vote.approve for vote in part.votes)
            people = [vote.by for vote in part.votes if vote.by]
            assert len(people) == len(set(people))

    def granted(self, state: Application, org: str) -> None:
        """No grant without every decision that is needed and a signature over the current text."""
        part = self.case.part(org)
        under = self.case.rules
        assert all(step_done(step, part) for step in under.procedure.steps)
        signed = [
            event.payload
            for event, _ in self.case.events
            if event.type == "agreement.signed" and event.payload["organization"] == org
        ]
        if under.agreement_required:
            assert part.signature is not None
            assert agreement.digest(signed[-1]["text"]) == part.signature.text_sha256
            approved = replace(
                state,
                parts=tuple(
                    replace(p, status="approved") if p.organization == org else p
                    for p in state.parts
                ),
            )
            kept = self.case.state
            self.case.state = approved
            assert self.case.text(org) == signed[-1]["text"]
            self.case.state = kept
        assert {vote.step for vote in part.votes} == {step.id for step in under.procedure.steps}
        for item in grants_of(state, org):
            scope = next(s for s in part.scopes if s.dataset == item.package_id)
            assert scope.granted
            if item.id not in self.given:
                at = part.ended_at
                assert at is not None
                law = profile(PROFILES[under.id])
                [event] = grant_change.from_application(None, item, OpenClass.CONDITIONAL, at, law)
                self.given[item.id] = grants.apply(None, event)
            assert self.given[item.id] == item


_PARTIES = ("authority@city_authority", "authority@platform_authority", "handler@provider",
            "authority@authority", "handler@responsible_department")  # fmt: skip
_GONE = ("a1", "b1")
_KINDS = ("third_party_consultation", "other_organ_consultation", "right_holder_consent")
_ALL = ("submit", "withdraw", "return", "decline", "accept", "forward", "record_answer", "consult",
        "close_consultation", "extend", "assign", "decide", "sign", "lapse", "drop", "silence",
        "issue_letter", "deliver_letter")  # fmt: skip
assert set(_ALL) > OFFICIAL
_LIKELY: dict[str, tuple[str, ...]] = {
    "submitted": ("accept", "accept", "accept", "return", "assign", "silence", "extend"),
    "returned": ("submit",),
    "accepted": ("forward", "decide", "decide", "record_answer", "consult", "close_consultation",
                 "close_consultation", "extend", "silence"),
    "approved": ("sign",),
    "refused": ("issue_letter",),
    "granted": ("issue_letter", "deliver_letter"),
    "withdrawn": ("submit",),
    "lapsed": ("sign",),
}  # fmt: skip


def worlds() -> list[Rules]:
    """The rules of every profile that has some, now with, now without an agreement."""
    found = []
    for number, (name, towards) in enumerate(WORLDS):
        bodies = {"platform_authority": BUREAU, "responsible_department": B} if number % 2 else {}
        found.append(
            rules(
                name,
                towards,
                identity=towards == "open",
                bodies=bodies,
                agreement=number != 3,
                sign_within_days=20,
                max_days=None,
            )
        )
    return found


def simulate(applications: int, seed: int, steps: int = 40) -> Figures:
    """Walk through many applications and check everything; raises AssertionError on a breach."""
    dice = random.Random(seed)
    figures = Figures(applications=applications)
    places = worlds()
    rows: list[ledger.SealedEvent] = []
    begin = time.perf_counter()
    for number in range(applications):
        walk = Walk(dice, number, places[number % len(places)])
        walk.case.now = NOW + datetime.timedelta(hours=number)
        for _ in range(steps):
            walk.step()
            if walk.case.state is not None and not walk.case.state.is_open:
                break
        assert fold(walk.case.events) == walk.case.state
        rows += walk.rows
        figures.commands += walk.tried
        figures.refused += walk.refused
        figures.grants += len(walk.given)
        if walk.case.state is not None:
            figures.statuses.update(part.status for part in walk.case.state.parts)
    figures.seconds = time.perf_counter() - begin
    figures.events = len(rows)
    faults = verify(rows)
    assert not faults, faults
    figures.verified = len(rows)
    return figures
