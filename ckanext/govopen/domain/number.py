"""Whole numbers as people and programs write them."""

from __future__ import annotations


class NotWhole(ValueError):
    """This is no whole number at all."""


class OutOfRange(ValueError):
    """This is a whole number, but none that is possible here."""


def whole(value: object, lowest: int | None = 0, highest: int | None = None) -> int:
    """The whole number that ``value`` is or spells, within limits (None: there is none).

    :raises NotWhole: text that spells none, a fraction, a truth value, nothing
    :raises OutOfRange: below ``lowest`` or above ``highest``
    """
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        raise NotWhole
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise NotWhole from None
    if isinstance(value, float) and number != value:
        raise NotWhole
    if (lowest is not None and number < lowest) or (highest is not None and number > highest):
        raise OutOfRange
    return number
