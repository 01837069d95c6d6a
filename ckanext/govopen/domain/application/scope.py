"""What is wanted and what is granted of a dataset, and what several approvals have in common."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ckanext.govopen.domain.grant import DELIVERIES, Delivery, Quota
from ckanext.govopen.domain.refusal import N_, Refusal

#: How much a mode of delivery hands over.
_REACH: Mapping[str, int] = {"on_platform": 0, "interface": 1, "download": 2}
RULE = "APP-3"


@dataclass(frozen=True)
class Wanted:
    """A dataset that is applied for; ``items`` None is all of it."""

    dataset: str
    delivery: tuple[Delivery, ...]
    items: tuple[str, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "dataset": self.dataset,
            "delivery": list(self.delivery),
            "items": list(self.items) if self.items is not None else None,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Wanted:
        """From what :meth:`as_dict` made."""
        items = value["items"]
        return cls(
            value["dataset"], tuple(value["delivery"]), None if items is None else tuple(items)
        )


@dataclass(frozen=True)
class Basis:
    """A legal basis: instrument, its article, and its kind as the profile names it."""

    instrument: str
    article: str = ""
    kind: str = ""

    def as_dict(self) -> dict[str, str]:
        """As JSON values."""
        return {"instrument": self.instrument, "article": self.article, "kind": self.kind}


@dataclass(frozen=True)
class Scope:
    """What a decider grants of one dataset. ``granted`` false: this dataset is refused, and
    ``reason`` says why. None is no narrowing; days are both included."""

    dataset: str
    granted: bool = True
    items: tuple[str, ...] | None = None
    delivery: tuple[Delivery, ...] | None = None
    valid_from: datetime.date | None = None
    valid_to: datetime.date | None = None
    quota: Quota = field(default_factory=Quota)
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "dataset": self.dataset,
            "granted": self.granted,
            "items": list(self.items) if self.items is not None else None,
            "delivery": list(self.delivery) if self.delivery is not None else None,
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "quota": {
                "downloads": self.quota.downloads,
                "rows_per_day": self.quota.rows_per_day,
                "requests_per_day": self.quota.requests_per_day,
            },
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Scope:
        """From what :meth:`as_dict` made."""
        return cls(
            dataset=value["dataset"],
            granted=value["granted"],
            items=None if value["items"] is None else tuple(value["items"]),
            delivery=None if value["delivery"] is None else tuple(value["delivery"]),
            valid_from=_day(value["valid_from"]),
            valid_to=_day(value["valid_to"]),
            quota=Quota(**value["quota"]),
            reason=value["reason"],
        )


def _day(value: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(value) if value else None


def as_wanted(wanted: Wanted, valid_from: datetime.date, valid_to: datetime.date) -> Scope:
    """Everything that was applied for."""
    delivery = wanted.delivery
    if wanted.items is not None:
        delivery = _without_files(delivery)
    return Scope(wanted.dataset, True, wanted.items, delivery, valid_from, valid_to)


def _without_files(delivery: Sequence[Delivery]) -> tuple[Delivery, ...]:
    """Some information items cannot be had as a whole file: rows come by interface instead."""
    rest: tuple[Delivery, ...] = tuple(mode for mode in delivery if mode != "download")
    return rest or ("interface",)


def narrowed(scope: Scope, whole: Scope) -> Scope:
    """A decider's scope with everything he did not narrow; ``whole`` is :func:`as_wanted`."""
    items = whole.items if scope.items is None else scope.items
    delivery = whole.delivery if scope.delivery is None else scope.delivery
    if items is not None and delivery is not None and scope.delivery is None:
        delivery = _without_files(delivery)
    return replace(
        scope,
        items=items,
        delivery=delivery,
        valid_from=scope.valid_from or whole.valid_from,
        valid_to=scope.valid_to or whole.valid_to,
        reason=scope.reason.strip(),
    )


