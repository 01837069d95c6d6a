"""What the source types share: their place in ckanext-harvest, and who may configure a source."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import ckan.plugins as p
from ckan import model
from ckanext.harvest.model import HarvestObject, HarvestSource

from ckanext.govopen.harvesters import batch, copy, pages, run, sealing, source, trial
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters.asked import Asked, JobLike, Question
from ckanext.govopen.harvesters.reading import Reading, SourceError
from ckanext.govopen.logic import turns
from ckanext.govopen.logic.catalogue_source import Source, SourceFault, source_of
from ckanext.govopen.logic.forecast import Forecaster
from ckanext.govopen.logic.told import told as _
from ckanext.govopen.model import settings

log = logging.getLogger(__name__)
#: The plugins in the order in which one of them brings what all share.
PLUGINS = tuple(configuration.OWN_KEYS)
#: Largest table, in bytes, that somebody is kept waiting for who only looks at a source.
LOOK_BYTES = 64 * 1024 * 1024


class CatalogueHarvester:
    """A harvest source type. ``NAME`` is the plugin's and the type's."""

    NAME = ""

    def reading(
        self, job: JobLike, config: configuration.Config
    ) -> AbstractContextManager[Reading]:
        """Opens the source of a job. Raises :class:`SourceError`."""
        raise NotImplementedError

    # IActions: what the harvest pages ask is the same for all types, and comes once.

    def get_actions(self) -> dict[str, Any]:
        copy.register()
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
                    objects = run.gather(harvest_job, reading, config.withdraw)
                # Said while nobody else can begin: another consumer that has it as well leaves it.
                run.mark_read(harvest_job)
                return objects
        except (configuration.ConfigError, SourceFault) as error:
            return run.fail(harvest_job, str(error))
        except Exception:
            # The consumer would end with it; the run fails instead, and the log has the rest.
            log.exception("Gathering of job %s failed", harvest_job.id)
            return run.fail(
                harvest_job,
                _(
                    "The run failed by an error of the portal; what it wrote so far stays. Run it "
                    "again, and look into the log if that does not help."
                ),
            )

    # What logic/catalogue_look.py asks: looking without a run

    def look(
        self,
        context: Any,
        *,
        source_id: str,
        owner_org: str | None,
        url: str,
        config: str | None,
        seconds: float,
        upload: Path | None,
    ) -> tuple[trial.Trial, str]:
        """Reads some records of a source as it would be saved; the second part is its
        configuration with the credentials sealed. Writes nothing.

        :raises toolkit.ValidationError: the configuration is wrong, or not this person's to make
        """
        try:
            sealed = sealing.sealed(config, url)
        except SourceError as error:
            raise p.toolkit.ValidationError({"config": [str(error)]}) from error
        parsed, given = source.permitted(context, source_id, url, sealed, self.NAME)
        most = min(settings.harvest_max_bytes(), LOOK_BYTES)
        asked = Asked(source_id, url, sealed, frozenset(given), seconds, most, upload)
        forecaster = Forecaster(
            Source(
                source_id,
                owner_org,
                frozenset(given),
                parsed.org_code_scheme,
                copies=parsed.copies,
            )
        )
        try:
            with self.reading(Question(asked), parsed) as reading:
                return trial.look(reading, forecaster, seconds), sealed
        except configuration.ConfigError as error:
            raise p.toolkit.ValidationError({"url": [str(error)]}) from error
        except SourceError as error:
            return trial.Trial(problem=str(error)), sealed

    def dry_run(
        self, source_id: str, seconds: float, told: trial.Told | None = None
    ) -> trial.DryRun:
        """What a run of a saved source would do. Writes nothing."""
        saved: Any = model.Session.get(HarvestSource, source_id)
        given = frozenset(source.powers(source_id))
        most = settings.harvest_max_bytes()
        asked = Asked(source_id, saved.url, saved.config, given, seconds, most, memory=True)
        try:
            config = configuration.parse(saved.config, self.NAME)
            with self.reading(Question(asked), config) as reading:
                forecaster = Forecaster(source_of(source_id))
                return trial.sweep(reading, forecaster, config.withdraw, seconds, told)
        except (configuration.ConfigError, SourceError) as error:
            return trial.DryRun(problem=str(error))

    def fetch_stage(self, harvest_object: Any) -> bool:
        """Nothing is left to fetch: a batch carries its records."""
        return True

    def import_stage(self, harvest_object: Any) -> bool | str:
        """Imports one batch."""
        return batch.import_batch(harvest_object)
