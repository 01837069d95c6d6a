"""The three servers together: own ones in the home, or those that the environment names."""

from __future__ import annotations

import os

from . import ports, process
from .environment import Environment
from .home import Home
from .postgres import READER, Postgres
from .say import StackError, step
from .solr import USER, Solr
from .valkey import Valkey

SERVERS = (Postgres.name, Valkey.name, Solr.name)

# Variables of CKAN that name foreign servers, and what each replaces.
EXTERNAL = (
    "CKAN_SQLALCHEMY_URL",
    "CKAN_DATASTORE_WRITE_URL",
    "CKAN_DATASTORE_READ_URL",
    "CKAN_SOLR_URL",
    "CKAN_SOLR_USER",
    "CKAN_SOLR_PASSWORD",
    "CKAN_REDIS_URL",
)


class Services:
    """PostgreSQL, Valkey and Solr of one portal.

    :param external: addresses of foreign servers, by variable; their own kind is not started
    """

    def __init__(self, home: Home, environment: Environment, external: dict[str, str]) -> None:
        self.home = home
        self.environment = environment
        self.external = external
        self.postgres = Postgres(home, environment)
        self.valkey = Valkey(home, environment)
        self.solr = Solr(home, environment)

    @property
    def own(self) -> list[Postgres | Valkey | Solr]:
        """The servers that belong to this home, the slowest to start first."""
        found: list[Postgres | Valkey | Solr] = []
        if "CKAN_SOLR_URL" not in self.external:
            found.append(self.solr)
        if "CKAN_REDIS_URL" not in self.external:
            found.append(self.valkey)
        if "CKAN_SQLALCHEMY_URL" not in self.external:
            found.append(self.postgres)
        return found

    def start(self) -> None:
        """Start what does not run yet.

        :raises StackError: naming the server that does not come up
        """
        self.home.secrets()
        if self.solr in self.own and not self.solr.is_current() and self.solr.stop():
            step("The search configuration changed: Solr starts anew with an empty index")
        dead = [server for server in self.own if not self.home.register.alive(server.name)]
        for server in dead:  # all are launched first, so that they load at the same time
            leftover = self.home.register.read(server.name)
            if leftover:
                process.end_session(leftover)
            if isinstance(server, Postgres):
                server.launch()
            else:
                server.launch(self._port(server.name))
        for server in reversed(dead):
            server.ready()

    def _port(self, name: str) -> int:
        known: dict[str, int] = self.home.state().get("ports", {})
        taken = frozenset(port for part, port in known.items() if part != name)
        port = ports.choose(known.get(name), taken)
        if name in known and port != known[name]:
            step(f"Port {known[name]} of {name} was taken meanwhile, using {port}")
        self.home.remember(ports={**known, name: port})
        return port

    def stop(self) -> list[str]:
        """End what runs, all at their own pace; the names of what had been running."""
        return [server.name for server in self.own if server.stop()]

    def variables(self, *, testing: bool = False) -> dict[str, str]:
        """CKAN's variables with the addresses of the servers.

        :param testing: of the test databases, the test core and the test database of Valkey
        """
        main, datastore = ("ckan_test", "datastore_test") if testing else ("ckan", "datastore")
        found: dict[str, str] = {}
        if self.postgres in self.own:
            found["CKAN_SQLALCHEMY_URL"] = self.postgres.url(main)
            found["CKAN_DATASTORE_WRITE_URL"] = self.postgres.url(datastore)
            found["CKAN_DATASTORE_READ_URL"] = self.postgres.url(datastore, READER)
        if self.valkey in self.own:
            found["CKAN_REDIS_URL"] = self.valkey.url(1 if testing else 0)
        if self.solr in self.own:
            found["CKAN_SOLR_URL"] = self.solr.url(main)
            found["CKAN_SOLR_USER"] = USER
            found["CKAN_SOLR_PASSWORD"] = self.home.secrets()["solr"]
        return {**found, **self.external}


def external_from(home: Home) -> dict[str, str]:
    """Foreign servers named by the environment now, or at the first start of this home.

    :raises StackError: when the DataStore's addresses are missing beside a foreign database, or
        when a home with own servers is suddenly pointed to foreign ones
    """
    named = {name: os.environ[name] for name in EXTERNAL if os.environ.get(name)}
    state = home.state()
    if "external" in state:
        remembered: dict[str, str] = state["external"]
        if named and set(named) != set(remembered):
            raise StackError(
                f"{home.root} was set up with "
                + ("other variables" if remembered else "servers of its own")
                + f", now {', '.join(sorted(named))} are set.",
                "Unset them, set all that were set at the first start, or use another --home.",
            )
        return named or remembered
    if "CKAN_SQLALCHEMY_URL" in named:
        lacking = [
            name
            for name in ("CKAN_DATASTORE_WRITE_URL", "CKAN_DATASTORE_READ_URL")
            if name not in named
        ]
        if lacking:
            raise StackError(
                f"CKAN_SQLALCHEMY_URL is set, but not {' and '.join(lacking)}.",
                "The DataStore needs a database of its own on that server and a read-only account;"
                " CKAN's manual (Setting up the DataStore) says how to make them.",
            )
    return named
