"""The process is killed at each point of a command: the case is whole or as it was before.

The request runs in a forked child with a connection of its own, and the child kills itself: no
handler runs, nothing is rolled back by it. What is left to happen after the commit happens later.
"""

from __future__ import annotations

import datetime
import faulthandler
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config
from ckanext.datastore.backend import postgres as datastore
from sqlalchemy import Engine, event
from werkzeug.test import TestResponse

from ckanext.govopen.logic import command, deliver, post
from ckanext.govopen.model import ledger
from ckanext.govopen.model.application import ApplicationRow
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.model.letter import LetterRow
from ckanext.govopen.model.outbox import OutboxRow
from ckanext.govopen.tests.agreement.world import by_session
from ckanext.govopen.tests.application.world import World, later
from ckanext.govopen.tests.portal import User

WRITES = ("INSERT", "UPDATE", "DELETE")
#: Seconds after which a child that has not ended writes where it stands, and ends.
HANGS = 500


def child_of(work: Callable[[Callable[[], None], Callable[[str], Any]], None]) -> tuple[bool, str]:
    """Runs ``work`` in a child: it gets a function that kills it, and one that tells the parent
    something at once. Was it killed, and what it has told."""
    model.Session.remove()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            # No timer of faulthandler: pytest's own has no thread here, and would be waited for.
            faulthandler.register(signal.SIGALRM, chain=True)
            signal.alarm(HANGS)
            os.close(reading)
            model.Session.remove()
            for engine in (cast(Engine, model.Session.get_bind()), *datastore._engines.values()):
                engine.dispose(close=False)  # these connections are the parent's
            work(
                lambda: os.kill(os.getpid(), signal.SIGKILL),
                lambda told: os.write(writing, told.encode()),
            )
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    _child, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True, told
    assert os.WEXITSTATUS(status) == 0
    return False, told


def killed(request: Callable[[], Any], point: int | None) -> tuple[bool, int]:
    """The request in a child that dies before its write (or commit) number ``point``; without one,
    before the commit of what it has written into the ledger. Was it killed, and at what point."""

    def work(die: Callable[[], None], tell: Callable[[str], Any]) -> None:
        noted = passed = 0

        def one_more(last: bool = False) -> None:
            nonlocal passed
            passed += 1
            tell(".")
            if passed == point or (point is None and last):
                die()

        def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
            nonlocal noted
            if text.lstrip().upper().startswith(WRITES):
                noted += "INTO govopen_event" in text
                one_more()

        engine = cast(Engine, model.Session.get_bind())
        event.listen(engine, "before_cursor_execute", statement)
        event.listen(engine, "commit", lambda _: one_more(bool(noted)))
        request()

    died, points = child_of(work)
    return died, len(points)


@dataclass
class Left:
    """What is in the database about a case."""

    status: str
    events: list[str]
    letters: int
    grants: int
    mails: Counter[str]


def left(case: dict[str, Any]) -> Left:
    model.Session.remove()
    session = model.Session
    table = ApplicationRow.__table__
    status = session.scalar(sa.select(table.c.status).where(table.c.id == case["id"]))
    return Left(
        status or "",
        [one.type for one in ledger.read(session, f"application/{case['id']}")],
        session.query(LetterRow).filter_by(application_id=case["id"]).count(),
        session.query(GrantRow).filter_by(application=case["id"]).count(),
        Counter(
            row.payload["template"] for row in session.query(OutboxRow).filter_by(kind="mail")
            if row.payload["case"] == case["number"]
        ),
    )  # fmt: skip


@dataclass
class Command:
    """What is asked of a case, and what it leads to."""

    case: dict[str, Any]
    request: Callable[[], TestResponse]
    events: tuple[str, ...]
    mails: set[str]
    letters: int = 0
    grants: int = 0
    status: str = "open"
    again: int = 409


def by_token(world: World, action: str, data: dict[str, Any], user: User) -> Any:
    return lambda: world.portal.ask(f"govopen_application_{action}", data, user)


