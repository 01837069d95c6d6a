"""What the commands share: in whose name they act, how they answer and how they fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.types import Context
from sqlalchemy.exc import ProgrammingError

from ckanext.govopen.access.means import COMMAND_LINE

#: PostgreSQL's code for a table that is not there.
UNDEFINED_TABLE = "42P01"


def site_context() -> Context:
    """A new context of the portal itself, for jobs that act for nobody."""
    user = tk.get_action("get_site_user")(Context(ignore_auth=True), {})
    return Context(user=user["name"], ignore_auth=True)


def operator_context() -> Context:
    """A new context of the operator: whoever has the command line is one, and is judged as one."""
    user = tk.get_action("get_site_user")(Context(ignore_auth=True), {})
    return Context(user=user["name"])


@contextmanager
def request() -> Iterator[None]:
    """A request of the application, as actions need it that make addresses of pages."""
    context = click.get_current_context(silent=True)
    app = context.meta.get("flask_app") if context is not None else None
    if app is None:
        yield
        return
    with app.test_request_context(environ_overrides={COMMAND_LINE: True}):
        yield


class Failed(Exception):
    """An action refused; the message is for people."""


def act(action: str, data: dict[str, Any] | None = None, context: Context | None = None) -> Any:
    """Runs an action, as the operator unless told; raises :class:`Failed` when it refuses."""
    try:
        with request():
            return tk.get_action(action)(context or operator_context(), data or {})
    except tk.ValidationError as error:
        message = "\n".join(lines(error.error_dict))
    except tk.ObjectNotFound as error:
        message = str(error) or "Not found."
    except tk.NotAuthorized as error:
        message = str(error) or "Not authorised."
    except ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) != UNDEFINED_TABLE:
            raise
        message = "The database lacks tables of the extension.\nRun: ckan db upgrade"
    # What a refused action wrote before it was refused must not go with the next commit.
    model.Session.rollback()
    raise Failed(message)


def call(action: str, data: dict[str, Any] | None = None) -> Any:
    """The same; ends the program with a message when the action refuses."""
    try:
        return act(action, data)
    except Failed as failed:
        fail(str(failed))


def lines(error_dict: Any) -> list[str]:
    """One line per problem: refusals with rule and article, others with their field."""
    result: list[str] = []
    for field, problems in dict(error_dict).items():
        if field == "__type":
            continue
        for problem in problems if isinstance(problems, list) else [problems]:
            if isinstance(problem, dict) and "message" in problem:
                article = f", article {problem['article']}" if problem.get("article") else ""
                result.append(f"{problem['message']} ({problem.get('rule')}{article})")
            else:
                result.append(f"{field}: {problem}")
    return result


def fail(message: str) -> NoReturn:
    """Says what went wrong and ends with exit code 1."""
    click.secho(message, fg="red", err=True)
    sys.exit(1)


def print_json(value: Any) -> None:
    """JSON for programs, readable for people."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str))


def name_of(someone: Any) -> str:
    """The name of a person or an organisation in an action's answer; ``-`` for nobody."""
    return someone["name"] if someone else "-"
