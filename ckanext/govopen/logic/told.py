"""A message that remembers what it was made of, so that it can be said in another language later.

A consumer of the queue has a language of its own; what it stores with a run is read by people who
have another one. :func:`told` stands in the place of the ordinary translation: what it gives is a
text like any other, and :func:`stored` gets the message and its values back out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.domain.refusal import fill


class Told(str):
    """A text in the language of whoever made it, with the message and the values behind it."""

    message: str
    params: dict[str, Any]

    def __new__(cls, text: str, message: str, params: Mapping[str, Any] | None = None) -> Told:
        made = super().__new__(cls, text)
        made.message, made.params = message, dict(params or {})
        return made

    def __mod__(self, params: Any) -> str:
        if not isinstance(params, Mapping):
            return super().__mod__(params)
        return Told(super().__mod__(params), self.message, params)

    def __str__(self) -> str:
        # An exception made of it gives it back as it is.
        return self


def told(message: str) -> str:
    """The message in the language of the moment, in the place of ``toolkit._``."""
    return Told(toolkit._(message), message)


def stored(text: str | None) -> dict[str, Any] | None:
    """A message as it is kept: ``{"message", "params"}``, whose values may be messages, too."""
    if text is None:
        return None
    if not isinstance(text, Told):
        return {"message": "%(text)s", "params": {"text": text}}
    return {
        "message": text.message,
        "params": {
            name: stored(value)
            if isinstance(value, Told)
            else value
            if isinstance(value, (int, float))
            else str(value)
            for name, value in text.params.items()
        },
    }


def said(kept: Mapping[str, Any] | None) -> str | None:
    """A kept message in the reader's language."""
    if not kept:
        return None
    params = {
        name: said(value) if isinstance(value, Mapping) else value
        for name, value in (kept.get("params") or {}).items()
    }
    return fill(str(kept["message"]), params, _of_catalogue)


def _of_catalogue(message: str) -> str:
    # What is no message of ours stands for itself.
    return message if message == "%(text)s" else toolkit._(message)
