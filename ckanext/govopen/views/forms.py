"""What the pages with forms share: who must be signed in, and how a refusal reaches the reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, cast

from ckan.config.middleware.flask_app import csrf
from ckan.plugins import toolkit
from flask import current_app, g

from ckanext.govopen.views import asked

View = Callable[..., Any]
#: What stands in the way of a command: ``rule``, ``article``, ``message`` and ``field``, each a
#: text that may be empty.
Reason = dict[str, str]


def signed_in(view: View) -> View:
    """The page needs an account: others are sent to the login page and come back afterwards.

    What a person may see on it is the actions' business. A form is taken from a session only with
    its token: CKAN's own check leaves a view out for good once somebody without a session (or with
    an API token) has asked for it.
    """

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not toolkit.current_user.is_authenticated:
            back = toolkit.request.full_path.rstrip("?")
            return toolkit.redirect_to("user.login", came_from=back)
        if current_app.config.get("WTF_CSRF_ENABLED") and not g.get("login_via_auth_header"):
            csrf.protect()
        return view(*args, **kwargs)

    return wrapped


def said(message: str) -> list[Reason]:
    """One thing to say, without a rule."""
    return [{"rule": "", "article": "", "message": message, "field": ""}]


def named(errors: list[Reason], labels: Mapping[str, str]) -> list[Reason]:
    """The errors for the top of a form: away from its field each has to name it."""
    return [
        {**one, "message": labels[one["field"]] + toolkit._(": ") + one["message"]}
        if one["field"] in labels and not one["message"].startswith(labels[one["field"]])
        else one
        for one in errors
    ]


def reasons(
    error: toolkit.ValidationError, labels: Mapping[str, str] | None = None
) -> list[Reason]:
    """Why a command was not carried out.

    A refusal names its rule and article; an error of a field names the field by its label.
    """
    labels = labels or {}
    found: list[Reason] = []
    for key, value in (error.error_dict or {}).items():
        for one in value if isinstance(value, list) else [value]:
            if key == "refusal" and isinstance(one, dict):
                found.append(
                    {
                        "rule": str(one.get("rule") or ""),
                        "article": str(one.get("article") or ""),
                        "message": str(one.get("message", "")),
                        "field": str(one.get("field") or ""),
                    }
                )
            elif isinstance(one, dict):
                for name, text in one.items():
                    label = labels.get(f"{key}.{name}") or labels.get(key) or name
                    found += _field(key, label, _join(text))
            elif key in ("message", "__junk", "__before"):
                found += said(str(one))
            else:
                found += _field(key, labels.get(key, key), str(one))
    return found or said(toolkit._("The request was not accepted."))


def carry_out(
    action: str, data: dict[str, Any], labels: Mapping[str, str] | None = None
) -> list[Reason] | None:
    """Gives a command in the name of the reader; what stands in the way, or None.

    What it is about and he may not see is answered as what does not exist.
    """
    try:
        toolkit.get_action(action)(cast(Any, asked.context()), data)
    except toolkit.ValidationError as error:
        return reasons(error, labels)
    except toolkit.ObjectNotFound:
        return toolkit.abort(404)
    except toolkit.NotAuthorized as error:
        text = getattr(error, "message", "") or str(error)
        return said(text or toolkit._("This needs a right that you do not have."))
    return None


def typed(*names: str) -> dict[str, Any]:
    """The filled-in texts of a form, by their names."""
    form = toolkit.request.form
    return {name: form[name].strip() for name in names if form.get(name, "").strip()}


def number_of_page() -> int:
    """The page that the address asks for; anything but a sensible number is the first."""
    asked = toolkit.request.args.get("page", "1")
    return min(max(1, int(asked)), 10_000) if asked.isascii() and asked.isdigit() else 1


def _field(name: str, label: str, text: str) -> list[Reason]:
    return [{"rule": "", "article": "", "message": label + toolkit._(": ") + text, "field": name}]


def _join(text: Any) -> str:
    return "; ".join(map(str, text)) if isinstance(text, list) else str(text)
