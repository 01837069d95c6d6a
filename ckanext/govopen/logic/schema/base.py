"""What every kind of parameter is, and what all of them say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ckan.plugins import toolkit as tk

from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic.schema.values import Errors

MISSING = N_("Missing value")
UNKNOWN = N_("Unknown value %(name)s. Use one of: %(known)s.")


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, what it is in English (a msgid), and whether it must be there."""

    name: str
    text: str
    required: bool = False
    example: Any = None

    #: Can it stand in the query of an address?
    flat: ClassVar[bool] = True

    def read(self, data: Mapping[str, Any], errors: Errors) -> Any:
        """Its value out of ``data``; what is wrong is noted in ``errors``."""
        raise NotImplementedError

    def shape(self) -> dict[str, Any]:
        """JSON Schema 2020-12 of the value as it should be sent, without the description."""
        raise NotImplementedError

    def _missing(self, errors: Errors) -> None:
        if self.required and self.name not in errors:
            errors.add(self.name, tk._(MISSING))
