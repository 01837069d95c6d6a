"""The words that profiles and rules share: classes, ways of acquisition, texts, provisions."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from typing import Literal

#: The time zone of all Chinese law; without summer time since 1991, so a fixed offset is exact.
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8), "Asia/Shanghai")


class OpenClass(str, enum.Enum):
    """The three canonical opening classes (开放属性), from the widest to the strictest."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NON_OPEN = "non_open"

    @classmethod
    def of(cls, value: object) -> OpenClass | None:
        """The class of that canonical name, or None."""
        try:
            return cls(value)
        except ValueError:
            return None


class ShareClass(str, enum.Enum):
    """The canonical classes of sharing between departments; a field of its own."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NONE = "none"


class Way(str, enum.Enum):
    """How the department came by its data."""

    COLLECTED = "collected"
    SHARED = "shared"
    NEGOTIATED = "negotiated"
    PURCHASED = "purchased"


Origin = Literal["article", "derived", "default", "local"]
Unit = Literal["wd", "nd", "year"]


@dataclass(frozen=True)
class Text:
    """The same words in Simplified Chinese, Traditional Chinese and English."""

    zh_Hans: str
    zh_Hant: str
    en: str

    def get(self, locale: str | None = None) -> str:
        """For a locale such as ``zh_Hant_TW``; Simplified Chinese for one that is not known."""
        wanted = (locale or "").replace("-", "_")
        if wanted.startswith(("zh_Hant", "zh_TW", "zh_HK", "zh_MO")):
            return self.zh_Hant
        return self.en if wanted.startswith("en") else self.zh_Hans

    def values(self) -> tuple[str, str, str]:
        """All three."""
        return (self.zh_Hans, self.zh_Hant, self.en)


@dataclass(frozen=True)
class Provision:
    """A rule whose enforcement needs no numbers: what it demands, and where it stands."""

    id: str
    article: str | None
    text: Text
    origin: Origin = "article"
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Named:
    """A value with a name in three languages."""

    id: str
    names: Text
    article: str | None = None
    origin: Origin = "article"
    by_reference: bool = False
