"""A catalogue source: who may configure what, and where its table is read from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from ckan import model
from ckan.plugins import toolkit
from flask import has_request_context

from ckanext.govopen.access import address, files, network, viewer
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters.asked import SourceLike, asked
from ckanext.govopen.harvesters.reading import SourceError
from ckanext.govopen.logic.command import now
from ckanext.govopen.logic.told import told as _
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
    parsed, needed = permitted(context, source_id, url, config, kind)
    row = model.Session.get(catalogue.CatalogueSource, source_id)
    if row is None:
        row = catalogue.CatalogueSource(source_id=source_id)
        model.Session.add(row)
    user = model.User.get(context.get("user")) if context.get("user") else None
    row.last_editor = user.id if user else None
    row.powers = sorted(needed)
    row.org_code_scheme = parsed.org_code_scheme
    row.language = str(toolkit.h.lang() or "") if has_request_context() else ""
    row.changed_at = now()


def permitted(
    context: Any, source_id: str, url: str, config: str | None, kind: str
) -> tuple[configuration.Config, set[str]]:
    """A configuration with the powers that it asks for, when this person may ask for them.

    :param source_id: of the source that is changed; empty for a new one
    :raises toolkit.ValidationError: with the field that is wrong
    """
    try:
        parsed = configuration.parse(config, kind)
        needed = configuration.powers(url, parsed, kind)
    except configuration.ConfigError as error:
        _refuse("config", str(error))
    who = viewer.person(context)
    had = powers(source_id)
    if catalogue.SERVER_PATH in needed - had and not who.internal:
        _refuse("url", _("Files on the server are read from the command line only."))
    if (needed or had) and not (who.internal or who.sysadmin or who.authority):
        _refuse(
            "config",
            _(
                "Only the data authority or the operator configures a source that publishes for "
                "other departments, creates organisations, keeps identifiers from elsewhere or "
                "reads private addresses."
            ),
        )
    return parsed, needed


def _refuse(key: str, message: str) -> NoReturn:
    model.Session.rollback()
    raise toolkit.ValidationError({key: [message]})


def powers(source_id: str) -> set[str]:
    """What a source was given: nothing for one that nobody with a right to it configured."""
    row = model.Session.get(catalogue.CatalogueSource, source_id)
    return set(row.powers or []) if row else set()


def given(source: SourceLike) -> set[str]:
    """The powers of the source of a job, or of one that is only asked about."""
    question = asked(source)
    return set(question.given) if question is not None else powers(source.id)


def limits(source: SourceLike) -> dict[str, Any]:
    """What a client is to be made with: who waits for an answer is not kept waiting for long."""
    question = asked(source)
    return {"seconds": question.seconds, "tries": 2} if question is not None else {}


def remembers(source: SourceLike) -> bool:
    """May a reading use what the last run left?"""
    question = asked(source)
    return question is None or question.memory


def private_places(
    url: str, config: configuration.Config, given: set[str]
) -> frozenset[network.Place]:
    """What a source may speak to at private addresses: the host and port of its own address, and
    those of ``file_hosts``. Nothing unless it asks for it, was given it, and the operator allows
    it.

    Whoever has the say over what lies there (a redirect, an address in the catalogue) reaches no
    other port of that host, and no other host of that network.
    """
    if not (
        config.private_address
        and catalogue.PRIVATE_ADDRESS in given
        and settings.harvest_allow_private_addresses()
    ):
        return frozenset()
    try:
        return config.file_hosts | {network.place(network.parse(url.strip()))}
    except network.AddressRefused:
        return config.file_hosts  # a file that is uploaded, or lies on the server


@contextmanager
def opened(source: SourceLike, config: configuration.Config) -> Iterator[Path]:
    """The source's table as a file on disk, for as long as the context lasts.

    :raises SourceError: it cannot be had
    """
    question, url = asked(source), source.url
    kind, having = configuration.address(url), given(source)
    if question is not None and question.table is not None:
        yield question.table
        return
    with tempfile.TemporaryDirectory(prefix="govopen-source-") as folder:
        target = Path(folder) / "table"
        if kind == configuration.FILE:
            yield _server_file(url, having)
            return
        if kind == configuration.UPLOAD:
            _uploaded(source.id, target)
        elif question is not None:
            _fetched(url, config, having, target, question.seconds, question.max_bytes)
        else:
            _fetched(url, config, having, target, FETCH_SECONDS, settings.harvest_max_bytes())
        yield target


def _fetched(
    url: str,
    config: configuration.Config,
    given: set[str],
    target: Path,
    seconds: float,
    max_bytes: int,
) -> None:
    try:
        with (
            address.fetch(
                url,
                allow_private=private_places(url, config, given),
                max_bytes=max_bytes,
                timeout=seconds,
            ) as body,
            target.open("wb") as out,
        ):
            shutil.copyfileobj(body, out)
    except address.AddressRefused as refused:
        raise SourceError(_(refused.message)) from refused


def _uploaded(source_id: str, target: Path) -> None:
    fact = file.of_resource(model.Session, source_id, source_id)
    if fact is None:
        raise SourceError(
            _("No file has been uploaded to this source yet: upload one, then run it.")
        )
    with target.open("wb") as out:
        for chunk in files.open_bytes(fact):
            out.write(chunk)


def _server_file(url: str, given: set[str]) -> Path:
    path = Path(unquote(urlsplit(url).path)).resolve()
    roots = [Path(root).resolve() for root in settings.harvest_allowed_roots()]
    if catalogue.SERVER_PATH not in given or not any(path.is_relative_to(root) for root in roots):
        raise SourceError(
            _("The file is not under a folder named by ckanext.govopen.harvest.allowed_roots.")
        )
    if not path.is_file():
        raise SourceError(_("There is no such file."))
    if path.stat().st_size > settings.harvest_max_bytes():
        raise SourceError(_("The file is larger than allowed."))
    return path
