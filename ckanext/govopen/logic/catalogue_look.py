"""Looking at a catalogue source without a run: before it is saved, or dry.

How a source is read is its type's affair: the plugin of the type is asked, and gives what this
module knows how to show. Nothing here writes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ckan import model
from ckan.plugins import PluginImplementations, toolkit

from ckanext.govopen.logic.validators import links
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import settings

#: Seconds that a person waits at a page, at most.
SECONDS = 20.0
#: Bytes that are copied at once from what was sent along.
_CHUNK = 1024 * 1024


def types() -> dict[str, Any]:
    """The source types that can be looked at, by name."""
    from ckanext.harvest.interfaces import IHarvester

    return {
        str(getattr(plugin, "NAME", "")): plugin
        for plugin in PluginImplementations(IHarvester)
        if hasattr(plugin, "look")
    }


def look(
    context: Any,
    *,
    kind: str,
    url: str,
    config: str,
    owner_org: str | None,
    source: Any = None,
    upload: Any = None,
) -> dict[str, Any]:
    """Some records of a source as it would be saved, and what would become of each.

    :param source: the source that would be changed, as a package; None for a new one
    :param upload: a table that was sent along (``stream``), in the place of one at the address
    :raises ValidationError: the address or the configuration is wrong, or the type is unknown
    """
    known = types()
    if kind not in known:
        raise toolkit.ValidationError(
            {"source_type": [toolkit._("Use one of: %(known)s.") % {"known": ", ".join(known)}]}
        )
    asked = {"url": url, "config": config, "source_type": kind}
    links.check_harvest_source(asked, source.url if source is not None else None)
    with _table(upload) as path:
        trial, sealed = known[kind].look(
            context,
            source_id=source.id if source is not None else "",
            owner_org=owner_org,
            url=url,
            config=config,
            seconds=SECONDS,
            upload=path,
        )
    return {
        "works": not trial.problem,
        "problem": trial.problem,
        "read": trial.read,
        "more": trial.more,
        "announced": trial.announced,
        "counts": dict(trial.counts),
        "samples": [one.shown() for one in trial.samples],
        "config": sealed,
    }


def dry_run(
    source_id: str,
    seconds: float,
    told: Callable[[int, int | None], None] | None = None,
) -> dict[str, Any]:
    """What a run of a saved source would do: figures, and the first lines of each kind.

    :raises ObjectNotFound: there is no such source, or none of a type that can be looked at
    """
    from ckanext.harvest.model import HarvestSource

    saved: Any = model.Session.get(HarvestSource, source_id)
    plugin = types().get(saved.type) if saved is not None else None
    if plugin is None:
        raise toolkit.ObjectNotFound(toolkit._("Harvest source not found"))
    found = plugin.dry_run(source_id, seconds, told)
    counts = {key: found.counts[key] for key in table.COUNTED}
    return {
        "counts": counts,
        "lists": {kind: [one.shown() for one in lines] for kind, lines in found.lists.items()},
        "announced": found.announced,
        "whole": found.whole,
        "held": found.held,
        "problem": found.problem,
        "seconds": round(found.seconds, 1),
        "rate": round(counts["seen"] / found.seconds, 1) if found.seconds > 0 else None,
    }


@contextmanager
def _table(upload: Any) -> Iterator[Path | None]:
    """What was sent along, as a file for as long as the context lasts."""
    if upload is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="govopen-look-") as folder:
        path = Path(folder) / "table"
        with path.open("wb") as out:
            _copy(upload.stream, out)
        yield path


def _copy(stream: IO[bytes], out: IO[bytes]) -> None:
    left = settings.harvest_max_bytes()
    while chunk := stream.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise toolkit.ValidationError({"upload": [toolkit._("File upload too large")]})
        out.write(chunk)
