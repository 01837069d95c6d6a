"""Fields that stay among the departments: in no release, no index and no outsider's answer."""

from __future__ import annotations

#: Of a dataset: what its department says about sharing with other departments.
DATASET = ("share_class", "share_condition", "share_mode")
#: Of a resource: where the content lies that the portal streams.
RESOURCE = ("source_url",)
