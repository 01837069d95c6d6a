"""The parameters of an action in one table: it reads them, and it describes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ckanext.govopen.logic.schema.nested import object_shape
from ckanext.govopen.logic.schema.parameter import File, Parameter
from ckanext.govopen.logic.schema.values import Errors

Function = TypeVar("Function", bound=Callable[..., Any])


class Given:
    """What a call gave, by the names of the parameters.

    What was wrong with it is told as soon as a value is asked for that is not one of ``first``,
    so that a wrong value never gets further.
    """

    def __init__(
        self,
        found: Mapping[str, Any],
        sent: Collection[str],
        first: Collection[str],
        errors: Errors,
    ) -> None:
        self._found, self._sent, self._first, self.errors = found, sent, first, errors

    def __getitem__(self, name: str) -> Any:
        if name not in self._first:
            self.errors.stop()
        return self._found[name]

    def has(self, name: str) -> bool:
        """Was there anything under this name, be it empty?"""
        return name in self._sent

    def check(self) -> None:
        """:raises ValidationError: a parameter is wrong; names each"""
        self.errors.stop()

    def some(self, *names: str) -> dict[str, Any]:
        """Several values by their names."""
        return {name: self[name] for name in names}


@dataclass(frozen=True)
class Table:
    """Parameters of one action, what it does and what it answers; texts are English msgids.

    ``many`` says that the answer is a list; ``one_of`` are keys that may stand in the place of
    the parameters and are read by a table of their own.
    """

    text: str
    parameters: tuple[Parameter, ...] = ()
    answer: str = ""
    many: bool = False
    one_of: tuple[Parameter, ...] = ()

    def read(self, data: Mapping[str, Any], first: Collection[str] = ()) -> Given:
        """What a call gave. Keys that the table does not have are not looked at.

        With ``first`` only these are checked now, the others when they are asked for: what is
        wrong with them is told to nobody for whom the thing itself does not exist.

        :raises ValidationError: a parameter is wrong; names each
        """
        errors, early = Errors(), Errors()
        found = {
            one.name: one.read(data, early if one.name in first else errors)
            for one in self.parameters
        }
        early.stop()
        sent = {name for name in found if data.get(name) is not None}
        given = Given(found, sent, first, errors)
        if not first:
            given.check()
        return given

    @property
    def has_file(self) -> bool:
        """Is it called with a form that carries a file?"""
        return any(isinstance(one, File) for one in self.parameters)

    @property
    def flat(self) -> bool:
        """Can all that is needed stand in the query of an address?"""
        return all(one.flat for one in self.parameters) and not self.one_of

    def shape(self) -> dict[str, Any]:
        """JSON Schema of a call."""
        own = object_shape(self.parameters)
        if not self.one_of:
            return own
        return {"anyOf": [{**own, "required": [one.name for one in self.parameters]},
                          object_shape(self.one_of)]}  # fmt: skip


def takes(table: Table) -> Callable[[Function], Function]:
    """Says which table an action reads its parameters by."""

    def mark(action: Function) -> Function:
        action.parameters = table  # type: ignore[attr-defined]
        return action

    return mark
