"""The ledger: reading, exporting, verifying; checkpoints, the key, rebuilding, erasing."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access.ledger import knows_names, oversees
from ckanext.govopen.access.policy import Sight
from ckanext.govopen.access.sight import dataset_sight, sights
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.event import EVENT_TYPES
from ckanext.govopen.domain.ledger import SealedEvent
from ckanext.govopen.logic import command, erasure, look
from ckanext.govopen.logic import ledger as reading
from ckanext.govopen.logic.schema import ledger as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import checkpoint, ledger, outbox, projections, settings, signing
from ckanext.govopen.model import release as releases

__all__ = [
    "govopen_ledger_checkpoint",
    "govopen_ledger_erase",
    "govopen_ledger_export",
    "govopen_ledger_rebuild",
    "govopen_ledger_rotate_key",
    "govopen_ledger_show",
    "govopen_ledger_verify",
]

#: The most events of one answer of an export.
EXPORT_LIMIT = 10_000
#: A name that no stream, dataset or department has.
NOTHING = ""


@tk.side_effect_free
@takes(schema.SHOW)
def govopen_ledger_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Events of the ledger that the caller may read, newest first.

    :param stream: only those of this stream, such as ``dataset/<id>`` (optional)
    :param dataset: only those about this dataset, by id or name (optional)
    :param organization: only those of this department, by id or name (optional)
    :param type: only those of this type (optional)
    :param since: only those from this moment or day on (optional)
    :param until: only those up to this moment or day (optional)
    :param part: only what is read as ``public``, ``party`` or ``staff`` (optional)
    :param limit: at most this many, 50 by default
    :param offset: leave out the first
    :returns: ``{"results": [{"stream", "version", "type", "at", "payload", "reader", "hash",
        "previous", "actor": number, "by": {"id", "name", "fullname"} for staff, else None,
        "dataset": {"id", "name", "title"} or None}], "more": bool}``. Events that say who applies
        or who uses a grant are for those with a duty there, whose reading is written down
    """
    tk.check_access("govopen_ledger_show", context, data_dict)
    given = schema.SHOW.read(data_dict)
    wanted = _wanted(
        context, **given.some("stream", "dataset", "organization", "type", "since", "until", "part")
    )
    rows, more = reading.page(context, wanted, given["limit"], given["offset"])
    numbers = {row.actor for reader, row in rows if reader == "staff"}
    accounts = ledger.accounts(model.Session, numbers)
    known = knows_names(person(context))
    own = reading.parties(rows, accounts)
    shown = {key: user for key, (user, place) in own.items() if known is None or place in known}
    look.in_ledger(context, reading.naming(rows, shown))
    hidden = own.keys() - shown.keys()
    return {"results": _dictize(context, rows, accounts, hidden), "more": more}


