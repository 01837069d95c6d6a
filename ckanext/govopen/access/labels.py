"""Permission labels: the policy in the form in which Solr and the activity stream ask for it.

Labels mean nothing by themselves (no accounts, no grants), since Solr lets a caller list the labels
of what he may see. A test compares them with the policy for every kind of person and dataset.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ckan import model

from ckanext.govopen.access import clock
from ckanext.govopen.access.facts import facts
from ckanext.govopen.access.policy import ANONYMOUS, Person, Sight, decide
from ckanext.govopen.access.viewer import person
from ckanext.govopen.model import settings

#: Carried by what was released; held by everybody. A label of the portal's own: rows of the
#: activity stream and search documents that CKAN wrote before the extension came say "public",
#: and nobody has looked at those.
PUBLIC = "govopen-public"
CKAN_PUBLIC = "public"
#: Carried by every dataset; held by the data authority.
OVERSIGHT = "govopen-oversight"


def staff_labels(owner_org: str | None) -> list[str]:
    """Labels of a working copy: its department and the authority."""
    return [OVERSIGHT, *([f"member-{owner_org}"] if owner_org else [])]


def collaborator_labels(package_ids: Iterable[str]) -> list[str]:
    """The labels by which collaborators find datasets; none where collaborators do not count."""
    if not settings.collaborators():
        return []
    return [f"collaborator-{package_id}" for package_id in package_ids]


def dataset_labels(package: model.Package) -> list[str]:
    """Labels of a dataset, from its row and its live release."""
    labels = [*staff_labels(package.owner_org), *collaborator_labels([package.id])]
    if package.owner_org is None and package.creator_user_id:
        labels.append(f"creator-{package.creator_user_id}")
    known = facts([package.id]).get(package.id)
    if decide(ANONYMOUS, known, clock.now()).sight is Sight.RELEASE:
        labels.append(PUBLIC)
    return labels


def person_labels(who: Person) -> list[str]:
    """Labels that a person holds."""
    labels = [PUBLIC]
    if not settings.review_on():
        # A site that only wants the classes keeps the history that it had.
        labels.append(CKAN_PUBLIC)
    if who.user_id:
        labels.append(f"creator-{who.user_id}")
    labels.extend(f"member-{organization}" for organization in sorted(who.departments))
    labels.extend(collaborator_labels(sorted(who.collaborates)))
    if who.sees_everything:
        labels.append(OVERSIGHT)
    return labels


def user_labels(user: Any) -> list[str]:
    """Labels of an account, None for anonymous visitors."""
    name = getattr(user, "name", None)
    return person_labels(person({"user": name or "", "auth_user_obj": user}))
