"""Wiring: which part of CKAN calls which part of the extension. No rule stands here.

Two plugins: ``govopen`` comes first in ``ckan.plugins`` (its templates and chained actions are the
outermost), ``govopen_index`` last (it writes the search document after everybody else).
"""

from __future__ import annotations

import datetime
import importlib
import pathlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import click
from ckan import plugins
from ckan.lib.plugins import DefaultPermissionLabels, DefaultTranslation
from ckan.plugins import toolkit
from ckanext.datastore.interfaces import IDatastore

from ckanext.govopen.access import (
    accounts,
    actions,
    activity,
    auth,
    datastore,
    forgery,
    harvest,
    labels,
    lists,
    passwords,
    people,
    reset,
    routes,
    show,
    sign_in,
    tokens,
)
from ckanext.govopen.access.handler import Handler
from ckanext.govopen.logic import gate, membership, preview, upload, views, working_copy
from ckanext.govopen.logic import search as searching
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.search import document, rows
from ckanext.govopen.views import ask_first, errors, facets, oidc, returning, table_search, texts

_HERE = pathlib.Path(__file__).parent


def _modules(folder: str) -> Iterator[ModuleType]:
    """The modules of a room, in the order of their names."""
    path = _HERE.joinpath(*folder.split("."))
    for info in pkgutil.iter_modules([str(path)]):
        if not info.ispkg:
            yield importlib.import_module(f"ckanext.govopen.{folder}.{info.name}")


def _public(folder: str) -> dict[str, Callable[..., Any]]:
    """The functions that the modules of a room name in ``__all__``."""
    found: dict[str, Callable[..., Any]] = {}
    for module in _modules(folder):
        for name in getattr(module, "__all__", ()):
            found[name] = getattr(module, name)
    return found


def _handlers() -> dict[str, Handler]:
    rooms = [
        show,
        lists,
        people,
        accounts,
        activity,
        harvest,
        searching,
        views,
        membership,
        preview,
    ]
    found: dict[str, Handler] = {}
    for room in rooms:
        found.update(room.HANDLERS)
    found.update(datastore.ACTIONS)
    return found


