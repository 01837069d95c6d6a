"""What every command shares: the clock, the actor, refusals, the end of a transaction."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access.means import Means, means
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.refusal import Refused
from ckanext.govopen.logic import deliver

Action = Callable[[Any, "dict[str, Any]"], Any]

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
    name, user = context.get("user"), context.get("auth_user_obj")
    if user is None or getattr(user, "name", None) != name:
        user = model.User.get(name) if name else None
    return user.id if user is not None else None


def decision(
    *, by_token: bool = True, unless: Callable[[Any, dict[str, Any]], bool] | None = None
) -> Callable[[Action], Action]:
    """Marks an action as a decision: it takes the person himself, not a script of his.

    He is signed in, or uses a token that was made for deciding; the command line and jobs are the
    portal's own. Asked before anything else of the action runs.

    :param by_token: False for what no token may do at all, such as a signature
    :param unless: of context and parameters: this call is none (it only withdraws one's own)
    """

    def mark(action: Action) -> Action:
        @functools.wraps(action)
        def decided(context: Any, data_dict: dict[str, Any]) -> Any:
            if unless is None or not unless(context, data_dict):
                _in_person(context, by_token)
            return action(context, data_dict)

        decided.decision = True  # type: ignore[attr-defined]
        decided.by_token = by_token  # type: ignore[attr-defined]
        decided.sometimes = unless is not None  # type: ignore[attr-defined]
        return decided

    return mark


def _in_person(context: Any, by_token: bool) -> None:
    """:raises NotAuthorized: naming what is needed"""
    how = means(context)
    if how in (Means.TRUSTED, Means.SESSION) or (by_token and how is Means.DECIDING_TOKEN):
        return
    if how is Means.FOREIGN_PAGE:
        message = toolkit._(
            "This request does not come from a page of this portal. "
            "Decide there, or use an API token made for decisions."
        )
    elif by_token:
        message = toolkit._(
            "This is a decision: sign in and decide on the portal, "
            "or use an API token made for decisions."
        )
    else:
        message = toolkit._("This takes the person: sign in on the portal. No API token will do.")
    raise toolkit.NotAuthorized(message)


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
    deliver.due_now(now(), later=False)


def delivered(context: Any) -> None:
    """After a CKAN action that has committed by itself: delivers what its hooks noted."""
    if context.pop(NOTED, None) and not context.get("defer_commit"):
        deliver.due_now(now(), later=False)
