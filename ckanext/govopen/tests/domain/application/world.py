"""What the tests of applications are built from: rules, people, contents, commands, a case."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from ckanext.govopen.domain import agreement
from ckanext.govopen.domain.applicant import Identity
from ckanext.govopen.domain.application import commands as c
from ckanext.govopen.domain.application.content import (
    Contact,
    Content,
    Organisation,
    WantedPart,
)
from ckanext.govopen.domain.application.decide import decide
from ckanext.govopen.domain.application.fold import apply
from ckanext.govopen.domain.application.papers import Names, agreement_facts
from ckanext.govopen.domain.application.rules import Rules, Site, rules_of
from ckanext.govopen.domain.application.scope import Basis, Wanted
from ckanext.govopen.domain.application.state import Application, OutsideLetter, Part, Status
from ckanext.govopen.domain.deadline import PublishedCalendar
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.jurisdiction import load
from ckanext.govopen.domain.levels import Levels
from ckanext.govopen.domain.procedure import (
    AgreementRule,
    Clock,
    Extension,
    Receiving,
    RefusalRule,
    Silence,
    Step,
)
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.domain.terms import Text

from ..builders import NOW, profile_text

DAY = datetime.timedelta(days=1)
A, B = "org-a", "org-b"
BUREAU = "org-bureau"
CODE = "91350211M000100Y46"
WORKDAYS = PublishedCalendar(
    lambda day: day.weekday() < 5, datetime.date(2026, 1, 1), datetime.date(2028, 12, 31)
)

ANN = Actor("ann")
BEN = Actor("ben")
HANDLER_A = Actor("hank", duties=frozenset({(A, "handler")}))
HANDLER_A2 = Actor("hedy", duties=frozenset({(A, "handler")}))
HANDLER_B = Actor("hugo", duties=frozenset({(B, "handler")}))
REVIEWER_A = Actor("rita", duties=frozenset({(A, "reviewer")}))
AUTHORITY = Actor("anna", duties=frozenset({(BUREAU, "authority")}), authority=True)
OPERATOR = Actor("root", operator=True)
SYSTEM = Actor("", system=True)
STRANGER = Actor("stan")

TEMPLATE = agreement.Template(
    "standard", 1, "jilin", "协议 {{application}}\n甲方 {{department}}\n乙方 {{applicant}}\n"
    "{{datasets}}\n用途：{{purpose}}\n条件：\n{{conditions}}\n",
)  # fmt: skip
PERSON = Identity("person", "安妮", "安妮", NOW + 3650 * DAY, NOW - 10 * DAY, "身份证", "1234")
COMPANY = Identity(
    "organisation", "某公司", "安妮", NOW + 3650 * DAY, NOW - 10 * DAY, "营业执照", "", CODE, "法人"
)
LAW = Basis("数据安全法", "21", "law")


@functools.cache
def profile(name: str) -> Profile:
    """A bundled profile."""
    return load(profile_text(name), f"{name}.yaml")


def rules(name: str = "jilin", towards: Literal["open", "share"] = "open", **site: Any) -> Rules:
    """The rules of a profile with generous limits of the site."""
    return rules_of(profile(name), WORKDAYS, Site(**{"levels": Levels(BUREAU), **site}), towards)


def text(value: str) -> Text:
    return Text(value, value, value)


def full_house() -> Rules:
    """A procedure in which every role is somebody else, and every command can be given."""
    procedure = replace(
        profile("jilin").open,
        receiving=Receiving("intake", "1", forward_to="city"),
        steps=(
            Step(
                "joint",
                text("joint"),
                ("handler@judge", "authority@city"),
                "1",
                joint=True,
                outside=("authority@city",),
            ),
        ),
        clocks=(
            Clock(
                "reply",
                text("reply"),
                10,
                "wd",
                "application",
                "judge",
                "1",
                extension=Extension("wd", "reviewer@provider", "1", n=5),
            ),
        ),
        silence=Silence("consent", "1", "reply"),
        refusal=RefusalRule(True, True, "1", ("law",)),
        agreement=AgreementRule(True, "1"),
    )
    site = Site(
        levels=Levels(BUREAU),
        bodies={"intake": "org-intake", "judge": "org-judge"},
        sign_within_days=30,
    )
    return Rules("full/1/share", procedure, site, "share", WORKDAYS)


BY_ROLE: Mapping[str, Actor] = {
    "applicant": ANN,
    "receiver": Actor("ines", duties=frozenset({("org-intake", "handler")})),
    "provider": HANDLER_A,
    "party": Actor("jude", duties=frozenset({("org-judge", "handler")})),
    "approver": REVIEWER_A,
    "authority": AUTHORITY,
    "operator": OPERATOR,
    "system": SYSTEM,
}


def wanted(dataset: str, *delivery: Any, items: tuple[str, ...] | None = None) -> Wanted:
    return Wanted(dataset, delivery or ("interface",), items)


def content(*parts: WantedPart, **fields: Any) -> Content:
    """A complete content: one dataset of department A, if nothing else is said."""
    return Content(
        **{
            "applicant_kind": "natural_person",
            "parts": parts or (WantedPart(A, (wanted("a1"),)),),
            "fields": {
                "purpose": "研究公共交通",
                "scenario": "学术论文",
                "security_measures": "加密保存",
                "capability": "自有服务器",
            },
            "valid_from": NOW.date(),
            "valid_to": NOW.date() + 300 * DAY,
            "contact": Contact("安妮", "13800000000"),
            "salt": "s",
            **fields,
        }
    )


def company(**fields: Any) -> Content:
    organisation = Organisation("某公司", CODE, "法人授权书", ("carl",))
    return content(applicant_kind="legal_person", organisation=organisation, **fields)


def two() -> Content:
    """Two datasets of A, one of B."""
    return content(
        WantedPart(A, (wanted("a1"), wanted("a2", "download", "interface"))),
        WantedPart(B, (wanted("b1"),)),
    )


FACTS: Mapping[str, c.DatasetFacts] = {
    "a1": c.DatasetFacts(A, items=frozenset({"名称", "地址"})),
    "a2": c.DatasetFacts(A),
    "b1": c.DatasetFacts(B),
}


class Case:
    """One application that commands are given to; keeps every event with its time."""

    def __init__(self, under: Rules, id: str = "app-1", now: datetime.datetime = NOW) -> None:
        self.rules = under
        self.id = id
        self.now = now
        self.state: Application | None = None
        self.events: list[tuple[Event, datetime.datetime]] = []
        self.facts: dict[str, c.DatasetFacts] = dict(FACTS)
        self.identity: Identity | None = PERSON

    def do(self, command: c.Command) -> list[Event]:
        """Give a command; Refused goes through."""
        events = decide(self.state, command, self.now, self.rules)
        for event in events:
            self.state = apply(self.state, event, self.now)
            self.events.append((event, self.now))
        return events

    def part(self, organization: str = A) -> Part:
        assert self.state is not None
        part = self.state.part(organization)
        assert part is not None
        return part

    @property
    def status(self) -> Status:
        return self.part().status

    # commands with what they need filled in

    def submit(self, actor: Actor = ANN, what: Content | None = None, **more: Any) -> list[Event]:
        handed_in = what or content()
        named = handed_in.organisation.persons if handed_in.organisation else ()
        more.setdefault("persons", frozenset(named))
        return self.do(c.Submit(actor, self.id, handed_in, self.facts, **more))

    def accept(self, actor: Actor = HANDLER_A, org: str = A, **more: Any) -> list[Event]:
        return self.do(c.Accept(actor, org, self.identity, **more))

    def return_(self, actor: Actor = HANDLER_A, org: str = A) -> list[Event]:
        return self.do(c.Return(actor, org, {"purpose": "请写明"}, "请补充"))

    def read(self, org: str = A) -> dict[str, Any]:
        """Revision and hash as somebody reads them now."""
        assert self.state is not None
        number = self.part(org).revision
        return {"revision": number, "sha256": self.state.revision(number).sha256}

    def decide(
        self, actor: Actor = HANDLER_A, approve: bool = True, org: str = A, **more: Any
    ) -> list[Event]:
        opinion = c.Opinion(
            approve,
            more.pop("reason", "符合条件" if approve else "不符合条件"),
            more.pop("basis", () if approve else (LAW,)),
            more.pop("conditions", ()),
            more.pop("scopes", ()),
        )
        given = {**self.read(org), **more}
        return self.do(c.Decide(actor, org, opinion, datasets=self.facts, **given))

    def answer(
        self, actor: Actor = AUTHORITY, party: str = "authority@city", org: str = A, **more: Any
    ) -> list[Event]:
        approve = more.pop("approve", True)
        opinion = c.Opinion(approve, "市局意见", () if approve else (LAW,))
        letter = OutsideLetter("甬数函〔2026〕1号", self.now.date())
        given = {**self.read(org), **more}
        return self.do(
            c.RecordForwardAnswer(actor, org, party, letter, opinion, datasets=self.facts, **given)
        )

    def forward(self, actor: Actor = AUTHORITY, org: str = A) -> list[Event]:
        return self.do(c.Forward(actor, org, OutsideLetter("海数〔2026〕8号", self.now.date())))

    def text(self, org: str = A, template: agreement.Template = TEMPLATE) -> str:
        assert self.state is not None
        names = Names("门户", "办法", f"部门 {org}", "安妮", "安妮", {"a1": "公交站点"})
        return agreement.render(template, agreement_facts(self.state, org, names, template))

    def sign(self, actor: Actor = ANN, org: str = A, **changes: Any) -> list[Event]:
        text = changes.pop("text", None) or self.text(org)
        command = c.Sign(
            actor, org, "standard", 1, agreement.digest(text), "安妮",
            agreement.Proof("password", self.now), text, "standard", 1, self.identity, self.facts,
        )  # fmt: skip
        return self.do(replace(command, **changes))


def at(status: Status | Literal["none"], under: Rules, **changes: Any) -> Case:
    """A case of the full house (or of Jilin) whose part of A is in a status, by way of commands."""
    full = under.id.startswith("full")
    receiver = BY_ROLE["receiver"] if full else HANDLER_A
    judge = BY_ROLE["party"] if full else HANDLER_A
    case = Case(under)
    for name, value in changes.items():
        setattr(case, name, value)
    steps: dict[str, Callable[[], Any]] = {
        "submit": case.submit,
        "return": lambda: case.return_(receiver),
        "accept": lambda: case.accept(receiver),
        "forward": lambda: case.forward(receiver) if full else None,
        "answer": lambda: case.answer(receiver) if full else None,
        "approve": lambda: case.decide(judge),
        "refuse": lambda: case.decide(judge, False),
        "sign": case.sign,
        "withdraw": lambda: case.do(c.Withdraw(ANN, A)),
        "lapse": lambda: case.do(
            c.Drop(SYSTEM, A, [w.dataset for w in case.part().datasets], "withdrawn")
        ),
    }
    ways = {
        "none": "",
        "submitted": "submit",
        "returned": "submit return",
        "accepted": "submit accept forward",
        "approved": "submit accept forward answer approve",
        "refused": "submit accept refuse",
        "granted": "submit accept forward answer approve sign",
        "withdrawn": "submit withdraw",
        "lapsed": "submit lapse",
    }
    for name in ways[status].split():
        steps[name]()
    return case
