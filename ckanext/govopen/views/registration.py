"""Registration in two steps (``/open/register``): an e-mail address first, then the account.

Works without a script, and without a puzzle: what keeps machines off are a field that people do
not see, a least time for filling in, and limits on numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ckan.config.middleware.flask_app import csrf
from ckan.logic.validators import email_validator
from ckan.plugins import toolkit
from ckan.views.user import RegisterView
from flask import Blueprint, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from ckanext.govopen.access.sign_in import place_after
from ckanext.govopen.logic import command, registration
from ckanext.govopen.model import settings
from ckanext.govopen.views import asked
from ckanext.govopen.views.forms import Reason, reasons, said
from ckanext.govopen.views.oidc import enter

_ = toolkit._
blueprint = Blueprint("govopen_registration", __name__)

FIELDS = ("name", "fullname", "password1", "password2")
#: Seconds after which a form has to be opened anew.
_STALE = 6 * 3600
#: Characters of a place to come back to; the link in a mail holds it.
_LONGEST = 500
#: Name of the field that only machines fill in.
TRAP = "website"


def _protected() -> None:
    """A form is taken with its token only; CKAN's own check leaves out views without sessions."""
    if request.method == "POST" and current_app.config.get("WTF_CSRF_ENABLED"):
        csrf.protect()


def _begin() -> Any:
    """Who may not register is told so; None to go on."""
    if toolkit.current_user.is_authenticated:
        return toolkit.redirect_to("govopen_account.index")
    if not settings.register_on():
        return toolkit.abort(404, _("Nothing is found at this address."))
    _protected()
    return None


def _clock() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="govopen-register")


def _too_fast(opened: str) -> bool:
    """Was the form filled in faster than a person can, or opened too long ago?"""
    try:
        _value, at = _clock().loads(opened, max_age=_STALE, return_timestamp=True)
    except BadSignature:
        return True
    return (command.now() - at).total_seconds() < settings.register_fill_seconds()


def _form(errors: list[Reason] | None = None, status: int = 200) -> Any:
    page = toolkit.render(
        "govopen/account/register.html",
        {
            "errors": errors or [],
            "email": request.form.get("email", "")[:254],
            "opened": _clock().dumps(""),
            "place": _place(),
            "trap": TRAP,
        },
    )
    return page, status


def index() -> Any:
    """Asks for the e-mail address, and sends the mail."""
    stop = _begin()
    if stop is not None:
        return stop
    if request.method != "POST":
        return _form()
    email = request.form.get("email", "").strip()
    if not _is_address(email):
        return _form(_field("email", _("This is not an e-mail address.")), 400)
    if request.form.get(TRAP):
        return toolkit.redirect_to("govopen_registration.sent")
    if _too_fast(request.form.get("opened", "")):
        return _form(
            said(_("That was very fast, or very slow. Please send the form once more.")), 400
        )
    origin = registration.block(request.remote_addr, request.headers.get("X-Forwarded-For"))
    try:
        link = registration.ask(email, origin, _link_to(_place()), command.now())
    except registration.TooMany:
        text = _("At the moment too many accounts are asked for. Try again in an hour.")
        return _form(said(text), 429)
    except registration.NoMail:
        text = _("The mail could not be sent, and nothing was kept. Try again later.")
        return _form(said(text), 503)
    if link is not None:
        toolkit.h.flash_notice(
            _("This portal for trying out sends no mail: here is the page its link would open.")
        )
        return toolkit.redirect_to(link)
    return toolkit.redirect_to("govopen_registration.sent")


def _is_address(email: str) -> bool:
    if not 3 <= len(email) <= 254 or any(ord(char) <= 0x20 for char in email):
        return False
    try:
        email_validator(email, {})
    except toolkit.Invalid:
        return False
    return True


def _field(name: str, message: str) -> list[Reason]:
    return [{"rule": "", "article": "", "message": message, "field": name}]


def _place() -> str | None:
    """Where the reader was when he found that he needs an account."""
    return place_after(request.values.get("next"), _LONGEST)


def _link_to(place: str | None) -> Callable[[str], str]:
    """Makes the link of the mail. It names the place: the mail may be read on another machine."""
    rest = {"next": place} if place else {}
    return lambda key: toolkit.url_for(
        "govopen_registration.confirm", key=key, **rest, _external=True
    )


def sent() -> Any:
    """What follows, in the same words for everybody."""
    stop = _begin()
    return (
        stop
        if stop is not None
        else toolkit.render("govopen/account/sent.html", {"hours": settings.register_link_hours()})
    )


def confirm() -> Any:
    """The page behind the link of the mail: choosing a name and a password makes the account."""
    stop = _begin()
    if stop is not None:
        return stop
    key = request.values.get("key", "")
    now = command.now()
    row = registration.waiting(key, now)
    if row is None:
        return toolkit.render("govopen/account/confirm.html", {"row": None, "place": _place()}), 410
    errors: list[Reason] = []
    if request.method == "POST":
        try:
            user = registration.finish(key, {f: request.form.get(f, "") for f in FIELDS}, now)
        except toolkit.ValidationError as error:
            errors = reasons(error, _labels())
        else:
            if user is None:
                return toolkit.render(
                    "govopen/account/confirm.html", {"row": None, "place": _place()}
                ), 410
            enter(user)
            toolkit.h.flash_success(_("Your account is ready."))
            return toolkit.redirect_to(_place() or toolkit.url_for("govopen_account.index"))
    page = toolkit.render(
        "govopen/account/confirm.html",
        {"row": row, "key": key, "place": _place(), "errors": errors, "typed": request.form},
    )
    return page, 400 if errors else 200


def _labels() -> dict[str, str]:
    return {
        "name": _("User name"),
        "fullname": _("Your name"),
        "password1": _("Password"),
        "password": _("Password"),
        "password2": _("Password once more"),
        "email": _("E-mail address"),
    }


def ckan_form() -> Any:
    """CKAN's form stays for the operator, who makes accounts for others; others get this one."""
    if asked.context()["user"] and getattr(toolkit.current_user, "sysadmin", False):
        return RegisterView.as_view("register")()
    return toolkit.redirect_to("govopen_registration.index")


def govopen_registers() -> bool:
    """May the reader make an account by himself?"""
    return settings.register_on()


_BOTH = ["GET", "POST"]
blueprint.add_url_rule("/open/register", "index", index, methods=_BOTH)
blueprint.add_url_rule("/open/register/sent", "sent", sent)
blueprint.add_url_rule("/open/register/confirm", "confirm", confirm, methods=_BOTH)
blueprint.add_url_rule("/user/register", "ckan_form", ckan_form, methods=_BOTH)
