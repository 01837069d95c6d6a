"""Private files of applications: adding, taking away, listing. The bytes go out by a page only."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import files as bytes_store
from ckanext.govopen.domain.application.check import ATTACHMENTS_MAX
from ckanext.govopen.domain.application.state import Application
from ckanext.govopen.domain.refusal import N_, refuse
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_names as naming
from ckanext.govopen.logic import attachment as files
from ckanext.govopen.logic import command, upload
from ckanext.govopen.logic.schema import attachment as schema
from ckanext.govopen.logic.schema.table import takes
from ckanext.govopen.model import application as stored
from ckanext.govopen.model import attachment as attachments
from ckanext.govopen.model import settings

__all__ = [
    "govopen_attachment_add",
    "govopen_attachment_list",
    "govopen_attachment_remove",
    "govopen_attachment_show",
]


@takes(schema.ADD)
def govopen_attachment_add(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Attach a private file to an application while the applicant writes it, or has to sign.

    :param application: the case, by id or number
    :param upload: the file, as ``multipart/form-data``
    :param note: what it is (optional)
    :returns: ``{"id", "name", "size", "sha256", "media_type", "note", "added_at"}``
    :raises ObjectNotFound: there is no such case, or it is not the caller's
    :raises ValidationError: empty, too large, of a kind that is not taken, not what its name says
    """
    tk.check_access("govopen_attachment_add", context, data_dict)
    given = schema.ADD.read(data_dict, first=("application",))
    reference = given["application"]
    cases.found(context, reference)
    file = given["upload"]
    kinds = settings.attachment_types()
    kind = PurePosixPath(upload.file_name(file.filename)).suffix.lower().lstrip(".")
    if kind not in kinds:
        message = tk._("Files of this kind are not taken. Use one of: %(known)s.")
        raise tk.ValidationError({"upload": [message % {"known": ", ".join(kinds)}]})
    fact, copy = upload.receive(file.stream, file.filename, settings.attachment_bytes())
    with copy:
        if not fact.size:
            message = tk._("The file is empty. Choose another one.")
            raise tk.ValidationError({"upload": [message]})
        row, _state = _writable(context, reference)
        with command.refusals():
            if len(attachments.of_case(model.Session, row.id)) >= ATTACHMENTS_MAX:
                raise refuse("APP-2", None, N_("At most %(most)s of them."), field="attachments",
                             most=ATTACHMENTS_MAX)  # fmt: skip
        bytes_store.keep_collector_out(model.Session)
        bytes_store.put(copy, fact)
    made = attachments.AttachmentRow(
        application_id=row.id,
        user_id=row.user_id,
        name=fact.name,
        sha256=fact.sha256,
        size=fact.size,
        media_type=fact.media_type,
        note=given["note"],
        added_at=command.now(),
    )
    model.Session.add(made)
    model.Session.flush()
    command.finish(context)
    return naming.attachment(made)


@takes(schema.REMOVE)
def govopen_attachment_remove(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take a file out of what is being written. Versions handed in with it keep it.

    :param application: the case, by id or number
    :param id: the file
    :returns: ``{"id", "removed": true}``
    :raises ObjectNotFound: there is no such case or file of the caller's
    """
    tk.check_access("govopen_attachment_remove", context, data_dict)
    given = schema.REMOVE.read(data_dict)
    reference, file_id = given["application"], given["id"]
    row, _state = _writable(context, reference)
    found = attachments.get(model.Session, file_id)
    if found is None or found.application_id != row.id or found.removed_at is not None:
        model.Session.rollback()
        raise tk.ObjectNotFound(tk._("There is no such file."))
    found.removed_at = command.now()
    command.finish(context)
    return {"id": file_id, "removed": True}


@tk.side_effect_free
@takes(schema.LIST)
def govopen_attachment_list(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """The files of a case, for its applicant and those who decide on it.

    :param application: the case, by id or number
    :returns: as in :func:`govopen_attachment_add`
    :raises ObjectNotFound: there is no such case, or its files do not concern the caller
    """
    tk.check_access("govopen_attachment_list", context, data_dict)
    reference = schema.LIST.read(data_dict)["application"]
    return [naming.attachment(row) for row in files.visible(context, reference)]


@tk.side_effect_free
@takes(schema.SHOW)
def govopen_attachment_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One file of a case.

    :param application: the case, by id or number
    :param id: the file
    :returns: as in :func:`govopen_attachment_add`
    :raises ObjectNotFound: there is none, or it does not concern the caller
    """
    tk.check_access("govopen_attachment_show", context, data_dict)
    given = schema.SHOW.read(data_dict)
    return naming.attachment(files.one(context, given["application"], given["id"]))


def _writable(context: Any, reference: str) -> tuple[stored.ApplicationRow, Application | None]:
    """The caller's own case, locked, while files may come and go.

    :raises NotAuthorized: it is another one's
    :raises ValidationError: nothing can be attached now
    """
    row, state = cases.found(context, reference, lock=True)
    if row.user_id != command.actor(context):
        model.Session.rollback()
        raise tk.NotAuthorized(tk._("This is for the applicant to do."))
    with command.refusals():
        open_to = {"returned", "approved"}
        if state is not None and not any(part.status in open_to for part in state.parts):
            raise refuse("APP-3", None, N_("This is not yours to change now."))
    return row, state
