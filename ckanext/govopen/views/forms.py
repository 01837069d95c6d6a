"""What the pages with forms share: who must be signed in, and how a refusal reaches the reader."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ckan.plugins import toolkit

View = Callable[..., Any]


def signed_in(view: View) -> View:
    """The page needs an account: others are sent to the login page and come back afterwards.

    What a person may see on it is the actions' business.
    """

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not toolkit.current_user.is_authenticated:
            back = toolkit.request.full_path.rstrip("?")
            return toolkit.redirect_to("user.login", came_from=back)
        return view(*args, **kwargs)

    return wrapped


def reasons(error: toolkit.ValidationError) -> list[dict[str, str]]:
    """Why a command was not carried out, as ``[{message, article}]``.

    A refusal names its rule and article; an error of a field names the field.
    """
    found: list[dict[str, str]] = []
    for key, value in (error.error_dict or {}).items():
        for one in value if isinstance(value, list) else [value]:
            if key == "refusal" and isinstance(one, dict):
                found.append(
                    {
                        "message": str(one.get("message", "")),
                        "article": str(one.get("article") or ""),
                    }
                )
            elif isinstance(one, dict):
                found.extend(
                    {"message": f"{name}: {_join(text)}", "article": ""}
                    for name, text in one.items()
                )
            elif key in ("message", "__junk", "__before"):
                found.append({"message": str(one), "article": ""})
            else:
                found.append({"message": f"{key}: {one}", "article": ""})
    return found or [{"message": toolkit._("The request was not accepted."), "article": ""}]


def number_of_page() -> int:
    """The page that the address asks for; anything but a sensible number is the first."""
    asked = toolkit.request.args.get("page", "1")
    return min(max(1, int(asked)), 10_000) if asked.isascii() and asked.isdigit() else 1


def _join(text: Any) -> str:
    return "; ".join(map(str, text)) if isinstance(text, list) else str(text)
