"""The process is killed at each point of a decision: the case is whole or as it was before.

The request runs in a forked child with a connection of its own, and the child kills itself: no
handler runs, nothing is rolled back by it. What is left to happen after the commit happens later.
"""

from __future__ import annotations

import os
import signal
from typing import Any, cast

import pytest
from ckan import model
from ckan.common import config
from sqlalchemy import Engine, event

from ckanext.govopen.logic import command, deliver, post
from ckanext.govopen.model import ledger
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.letter import LetterRow
from ckanext.govopen.model.outbox import OutboxRow
from ckanext.govopen.tests.application.world import World, later
from ckanext.govopen.tests.portal import User

WRITES = ("INSERT", "UPDATE", "DELETE")


def killed(world: World, case: dict[str, Any], user: User, point: int) -> bool:
    """The decision in a child that dies before its write (or commit) number ``point``; False when
    there is no such point and the request came to its end."""
    model.Session.remove()
    child = os.fork()
    if child == 0:
        try:
            _decide_and_die(world, case, user, point)
        finally:
            os._exit(0)
    _child, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _decide_and_die(world: World, case: dict[str, Any], user: User, point: int) -> None:
    engine = cast(Engine, model.Session.get_bind())
    model.Session.remove()
    engine.dispose(close=False)
    passed = 0

    def one_more(*_: Any) -> None:
        nonlocal passed
        passed += 1
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if text.lstrip().upper().startswith(WRITES):
            one_more()

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", one_more)
    world.portal.ask("govopen_application_decide", world.opinion(case), user)


def left(case: dict[str, Any]) -> tuple[list[str], int, int, list[str]]:
    """What is in the database about a case: events, letters, grants, and mails to be sent."""
    model.Session.remove()
    session = model.Session
    mails = [
        row.payload["template"] for row in session.query(OutboxRow).filter_by(kind="mail")
        if row.payload["case"] == case["number"]
    ]  # fmt: skip
    return (
        [one.type for one in ledger.read(session, f"application/{case['id']}")],
        session.query(LetterRow).filter_by(application_id=case["id"]).count(),
        session.query(GrantRow).filter_by(application=case["id"]).count(),
        sorted(mails),
    )


def test_killed_at_any_point_nothing_is_lost_and_nothing_happens_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.application.agreement", "false")
    case = world.accepted()
    decider = world.handler.deciding
    before = left(case)
    point = 1
    while killed(world, case, decider, point):
        now = left(case)
        if now != before:
            break
        seen = world.show(case, world.handler)
        assert seen["parts"][0]["status"] == "accepted" and not seen["letters"]
        point += 1
    else:
        pytest.fail("The request ended before a point after its commit was met.")
    assert point > 8, "events, letter, grant, tables and mails are written one after the other"

    # The first point at which something is there: all of it is, though the child was killed.
    events, letters, grants, mails = now
    assert events[len(before[0]) :] == [
        "application.decided", "application.approved", "application.granted",
        "application.letter_issued",
    ]  # fmt: skip
    assert (letters, grants) == (1, 1)
    new = list(mails)
    for one in before[3]:
        new.remove(one)
    assert new and all(name == "application-granted" for name in new)
    seen = world.show(case, world.applicant)
    assert (seen["status"], seen["parts"][0]["status"]) == ("closed", "granted")
    (grant,) = seen["parts"][0]["grants"]
    assert world.portal.call("govopen_grant_show", world.applicant, id=grant)["works"]

    # Whoever saw no answer tries once more: it is not done again.
    answer = world.portal.ask("govopen_application_decide", world.opinion(case), decider)
    assert answer.status_code == 409
    assert left(case) == now

    sent: list[str] = []

    def mail(user: Any, subject: str, body: str, **more: Any) -> None:
        if case["number"] in subject:
            sent.append(user.name)

    monkeypatch.setattr(post.mailer, "mail_user", mail)
    for _round in range(2):
        later(monkeypatch, hours=1)
        deliver.due_now(command.now())
    assert sent.count(world.applicant.name) == 1, "one mail about the case, and only one"
    assert left(case)[3] == []
