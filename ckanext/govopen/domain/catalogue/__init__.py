"""The exchange catalogue: one record, one mapping, behind every kind of source."""

from ckanext.govopen.domain.catalogue.dataset import (
    dataset_name,
    resource_id,
    resource_of,
    to_dataset,
)
from ckanext.govopen.domain.catalogue.links import is_public_address
from ckanext.govopen.domain.catalogue.mapping import (
    Outcome,
    Reason,
    SourceTrust,
    classify,
    trusted_review,
)
from ckanext.govopen.domain.catalogue.record import (
    Distribution,
    Item,
    Record,
    RecordError,
    parse_record,
    record_hash,
)
from ckanext.govopen.domain.catalogue.sweep import Absence, Sweep, Withdrawal

__all__ = [
    "Absence",
    "Distribution",
    "Item",
    "Outcome",
    "Reason",
    "Record",
    "RecordError",
    "SourceTrust",
    "Sweep",
    "Withdrawal",
    "classify",
    "dataset_name",
    "is_public_address",
    "parse_record",
    "record_hash",
    "resource_id",
    "resource_of",
    "to_dataset",
    "trusted_review",
]
