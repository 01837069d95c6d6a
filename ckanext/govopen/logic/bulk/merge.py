"""What a catalogue's record makes of a dataset that is there: its own fields, and nobody else's."""

from __future__ import annotations

import uuid
from collections.abc import Container
from typing import Any

#: Fields of a dataset that the source owns: what a record no longer says is removed.
OWNED = (
    "title", "notes", "open_class", "open_condition", "license_id", "resource_code",
    "provider_unit", "theme", "update_cycle", "info_items", "acquired_by", "delivery", "issued",
    "data_updated", "share_class", "share_condition", "share_mode", "url", "tags",
)  # fmt: skip
LISTS = frozenset({"info_items", "tags", "delivery"})
#: What the portal sets itself at every write.
_SET = frozenset({"tag_string", "metadata_modified", "metadata_created"})


def merged(
    shown: dict[str, Any], dataset: dict[str, Any], name: str, ours: Container[str] = ()
) -> dict[str, Any]:
    """The dataset that an update is called with: what a person gave it stays.

    :param shown: the dataset as ``package_show`` gives it now
    :param dataset: what the mapping made of the record
    :param name: of the dataset, which stays for ever
    :param ours: ids of resources that the source has, or had, and did not make from its codes
    """
    found = {key: value for key, value in shown.items() if key not in _SET}
    # Said outright: a field that an update leaves out may keep what is stored.
    found.update({key: [] if key in LISTS else None for key in OWNED})
    found.update(dataset, id=shown["id"], name=name, state="active")
    # Ids of the source's resources are made from its codes (version 5), a person's are random.
    own = [
        resource
        for resource in shown.get("resources") or []
        if uuid.UUID(resource["id"]).version != 5 and resource["id"] not in ours
    ]
    found["resources"] = [*(dataset.get("resources") or []), *own]
    return found
