"""A catalogue source: who may configure what, and where its table is read from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.access import address, files, viewer
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.logic.command import now
from ckanext.govopen.model import catalogue, file, settings

#: Seconds in which a catalogue has to have arrived.
FETCH_SECONDS = 300.0


def remember(
    context: Any, source_id: str, url: str, config: str | None, kind: str = configuration.TABLE
) -> None:
    """Notes who configured a source, and refuses what he may not ask for.

    A source with powers is the authority's and the operator's alone, every later edit of it too:
    whoever could change only its address would have its powers for another catalogue.

    :raises toolkit.ValidationError: with the field that is wrong
    """
    try:
        parsed = configuration.parse(config, kind)
        asked = configuration.powers(url, parsed, kind)
    except configuration.ConfigError as error:
        _refuse("config", str(error))
        return
    who = viewer.person(context)
    row = model.Session.get(catalogue.CatalogueSource, source_id)
    had = set(row.powers or []) if row else set()
    if catalogue.SERVER_PATH in asked - had and not who.internal:
        _refuse("url", toolkit._("Files on the server are read from the command line only."))
    if (asked or had) and not (who.internal or who.sysadmin or who.authority):
        _refuse(
            "config",
            toolkit._(
                "Only the data authority or the operator configures a source that publishes for "
                "other departments, creates organisations, keeps identifiers from elsewhere or "
                "reads private addresses."
            ),
        )
    if row is None:
        row = catalogue.CatalogueSource(source_id=source_id)
        model.Session.add(row)
    user = model.User.get(context.get("user")) if context.get("user") else None
    row.last_editor = user.id if user else None
    row.powers = sorted(asked)
    row.org_code_scheme = parsed.org_code_scheme
    row.changed_at = now()


def _refuse(key: str, message: str) -> None:
    model.Session.rollback()
    raise toolkit.ValidationError({key: [message]})


def powers(source_id: str) -> set[str]:
    """What a source was given: nothing for one that nobody with a right to it configured."""
    row = model.Session.get(catalogue.CatalogueSource, source_id)
    return set(row.powers or []) if row else set()


def may_read_private(config: configuration.Config, given: set[str]) -> bool:
    """Asked for by the source, given to it, and allowed by the operator."""
    return (
        config.private_address
        and catalogue.PRIVATE_ADDRESS in given
        and settings.harvest_allow_private_addresses()
    )


@contextmanager
def opened(source_id: str, url: str, config: configuration.Config) -> Iterator[Path]:
    """The source's table as a file on disk, for as long as the context lasts.

    :raises SourceError: it cannot be had
    """
    kind = configuration.address(url)
    given = powers(source_id)
    with tempfile.TemporaryDirectory(prefix="govopen-source-") as folder:
        target = Path(folder) / "table"
        if kind == configuration.FILE:
            yield _server_file(url, given)
            return
        if kind == configuration.UPLOAD:
            _uploaded(source_id, target)
        else:
            _fetched(url, config, given, target)
        yield target


def _fetched(url: str, config: configuration.Config, given: set[str], target: Path) -> None:
    try:
        with (
            address.fetch(
                url,
                allow_private=may_read_private(config, given),
                max_bytes=settings.harvest_max_bytes(),
                timeout=FETCH_SECONDS,
            ) as body,
            target.open("wb") as out,
        ):
            shutil.copyfileobj(body, out)
    except address.AddressRefused as refused:
        raise SourceError(toolkit._(refused.message)) from refused


def _uploaded(source_id: str, target: Path) -> None:
    fact = file.of_resource(model.Session, source_id, source_id)
    if fact is None:
        raise SourceError(
            toolkit._("No file has been uploaded to this source yet: upload one, then run it.")
        )
    with target.open("wb") as out:
        for chunk in files.open_bytes(fact):
            out.write(chunk)


def _server_file(url: str, given: set[str]) -> Path:
    path = Path(unquote(urlsplit(url).path)).resolve()
    roots = [Path(root).resolve() for root in settings.harvest_allowed_roots()]
    if catalogue.SERVER_PATH not in given or not any(path.is_relative_to(root) for root in roots):
        raise SourceError(
            toolkit._(
                "The file is not under a folder named by ckanext.govopen.harvest.allowed_roots."
            )
        )
    if not path.is_file():
        raise SourceError(toolkit._("There is no such file."))
    if path.stat().st_size > settings.harvest_max_bytes():
        raise SourceError(toolkit._("The file is larger than allowed."))
    return path
