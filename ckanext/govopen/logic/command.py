"""What every command shares: the clock, the actor, refusals, the end of a transaction."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.logic import deliver

#: In a context: the call has left something in the outbox.
NOTED = "govopen_noted"


def now() -> datetime.datetime:
    """The only clock of the actions: aware, in UTC. Tests put another function in its place."""
    return datetime.datetime.now(datetime.timezone.utc)


def actor(context: Any) -> str | None:
    """Id of the account that gives the command; None for the portal itself."""
    who = person(context)
    if who.user_id:
        return who.user_id
    name = context.get("user")
    user = model.User.get(name) if name else None
    return user.id if user is not None else None


@contextmanager
def refusals() -> Iterator[None]:
    """Turns a refusal of the rules into CKAN's ``ValidationError``; nothing is half-written."""
    try:
        yield
    except Refused as refused:
        model.Session.rollback()
        raise validation_error(refused) from None


def validation_error(refused: Refused) -> toolkit.ValidationError:
    """``{"refusal": [{"rule", "article", "message"}]}`` in the reader's language."""
    rows: list[Any] = []
    for refusal in refused.refusals:
        row: dict[str, Any] = dict(refusal.as_dict(toolkit._))
        if "field" in refusal.params:
            row["field"] = refusal.params["field"]
        rows.append(row)
    summary = {str(row["rule"]): str(row["message"]) for row in rows}
    return toolkit.ValidationError({"refusal": rows}, error_summary=summary)


def finish(context: Any) -> None:
    """Commits and delivers what the command left in the outbox.

    With ``defer_commit`` the caller commits; the rows then wait for him or for the scheduler. A
    delivery that fails does not undo the decision: its row stays and is tried again.
    """
    if context.get("defer_commit"):
        model.Session.flush()
        return
    model.repo.commit()
    deliver.due_now(now())


def delivered(context: Any) -> None:
    """After a CKAN action that has committed by itself: delivers what its hooks noted."""
    if context.pop(NOTED, None) and not context.get("defer_commit"):
        deliver.due_now(now())


def required(data: dict[str, Any], *names: str) -> list[str]:
    """The texts of parameters that must not be empty.

    :raises ValidationError: naming each that is missing or not a text
    """
    errors: dict[str, Any] = {}
    values: list[str] = []
    for name in names:
        value = data.get(name)
        if not isinstance(value, str) or not value.strip():
            errors[name] = [toolkit._("Missing value")]
        elif len(value) > 100_000 or "\x00" in value:
            errors[name] = [
                toolkit._("This value is too long or holds characters that no text has.")
            ]
        else:
            values.append(value.strip())
    if errors:
        raise toolkit.ValidationError(errors)
    return values
