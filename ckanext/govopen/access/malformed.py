"""What no part of the portal can read is answered here, once, as a mistake of the request.

Texts with a NUL or half a surrogate pair cannot be stored, JSON can nest deeper than Python can
follow, and its numbers need not be any. CKAN's own code would fail on each of them somewhere.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import re
from collections.abc import Iterator, Mapping
from traceback import walk_tb
from typing import Any

from ckan import model
from ckan.lib.navl.dictization_functions import DictizationError
from ckan.plugins import toolkit
from ckan.views.api import _finish, _finish_bad_request
from flask import request
from jinja2 import TemplateError
from sqlalchemy.exc import DataError, ProgrammingError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from ckanext.govopen.domain.number import NotWhole, OutOfRange, whole

log = logging.getLogger(__name__)
#: What reading something of the wrong kind ends in.
_READING = (
    AssertionError,
    AttributeError,
    LookupError,
    ProgrammingError,
    TypeError,
    ValueError,
)
#: Lists and objects of JSON within each other.
DEEPEST = 64
#: Formats of a dump of rows.
_FORMATS = ("csv", "tsv", "json", "xml")
_NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")
#: Parameters without which CKAN's action fails, by action; of ``a|b`` one is enough.
_NEEDED: dict[str, tuple[str, ...]] = {
    "group_member_create": ("id", "username", "role"),
    "group_member_delete": ("id", "username|user_id"),
    "organization_member_create": ("id", "username", "role"),
    "organization_member_delete": ("id", "username|user_id"),
    "harvest_job_create": ("source_id",),
    "harvest_source_clear": ("id",),
    "harvest_source_delete": ("id",),
    "harvest_source_index_clear": ("id",),
    "harvest_source_job_history_clear": ("id",),
    "harvest_source_show_status": ("id",),
    "harvest_source_update": ("id",),
    "datastore_run_triggers": ("resource_id",),
    "user_invite": ("email", "group_id", "role"),
}
#: What CKAN takes for a text wherever it stands, without a look.
_ALWAYS_TEXTS = ("id", "name", "type", "owner_org")
#: Parameters that CKAN's action takes for texts without a look, by action.
_TEXTS = {
    "user_list": ("q", "email", "order_by"),
    "user_autocomplete": ("q",),
    "group_autocomplete": ("q",),
    "organization_autocomplete": ("q",),
    "package_autocomplete": ("q",),
    "tag_autocomplete": ("q", "query"),
    "format_autocomplete": ("q",),
    "group_list": ("q", "sort"),
    "organization_list": ("q", "sort"),
    **dict.fromkeys(_NEEDED, ("id", "username", "user_id", "role", "source_id", "resource_id")),
}


class _Unreadable(Exception):
    """Says in words what cannot be read."""


def refusal() -> Any:
    """The answer to a request that cannot be read; None when it can."""
    try:
        for text in _texts():
            _check_text(text)
        for value in _bodies():
            _check(value)
    except _Unreadable as found:
        return _refuse(str(found))
    except RecursionError:
        return _refuse(_too_deep())
    sort = request.args.get("sort")
    if sort and not _by_api() and not all(part.strip() for part in sort.split(",")):
        # CKAN's lists read the first word of every part.
        return _refuse(toolkit._("The parameter “{name}” cannot be used.").format(name="sort"))
    return None


def checked(name: str, data: Mapping[str, Any]) -> None:
    """Parameters that CKAN's action ``name`` needs are there, and texts are texts.

    :raises ValidationError: names those that are not
    """
    errors: dict[str, Any] = {
        keys[0]: [toolkit._("Missing value")]
        for keys in (needed.split("|") for needed in _NEEDED.get(name, ()))
        if all(data.get(key) in (None, "") for key in keys)
    }
    for key in (*_ALWAYS_TEXTS, *_TEXTS.get(name, ())):
        if data.get(key) is not None and not isinstance(data[key], str):
            errors[key] = [toolkit._("Must be a text.")]
    if errors:
        raise toolkit.ValidationError(errors)


def check_dump(asked: Mapping[str, str]) -> None:
    """Ends the request with 400 when a dump of rows is asked for in a way that there is not."""
    wrong = "format" if asked.get("format", "csv") not in _FORMATS else ""
    for name in ("limit", "offset"):
        try:
            whole(asked.get(name) or 0, highest=2**31 - 1)
        except (NotWhole, OutOfRange):
            wrong = name
    try:
        filters = json.loads(asked.get("filters") or "{}")
    except (ValueError, RecursionError):
        filters = None
    if not isinstance(filters, dict):
        wrong = "filters"
    if wrong:
        toolkit.abort(400, toolkit._("The parameter “{name}” cannot be used.").format(name=wrong))


def told(error: DataError | OverflowError | RecursionError) -> toolkit.ValidationError:
    """What the database or the parser could not take, as a mistake of the request."""
    if isinstance(error, RecursionError):
        return toolkit.ValidationError({"message": [_too_deep()]})
    model.Session.rollback()  # nothing more can be asked in this transaction
    return toolkit.ValidationError(
        {"message": [toolkit._("A value is too large, or not of the kind that is needed here.")]}
    )


@contextlib.contextmanager
def read_by_ckan(name: str, context: Mapping[str, Any]) -> Iterator[None]:
    """Errors that another plugin's action makes of a call over the API are the call's mistakes.

    CKAN's actions read much of what they get without a look: a number where a text belongs, or
    a missing part, ends in a Python error somewhere. It goes to the log whole, and to the caller
    as a refusal. An error whose last step is this extension's own stays a fault.

    :raises ValidationError: in place of such an error
    """
    try:
        yield
    except _READING as error:
        if "api_version" not in context or _own(error):
            raise
        log.warning("%s could not read what it was given", name, exc_info=True)
        model.Session.rollback()  # nothing more can be asked in this transaction
        text = toolkit._(
            "A parameter is missing, or it is not of the kind that is needed here."
            " Compare with the description of “{name}”."
        )
        raise toolkit.ValidationError({"message": [text.format(name=name)]}) from None


def _own(error: BaseException) -> bool:
    """Was the last step in code of CKAN or a plugin a step of this extension?"""
    steps = [frame.f_globals.get("__name__", "") for frame, _line in walk_tb(error.__traceback__)]
    ours = [step.startswith("ckanext.govopen.") for step in steps if step.startswith("ckan")]
    return not ours or ours[-1]


def register(app: Any) -> None:
    """Answers to what only a view notices."""
    pages = {
        code: app.error_handler_spec[None][code].get(kind)
        for code, kind in ((413, RequestEntityTooLarge), (415, UnsupportedMediaType))
    }

    def unread(error: RequestEntityTooLarge | UnsupportedMediaType) -> Any:
        code = 415 if isinstance(error, UnsupportedMediaType) else 413
        if not _by_api():
            page = pages[code]
            return page(error) if page is not None else error
        if code == 415:
            text = toolkit._("The API reads JSON (application/json) and forms.")
        else:
            text = toolkit._("The form has too many fields, or too long ones.")
        return _finish(code, toolkit._("Bad request: %s") % text, "json")

    def too_large(error: DataError | OverflowError) -> Any:
        model.Session.rollback()
        return app.handle_http_exception(
            BadRequest(toolkit._("The request could not be understood."))
        )

    def form(error: Exception) -> Any:
        if not _of_what_was_sent(error):
            fault = app.error_handler_spec[None][None].get(Exception)
            if fault is None:
                raise error
            return fault(error)
        log.warning("%s could not read what was sent", request.endpoint, exc_info=error)
        model.Session.rollback()  # nothing more can be asked in this transaction
        return app.handle_http_exception(
            BadRequest(toolkit._("The request could not be understood."))
        )

    app.register_error_handler(UnsupportedMediaType, unread)
    app.register_error_handler(RequestEntityTooLarge, unread)
    app.register_error_handler(DataError, too_large)
    app.register_error_handler(OverflowError, too_large)
    for kind in (*_READING, DictizationError):
        app.register_error_handler(kind, form)


def _of_what_was_sent(error: Exception) -> bool:
    """Is it the mistake of a form, or of the query in an address, that was sent to a page of CKAN
    or of another plugin?

    Their views take every field of their own forms and links for granted. What is this extension's
    own, a page as well as a step behind another's page, stays a fault, and so does a template's.
    """
    page = request.endpoint or ""
    sent = request.method == "POST" or bool(request.args)
    theirs = sent and not _by_api() and not page.startswith("govopen_")
    return theirs and not _own(error) and not isinstance(error, TemplateError)


def _by_api() -> bool:
    return (request.endpoint or "").startswith("api.")


def _refuse(text: str) -> Any:
    if _by_api():
        return _finish_bad_request(text)
    return toolkit.abort(400, text)


def _too_deep() -> str:
    return toolkit._("The JSON has more than {most} levels.").format(most=DEEPEST)


def _texts() -> Iterator[str]:
    yield request.path
    for values in (request.args, request.form):
        for key, value in values.items(multi=True):
            yield key
            yield value
    for key, file in request.files.items(multi=True):
        yield key
        yield file.filename or ""


def _bodies() -> Iterator[Any]:
    """What the body says in JSON; what is none is answered by whoever reads it."""
    try:
        if request.is_json and request.data:
            yield request.get_json()
        elif _by_api() and list(request.form.values()) in (["1"], [""]):
            # CKAN reads the only field of such a form as JSON.
            yield json.loads(next(iter(request.form)))
    except (ValueError, BadRequest):
        return


def _check_text(text: str) -> None:
    if _NO_TEXT.search(text):
        raise _Unreadable(toolkit._("The request contains characters that are no text."))


def _check(value: Any) -> None:
    """Looks at every part of what JSON was read to.

    :raises _Unreadable: says what is wrong
    """
    waiting = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, str):
            _check_text(part)
        elif isinstance(part, float):
            if not math.isfinite(part):
                raise _Unreadable(toolkit._("Infinity and NaN are no numbers of JSON."))
        elif isinstance(part, (dict, list)):
            if depth > DEEPEST:
                raise _Unreadable(_too_deep())
            if isinstance(part, dict):
                waiting += ((key, depth) for key in part)
                part = part.values()
            waiting += ((item, depth + 1) for item in part)
