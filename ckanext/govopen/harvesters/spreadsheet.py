"""``govopen_spreadsheet``: the catalogue as a workbook or a CSV file, from an address or
uploaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ckan.plugins as p
from ckanext.harvest.interfaces import IHarvester

from ckanext.govopen.domain import spreadsheet as rules
from ckanext.govopen.domain.catalogue import RecordError
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters import source, table
from ckanext.govopen.harvesters.asked import JobLike
from ckanext.govopen.harvesters.base import CatalogueHarvester
from ckanext.govopen.harvesters.reading import Entry, Reading


def entries(path: Path, config: configuration.Config) -> Iterator[Entry]:
    """The records of a table, one after the other, each with the line it begins on.

    Raises :class:`table.TableError` for a file that is no table. Without headings there is one
    entry that says so.
    """
    for found in rules.rows_to_records(table.rows(path, config.sheet), config.columns):
        if isinstance(found, RecordError):
            yield Entry(code=found.code, problem=found)
        else:
            yield Entry(place=f"row {found.row}", record=found.json)


class SpreadsheetHarvester(CatalogueHarvester, p.SingletonPlugin):
    """The harvest source type."""

    p.implements(IHarvester)
    p.implements(p.IActions)
    p.implements(p.IPackageController, inherit=True)

    NAME = configuration.TABLE

    def info(self) -> dict[str, str]:
        return {
            "name": self.NAME,
            "title": p.toolkit._("Catalogue spreadsheet"),
            "description": p.toolkit._(
                "An exchange catalogue as a workbook (.xlsx) or CSV file with the columns of the "
                "catalogue guide; other headings are mapped in the configuration."
            ),
            "form_config_interface": "Text",
        }

    @contextmanager
    def reading(self, job: JobLike, config: configuration.Config) -> Iterator[Reading]:
        """The table is fetched whole, then read row by row."""
        with source.opened(job.source, config) as path:
            yield Reading(entries(path, config))
