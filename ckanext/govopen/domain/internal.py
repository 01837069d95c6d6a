"""Fields that stay among the departments: in no release, no index and no outsider's answer."""

from __future__ import annotations

#: Of a dataset: what its department says about sharing with other departments, and what the
#: catalogue of a regulation asks for beyond what the public needs.
DATASET = (
    "share_class",
    "share_condition",
    "share_mode",
    "share_until",
    "resource_type",
    "business",
    "information_system",
    "storage_format",
    "lead_department",
    "collector",
    "collection_rules",
    "checker",
    "checked_on",
    "check_result",
    "purchase_approval",
    "purchase_approved_on",
    "provider_consent",
    "provider_consent_on",
    "provider_consent_by",
)
#: Of a resource: where the content lies that the portal streams.
RESOURCE = ("source_url",)
