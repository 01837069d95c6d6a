"""The working copy as the rules read it, and a release's content likewise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ckan import model
from ckan.logic import package_show_default_and_custom_schemas

from ckanext.govopen.access.show import views_of
from ckanext.govopen.domain import internal
from ckanext.govopen.domain.fingerprint import FileFact, Snapshot
from ckanext.govopen.model import file, jurisdiction, location
from ckanext.govopen.model.release import ReleaseRow

#: Fields of a dataset that no release carries: whose account it was, and what it is related to.
_PERSONAL = ("creator_user_id",)
_RELATIONS = ("relationships_as_subject", "relationships_as_object")


@dataclass(frozen=True)
class WorkingCopy:
    """One reading of the working copy under the lock of its row.

    ``default`` and ``shown`` are the dict under CKAN's default show schema and under the site's,
    ``fields`` the latter with the internal fields, which no release carries; ``snapshot`` is what
    is reviewed of it.
    """

    fields: dict[str, Any]
    default: dict[str, Any]
    shown: dict[str, Any]
    snapshot: Snapshot
    fingerprint: str


def working(context: Any, package_id: str) -> WorkingCopy:
    """Reads the working copy; the caller holds the row lock when he is going to decide."""
    default, shown = package_show_default_and_custom_schemas(
        {"user": context.get("user", ""), "ignore_auth": True}, package_id
    )
    files = {
        **file.current(model.Session, package_id),
        **location.facts(model.Session, package_id),
    }
    return of_dicts(default, shown, files, views_of(package_id))


def of_dicts(
    default: dict[str, Any],
    shown: dict[str, Any],
    files: Mapping[str, FileFact],
    views: Sequence[Mapping[str, Any]],
) -> WorkingCopy:
    """The working copy from what is known of it: its dicts under CKAN's default show schema and
    under the site's, its files and kept addresses by resource id, and its views.
    """
    fields, default, shown = shown, clean(default), clean(shown)
    _claim_class(shown, default)
    snapshot = Snapshot(shown, files, {}, views)
    return WorkingCopy(fields, default, shown, snapshot, snapshot.fingerprint())


def _claim_class(shown: dict[str, Any], default: dict[str, Any]) -> None:
    """A site's own schema may lack the field of the class: the release names one all the same.

    What the row holds counts first (a schema that lost the field hides it), then the profile's
    default; a profile without one leaves the dataset unclassified, which is not open.
    """
    if shown.get("open_class"):
        return
    extras = {row.get("key"): row.get("value") for row in default.get("extras") or []}
    rule = jurisdiction.profile().default_class
    claimed = extras.get("open_class") or (rule.value if rule is not None else None)
    if claimed:
        shown["open_class"] = claimed


def released(row: ReleaseRow) -> Snapshot:
    """What a release holds, in the rules' form."""
    files = {name: FileFact(**fact) for name, fact in row.files.items()}
    return Snapshot(row.data["shown"], files, {}, row.views)


def fingerprint_of_new(shown: dict[str, Any], locations: Mapping[str, str]) -> str:
    """The fingerprint of a dataset that was just made, as :func:`working` would find it.

    ``shown`` is its dict under the site's schema, ``locations`` the source addresses of its
    conditional content by resource id. It has no files and no views yet.
    """
    plain = dict(shown, resources=[dict(one) for one in shown.get("resources") or []])
    _take_away(plain)
    _claim_class(plain, {})
    facts = {name: location.fact(url) for name, url in locations.items()}
    return Snapshot(plain, facts).fingerprint()


def clean(dataset: dict[str, Any]) -> dict[str, Any]:
    """A copy without what never leaves the departments."""
    result = _copied(dataset)
    _take_away(result)
    return result


def _copied(value: Any) -> Any:
    """A copy of JSON, without the cost of what ``copy.deepcopy`` does for everything else."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _take_away(result: dict[str, Any]) -> None:
    for name in internal.DATASET:
        result.pop(name, None)
    for name in _PERSONAL:
        if name in result:
            result[name] = None
    for name in _RELATIONS:
        if name in result:
            result[name] = []
    result["private"] = False
    extras = result.get("extras")
    if isinstance(extras, list):
        result["extras"] = [row for row in extras if row.get("key") not in internal.DATASET]
    for resource in result.get("resources") or []:
        for name in internal.RESOURCE:
            resource.pop(name, None)
        if resource.get("url_type") == location.URL_TYPE:
            resource["url"] = ""  # the portal's own address, made anew whenever it is shown


def facts_json(files: dict[str, FileFact]) -> dict[str, dict[str, Any]]:
    """File facts as the release stores them."""
    return {name: asdict(fact) for name, fact in files.items()}
