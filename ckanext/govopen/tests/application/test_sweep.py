"""What is in a case gets to nobody whom it does not concern: secrets in every place of it.

One case with parts of two departments, a draft, and a case of somebody else. Every readable
action, and every page that names a case, a letter, an attachment or an agreement, is asked by
everybody, and every answer is read whole.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from ckan.common import config

from ckanext.govopen.access.inventory import inventory
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_show
from ckanext.govopen.tests import figures
from ckanext.govopen.tests.access.sweep.asks import readable
from ckanext.govopen.tests.access.sweep.secrets import Secrets
from ckanext.govopen.tests.access.sweep.sweep import Ask, Sweep, action, page
from ckanext.govopen.tests.application.world import World
from ckanext.govopen.tests.portal import User, unique

#: Of one part: its applicant, its department's handlers, those who oversee everything.
OVERSEEING = frozenset({"authority", "auditor", "operator"})
PART = OVERSEEING | {"applicant", "handler", "city"}
OTHER_PART = OVERSEEING | {"applicant", "other_handler"}
CASE = PART | OTHER_PART


@dataclass
class Planted:
    """What the sweep of cases knows."""

    portal: Any
    secrets: Secrets = field(default_factory=Secrets)
    actors: dict[str, User | None] = field(default_factory=dict)
    cases: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    departments: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def planted(world: World) -> Planted:
    portal = world.portal
    made = Planted(portal)
    auditor, outsider, applicant, rival = User.make(), User.make(), User.make(), User.make()
    portal.duty(auditor, "data-authority", "auditor")
    foreign = portal.department()
    portal.duty(outsider, foreign.name, "handler")
    # Authorities of a lower level: one above the first department, one above somebody else's.
    levels = {"city": (world.department, User.make()), "town": (foreign, User.make())}
    for place, officer in levels.values():
        seat = portal.organization(unique("seat"))["name"]
        portal.place(place.name, seat)
        portal.duty(officer, seat, "authority")
    made.actors = {
        "anonymous": None,
        "applicant": applicant,
        "rival": rival,
        "handler": world.handler,
        "other_handler": world.other_handler,
        "foreign_handler": outsider,
        "member": world.department.member,
        "authority": world.authority,
        "auditor": auditor,
        "operator": portal.operator,
        **{name: officer for name, (_place, officer) in levels.items()},
    }
    made.departments = [world.department.name, world.other.name]
    plant = made.secrets.plant
    mine, theirs = world.dataset(), world.dataset(world.other)

    def content(where: str, known: frozenset[str]) -> dict[str, Any]:
        """Fields are read by the department's own people, the person by those who decide only."""
        staff = known | {"member"} if where != "draft" else known
        return {
            "fields": {
                "purpose": plant(where, "purpose", staff),
                "security_measures": plant(where, "measures", staff),
                "capability": plant(where, "capability", staff),
            },
            "contact": {
                "name": plant(where, "name", known),
                "phone": plant(where, "phone", known),
                "email": f"{plant(where, 'e-mail', known)}@example.com",
            },
        }

    def attach(case: dict[str, Any], user: User, where: str, known: frozenset[str]) -> None:
        text, name = plant(where, "file", known), plant(where, "file name", known)
        answer = portal.request(
            "POST", "/api/3/action/govopen_attachment_add", user,
            data={"application": case["id"], "upload": (io.BytesIO(text.encode()), f"{name}.txt")},
        )  # fmt: skip
        assert answer.status_code == 200
        made.files.append(answer.get_json()["result"]["id"])

    own = frozenset({"applicant"})
    draft = world.draft(world.dataset(), user=applicant, **content("draft", own))
    attach(draft, applicant, "draft", own)
    case = world.draft(mine, theirs, user=applicant, **content("case", CASE))
    attach(case, applicant, "case", CASE)
    case = portal.call("govopen_application_submit", applicant, id=case["id"])
    second = world.submitted(mine, user=rival, **content("rival", PART - {"applicant"} | {"rival"}))
    made.cases = [ref for one in (draft, case, second) for ref in (one["id"], one["number"])]

    def do(name: str, user: User, **data: Any) -> None:
        portal.call(f"govopen_application_{name}", user.deciding, id=case["id"], **data)

    department, other = world.department.id, world.other.id
    inside = PART | {"member"}
    portal.call(
        "govopen_applicant_check", world.handler.deciding, application=case["id"],
        organization=department, name=plant("case", "checked name", CASE),
        document=plant("case", "document", PART - {"applicant"} | {"other_handler"}),
    )  # fmt: skip
    do("accept", world.handler, organization=department)
    do("consult", world.handler, organization=department, kind="third_party_consultation",
       whom=plant("case", "whom", inside - {"applicant"}),
       question=plant("case", "question", inside - {"applicant"}))  # fmt: skip
    do("consult_close", world.handler, organization=department, consultation=1,
       outcome="consent", answer=plant("case", "answer", inside - {"applicant"}))  # fmt: skip
    read = portal.call("govopen_application_show", world.handler, id=case["id"])
    reason, condition = plant("case", "reason", inside), plant("case", "condition", inside)
    opinion = world.opinion(read, reason=reason, conditions=[condition])
    portal.call("govopen_application_decide", world.handler.deciding, **opinion)
    do("return", world.other_handler, organization=other,
       message=plant("case", "message", OTHER_PART | {"other_member"}),
       remarks={"purpose": plant("case", "remark", OTHER_PART | {"other_member"})})  # fmt: skip
    seen = portal.call("govopen_application_show", applicant, id=case["id"])
    made.letters = [one["number"] for one in seen["letters"]]
    assert len(made.letters) == 2
    made.secrets.plant("nothing", "never planted", frozenset())
    return made


