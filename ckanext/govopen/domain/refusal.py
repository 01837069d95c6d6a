"""How a rule says no.

Messages are English msgids with ``%(name)s`` places; the values stand in ``params``, so that the
floors above can translate a message without knowing the rule that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NO_PARAMS: Mapping[str, Any] = MappingProxyType({})


def N_(message: str) -> str:
    """Mark a message for translation without translating it here."""
    return message


class Word(str):
    """A value of a message that is itself a msgid: translated together with the message."""


def fill(
    message: str, params: Mapping[str, Any], translate: Callable[[str], str] | None = None
) -> str:
    """The message in a reader's language, with its places filled.

    ``translate`` maps a msgid to its translation; without it the English text is used.
    """
    if translate is None:
        return message % params if params else message
    values = {
        name: translate(value) if isinstance(value, Word) else value
        for name, value in params.items()
    }
    text = translate(message)
    return text % values if values else text


@dataclass(frozen=True)
class Refusal:
    """One reason why a command was not carried out.

    ``rule`` is the short name of the behaviour (for example ``REV-2``), ``article`` the article
    of the active profile that demands it, None where the rule is the portal's own.
    """

    rule: str
    article: str | None
    message: str
    params: Mapping[str, Any] = field(default_factory=lambda: NO_PARAMS)

    def text(self, translate: Callable[[str], str] | None = None) -> str:
        """The message with its places filled, translated when ``translate`` is given."""
        return fill(self.message, self.params, translate)

    def as_dict(self, translate: Callable[[str], str] | None = None) -> dict[str, str | None]:
        """``{"rule", "article", "message"}`` as the API answers it."""
        return {"rule": self.rule, "article": self.article, "message": self.text(translate)}


class Refused(Exception):
    """A command that the rules do not allow; holds at least one :class:`Refusal`."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals: tuple[Refusal, ...] = tuple(refusals)
        if not self.refusals:
            raise ValueError("Refused needs at least one refusal.")
        super().__init__("; ".join(refusal.text() for refusal in self.refusals))


def refuse(rule: str, article: str | None, message: str, **params: Any) -> Refused:
    """A :class:`Refused` with one refusal, to be raised by the caller."""
    return Refused([Refusal(rule, article, message, params)])


@dataclass(frozen=True)
class Answer:
    """Yes, or no with the reason; true in a condition only when allowed.

    ``code`` is a stable short name of the reason, ``message`` a msgid.
    """

    allowed: bool
    code: str
    message: str = ""
    article: str | None = None
    params: Mapping[str, Any] = field(default_factory=lambda: NO_PARAMS)

    def __bool__(self) -> bool:
        return self.allowed

    def text(self, translate: Callable[[str], str] | None = None) -> str:
        """The message with its places filled, translated when ``translate`` is given."""
        return fill(self.message, self.params, translate)


ALLOWED = Answer(True, "allowed")
