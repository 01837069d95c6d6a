"""Who may see what: the table of the design, whole, and everything that repeats it.

The policy is pure, so every kind of person meets every kind of dataset here. Then the same kinds
are made in the database, where labels, SQL and the search document have to say the same.
"""

from __future__ import annotations

import datetime
import itertools
from dataclasses import replace

import pytest
import sqlalchemy as sa
from ckan import model
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.access import facts, labels
from ckanext.govopen.access.policy import (
    ANONYMOUS,
    INTERNAL,
    NOTHING,
    Access,
    DatasetFacts,
    Person,
    Sight,
    decide,
)
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.domain.grant import Grant, Holder
from ckanext.govopen.model import release as releases
from ckanext.govopen.search import document
from ckanext.govopen.tests.portal import AUTHORITY, Portal, User

NOW = datetime.datetime(2026, 5, 1, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
OURS, THEIRS = "org-ours", "org-theirs"

PEOPLE: dict[str, Person] = {
    "anonymous": ANONYMOUS,
    "citizen": Person(user_id="citizen"),
    "creator": Person(user_id="creator"),
    "member": Person(user_id="u", memberships={OURS: "member"}),
    "editor": Person(user_id="u", memberships={OURS: "editor"}),
    "admin": Person(user_id="u", memberships={OURS: "admin"}),
    "other admin": Person(user_id="u", memberships={THEIRS: "admin"}),
    "reviewer": Person(user_id="u", duties=frozenset({(OURS, "reviewer")})),
    "handler": Person(user_id="u", duties=frozenset({(OURS, "handler")})),
    "other reviewer": Person(user_id="u", duties=frozenset({(THEIRS, "reviewer")})),
    "auditor": Person(user_id="u", duties=frozenset({("org-authority", "auditor")})),
    "auditor here": Person(user_id="u", duties=frozenset({(OURS, "auditor")})),
    "authority": Person(
        user_id="u", authority=True, duties=frozenset({("org-authority", "authority")})
    ),
    "authority of its level": Person(
        user_id="u", area=frozenset({OURS}), duties=frozenset({("org-city", "authority")})
    ),
    "authority of another area": Person(
        user_id="u", area=frozenset({THEIRS}), duties=frozenset({("org-town", "authority")})
    ),
    "authority of nothing": Person(user_id="u", duties=frozenset({(THEIRS, "authority")})),
    "collaborator": Person(user_id="u", collaborates=frozenset({"p"})),
    "collaborator elsewhere": Person(user_id="u", collaborates=frozenset({"other"})),
    "operator": Person(user_id="u", sysadmin=True),
    "portal": INTERNAL,
}
INSIDE = {
    *("member", "editor", "admin", "reviewer", "handler", "authority", "authority of its level"),
    *("operator", "portal"),
}
BASE = DatasetFacts(
    package_id="p",
    owner_org=OURS,
    governed=True,
    state="active",
    has_release=True,
    open_class=OpenClass.UNCONDITIONAL,
    creator_user_id="creator",
)
DATASETS: dict[str, DatasetFacts | None] = {
    "unconditional": BASE,
    "conditional": replace(BASE, open_class=OpenClass.CONDITIONAL),
    "non_open": replace(BASE, open_class=OpenClass.NON_OPEN),
    "no release": replace(BASE, has_release=False, open_class=None),
    "class without release": replace(BASE, has_release=False),
    "release without class": replace(BASE, open_class=None),
    "suspended": replace(BASE, suspended=True),
    "suspended conditional": replace(BASE, open_class=OpenClass.CONDITIONAL, suspended=True),
    "draft": replace(BASE, state="draft"),
    "deleted": replace(BASE, state="deleted"),
    "strange state": replace(BASE, state="whatever"),
    "not governed": replace(BASE, governed=False),
    "no owner": replace(BASE, owner_org=None, has_release=False, open_class=None),
    "missing": None,
}
#: Where a collaborator sees what the department sees; elsewhere he is outside.
TOGETHER = {"unconditional", "no release", "class without release", "release without class"}
#: For who is outside: what he sees, and whether the content is his to read.
OUTSIDE: dict[str, tuple[Sight, bool]] = {
    "unconditional": (Sight.RELEASE, True),
    "conditional": (Sight.RELEASE, False),
}


def grant(**fields: object) -> Grant:
    values: dict[str, object] = {
        "id": "g",
        "holder": Holder(kind="person", persons=frozenset({"citizen"})),
        "package_id": "p",
        "organization": OURS,
        "purpose": "x",
        "delivery": frozenset({"download"}),
        "valid_from": NOW - DAY,
        "valid_to": NOW + DAY,
    }
    return Grant(**{**values, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("who", PEOPLE)
def test_table(who: str, dataset: str) -> None:
    fact = DATASETS[dataset]
    answer = decide(PEOPLE[who], fact, NOW)
    if fact is None:
        assert answer == NOTHING
    elif dataset == "no owner":
        everywhere = {"authority", "operator", "portal", "creator", "collaborator"}
        assert answer.sight is (Sight.WORKING if who in everywhere else Sight.NOTHING)
    elif who in INSIDE or (who == "collaborator" and dataset in TOGETHER):
        assert (answer.sight, answer.content) == (Sight.WORKING, True)
    else:
        assert (answer.sight, answer.content) == OUTSIDE.get(dataset, (Sight.NOTHING, False))


@pytest.mark.parametrize(
    ("given_grant", "reads"),
    [
        (grant(), True),
        (grant(valid_to=NOW), False),
        (grant(valid_to=NOW - DAY), False),
        (grant(valid_from=NOW + DAY / 2), False),
        (grant(state="suspended"), False),
        (grant(state="revoked"), False),
        (grant(state="ended"), False),
    ],
)
def test_grants(given_grant: Grant, reads: bool) -> None:
    for name in ("citizen", "other admin", "auditor"):
        answer = decide(PEOPLE[name], DATASETS["conditional"], NOW, lambda: [given_grant])
        assert (answer.sight, answer.content) == (Sight.RELEASE, reads)


def test_a_grant_opens_nothing_but_conditional_content() -> None:
    for name, fact in DATASETS.items():
        answer = decide(PEOPLE["citizen"], fact, NOW, lambda: [grant()])
        if name == "conditional":
            assert answer == Access(Sight.RELEASE, True, "grant")
        else:
            assert (answer.sight, answer.content) == OUTSIDE.get(name, (Sight.NOTHING, False))


def test_grants_are_looked_up_only_where_they_matter() -> None:
    def lookup() -> list[Grant]:
        raise AssertionError("asked for grants without need")

    for name, fact in DATASETS.items():
        for who in PEOPLE.values():
            asks = name == "conditional" and who.user_id and not decide(who, fact, NOW).content
            if not asks:
                decide(who, fact, NOW, lookup)
    decide(ANONYMOUS, DATASETS["conditional"], NOW, lookup)


_duties = st.sampled_from(["reviewer", "handler", "authority", "auditor"])
_people = st.builds(
    Person,
    user_id=st.one_of(st.none(), st.sampled_from(["a", "creator"])),
    memberships=st.dictionaries(st.just(THEIRS), st.sampled_from(["admin", "editor", "member"])),
    duties=st.frozensets(st.tuples(st.just(THEIRS), _duties)),
    area=st.frozensets(st.just(THEIRS)),
)
_facts = st.builds(
    DatasetFacts,
    package_id=st.just("p"),
    owner_org=st.just(OURS),
    governed=st.booleans(),
    state=st.sampled_from(["active", "draft", "deleted", "pending", ""]),
    has_release=st.booleans(),
    open_class=st.one_of(st.none(), st.sampled_from(list(OpenClass))),
    suspended=st.booleans(),
    creator_user_id=st.one_of(st.none(), st.just("creator")),
)


@given(_people, _facts)
def test_outside_without_a_grant(who: Person, fact: DatasetFacts) -> None:
    """No grant: no conditional content; never the working copy; nothing that is not released."""
    answer = decide(who, fact, NOW)
    assert answer.sight is not Sight.WORKING
    if answer.content:
        assert fact.open_class is OpenClass.UNCONDITIONAL
    if answer.visible:
        assert fact.governed and fact.has_release and fact.state == "active"
        assert not fact.suspended
        assert fact.open_class in (OpenClass.UNCONDITIONAL, OpenClass.CONDITIONAL)
    if answer.content:
        assert answer.visible


@given(_people, _facts, st.sampled_from(["has_release", "suspended", "open_class", "state"]))
def test_taking_away_never_gives(who: Person, fact: DatasetFacts, what: str) -> None:
    before = decide(who, fact, NOW)
    stricter = {
        "has_release": replace(fact, has_release=False),
        "suspended": replace(fact, suspended=True),
        "open_class": replace(fact, open_class=OpenClass.NON_OPEN),
        "state": replace(fact, state="draft"),
    }[what]
    after = decide(who, stricter, NOW)
    assert after.sight <= before.sight and after.content <= before.content


# The same in the database

KINDS = ("open", "conditional", "non_open", "never", "draft", "suspended", "deleted", "harvest")


class Made:
    """One dataset of every kind, and one person of every kind, in the database."""

    def __init__(self, portal: Portal) -> None:
        ours, theirs = portal.department(), portal.department()
        basis = [{"instrument": "数据安全法", "article": "21", "kind": "law"}]
        closed = {"class_reason": "x", "legal_basis": basis}
        self.ids = {
            "open": portal.released(ours)["id"],
            "conditional": portal.released(
                ours, open_class="conditional", open_condition="x", **closed
            )["id"],
            "non_open": portal.released(ours, open_class="non_open", **closed)["id"],
            "never": portal.dataset(ours)["id"],
            "draft": portal.dataset(ours, state="draft")["id"],
            "suspended": portal.released(ours)["id"],
            "deleted": portal.released(ours)["id"],
            "harvest": portal.call(
                "harvest_source_create",
                ours.editor,
                name=f"source-{ours.name}",
                title="x",
                url=f"https://example.com/{ours.name}.csv",
                source_type="govopen_spreadsheet",
                owner_org=ours.id,
                config='{"defaults": {"acquired": "collected"}}',
            )["id"],
        }
        portal.call("govopen_dataset_suspend", ours.editor, id=self.ids["suspended"], reason="x")
        portal.call("package_delete", ours.editor, id=self.ids["deleted"])
        authority, auditor = User.make(), User.make()
        portal.duty(authority, AUTHORITY, "authority")
        portal.duty(auditor, AUTHORITY, "auditor")
        city, town = portal.organization(), portal.organization()
        of_city, of_town = User.make(), User.make()
        for place, above, officer in ((ours, city, of_city), (theirs, town, of_town)):
            portal.place(place.name, above["name"])
            portal.duty(officer, above["name"], "authority")
        self.people: dict[str, User | None] = {
            "anonymous": None,
            "citizen": User.make(),
            "other editor": theirs.editor,
            "other reviewer": theirs.reviewer,
            "authority of its level": of_city,
            "authority of another area": of_town,
            "auditor": auditor,
            "member": ours.member,
            "editor": ours.editor,
            "reviewer": ours.reviewer,
            "authority": authority,
            "operator": portal.operator,
        }

    def person(self, name: str) -> Person:
        user = self.people[name]
        return person({"user": user.name if user else ""})


@pytest.fixture(scope="module")
def kept() -> dict[str, Made]:
    return {}


@pytest.fixture
def made(portal: Portal, kept: dict[str, Made]) -> Made:
    if "made" not in kept or model.Package.get(kept["made"].ids["open"]) is None:
        kept["made"] = Made(portal)
    return kept["made"]


def test_labels_say_what_the_policy_says(made: Made) -> None:
    """For every person and dataset: a common label exactly where the policy shows something."""
    known = facts.facts(made.ids.values())
    for kind, who in itertools.product(KINDS, made.people):
        package = model.Package.get(made.ids[kind])
        assert package is not None
        asking = made.person(who)
        common = set(labels.dataset_labels(package)) & set(labels.person_labels(asking))
        answer = decide(asking, known[made.ids[kind]], NOW)
        assert bool(common) == answer.visible, (kind, who, common, answer)


def test_the_index_carries_the_same_labels(made: Made) -> None:
    known = facts.facts(made.ids.values())
    for kind in KINDS:
        package = model.Package.get(made.ids[kind])
        assert package is not None
        fact = known[made.ids[kind]]
        hidden = decide(ANONYMOUS, fact, NOW).sight is Sight.NOTHING
        assert set(document.labels_of(fact, hidden)) == set(labels.dataset_labels(package)), kind


def test_sql_says_what_the_policy_says(made: Made) -> None:
    """``public()`` and ``private`` pick exactly the datasets that the policy shows to anybody."""
    table = releases.ReleaseRow.__table__
    listed = set(
        model.Session.execute(
            releases.public(table.c.package_id).where(table.c.package_id.in_(made.ids.values()))
        ).scalars()
    )
    package = model.package_table
    rows = model.Session.execute(
        sa.select(package.c.id, package.c.private, package.c.state, package.c.type).where(
            package.c.id.in_(made.ids.values())
        )
    )
    public = {
        row.id
        for row in rows
        if not row.private and row.state == "active" and row.type != "harvest"
    }
    known = facts.facts(made.ids.values())
    shown = {key for key in made.ids.values() if decide(ANONYMOUS, known[key], NOW).visible}
    assert listed == public == shown == {made.ids["open"], made.ids["conditional"]}


def test_facts_read_the_class_in_force(made: Made) -> None:
    known = facts.facts(made.ids.values())
    assert known[made.ids["conditional"]].open_class is OpenClass.CONDITIONAL
    assert known[made.ids["non_open"]].open_class is OpenClass.NON_OPEN
    assert known[made.ids["never"]].open_class is None
    assert known[made.ids["harvest"]].governed is False
    assert known[made.ids["suspended"]].suspended is True
    assert facts.facts(["nothing"]) == {}


def test_a_person_is_read_from_the_context_alone(made: Made) -> None:
    editor = made.people["editor"]
    assert editor is not None
    assert person({"user": editor.name}).memberships
    assert person({"user": editor.name, "ignore_auth": True}) is INTERNAL
    assert person({"user": "nobody-of-this-name"}) is ANONYMOUS
    assert person({}) is ANONYMOUS
    user = model.User.get(editor.name)
    assert user is not None
    user.state = "deleted"
    try:
        assert person({"user": editor.name}) is ANONYMOUS
    finally:
        model.Session.rollback()