def submit(world: World, _patch: pytest.MonkeyPatch) -> Command:
    case = world.draft(world.dataset())
    return Command(
        case,
        by_token(world, "submit", {"id": case["id"]}, world.applicant),
        ("application.submitted",),
        {"application-received", "application-to-accept"},
    )


def withdraw(world: World, _patch: pytest.MonkeyPatch) -> Command:
    case = world.submitted()
    return Command(
        case,
        by_token(world, "withdraw", {"id": case["id"]}, world.applicant),
        ("application.withdrawn",),
        {"application-withdrawn"},
        status="closed",
    )


def accept(world: World, _patch: pytest.MonkeyPatch) -> Command:
    case = world.submitted()
    world.checked(case)
    return Command(
        case,
        by_token(world, "accept", {"id": case["id"]}, world.handler.deciding),
        ("application.accepted",),
        {"application-accepted", "application-to-decide"},
    )


def decide(world: World, patch: pytest.MonkeyPatch) -> Command:
    patch.setitem(config, "ckanext.govopen.application.agreement", "false")
    case = world.accepted()
    return Command(
        case,
        by_token(world, "decide", world.opinion(case), world.handler.deciding),
        ("application.decided", "application.approved", "application.granted",
         "application.letter_issued"),
        {"application-granted"}, letters=1, grants=1, status="closed",
    )  # fmt: skip


def sign(world: World, _patch: pytest.MonkeyPatch) -> Command:
    case = world.accepted()
    world.portal.call("govopen_application_decide", world.handler.deciding, **world.opinion(case))
    keys = {"application": case["id"], "organization": case["parts"][0]["organization"]["id"]}
    read = world.portal.call("govopen_agreement_show", world.applicant, **keys)
    order = {
        **keys,
        **{key: read[key] for key in ("template", "template_version", "text_sha256")},
        "typed_name": "李四",
        "password": world.applicant.password,
    }
    client = world.portal.signed_in(world.applicant)
    return Command(
        case,
        lambda: by_session(client, "govopen_agreement_sign", order),
        ("agreement.signed", "application.granted"),
        {"application-granted"}, grants=1, status="closed", again=200,
    )  # fmt: skip


