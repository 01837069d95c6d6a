"""Who may read a file of an application, and its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.access import files as bytes_store
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import look
from ckanext.govopen.model import attachment as attachments

__all__ = ["one", "opened", "visible"]


def visible(context: Any, application: str) -> list[attachments.AttachmentRow]:
    """The files of a case that the caller may read.

    The applicant reads all of them. Who decides reads those that were handed in, and what came
    with the agreement; what is being written is nobody's business.

    :raises ObjectNotFound: there is no such case, or its files do not concern the caller
    """
    row, state = cases.found(context, application)
    who = person(context)
    if who.user_id is not None and who.user_id == row.user_id:
        return attachments.of_case(model.Session, row.id)
    if state is None:
        raise cases.not_found()
    rules = cases.rules_for(state)
    deciding = any(cases.decides(context, state, part, rules) for part in state.parts)
    if not (deciding or cases.reads_all(context)):
        raise cases.not_found()
    handed_in = {
        file["id"]
        for revision in state.revisions
        for file in (revision.content or {}).get("attachments", ())
    }
    look.note(context, state, "files")
    signing = row.draft is None
    return [
        file for file in attachments.of_case(model.Session, row.id, removed=True)
        if file.id in handed_in or (signing and file.removed_at is None)
    ]  # fmt: skip


def one(context: Any, application: str, file_id: str) -> attachments.AttachmentRow:
    """One file of a case; raises ObjectNotFound as :func:`visible`, or when it is none of them."""
    for file in visible(context, application):
        if file.id == file_id:
            return file
    raise tk.ObjectNotFound(tk._("There is no such file."))


def opened(
    context: Any, application: str, file_id: str
) -> tuple[attachments.AttachmentRow, Iterable[bytes]]:
    """A file and its bytes, for a page that sends it as an attachment, never to be shown inline.

    :raises ObjectNotFound: there is none, or it does not concern the caller
    """
    file = one(context, application, file_id)
    fact = FileFact(file.sha256, file.size, file.name, file.media_type)
    return file, bytes_store.open_bytes(fact)
