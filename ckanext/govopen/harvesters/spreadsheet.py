"""``govopen_spreadsheet``: the catalogue as a workbook or a CSV file, from an address or
uploaded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ckan.plugins as p
from ckan import model
from ckanext.harvest.interfaces import IHarvester
from ckanext.harvest.model import HarvestObject

from ckanext.govopen.domain import spreadsheet as rules
from ckanext.govopen.domain.catalogue import RecordError
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters import pages, run, source, table
from ckanext.govopen.harvesters.run import Entry

log = logging.getLogger(__name__)

NAME = "govopen_spreadsheet"


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


class SpreadsheetHarvester(p.SingletonPlugin):
    """The harvest source type, and who may configure its sources."""

    p.implements(IHarvester)
    p.implements(p.IActions)
    p.implements(p.IPackageController, inherit=True)

    # IActions

    def get_actions(self) -> dict[str, Any]:
        return pages.ACTIONS

    # IPackageController: a source is a dataset of the type "harvest"

    def after_dataset_create(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        _configured(context, pkg_dict)

    def after_dataset_update(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        _configured(context, pkg_dict)

    # IHarvester

    def info(self) -> dict[str, str]:
        return {
            "name": NAME,
            "title": p.toolkit._("Catalogue spreadsheet"),
            "description": p.toolkit._(
                "An exchange catalogue as a workbook (.xlsx) or CSV file with the columns of the "
                "catalogue guide; other headings are mapped in the configuration."
            ),
            "form_config_interface": "Text",
        }

    def validate_config(self, config: str) -> str:
        """Raises for a wrong configuration; the form shows the message."""
        configuration.parse(config)
        return config

    def get_original_url(self, harvest_object_id: str) -> str | None:
        """The address of the table, if it is one that a browser can open."""
        found = model.Session.get(HarvestObject, harvest_object_id)
        url = found.source.url if found is not None else ""
        return url if url.startswith(("http://", "https://")) else None

    def gather_stage(self, harvest_job: Any) -> list[str]:
        """Reads the table once; see :mod:`run` for what is written when."""
        job_source = harvest_job.source
        try:
            config = configuration.parse(job_source.config)
            with source.opened(job_source.id, job_source.url, config) as path:
                return run.gather(harvest_job, entries(path, config), config.withdraw)
        except (configuration.ConfigError, source.SourceError, table.TableError) as error:
            return run.fail(harvest_job, str(error))
        except Exception:
            # The consumer would end with it; the run fails instead, and the log has the rest.
            log.exception("Gathering of job %s failed", harvest_job.id)
            return run.fail(
                harvest_job,
                p.toolkit._(
                    "The run failed by an error of the portal; what it wrote so far stays. Run it "
                    "again, and look into the log if that does not help."
                ),
            )

    def fetch_stage(self, harvest_object: Any) -> bool:
        """Nothing is left to fetch: a batch carries its records."""
        return True

    def import_stage(self, harvest_object: Any) -> bool | str:
        return run.import_batch(harvest_object)


def _configured(context: Any, pkg_dict: dict[str, Any]) -> None:
    if pkg_dict.get("type") != "harvest" or pkg_dict.get("source_type") != NAME:
        return
    source.remember(context, pkg_dict["id"], pkg_dict.get("url") or "", pkg_dict.get("config"))
