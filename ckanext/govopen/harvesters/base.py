"""What the source types share: their place in ckanext-harvest, and who may configure a source."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from typing import Any

import ckan.plugins as p
from ckan import model
from ckanext.harvest.model import HarvestObject

from ckanext.govopen.harvesters import batch, pages, run, source, turns
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters.reading import Reading, SourceError

log = logging.getLogger(__name__)
#: The plugins in the order in which one of them brings what all share.
PLUGINS = tuple(configuration.OWN_KEYS)


class CatalogueHarvester:
    """A harvest source type. ``NAME`` is the plugin's and the type's."""

    NAME = ""

    def reading(self, job: Any, config: configuration.Config) -> AbstractContextManager[Reading]:
        """Opens the source of a job. Raises :class:`SourceError`."""
        raise NotImplementedError

    # IActions: what the harvest pages ask is the same for all types, and comes once.

    def get_actions(self) -> dict[str, Any]:
        first = next((name for name in PLUGINS if p.plugin_loaded(name)), self.NAME)
        return pages.ACTIONS if first == self.NAME else {}

    # IPackageController: a source is a dataset of the type "harvest"

    def after_dataset_create(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        self._configured(context, pkg_dict)

    def after_dataset_update(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        self._configured(context, pkg_dict)

    def _configured(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        if pkg_dict.get("type") != "harvest" or pkg_dict.get("source_type") != self.NAME:
            return
        url, config = pkg_dict.get("url") or "", pkg_dict.get("config")
        source.remember(context, pkg_dict["id"], url, config, self.NAME)

    # IHarvester

    def validate_config(self, config: str) -> str:
        """Raises for a wrong configuration; the form shows the message."""
        configuration.parse(config, self.NAME)
        return config

    def get_original_url(self, harvest_object_id: str) -> str | None:
        """The address of the source, if it is one that a browser can open."""
        found = model.Session.get(HarvestObject, harvest_object_id)
        url = found.source.url if found is not None else ""
        return url if url.startswith(("http://", "https://")) else None

    def gather_stage(self, harvest_job: Any) -> list[str] | None:
        """Reads the source once; see :mod:`run` for what is written when."""
        try:
            config = configuration.parse(harvest_job.source.config, self.NAME)
            with turns.alone(harvest_job.source.id):
                if run.is_read(harvest_job):
                    return None
                with self.reading(harvest_job, config) as reading:
                    return run.gather(harvest_job, reading, config.withdraw)
        except (configuration.ConfigError, SourceError) as error:
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
        """Imports one batch."""
        return batch.import_batch(harvest_object)