@toolkit.blanket.config_declarations
class GovopenPlugin(plugins.SingletonPlugin, DefaultPermissionLabels, DefaultTranslation):
    """The extension; first in ``ckan.plugins``."""

    plugins.implements(plugins.IConfigurer)
    plugins.implements(plugins.IConfigurable)
    plugins.implements(plugins.IActions)
    plugins.implements(plugins.IAuthFunctions)
    plugins.implements(plugins.IApiToken, inherit=True)
    plugins.implements(plugins.IAuthenticator, inherit=True)
    plugins.implements(plugins.IValidators)
    plugins.implements(plugins.IBlueprint)
    plugins.implements(plugins.IMiddleware, inherit=True)
    plugins.implements(plugins.IPermissionLabels)
    plugins.implements(plugins.IPackageController, inherit=True)
    plugins.implements(plugins.IUploader, inherit=True)
    plugins.implements(plugins.IFacets, inherit=True)
    plugins.implements(plugins.ITemplateHelpers)
    plugins.implements(plugins.ITranslation)
    plugins.implements(plugins.IClick)

    # IConfigurer

    def update_config(self, config: Any) -> None:
        toolkit.add_template_directory(config, "templates")
        toolkit.add_public_directory(config, "public")
        toolkit.add_resource("assets", "ckanext-govopen")
        # Whoever signs in begins at his desk, unless the site says otherwise.
        if config.get("ckan.auth.route_after_login") in (None, "", "dashboard.datasets"):
            config["ckan.auth.route_after_login"] = "govopen_desk.start"
        # A site that has a list of licences of its own keeps it.
        if not config.get("licenses_group_url"):
            config["licenses_group_url"] = f"file://{_HERE / 'schemas' / 'licenses.json'}"
        datastore.keep_connections(config)

    def update_config_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return texts.update_config_schema(schema)

    # IConfigurable

    def configure(self, config: Any) -> None:
        passwords.check()
        jurisdiction.check(datetime.datetime.now(datetime.timezone.utc))

    # IActions, IAuthFunctions, IValidators

    def get_actions(self) -> dict[str, Callable[..., Any]]:
        own = _public("logic.action")
        return {**actions.chained(_handlers(), frozenset(own)), **actions.wrapped(own)}

    def get_auth_functions(self) -> dict[str, Callable[..., Any]]:
        found = {**_public("logic.auth"), **auth.AUTH}
        if plugins.plugin_loaded("datastore"):
            found.update(datastore.AUTH)
        return found

    def get_validators(self) -> dict[str, Callable[..., Any]]:
        return _public("logic.validators")

    # IApiToken

    def preprocess_api_token(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        return tokens.preprocess(data)

    # IAuthenticator

    def login(self) -> Any:
        return sign_in.login()

    def authenticate(self, identity: Mapping[str, Any]) -> Any:
        return sign_in.authenticate(identity)

    def logout(self) -> Any:
        return oidc.sign_out()

    # IBlueprint, IMiddleware

    def get_blueprint(self) -> list[Any]:
        return [m.blueprint for m in _modules("views") if hasattr(m, "blueprint")]

    def make_middleware(self, app: Any, config: Any) -> Any:
        forgery.limit_exemptions()
        ask_first.accept_forms(app)
        app.before_request(routes.guard)
        app.before_request(returning.back)
        app.before_request(ask_first.question)
        app.before_request(table_search.translate)
        app.after_request(routes.headers)
        routes.errors(app)
        errors.register(app)
        return app

    # IPermissionLabels

    def get_dataset_labels(self, dataset_obj: Any) -> list[str]:
        return labels.dataset_labels(dataset_obj)

    def get_user_dataset_labels(self, user_obj: Any) -> list[str]:
        return labels.user_labels(user_obj)

    # IPackageController

    def after_dataset_create(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        working_copy.keep_locations(context, pkg_dict["id"])
        preview.offer(context, pkg_dict["id"])
        gate.settle(context, pkg_dict["id"])

    def after_dataset_update(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        working_copy.keep_locations(context, pkg_dict["id"])
        preview.offer(context, pkg_dict["id"])
        gate.settle(context, pkg_dict["id"])

    def after_dataset_delete(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        gate.deleted(context, pkg_dict["id"])

    # IUploader

    def get_resource_uploader(self, data_dict: dict[str, Any]) -> Any:
        return upload.get_resource_uploader(data_dict)

    # IFacets

    def dataset_facets(self, facets_dict: Any, package_type: str) -> Any:
        return facets.dataset_facets(facets_dict, package_type)

    def organization_facets(
        self, facets_dict: Any, organization_type: str, package_type: str | None
    ) -> Any:
        return facets.organization_facets(facets_dict, organization_type, package_type)

    # ITemplateHelpers

    def get_helpers(self) -> dict[str, Callable[..., Any]]:
        module = importlib.import_module("ckanext.govopen.views.helpers")
        return {name: getattr(module, name) for name in module.__all__}

    # ITranslation

    def i18n_domain(self) -> str:
        return "ckanext-govopen"

    def i18n_directory(self) -> str:
        return str(_HERE / "i18n")

    # IClick

    def get_commands(self) -> list[click.Command]:
        group = click.Group("govopen", help="The government open-data portal.")
        for module in _modules("cli"):
            if hasattr(module, "command"):
                group.add_command(module.command)
        return [group]


class GovopenIndexPlugin(plugins.SingletonPlugin):
    """Writes the search document and sends what no other plugin did; last in ``ckan.plugins``.

    The filter of rows stands here, since CKAN's ``datastore`` has to come before its extensions.
    """

    plugins.implements(plugins.IPackageController, inherit=True)
    plugins.implements(plugins.INotifier, inherit=True)
    plugins.implements(IDatastore, inherit=True)

    def before_dataset_index(self, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        return document.index_document(pkg_dict)

    def notify_about_topic(
        self, already_notified: bool, topic: str, details: dict[str, Any] | None = None
    ) -> bool:
        if topic == "request_password_reset" and not already_notified and details:
            reset.send(details["user"])
            return True
        return already_notified

    # IDatastore

    def datastore_validate(
        self, context: Any, data_dict: dict[str, Any], fields_types: dict[str, str]
    ) -> dict[str, Any]:
        return rows.accept(data_dict, fields_types)

    def datastore_search(
        self,
        context: Any,
        data_dict: dict[str, Any],
        fields_types: dict[str, str],
        query_dict: dict[str, Any],
    ) -> dict[str, Any]:
        return rows.restrict(data_dict, fields_types, query_dict)

    def datastore_delete(
        self,
        context: Any,
        data_dict: dict[str, Any],
        fields_types: dict[str, str],
        query_dict: dict[str, Any],
    ) -> dict[str, Any]:
        return rows.restrict(data_dict, fields_types, query_dict)
