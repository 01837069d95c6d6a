"""Carries the policy's answer to every action of the registry.

Every listed action is wrapped once: circle, references, then the action's own handler or the next
action of the chain. Decisions come from the context, so JSONP, jobs and the command line are
judged like everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ckan.plugins import toolkit
from sqlalchemy.engine import Row
from sqlalchemy.exc import DataError

from ckanext.govopen.access import malformed
from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.access.inventory import Surface, inventory
from ckanext.govopen.access.policy import in_circle
from ckanext.govopen.access.references import Hiding
from ckanext.govopen.access.sight import reading


def guarded(surface: Surface, call: Action, context: Any, data: dict[str, Any]) -> Any:
    """Runs ``call`` with hidden references replaced and its errors turned back."""
    if surface.reads:
        with reading(context):
            return _guarded(surface, call, context, data)
    return _guarded(surface, call, context, data)


def _guarded(surface: Surface, call: Action, context: Any, data: dict[str, Any]) -> Any:
    hiding = Hiding(context)
    if not in_circle(hiding.person, surface.who):
        raise toolkit.NotAuthorized(toolkit._("This needs a right that you do not have."))
    data = surface.named(_plain(data))
    malformed.checked(surface.name, data)
    hidden = hiding.hide(data, surface.takes, surface.content)
    try:
        return call(context, hidden)
    except toolkit.ObjectNotFound as error:
        if not hiding.replaced:
            raise
        raise toolkit.ObjectNotFound(hiding.restore(error.message or "")) from None
    except toolkit.NotAuthorized as error:
        if not hiding.replaced:
            raise
        raise toolkit.NotAuthorized(hiding.restore(error.message or "")) from None
    except toolkit.ValidationError as error:
        if not hiding.replaced:
            raise
        raise toolkit.ValidationError(hiding.restore(error.error_dict)) from None
    except (DataError, OverflowError, RecursionError) as error:
        raise malformed.told(error) from None


def _plain(data: Any) -> dict[str, Any]:
    """CKAN's changes of many datasets hand each id over as a row of their query, and ckanapi an
    empty tuple where there is nothing to say.
    """
    if not isinstance(data, Mapping):
        return data or {}
    return {
        key: value[0] if isinstance(value, Row) and len(value) == 1 else value
        for key, value in data.items()
    }


def _chained(surface: Surface, handler: Handler | None) -> Callable[..., Any]:
    def action(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
        def call(context: Any, data: dict[str, Any]) -> Any:
            with malformed.read_by_ckan(surface.name, context):
                if handler is None:
                    return next_action(context, data)
                return handler(next_action, context, data)

        return guarded(surface, call, context, data_dict)

    action.__name__ = surface.name
    # The next action checks; a handler that answers by itself has asked the policy.
    action.auth_audit_exempt = True  # type: ignore[attr-defined]
    if surface.reads:
        action.side_effect_free = True  # type: ignore[attr-defined]
    return toolkit.chained_action(action)


def chained(handlers: Mapping[str, Handler], own: frozenset[str]) -> dict[str, Callable[..., Any]]:
    """The wrapped actions of CKAN and the other plugins, for ``IActions.get_actions``.

    ``own`` are the extension's own actions, which :func:`wrapped` covers.
    """
    return {
        name: _chained(surface, handlers.get(name))
        for name, surface in inventory().loaded_actions().items()
        if name not in own
    }


def wrapped(own: Mapping[str, Action]) -> dict[str, Action]:
    """The extension's own actions behind the same guard; an unlisted one is the operator's."""
    listed = inventory().actions
    return {
        name: _wrap(listed.get(name) or Surface(name, by="not listed", who="operator"), action)
        for name, action in own.items()
    }


def _wrap(surface: Surface, action: Action) -> Action:
    def call(context: Any, data_dict: dict[str, Any]) -> Any:
        return guarded(surface, action, context, data_dict)

    call.__name__ = surface.name
    call.__doc__ = action.__doc__
    if surface.reads or getattr(action, "side_effect_free", False):
        call.side_effect_free = True  # type: ignore[attr-defined]
    return call