@pytest.mark.parametrize(
    "every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "every"]
)
@pytest.mark.parametrize("made", [submit, withdraw, accept, decide, sign])
def test_killed_at_a_point_nothing_is_lost_and_nothing_happens_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, made: Any, every: bool
) -> None:
    order: Command = made(world, monkeypatch)
    case = order.case
    before = left(case)
    died, commit = killed(order.request, None)
    assert died, "before the commit all is written and nothing is there"
    assert left(case) == before
    assert commit > 4, "the ledger, the tables and the mails are written one after the other"
    for point in range(1, commit) if every else (1, commit // 2, commit - 1):
        assert killed(order.request, point) == (True, point)
        assert left(case) == before, point

    # One more and it is all there, though the child was killed and nobody saw an answer.
    died, _point = killed(order.request, commit + 1)
    assert died, "what follows a commit is work of its own"
    now = left(case)
    assert now.events == [*before.events, *order.events]
    assert (now.letters, now.grants) == (before.letters + order.letters, order.grants)
    assert now.status == order.status
    assert set(now.mails - before.mails) == order.mails

    # Whoever saw no answer tries once more: it is not done again.
    answer = order.request()
    assert answer.status_code == order.again, answer.get_data(as_text=True)[:500]
    assert left(case) == now
    for grant in world.show(case, world.applicant)["parts"][0]["grants"]:
        assert world.portal.call("govopen_grant_show", world.applicant, id=grant)["works"]


def no_other_mail() -> None:
    """What tests before have left to be sent."""
    model.Session.query(OutboxRow).filter_by(kind="mail").delete()
    model.repo.commit()


def test_a_killed_mailer_repeats_at_most_one_mail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six people are told of a case of three facts each; the mailer is killed again and again."""
    people = [User.make() for _ in range(6)]
    no_other_mail()
    for template in ("application-received", "application-accepted", "application-granted"):
        post.put(template, [user.id for user in people], "K-1", command.now())
    model.repo.commit()
    later(monkeypatch, hours=1)
    sent: list[str] = []

    def mailer(die_at: int, after: bool) -> bool:
        """One round that dies at its mail of this number, before or after it is sent."""

        def work(die: Callable[[], None], tell: Callable[[str], Any]) -> None:
            count = 0

            def mail(user: Any, *_: Any, **__: Any) -> None:
                nonlocal count
                count += 1
                if count == die_at and not after:
                    die()
                tell(f"{user.name}\n")
                if count == die_at:
                    die()

            monkeypatch.setattr(post.mailer, "mail_user", mail)
            deliver.due_now(command.now())

        died, names = child_of(work)
        sent.extend(names.split())
        return died

    assert mailer(2, after=False)
    assert len(sent) == len(set(sent)) == 1, "killed before it was sent: it is sent later"
    assert mailer(3, after=True)
    assert mailer(1, after=True)
    assert not mailer(99, after=True)
    counted = Counter(sent)
    assert set(counted) == {user.name for user in people}, "nobody is left out"
    assert sum(counted.values()) == len(people) + 2, "one repeated by each kill, and no other"
    assert not mailer(1, after=False), "nothing is left"


@pytest.mark.long
def test_a_mailer_killed_at_each_point_loses_no_mail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the commit of a command and its mails: at each write and each commit on the way."""
    people = [User.make() for _ in range(3)]
    moment = command.now()
    monkeypatch.setattr(command, "now", lambda: moment)
    sent: list[str] = []

    def round_(point: int) -> bool:
        """One round that dies before its write or commit of this number. Did it?"""

        def work(die: Callable[[], None], tell: Callable[[str], Any]) -> None:
            passed = 0

            def one_more(*_: Any) -> None:
                nonlocal passed
                passed += 1
                if passed == point:
                    die()

            def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
                if text.lstrip().upper().startswith(WRITES):
                    one_more()

            engine = cast(Engine, model.Session.get_bind())
            event.listen(engine, "before_cursor_execute", statement)
            event.listen(engine, "commit", one_more)
            monkeypatch.setattr(post.mailer, "mail_user", lambda to, *_, **__: tell(f"{to.name}\n"))
            deliver.due_now(command.now())

        died, names = child_of(work)
        sent.extend(names.split())
        return died

    no_other_mail()
    points = 0
    while True:
        for template in ("application-received", "application-granted"):
            post.put(template, [user.id for user in people], f"K-{points}", moment)
        model.repo.commit()
        moment += datetime.timedelta(hours=1)
        sent.clear()
        died = round_(points + 1)
        assert not round_(10_000), "the next round goes to its end"
        assert set(sent) == {user.name for user in people}, points
        assert len(sent) <= len(people) + died, "repeated: at most the one that was being sent"
        assert model.Session.query(OutboxRow).filter_by(kind="mail").count() == 0
        if not died:
            break
        points += 1
    assert points >= 2 * len(people), "each mail has a write and a commit of its own"


def test_a_mail_server_that_is_away_does_not_hold_the_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [User.make() for _ in range(deliver.IN_A_ROW + 3)]
    no_other_mail()
    post.put("application-received", [user.id for user in people], "K-2", command.now())
    model.repo.commit()
    asked: list[str] = []

    def mail(user: Any, *_: Any, **__: Any) -> None:
        asked.append(user.name)
        raise OSError("no answer from mail.example.org for a@example.org")

    monkeypatch.setattr(post.mailer, "mail_user", mail)
    later(monkeypatch, hours=1)
    deliver.due_now(command.now())
    assert len(asked) == deliver.IN_A_ROW, "the others wait for the next round"
    mails = [
        row for row in model.Session.query(OutboxRow).filter_by(kind="mail")
        if row.payload["case"] == "K-2"
    ]  # fmt: skip
    assert len(mails) == len(people)
    assert {row.error for row in mails} == {"OSError", None}, "no address is kept with the error"
    deliver.due_now(command.now())
    assert set(asked) == {user.name for user in people}, "those who waited come first"
    for row in mails:
        model.Session.delete(model.Session.merge(row))
    model.repo.commit()