def meet(first: Scope, second: Scope) -> Scope:
    """What two scopes of the same dataset have in common; not granted when nothing is left.

    Both are complete (:func:`narrowed`).
    """
    items = first.items if second.items is None else second.items
    if first.items is not None and second.items is not None:
        items = tuple(item for item in first.items if item in second.items)
    both = replace(
        first,
        granted=first.granted and second.granted,
        items=items,
        delivery=_common_modes(first.delivery or (), second.delivery or (), items is None),
        valid_from=max(filter(None, (first.valid_from, second.valid_from)), default=None),
        valid_to=min(filter(None, (first.valid_to, second.valid_to)), default=None),
        quota=Quota(
            _least(first.quota.downloads, second.quota.downloads),
            _least(first.quota.rows_per_day, second.quota.rows_per_day),
            _least(first.quota.requests_per_day, second.quota.requests_per_day),
        ),
        reason="\n".join(dict.fromkeys(filter(None, (first.reason, second.reason)))),
    )
    return both if not is_empty(both) else replace(both, granted=False)


def _common_modes(
    first: Sequence[Delivery], second: Sequence[Delivery], files: bool
) -> tuple[Delivery, ...]:
    """The modes that both allow; where they share none, the weaker one. ``files``: whole files
    may be had."""
    allowed: tuple[Delivery, ...] = tuple(m for m in DELIVERIES if files or m != "download")
    shared: tuple[Delivery, ...] = tuple(m for m in allowed if m in first and m in second)
    if shared or not first or not second:
        return shared
    weaker = min(max(_REACH[m] for m in first), max(_REACH[m] for m in second))
    either = {*first, *second}
    rest: tuple[Delivery, ...] = tuple(m for m in allowed if _REACH[m] <= weaker and m in either)
    return rest or (() if files else ("interface",))


def _least(first: int | None, second: int | None) -> int | None:
    return min((n for n in (first, second) if n is not None), default=None)


def is_empty(scope: Scope) -> bool:
    """Would a grant of it give nothing?"""
    backwards = (
        scope.valid_from is not None
        and scope.valid_to is not None
        and scope.valid_to < scope.valid_from
    )
    return scope.items == () or scope.delivery == () or backwards


def check(scope: Scope, wanted: Wanted, whole: Scope, modes: Sequence[str]) -> list[Refusal]:
    """What is wrong with a decider's scope: it may narrow what was applied for, not widen it.

    ``whole`` is :func:`as_wanted`, ``modes`` what the procedure allows (empty: all there are).
    """
    found: list[Refusal] = []

    def no(field: str, message: str, **params: Any) -> None:
        params = {"field": field, "dataset": scope.dataset, **params}
        found.append(Refusal(RULE, None, message, params))

    if scope.items is not None and (
        not scope.items or (wanted.items is not None and not set(scope.items) <= set(wanted.items))
    ):
        no("items", N_("Only information items that were applied for can be granted."))
    if scope.delivery is not None:
        reach = max(_REACH[mode] for mode in (whole.delivery or DELIVERIES))
        known = set(modes or DELIVERIES) & set(DELIVERIES)
        wider = [mode for mode in scope.delivery if mode not in known or _REACH[mode] > reach]
        if wider or not scope.delivery:
            no("delivery", N_("This way of delivery is not allowed, or wider than applied for."))
        if scope.items is not None and "download" in scope.delivery:
            no(
                "delivery",
                N_("Some information items cannot be delivered as a download of the file."),
            )
    for name in ("valid_from", "valid_to"):
        day = getattr(scope, name)
        if day is not None and not (whole.valid_from <= day <= whole.valid_to):  # type: ignore[operator]
            no(name, N_("The period lies outside the one that was applied for."))
    if scope.valid_from and scope.valid_to and scope.valid_to < scope.valid_from:
        no("valid_to", N_("The end lies before the beginning."))
    quota = (scope.quota.downloads, scope.quota.rows_per_day, scope.quota.requests_per_day)
    if any(limit is not None and limit < 1 for limit in quota):
        no("quota", N_("A quota is a number from 1 on, or none."))
    return found
