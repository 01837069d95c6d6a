"""A running portal for tests: all plugins, real requests with real tokens, unique names.

Calls go through the WSGI application as it runs in production (an exception is an error page), so
that what is tested is what a client gets.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import itertools
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from ckan import model, plugins
from ckan.cli.db import _run_migrations
from ckan.common import config
from ckan.config.middleware import make_app
from ckan.lib import search
from ckan.plugins import core
from ckan.tests import factories, helpers
from werkzeug.datastructures import Headers
from werkzeug.test import Client, TestResponse

from ckanext.govopen.logic import datastore_load

PLUGINS_WITH_TABLES = ("activity", "harvest", "govopen")
#: Name of the organisation that is the data authority in these tests.
AUTHORITY = "data-authority"

_numbers = itertools.count(1)
_run = secrets.token_hex(3)


def unique(what: str = "x") -> str:
    """A name that nothing else in this session has."""
    return f"{what}-{_run}-{next(_numbers)}"


def forgery_token(page: str) -> str:
    """The token against forged requests that a page carries."""
    found = re.search(r'name="_csrf_token"[^>]*\bvalue="([^"]+)"', page) or re.search(
        r'name="_csrf_token" content="([^"]+)"', page
    )
    assert found is not None, page[:2000]
    return found[1]


def without_token(page: str) -> str:
    """The page without its token against forged requests, which another second makes another."""
    return re.sub(r'name="_csrf_token" [^>]*', "", page)


def load_plugins() -> None:
    """The plugins of the configuration, all of them, in their order."""
    if plugins.toolkit.aslist(config["ckan.plugins"]) != core._PLUGINS:
        plugins.load_all()


@contextlib.contextmanager
def migrating() -> Iterator[None]:
    """CKAN's engine again after migrations.

    They leave one without a pool behind, which opens a connection for every session: a quarter of
    the time of all tests went there.
    """
    engine = model.ensure_engine()
    try:
        yield
    finally:
        model.init_model(engine)


def make_tables() -> None:
    """Empty tables and an empty index."""
    with migrating():
        helpers.reset_db()
        for plugin in PLUGINS_WITH_TABLES:
            _run_migrations(plugin, "head", True)
    search.clear_all()


def application() -> Any:
    """The WSGI application as in production: an uncaught exception is an error page."""
    config["testing"] = False
    try:
        return make_app(config)
    finally:
        config["testing"] = True


@functools.lru_cache(maxsize=1)
def _tested() -> Any:
    config["testing"] = True
    return make_app(config)


def tester() -> helpers.CKANTestApp:
    """CKAN's test client, on an application that lets exceptions go on to the test.

    Every client has cookies of its own; the application is made once, since making one takes
    seconds and every template is compiled anew for it.
    """
    return helpers.CKANTestApp(_tested())


@dataclass
class User:
    """An account with a token."""

    id: str
    name: str
    token: str
    email: str
    fullname: str
    password: str

    @classmethod
    def make(cls, name: str | None = None, sysadmin: bool = False, **fields: Any) -> User:
        given = {
            "name": name or unique("user"),
            "email": f"{unique('mail')}@example.com",
            "fullname": unique("Full Name"),
            "password": secrets.token_hex(8),
            **fields,
        }
        made = factories.Sysadmin(**given) if sysadmin else factories.User(**given)
        token = factories.APIToken(user=made["name"])["token"]
        return cls(
            id=made["id"],
            name=made["name"],
            token=token,
            email=given["email"],
            fullname=given["fullname"],
            password=given["password"],
        )

    @functools.cached_property
    def deciding(self) -> User:
        """The same account with a token that may decide."""
        made = plugins.toolkit.get_action("api_token_create")(
            {"ignore_auth": True},
            {"user": self.name, "name": "deciding", "govopen_decide": True},
        )
        return dataclasses.replace(self, token=made["token"])


class Browser(Client):
    """A browser on pages of the portal: it says so of every request, unless told otherwise."""

    #: Does it say where a request comes from?
    own_page = True

    def open(self, *args: Any, headers: Any = None, **kwargs: Any) -> TestResponse:
        sent = Headers(headers)
        if self.own_page and "Origin" not in sent:
            sent.setdefault("Sec-Fetch-Site", "same-origin")
        return super().open(*args, headers=sent, **kwargs)


class Refused(AssertionError):
    """An action answered otherwise than was expected; ``error`` is its error dict."""

    def __init__(self, action: str, response: TestResponse) -> None:
        super().__init__(
            f"{action}: {response.status_code} {response.get_data(as_text=True)[:900]}"
        )
        self.status = response.status_code
        self.error: dict[str, Any] = {}
        if response.is_json:
            body = response.get_json()
            self.error = body.get("error") or {} if isinstance(body, dict) else {}

    @property
    def rules(self) -> list[str]:
        """The rules named by a refusal."""
        return [row["rule"] for row in self.error.get("refusal", [])]


@dataclass
class Department:
    """An organisation with an editor, a member and a reviewer."""

    id: str
    name: str
    editor: User
    member: User
    reviewer: User


@dataclass
class Portal:
    """The application, and short ways to do what people do in it."""

    _app: Any = None
    _operator: User | None = None

    # Getting ready

    def ready(self) -> None:
        """Plugins, tables and accounts are there, whatever tests before have taken away."""
        config["ckanext.govopen.authority"] = AUTHORITY
        if self._app is None:
            self._app = application()  # loads the plugins as well
        load_plugins()
        if self._operator is None or not self._known(self._operator):
            make_tables()
            self._operator = User.make(unique("operator"), sysadmin=True)
            self.organization(AUTHORITY)

    @staticmethod
    def _known(user: User) -> bool:
        model.Session.rollback()
        try:
            # Two names: CKAN's own question reads the columns of every table, for every test.
            there = sa.inspect(model.Session.get_bind())
            made = all(there.has_table(name) for name in ("user", "govopen_release"))
            return made and model.User.get(user.id) is not None
        finally:
            model.Session.remove()

    def rest(self) -> None:
        """After a test: no transaction stays open."""
        model.Session.rollback()
        model.Session.remove()

    def close(self) -> None:
        """After all tests."""
        self.rest()
        plugins.unload_all()

    @property
    def operator(self) -> User:
        assert self._operator is not None
        return self._operator

    @property
    def app(self) -> Any:
        assert self._app is not None
        return self._app

    # Requests

    def client(self) -> Browser:
        """A browser that keeps its cookies."""
        return Browser(self.app)

    def signed_in(self, user: User) -> Browser:
        """A browser in which the account has signed in through the portal's form."""
        client = self.client()
        page = client.get("/user/login", base_url=config["ckan.site_url"])
        answer = client.post(
            "/user/login",
            base_url=config["ckan.site_url"],
            data={
                "login": user.name,
                "password": user.password,
                "_csrf_token": forgery_token(page.get_data(as_text=True)),
            },
        )
        assert answer.status_code == 302, answer.get_data(as_text=True)[:500]
        return client

    def request(
        self, method: str, path: str, user: User | None = None, **options: Any
    ) -> TestResponse:
        """One request without cookies; redirects are not followed."""
        headers = dict(options.pop("headers", None) or {})
        if user is not None:
            headers["Authorization"] = user.token
        options.setdefault("base_url", config["ckan.site_url"])
        response = Client(self.app, use_cookies=False).open(
            path, method=method, headers=headers, **options
        )
        response.get_data()
        return response

    def get(self, path: str, user: User | None = None, **options: Any) -> TestResponse:
        return self.request("GET", path, user, **options)

    def ask(
        self, action: str, data: Mapping[str, Any] | None = None, user: User | None = None
    ) -> TestResponse:
        """An action by POST; the answer, whatever it is."""
        return self.request("POST", f"/api/3/action/{action}", user, json=dict(data or {}))

    def call(self, action: str, user: User | None = None, /, **data: Any) -> Any:
        """An action that is expected to work; its result.

        :raises Refused: it did not work
        """
        response = self.ask(action, data, user)
        if response.status_code != 200:
            raise Refused(action, response)
        return cast("dict[str, Any]", response.get_json())["result"]

    # What people do

    def organization(self, name: str | None = None, **members: User) -> dict[str, Any]:
        """An organisation; keywords name a capacity and its holder."""
        return factories.Organization(
            name=name or unique("org"),
            users=[{"name": user.name, "capacity": capacity} for capacity, user in members.items()],
        )

    def department(self, name: str | None = None) -> Department:
        """A department with the people that publishing takes."""
        editor, member, reviewer = User.make(), User.make(), User.make()
        made = self.organization(name, editor=editor, member=member)
        self.duty(reviewer, made["name"], "reviewer")
        return Department(made["id"], made["name"], editor, member, reviewer)

    def duty(self, user: User, organization: str, duty: str) -> None:
        self.call(
            "govopen_duty_give",
            self.operator.deciding,
            user=user.name,
            organization=organization,
            duty=duty,
            break_glass="The portal starts.",
        )

    def place(self, organization: str, authority: str | None) -> None:
        """Puts a department under the authority of a lower level; None: back under the highest."""
        above = {"authority": authority} if authority else {}
        self.call(
            "govopen_level_set", self.operator.deciding, organization=organization,
            break_glass="The portal starts.", **above,
        )  # fmt: skip

    def dataset(self, department: Department, /, **fields: Any) -> dict[str, Any]:
        """A dataset with all that the profile requires, by the department's editor."""
        return self.call(
            "package_create", department.editor, **{**self.fields(department), **fields}
        )

    @staticmethod
    def fields(department: Department) -> dict[str, Any]:
        """Fields that leave a review nothing to miss."""
        return {
            "name": unique("set"),
            "title": "消防栓位置",
            "owner_org": department.id,
            "notes": "全市消防栓的位置。",
            "info_items": [{"name": "编号", "type": "C", "open": True}],
            "provider_unit": "消防支队",
            "theme": "公共安全",
            "update_cycle": "monthly",
            "acquired_by": "collected",
            "share_class": "unconditional",
            "resource_code": unique("R").upper(),
        }

    def upload(
        self, user: User, content: bytes | str, filename: str = "data.csv", /, **fields: Any
    ) -> dict[str, Any]:
        """A resource with a file; with ``id`` a new file for a resource that is there."""
        raw = content.encode() if isinstance(content, str) else content
        action = "resource_update" if "id" in fields else "resource_create"
        response = self.request(
            "POST",
            f"/api/3/action/{action}",
            user,
            data={**fields, "upload": (io.BytesIO(raw), filename)},
        )
        if response.status_code != 200:
            raise Refused(action, response)
        return cast("dict[str, Any]", response.get_json())["result"]

    def submit(self, department: Department, reference: str) -> dict[str, Any]:
        return self.call("govopen_review_submit", department.editor, id=reference)

    def approve(self, department: Department, reference: str, **fields: Any) -> dict[str, Any]:
        """Submits and approves what the reviewer reads."""
        self.submit(department, reference)
        return self.decide(department, reference, decision="approve", **fields)

    def decide(self, department: Department, reference: str, **fields: Any) -> dict[str, Any]:
        """The reviewer's decision on what he reads."""
        read = self.call("govopen_review_show", department.reviewer, id=reference)
        return self.call(
            "govopen_review_decide",
            department.reviewer.deciding,
            **{"id": read["id"], "fingerprint": read["fingerprint"], **fields},
        )

    def released(self, department: Department, /, **fields: Any) -> dict[str, Any]:
        """A dataset that has been approved; as its department sees it."""
        made = self.dataset(department, **fields)
        self.approve(department, made["id"])
        return self.call("package_show", department.editor, id=made["id"])

    @staticmethod
    def load_rows(package_id: str) -> dict[str, str]:
        """What the background job does after a release."""
        return datastore_load.load(package_id)