@tk.side_effect_free
@takes(schema.EXPORT)
def govopen_ledger_export(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The caller's part of the ledger with everything that is needed to verify it.

    :param stream: only this stream (optional)
    :param dataset: only streams about this dataset, by id or name (optional)
    :param reader: ``public``, ``party`` or ``staff``: not more than this circle reads (optional)
    :param after: the ``next`` of the answer before (optional)
    :returns: ``{"lines": [a line of JSON each, the header first], "next": text or None}``; whole
        streams, until there are 10 000 events or more
    :raises ValidationError: too many were asked for from one address without an account
    """
    tk.check_access("govopen_ledger_export", context, data_dict)
    given = schema.EXPORT.read(data_dict)
    if not reading.may_export(context):
        raise tk.ValidationError({"limit": [tk._("Too many at once. Try again in a minute.")]})
    after = given["after"] or None
    wanted = _wanted(context, given["stream"], given["dataset"], part=given["reader"])
    lines: list[str] = []
    last: str | None = None
    for line, stream in reading.export(context, wanted, command.now(), after):
        if stream != last and len(lines) > EXPORT_LIMIT:
            return {"lines": lines, "next": last}
        lines.append(line.rstrip("\n"))
        last = stream
    return {"lines": lines, "next": None}


@tk.side_effect_free
@takes(schema.VERIFY)
def govopen_ledger_verify(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Verify the ledger of this portal against its checkpoints.

    :param stream: only this stream (optional)
    :returns: ``{"ok", "events", "streams", "checkpoint_made_at", "checkpoint_problem", "faults":
        [{"stream", "version", "kind", "message"}], "unproven": [{"stream", "from", "to"}]}``
    """
    tk.check_access("govopen_ledger_verify", context, data_dict)
    stream = schema.VERIFY.read(data_dict)["stream"] or None
    return reading.verify(None, ledger.read(model.Session, stream), whole=stream is None)


@takes(schema.CHECKPOINT)
def govopen_ledger_checkpoint(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Sign how far the ledger has come, and publish it.

    :returns: ``{"made": the checkpoint or None when nothing has happened}``
    :raises ValidationError: the key cannot be used
    """
    tk.check_access("govopen_ledger_checkpoint", context, data_dict)
    now = command.now()
    try:
        made = checkpoint.make(model.Session, now)
    except signing.KeyProblem as problem:
        model.Session.rollback()
        raise tk.ValidationError({"key": [str(problem)]}) from None
    if made is not None:
        number = made["statement"]["number"]
        for address in settings.ledger_witnesses():
            outbox.put(model.Session, "checkpoint", {"number": number, "witness": address}, now)
    command.finish(context)
    try:
        checkpoint.write_files(model.Session)
    except OSError as error:
        # It is made and can be read from the portal; the file follows with the next one.
        raise tk.ValidationError({"checkpoint_folder": [str(error.strerror)]}) from None
    return {"made": made}


@command.decision()
@takes(schema.ROTATE)
def govopen_ledger_rotate_key(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Replace the signing key; the old one signs the new one. Old public keys stay known.

    :returns: the public keys as in ``keys.json``
    :raises ValidationError: the present key cannot be used
    """
    tk.check_access("govopen_ledger_rotate_key", context, data_dict)
    try:
        signing.rotate(model.Session, command.actor(context), command.now())
    except (signing.KeyProblem, OSError) as problem:
        model.Session.rollback()
        said = str(problem) if isinstance(problem, signing.KeyProblem) else str(problem.strerror)
        raise tk.ValidationError({"key": [said]}) from None
    model.repo.commit()
    signing.settle(model.Session)
    return signing.keys_document(model.Session)


@takes(schema.REBUILD)
def govopen_ledger_rebuild(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Compare the tables that repeat the ledger with it, and bring them in line.

    :param check: true: only compare
    :returns: ``{"differences": [{"table", "key", "kind", "field", "stored", "rebuilt"}],
        "written": bool}``
    """
    tk.check_access("govopen_ledger_rebuild", context, data_dict)
    only_check = schema.REBUILD.read(data_dict)["check"]
    found = (
        list(projections.check(model.Session)) if only_check else projections.rebuild(model.Session)
    )
    if not only_check:
        command.finish(context)
    return {
        "differences": [
            {
                "table": one.table,
                "key": one.key,
                "kind": one.kind,
                "field": one.field,
                "stored": one.stored,
                "rebuilt": one.rebuilt,
            }
            for one in found
        ],
        "written": not only_check and bool(found),
    }


@command.decision()
@takes(schema.ERASE)
def govopen_ledger_erase(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take personal fields out of events for good; the chain stays valid. Itself an event.

    :param stream: in the events of this stream, or
    :param user: in the events whose personal fields name this account
    :param types: only in events of these types (optional)
    :param unlink: true, with ``user``: forget as well which number of the ledger was his
    :param force: true: although the time of keeping runs
    :param reason: why
    :returns: ``{"events": number of events, "before": the day from which on nothing is erased}``
    :raises ValidationError: a parameter is wrong, or ``refusal`` while it has to be kept
    """
    tk.check_access("govopen_ledger_erase", context, data_dict)
    given = schema.ERASE.read(data_dict, first=("stream", "user", "types"))
    stream, user, types, errors = given["stream"], given["user"], given["types"], given.errors
    if bool(stream) == bool(user):
        errors.add("stream", tk._("Name either a stream or a user."))
    for name in types:
        if name not in EVENT_TYPES:
            errors.add("types", tk._("There is no event type %(name)s.") % {"name": name[:100]})
    given.check()
    # An account that is gone may still be named in the ledger: it is known by its id.
    account = model.User.get(user) if user else None
    order = erasure.Order(
        stream=stream or None,
        user_id=account.id if account else user or None,
        types=frozenset(types),
        reason=given["reason"],
        force=given["force"],
        unlink=given["unlink"] and bool(user),
    )
    with command.refusals():
        done = erasure.carry_out(model.Session, order, command.actor(context), command.now())
    command.finish(context)
    return done


def _wanted(
    context: Any,
    stream: str,
    dataset: str,
    organization: str = "",
    type: str = "",
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    part: Any = "",
) -> reading.Wanted:
    asked = bool(dataset)
    if dataset:
        # What he may not see he gets no event of, as for a name that nothing has.
        found = dataset_sight(context, dataset)[0]
        dataset = found or (dataset if oversees(person(context)) else NOTHING)
    group = model.Group.get(organization) if organization else None
    return reading.Wanted(
        stream=stream or None,
        dataset=dataset if asked else None,
        organization=(group.id if group else NOTHING) if organization else None,
        type=type or None,
        since=since,
        until=until,
        part=part or None,
    )


def _dictize(
    context: Any,
    rows: list[tuple[str, SealedEvent]],
    accounts: Mapping[str, str],
    hidden: Collection[tuple[str, int]],
) -> list[dict[str, Any]]:
    """``accounts`` are the user ids behind numbers, ``hidden`` the events, by stream and version,
    of which the reader does not learn who brought them about."""
    datasets = {str(row.payload["dataset"]) for _, row in rows if row.payload.get("dataset")}
    seen = sights(context, datasets)
    packages = {
        item.id: item
        for item in model.Session.query(model.Package).filter(model.Package.id.in_(datasets))
    }
    live = releases.live_many(model.Session, datasets)
    people = {
        user.id: user
        for user in model.Session.query(model.User).filter(model.User.id.in_(accounts.values()))
    }

    def dataset(package_id: Any) -> dict[str, str] | None:
        access, package = seen.get(package_id), packages.get(package_id)
        if access is None or package is None or not access.visible:
            return None
        if access.sight is Sight.RELEASE:
            shown = live[package_id].data["shown"] if package_id in live else {}
            return {
                "id": package_id,
                "name": shown.get("name", ""),
                "title": shown.get("title") or shown.get("name", ""),
            }
        return {"id": package_id, "name": package.name, "title": package.title or package.name}

    def by(reader: str, row: SealedEvent) -> dict[str, str] | None:
        user = people.get(accounts.get(row.actor or "", "")) if reader == "staff" else None
        if user is None or (row.stream, row.version) in hidden:
            return None
        return {"id": user.id, "name": user.name, "fullname": user.fullname or user.name}

    return [
        {
            "stream": row.stream,
            "version": row.version,
            "type": row.type,
            "at": row.at,
            "payload": dict(row.payload),
            "reader": reader,
            "actor": row.actor,
            "by": by(reader, row),
            "dataset": dataset(row.payload.get("dataset")),
            "previous": row.previous,
            "hash": row.hash,
        }
        for reader, row in rows
    ]