def _asked(planted: Planted) -> list[Ask]:
    """Every readable action, those of cases with all that was planted; every page of a case."""
    rows = [action(one.name) for one in readable() if one.name.startswith("govopen_")]
    named = {
        "govopen_application_show": [{"id": one} for one in planted.cases],
        "govopen_attachment_list": [{"application": one} for one in planted.cases],
        "govopen_letter_list": [{"application": one} for one in planted.cases],
        "govopen_letter_show": [{"number": one} for one in planted.letters],
        "govopen_attachment_show": [
            {"application": one, "id": file} for one in planted.cases[::2] for file in planted.files
        ],
    }
    places = [
        {"application": one, "organization": place}
        for one in planted.cases
        for place in planted.departments
    ]
    named["govopen_agreement_show"] = named["govopen_applicant_show"] = places
    rows += [action(name, data) for name, asked in named.items() for data in asked]
    for scope in ("mine", "department"):
        rows.append(action("govopen_application_list", {"scope": scope, "limit": 1000}))
    for one in planted.cases[::2]:
        stream = f"application/{one}"
        rows.append(action("govopen_ledger_show", {"stream": stream, "limit": 500}))
        rows.append(action("govopen_ledger_export", {"stream": stream}))
        rows.append(page("ledger", f"/open/ledger/export.jsonl?stream={stream}"))
        paths = [f"/open/application/{one}", f"/open/application/{one}/edit"]
        paths += [f"/open/application/{one}/attachment/{file}" for file in planted.files]
        for place in planted.departments:
            base = f"/open/agreement/{one}/{place}"
            paths += [base, f"{base}/agreement.pdf", f"{base}/agreement.txt"]
        rows += [page("case", path) for path in paths]
    for one in planted.letters:
        rows += [page("letter", f"/open/letter/{one}{end}") for end in ("", "/letter.pdf")]
    rows += [page("list", path) for path in (
        "/open/applications", "/open/desk", "/open/figures", "/open/figures.json",
        "/open/figures.csv", "/open/ledger", "/open/grants",
    )]  # fmt: skip
    return rows


def _swept(planted: Planted, actors: list[str], rows: list[Ask]) -> Sweep:
    config["ckanext.govopen.ledger.exports_per_minute"] = "100000"
    try:
        sweep = Sweep(cast(Any, planted))
        sweep.rows(actors, rows)
    finally:
        config["ckanext.govopen.ledger.exports_per_minute"] = "30"
    return sweep


def test_nothing_of_a_case_gets_to_others(world: World, planted: Planted) -> None:
    rows = _asked(planted)
    assert {row.surface for row in rows} >= {
        name for name, one in inventory().loaded_actions().items()
        if name.startswith("govopen_") and one.reads
    }  # fmt: skip
    sweep = _swept(planted, sorted(planted.actors), rows)
    figures.sweeps.add("cases", sweep.requests, len(sweep.findings))
    assert not sweep.findings, sweep.report()
    missing = [
        f"{actor}: {secret}"
        for secret in planted.secrets.by_text.values()
        for actor in ("applicant", "handler", "rival", "authority", "city")
        if actor in secret.known_to and secret.where in ("case", "draft", "rival")
        and secret.what in ("purpose", "name", "reason", "message", "question")
        and (secret.text, actor) not in sweep.seen
    ]  # fmt: skip
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("guard", ["part", "person"])
def test_the_sweep_of_cases_can_fail(
    world: World, planted: Planted, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    """With either fence off something is found."""
    rows = [action("govopen_application_show", {"id": one}) for one in planted.cases]
    if guard == "part":
        monkeypatch.setattr(cases, "sees_part", lambda *_: True)
    else:
        monkeypatch.setattr(application_show, "PERSONAL", ())
    assert _swept(planted, ["foreign_handler", "member"], rows).findings
