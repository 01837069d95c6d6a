"""What is reviewed of a dataset, and the fingerprint of it.

A :class:`Snapshot` is everything that the public can come to see of a dataset. Its fingerprint
is what a review approves: it changes with every reviewed field, file, link and view, and with
nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ckanext.govopen.domain import internal
from ckanext.govopen.domain.ledger import sha256
from ckanext.govopen.domain.terms import OpenClass

FORMAT = "govopen-fingerprint-1"

#: Dataset fields that are not reviewed, and why not.
EXEMPT_DATASET: Mapping[str, str] = {
    "metadata_created": "set by CKAN",
    "metadata_modified": "set by CKAN at every write",
    "private": "computed by this extension from the live release",
    "state": "drafts and deletions are not content; a deletion takes effect at once",
    "creator_user_id": "never shown to outsiders",
    "revision_id": "set by CKAN",
    "num_resources": "counted from the resources, which are reviewed",
    "num_tags": "counted from the tags, which are reviewed",
    "num_groups": "counted from the groups, which are reviewed",
    "isopen": "follows from license_id",
    "license_title": "follows from license_id",
    "license_url": "follows from license_id",
    "organization": "CKAN's display copy; owner_org is reviewed",
    "relationships_as_subject": "CKAN's display copy",
    "relationships_as_object": "CKAN's display copy",
    "tracking_summary": "view counts",
    "type": "fixed by the schema",
    "tag_string": "the form's way to write the tags, which are reviewed",
    **dict.fromkeys(internal.DATASET, "internal: never leaves the departments"),
    "source_record": "internal: bookkeeping of the harvester",
}
#: Resource fields that are not reviewed, and why not.
EXEMPT_RESOURCE: Mapping[str, str] = {
    "created": "set by CKAN",
    "metadata_modified": "set by CKAN at every write",
    "last_modified": "set by CKAN when a file is replaced; the file itself is reviewed",
    "cache_last_updated": "set by old CKAN versions",
    "cache_url": "set by old CKAN versions",
    "package_id": "the dataset it stands in",
    "position": "the order of the list, which is reviewed",
    "revision_id": "set by CKAN",
    "state": "deleted resources are left out of the list",
    "tracking_summary": "view counts",
    "hash": "set with the file or by background jobs; the bytes are reviewed by their SHA-256",
    "hash_algorithm": "says how hash was made",
    "datastore_active": "set by the loading of rows",
    "datastore_contains_all_records_of_source_file": "set by the loading of rows",
    "total_record_count": "set by the loading of rows",
    "ckan_url": "the portal's own address, set by the loading of rows",
    "original_url": "set by the loading of rows",
    "resource_id": "set by the loading of rows",
    "set_url_type": "an instruction to the loading of rows",
    "task_created": "set by the loading of rows",
    "upload": "the form's upload field; the file itself is reviewed",
    "clear_upload": "an instruction of the form",
    **dict.fromkeys(
        internal.RESOURCE, "staff's copy of the source address, which is reviewed as a location"
    ),
}
#: With a held file, its own size and type count, not what the resource says about them.
_EXEMPT_WITH_FILE = frozenset({"size", "mimetype", "mimetype_inner"})
#: View fields that are not reviewed: the dataset they stand in.
EXEMPT_VIEW = frozenset({"package_id"})


@dataclass(frozen=True)
class FileFact:
    """The bytes of a resource: SHA-256 (64 hex digits), size in bytes, and how they are named."""

    sha256: str
    size: int
    name: str = ""
    media_type: str = ""


@dataclass(frozen=True)
class Snapshot:
    """All that is reviewed of a dataset at one moment.

    ``dataset`` is a CKAN dataset dict with its resources; ``files`` maps resource ids to held
    bytes, ``locations`` to source addresses kept outside the dict; ``views`` are the views of
    its resources, each with ``resource_id``, in their order.
    """

    dataset: Mapping[str, Any]
    files: Mapping[str, FileFact] = field(default_factory=dict)
    locations: Mapping[str, str] = field(default_factory=dict)
    views: Sequence[Mapping[str, Any]] = ()

    def reviewed(self) -> dict[str, Any]:
        """The reviewed content in one normal form: JSON values, empty values left out."""
        resources = [
            self._resource(resource)
            for resource in self.dataset.get("resources") or []
            if resource.get("state", "active") != "deleted"
        ]
        return {
            "dataset": _dataset(self.dataset),
            "resources": resources,
            "views": _views(self.views),
        }

    def fingerprint(self) -> str:
        """SHA-256 over the reviewed content, 64 hex digits."""
        return sha256({"format": FORMAT, **self.reviewed()})

    def resource_ids(self) -> list[str]:
        """Ids of the resources that are not deleted."""
        return [resource["id"] for resource in self.reviewed()["resources"] if "id" in resource]

    def open_class(self) -> OpenClass | None:
        """The class that the dataset claims."""
        return OpenClass.of(self.dataset.get("open_class"))

    def _resource(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        name = str(resource.get("id") or "")
        fact = self.files.get(name)
        exempt = set(EXEMPT_RESOURCE) | (_EXEMPT_WITH_FILE if fact else set())
        plain = _fields(resource, exempt)
        if fact is not None:
            plain["file"] = _fields(
                {
                    "sha256": fact.sha256,
                    "size": fact.size,
                    "name": fact.name,
                    "media_type": fact.media_type,
                },
                (),
            )
        if name in self.locations:
            plain["location"] = self.locations[name]
        if fact is not None or name in self.locations:
            # The address is the portal's own then; where the portal runs is not content.
            plain["url"] = _last_part(str(resource.get("url") or ""))
        return plain


def _last_part(url: str) -> str:
    return urlsplit(url).path.rsplit("/", 1)[-1]


def _dataset(dataset: Mapping[str, Any]) -> dict[str, Any]:
    plain = _fields(dataset, {*EXEMPT_DATASET, "resources", "tags", "groups", "extras"})
    tags = sorted(
        [str(tag.get("vocabulary_id") or ""), str(tag.get("name") or "")]
        for tag in dataset.get("tags") or []
    )
    groups = sorted(
        str(group.get("id") or group.get("name") or "") for group in dataset.get("groups") or []
    )
    extras = sorted(
        [str(extra.get("key") or ""), _plain(extra.get("value"))]
        for extra in dataset.get("extras") or []
        if extra.get("state", "active") != "deleted"
    )
    for name, value in (("tags", tags), ("groups", groups), ("extras", extras)):
        if value:
            plain[name] = value
    return plain


def _views(views: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for view in views:
        grouped.setdefault(str(view.get("resource_id") or ""), []).append(
            _fields(view, {*EXEMPT_VIEW, "resource_id"})
        )
    return grouped


def _fields(values: Mapping[str, Any], exempt: Iterable[str]) -> dict[str, Any]:
    left_out = set(exempt)
    plain = {name: _plain(value) for name, value in values.items() if name not in left_out}
    return {name: value for name, value in plain.items() if value not in (None, "", [], {})}


def _plain(value: Any) -> Any:
    """JSON values without floats: their shortest decimal text stands for them."""
    if isinstance(value, float):
        return {"number": repr(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def fingerprint(
    dataset: Mapping[str, Any],
    files: Mapping[str, FileFact],
    locations: Mapping[str, str] | None = None,
    views: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The fingerprint of a dataset with its files, source addresses and views."""
    return Snapshot(dataset, files, locations or {}, views).fingerprint()
