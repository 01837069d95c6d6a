"""Carries the policy's answer to every route, before the view runs and after it has answered."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit
from ckan.views.api import _finish_bad_request
from flask import Response, g, request
from werkzeug.exceptions import BadRequest, Conflict, Forbidden, NotFound, TooManyRequests

from ckanext.govopen.access import content, datastore, forgery, malformed, passwords, reset, uses
from ckanext.govopen.access.inventory import Surface, inventory
from ckanext.govopen.access.policy import CONDITIONAL, Person, in_circle
from ckanext.govopen.access.references import look, refused_content, user_is_visible
from ckanext.govopen.access.viewer import person
from ckanext.govopen.model import settings

#: Answers of these endpoints are the same for everybody and may be kept by caches.
_STATIC = ("static", "webassets.", "util.")


def request_context() -> dict[str, Any]:
    """A context that speaks for the account of this request."""
    user = toolkit.current_user
    return {"user": user.name if user.is_authenticated else "", "auth_user_obj": user}


def _not_found() -> Any:
    return toolkit.abort(404, toolkit._("Nothing is found at this address."))


def _refused(surface: Surface) -> Any:
    if surface.forbids:
        return toolkit.abort(403, toolkit._("This needs a right that you do not have."))
    return _not_found()


def guard() -> Response | None:
    """Runs before every view.

    Refuses what cannot be read, forged requests and JSONP, answers 404 for what is not listed and
    for what the person may not see, and serves downloads itself, so that CKAN's own download view
    never runs.
    """
    refused = malformed.refusal()
    if refused is not None:
        return refused
    if request.endpoint is None:
        return None  # no such address: CKAN answers
    if request.endpoint == "static" or request.endpoint.endswith(".static"):
        return None
    refused = forgery.refusal()
    if refused is not None:
        return refused
    context = request_context()
    who = person(context)
    surface = inventory().route(request.endpoint)
    if surface is None:
        if who.is_staff or not settings.deny_unlisted():
            return None
        return _not_found()
    if request.endpoint.startswith("api.") and "callback" in request.args:
        return toolkit.abort(400, toolkit._("JSONP is not offered: use CORS."))
    arguments = request.view_args or {}
    if request.endpoint == "api.action" and not _action_is_open(who, arguments):
        # CKAN's own answer to a name that no plugin has.
        return _finish_bad_request(f"Action name not known: {arguments.get('logic_function')}")
    if not who.sees_everything:
        for kind, reference in _named(surface, arguments):
            if not _visible(context, who, kind, reference):
                return _refused(surface)
    if not in_circle(who, surface.who):
        if who.user_id is None and surface.who == "user":
            return None  # CKAN sends him to the login page
        return _refused(surface)
    if passwords.page_is_closed(request.endpoint):
        return _not_found()
    if request.endpoint == "user.perform_reset" and not reset.is_valid(
        arguments["id"], request.args.get("key")
    ):
        return toolkit.abort(403, toolkit._("This link is not valid any more: ask for a new one."))
    if request.endpoint.endswith("resource.download"):
        return content.serve(
            context, arguments["id"], arguments["resource_id"], arguments.get("filename")
        )
    if surface.content:
        return _content(context, surface, arguments)
    return None


def _content(context: dict[str, Any], surface: Surface, arguments: dict[str, Any]) -> Any:
    """None when the content of everything that the route names may be read; otherwise its refusal.

    A route that names nothing the policy could be asked about shows nothing.
    """
    named = [found for found in _named(surface, arguments) if found[0] != "user"]
    looked = [look(context, kind, reference) for kind, reference in named]
    if not looked or not all(access.visible for access in looked):
        return _not_found()
    if not all(access.content for access in looked):
        for kind, reference in named:
            if kind == "resource":
                refused_content(context, reference)
        return toolkit.abort(403, toolkit._(CONDITIONAL))
    if surface.name == "datastore.dump":
        malformed.check_dump(request.args)
        try:
            datastore.check_dump(context, arguments["resource_id"], request.args)
        except toolkit.NotAuthorized as refused:
            return toolkit.abort(403, refused.message or "")
    return None


def _named(surface: Surface, arguments: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind, reference) of everything that a request names by the parameters of its route."""
    named = []
    for parameter, kind in surface.takes.items():
        reference = arguments.get(parameter) or request.args.get(parameter)
        if reference:
            named.append((kind, reference))
    return named


def _action_is_open(who: Person, arguments: dict[str, Any]) -> bool:
    """Unlisted actions do not exist for people without a duty."""
    name = arguments.get("logic_function", "")
    listed = inventory().action(name) is not None
    return listed or who.is_staff or not settings.deny_unlisted()


def _visible(context: dict[str, Any], who: Person, kind: str, reference: str) -> bool:
    if kind == "user":
        return user_is_visible(context, who, reference)
    return look(context, kind, reference).visible


def errors(app: Any) -> None:
    """Registers the answers to what CKAN's views let through uncaught, which would be a 500."""

    def not_found(error: Exception) -> Any:
        return app.handle_http_exception(NotFound(toolkit._("Nothing is found at this address.")))

    def not_authorized(error: Exception) -> Any:
        return app.handle_http_exception(
            Forbidden(toolkit._("This needs a right that you do not have."))
        )

    def invalid(error: toolkit.ValidationError) -> Any:
        refusals = error.error_dict.get("refusal") if isinstance(error.error_dict, dict) else None
        if isinstance(refusals, list) and refusals:
            said = " ".join(str(one["message"]) for one in refusals if isinstance(one, dict))
            return app.handle_http_exception(Conflict(said))
        return app.handle_http_exception(
            BadRequest(toolkit._("The request could not be understood."))
        )

    def used_up(error: uses.UsedUp) -> Any:
        g.govopen_used_up = error.seconds or 0
        return app.handle_http_exception(TooManyRequests(error.text))

    malformed.register(app)
    app.register_error_handler(uses.UsedUp, used_up)
    app.register_error_handler(toolkit.ObjectNotFound, not_found)
    app.register_error_handler(toolkit.NotAuthorized, not_authorized)
    app.register_error_handler(toolkit.ValidationError, invalid)


def headers(response: Response) -> Response:
    """Runs after every view: what depends on the person must not be kept by a cache."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    seconds = g.get("govopen_used_up")
    if seconds is not None and response.status_code >= 400:
        response.status_code = 429
        if seconds:
            response.headers["Retry-After"] = str(seconds)
    endpoint = request.endpoint or ""
    if endpoint.endswith("static") or endpoint.startswith(_STATIC):
        return response
    # A token comes in a header of its own: an answer to one is none to another.
    response.vary.update(("Cookie", toolkit.config.get("apitoken_header_name") or "Authorization"))
    signed_in = bool(getattr(toolkit.current_user, "is_authenticated", False))
    if signed_in or getattr(g, "govopen_private", False):
        response.headers["Cache-Control"] = "private, no-store"
        request.environ["__no_cache__"] = True  # or CKAN would add that caches may keep it
        response.headers.pop("ETag", None)
        response.headers.pop("Last-Modified", None)
    return response
