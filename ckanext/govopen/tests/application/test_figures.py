"""Public figures from real cases: as they stood at a moment, whatever has happened since."""

from __future__ import annotations

import datetime

from ckan import model

from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.logic import command
from ckanext.govopen.model import figures
from ckanext.govopen.tests.application.world import World


def test_what_is_decided_later_changes_no_figure_of_before(world: World) -> None:
    portal, place = world.portal, world.department
    before = command.now()
    case = world.accepted()
    accepted = command.now()
    world.portal.call(
        "govopen_application_decide",
        world.handler.deciding,
        **world.opinion(case, False, basis=[
            {"instrument": "数据安全法", "article": "21", "kind": "law"}
        ]),
    )  # fmt: skip
    package = world.dataset()
    given = portal.call(
        "govopen_grant_give", world.handler.deciding, package_id=package["id"],
        persons=[world.stranger.name], purpose="研究", valid_to="2099-12-31",
    )  # fmt: skip
    granted = command.now()
    world.portal.call(
        "govopen_grant_revoke", world.handler.deciding, id=given["id"], reason="不再需要"
    )
    model.Session.rollback()

    def outcomes(moment: datetime.datetime) -> list[str]:
        found = figures.cases(model.Session, None, None, lambda _month: moment)
        assert {one.month for one in found} <= {local_date(command.now()).strftime("%Y-%m")} | {
            one.month for one in found if one.department != place.id
        }
        return sorted(one.outcome for one in found if one.department == place.id)

    now, then = outcomes(command.now()), outcomes(accepted)
    assert len(now) == len(then) == len(outcomes(before)) + 1
    assert now.count("refused") == then.count("refused") + 1
    assert then.count("open") == now.count("open") + 1

    def alive(moment: datetime.datetime) -> int:
        return figures.grants(model.Session, moment).get(place.id, 0)

    assert alive(granted) == alive(accepted) + 1
    assert alive(command.now()) == alive(accepted), "revoked since"
    assert alive(granted) == alive(accepted) + 1, "and yet it was alive then"


def test_a_dataset_that_is_taken_away_changes_no_figure(world: World) -> None:
    """Else the figures before and after would tell how many cases it had, and how they ended."""
    portal, place = world.portal, world.department
    case = world.accepted()
    package = case["parts"][0]["datasets"][0]["id"]
    portal.call(
        "govopen_grant_give", world.handler.deciding, package_id=package,
        persons=[world.stranger.name], purpose="研究", valid_to="2099-12-31",
    )  # fmt: skip
    now = command.now()

    def told() -> tuple[int, int]:
        model.Session.rollback()
        found = figures.cases(model.Session, None, None, lambda _month: now)
        alive = figures.grants(model.Session, now).get(place.id, 0)
        return sum(one.department == place.id for one in found), alive

    before = told()
    assert min(before) > 0
    portal.call("govopen_dataset_suspend", place.editor, id=package, reason="核查")
    assert portal.ask("package_show", {"id": package}).status_code == 404
    assert told() == before
    portal.call("dataset_purge", portal.operator, id=package)
    assert told() == before, "of a purge the operator decides, not what was published"
