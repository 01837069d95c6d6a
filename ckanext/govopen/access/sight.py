"""The policy's answer for a context and a dataset: what every hook asks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from ckan import model

from ckanext.govopen.access import clock
from ckanext.govopen.access.facts import (
    facts,
    named,
    released_as,
    released_names,
    resource_package,
    view_resource,
)
from ckanext.govopen.access.policy import (
    NOTHING,
    Access,
    DatasetFacts,
    Person,
    Sight,
    decide,
)
from ckanext.govopen.access.viewer import person
from ckanext.govopen.model import grant as grants
from ckanext.govopen.model import release as releases

#: Where a context keeps the answers of one reading call.
_ANSWERS = "govopen_answers"
#: Dataset id and answer.
Found = tuple[str | None, Access]


@contextlib.contextmanager
def reading(context: Any) -> Iterator[None]:
    """While a call runs that only reads, a dataset is looked up once in its context.

    Guard, authorisation and handler ask the same question one after the other. The answers go
    with the call: none outlives it, and none is kept while something is written.
    """
    if _ANSWERS in context:
        yield
        return
    context[_ANSWERS] = {}
    try:
        yield
    finally:
        context.pop(_ANSWERS, None)


def _decide(who: Person, dataset: DatasetFacts | None) -> Access:
    def lookup() -> list[Any]:
        assert dataset is not None and who.user_id is not None
        return grants.of_holder(model.Session, dataset.package_id, who.user_id)

    return decide(who, dataset, clock.now(), lookup)


def sight(context: Any, reference: str | None) -> Access:
    """What the context's person may see of the dataset with this id or name."""
    return dataset_sight(context, reference)[1]


def dataset_sight(context: Any, reference: str | None) -> Found:
    """(dataset id, answer) for an id or a name.

    Who sees the release knows a renamed dataset by its released name: the new one, which waits for
    its review, says nothing to him, and the old one goes on leading to it, for everybody.
    """
    if not reference or not isinstance(reference, str):
        return None, NOTHING
    who = person(context)
    answers: dict[str, tuple[Person, Found]] = context.get(_ANSWERS, {})
    known = answers.get(reference)
    if known is not None and known[0] == who:
        return known[1]
    found = _found(who, reference)
    for name in {reference, found[0] or reference}:
        answers[name] = (who, found)
    return found


def _found(who: Person, reference: str) -> Found:
    for by, dataset in named(reference):
        access = _decide(who, dataset)
        if access.sight is Sight.RELEASE and by == "name":
            known = released_names([dataset.package_id])
            if known.get(dataset.package_id) != reference:
                continue
        if access.visible:
            return dataset.package_id, access
    for dataset in released_as(reference):
        access = _decide(who, dataset)
        if access.visible:
            return dataset.package_id, access
    return None, NOTHING


def sights(context: Any, package_ids: Iterable[str]) -> dict[str, Access]:
    """The same for many ids at once; an unknown id is answered like a hidden one."""
    ids = list(package_ids)
    who = person(context)
    known = facts(ids) if ids else {}
    return {package_id: _decide(who, known.get(package_id)) for package_id in ids}


def resource_sight(context: Any, resource_id: str | None) -> tuple[str | None, Access]:
    """(dataset id, answer) for a resource.

    Who sees the release does not see a resource that is not in it: one that a department has added
    and that waits for its review, or one that was taken away.
    """
    if not resource_id or not isinstance(resource_id, str):
        return None, NOTHING
    package_id = resource_package(resource_id)
    if package_id is None:
        return None, NOTHING
    access = _decide(person(context), facts([package_id]).get(package_id))
    if access.sight is Sight.RELEASE and not releases.has_resource(
        model.Session, package_id, resource_id
    ):
        return package_id, NOTHING
    return package_id, access


def view_sight(context: Any, view_id: str | None) -> tuple[str | None, Access]:
    """(resource id, answer) for a resource view; an outsider sees released views only."""
    if not view_id or not isinstance(view_id, str):
        return None, NOTHING
    resource_id = view_resource(view_id)
    package_id, access = resource_sight(context, resource_id)
    if package_id and access.sight is Sight.RELEASE:
        row = releases.live(package_id)
        if row is None or not any(view["id"] == view_id for view in row.views):
            return resource_id, NOTHING
    return resource_id, access


def may_read_content(context: Any, package_id: str, resource_id: str | None = None) -> Access:
    """The answer for the content of a dataset or of one of its resources.

    ``content`` is False, too, where the resource is none of this dataset's.
    """
    if resource_id is None:
        return sight(context, package_id)
    owner, access = resource_sight(context, resource_id)
    return access if owner == package_id else NOTHING
