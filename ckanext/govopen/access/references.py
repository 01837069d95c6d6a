"""References to hidden things become references to nothing.

CKAN's own code then gives the answer for a thing that does not exist, so that both answers are the
same by construction, whichever action is called. The made-up reference never reaches the caller:
errors that repeat it are turned back into what was asked for.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access import uses
from ckanext.govopen.access.activity import activity_sight
from ckanext.govopen.access.facts import resource_package
from ckanext.govopen.access.harvest import job_sight, object_sight
from ckanext.govopen.access.policy import CONDITIONAL, NOTHING, Access, Person, Sight
from ckanext.govopen.access.sight import dataset_sight, resource_sight, sight, view_sight
from ckanext.govopen.access.viewer import person


def _working(access: Access) -> Access:
    return access if access.sight is Sight.WORKING else NOTHING


_LOOK: dict[str, Callable[[Any, str], Access]] = {
    "dataset": sight,
    "own": lambda context, reference: _working(sight(context, reference)),
    "source": lambda context, reference: _working(sight(context, reference)),
    "resource": lambda context, reference: resource_sight(context, reference)[1],
    "view": lambda context, reference: view_sight(context, reference)[1],
    "activity": activity_sight,
    "job": job_sight,
    "object": object_sight,
}


def look(context: Any, kind: str, reference: str) -> Access:
    """The answer for one reference of a kind of the inventory."""
    return _LOOK[kind](context, reference)


def refused_content(context: Any, resource_id: str) -> None:
    """Notes that rows of a resource were refused, where the person has a grant that is over."""
    package_id = resource_package(resource_id)
    if package_id is not None:
        uses.refused(context, uses.Target(package_id, resource_id, "rows"))


def user_is_visible(context: Any, who: Person, reference: str) -> bool:
    """Accounts are shown to those who work with them and to their owner."""
    return who.sees_accounts or (
        bool(context.get("user")) and reference in {context["user"], who.user_id}
    )


def _check_shapes(data: Mapping[str, Any], takes: Mapping[str, str]) -> None:
    """References are texts; where several are taken, a list of them."""
    errors: dict[str, Any] = {}
    for parameter, kind in takes.items():
        value = data.get(parameter)
        if value in (None, "") or kind == "match":
            continue
        if kind in ("datasets", "resources"):
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                errors[parameter] = [toolkit._("Must be a list of texts.")]
        elif not isinstance(value, str):
            errors[parameter] = [toolkit._("Must be a text.")]
    if errors:
        raise toolkit.ValidationError(errors)


class Hiding:
    """One call's hidden references and what they were replaced with."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.person = person(context)
        self.replaced: dict[str, str] = {}

    def hide(self, data: dict[str, Any], takes: Mapping[str, str], content: bool) -> dict[str, Any]:
        """``data`` with hidden references replaced.

        :raises ValidationError: a reference is no text; names the parameter
        :raises NotAuthorized: when content is asked for that the person may not read although he
            sees the dataset
        """
        if not self.person.internal:
            _check_shapes(data, takes)
        if self.person.sees_everything or not takes:
            return data
        changed: dict[str, Any] = {}
        for parameter, kind in takes.items():
            value = data.get(parameter)
            if value in (None, "", [], {}):
                continue
            hidden = self._value(kind, value, content)
            if hidden is not value:
                changed[parameter] = hidden
        return {**data, **changed} if changed else data

    def _value(self, kind: str, value: Any, content: bool) -> Any:
        if kind in ("datasets", "resources"):
            if not isinstance(value, list):
                return value
            kept = [self._one(kind[:-1], item, content) for item in value]
            return value if kept == value else kept
        if kind == "match":
            return self._match(value)
        return self._one(kind, value, content)

    def _match(self, value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return value
        if not isinstance(value, dict):
            return value
        hidden = dict(value)
        for key in ("id", "name"):
            if isinstance(hidden.get(key), str):
                hidden[key] = self._one("dataset", hidden[key], False)
        return value if hidden == value else hidden

    def _one(self, kind: str, reference: Any, content: bool) -> Any:
        if not isinstance(reference, str):
            return reference
        if kind == "user":
            if user_is_visible(self.context, self.person, reference):
                return reference
            return self._nothing(reference)
        if kind in ("dataset", "own"):
            package_id, access = dataset_sight(self.context, reference)
            access = _working(access) if kind == "own" else access
            if access.visible and package_id:
                # A released name that the working copy no longer has: CKAN finds it by its id.
                package = model.Package.get(reference)
                if package is None or package.id != package_id:
                    return package_id
        else:
            access = look(self.context, kind, reference)
        if not access.visible:
            return self._nothing(reference)
        if content and not access.content:
            if kind == "resource":
                refused_content(self.context, reference)
            raise toolkit.NotAuthorized(toolkit._(CONDITIONAL))
        return reference

    def _nothing(self, reference: str) -> str:
        made_up = str(uuid.uuid4())
        self.replaced[made_up] = reference
        return made_up

    def restore(self, value: Any) -> Any:
        """Puts the references that were asked for back into an error's text or dict."""
        if not self.replaced:
            return value
        if isinstance(value, str):
            for made_up, asked in self.replaced.items():
                value = value.replace(made_up, asked)
            return value
        if isinstance(value, dict):
            return {self.restore(key): self.restore(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.restore(item) for item in value)
        return value
