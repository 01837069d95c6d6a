"""The tables of applications are made from the ledger again."""

from __future__ import annotations

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.logic import application_round, command
from ckanext.govopen.model import projections
from ckanext.govopen.model.application import ApplicationDatasetRow, ApplicationRow, PartRow
from ckanext.govopen.tests.application.world import World


def differences(*cases: str) -> set[tuple[str, str, str | None]]:
    """What differs in the rows of these cases."""
    return {
        (one.table, one.kind, one.field)
        for one in projections.check(model.Session)
        if any(case in one.key for case in cases) and one.table.startswith("application")
    }


def test_every_state_of_a_case_is_told_by_the_ledger(world: World) -> None:
    portal = world.portal
    draft = world.draft(world.dataset())
    returned = world.submitted(world.dataset())
    portal.call(
        "govopen_application_return",
        world.handler.deciding,
        id=returned["id"],
        remarks={"purpose": "请写明用途"},
    )
    accepted = world.accepted(world.dataset())
    assigned = world.accepted(world.dataset())
    portal.call(
        "govopen_application_assign",
        world.handler.deciding,
        id=assigned["id"],
        handler=world.colleague.name,
    )
    refused = world.accepted(world.dataset())
    portal.call(
        "govopen_application_decide",
        world.handler.deciding,
        **world.opinion(refused, False, basis=[{"instrument": "数据安全法", "article": "21"}]),
    )
    withdrawn = world.submitted(world.dataset())
    portal.call("govopen_application_withdraw", world.applicant, id=withdrawn["id"])
    two = world.submitted(world.dataset(), world.dataset(world.other))
    cases = (draft, returned, accepted, assigned, refused, withdrawn, two)
    assert differences(*(case["id"] for case in cases)) == set()


def test_what_was_changed_or_lost_comes_back_and_nothing_else_goes(world: World) -> None:
    package = world.dataset()
    draft, case, lost = world.draft(package), world.accepted(package), world.accepted()
    names = (draft["id"], case["id"], lost["id"])
    part, dataset = PartRow.__table__, ApplicationDatasetRow.__table__
    whole = model.Session.execute(sa.select(part).where(part.c.application_id == lost["id"])).one()
    model.Session.execute(
        sa.update(part)
        .where(part.c.application_id == case["id"])
        .values(status="granted", accepted_at=None)
    )
    model.Session.execute(
        sa.update(ApplicationRow).where(ApplicationRow.id == case["id"]).values(status="closed")
    )
    model.Session.execute(sa.delete(part).where(part.c.application_id == lost["id"]))
    model.Session.execute(sa.delete(dataset).where(dataset.c.application_id == lost["id"]))
    model.Session.execute(
        sa.insert(dataset).values(
            application_id=case["id"],
            organization_id=world.department.id,
            package_id=world.dataset(world.other)["id"],
        )
    )
    model.repo.commit()
    assert differences(*names) == {
        ("applications", "changed", "status"),
        ("application parts", "changed", "status"),
        ("application parts", "changed", "accepted_at"),
        ("application parts", "missing", None),
        ("application datasets", "missing", None),
        ("application datasets", "too_much", None),
    }
    projections.rebuild(model.Session)
    model.repo.commit()
    assert differences(*names) == set()
    assert model.Session.get(ApplicationRow, draft["id"]) is not None
    # Whose turn it is and which clock ends next is not in the ledger: the daily round brings it up.
    application_round.run(command.now())
    again = model.Session.execute(sa.select(part).where(part.c.application_id == lost["id"])).one()
    assert again == whole
