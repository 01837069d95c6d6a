"""Bringing a site up: configuration, migrations, first data, programs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit

from . import own, ports, settings
from .environment import Environment
from .home import REPOSITORY, Home
from .programs import WEB, Programs, check_port
from .say import StackError, line, step
from .services import Services

DEFAULT_PORT = 5000
PROFILES = REPOSITORY / "ckanext" / "govopen" / "jurisdictions"
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
HEADER = """\
Settings of this site, written by ./portal up at every start; your own belong in own.ini.
The file holds passwords: only its owner may read it."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What `up` was asked for; None means: as before, or the default at the first start."""

    host: str | None = None
    port: int | None = None
    site_url: str | None = None
    jurisdiction: str | None = None
    demo: bool | None = None


def _known_profile(name: str) -> None:
    """Refuses a name that is neither a bundled profile's nor a file."""
    if (PROFILES / f"{name}.yaml").is_file() or Path(name).is_file():
        return
    bundled = ", ".join(sorted(path.stem for path in PROFILES.glob("*.yaml")))
    raise StackError(
        f"There is no jurisdiction profile {name}.",
        f"Bundled are {bundled}; a profile of your own is named by its path.",
    )


class SiteState:
    """The options in force, remembered in the home.

    :raises StackError: for an option that cannot be
    """

    def __init__(self, home: Home, options: Options) -> None:
        known = home.state().get("options", {})
        self.host: str = options.host or known.get("host") or ports.LOOPBACK
        self.port: int = options.port or known.get("port") or DEFAULT_PORT
        if not 1 <= self.port <= 65535:
            raise StackError(f"{self.port} is no port.", "Ports go from 1 to 65535.")
        own = f"http://{ports.LOOPBACK}:{self.port}"
        self.site_url: str = (options.site_url or known.get("site_url") or "").rstrip("/")
        self.url = self.site_url or own
        # Asked before anything that runs is stopped for it.
        if options.jurisdiction:
            _known_profile(options.jurisdiction)
        self.jurisdiction: str = options.jurisdiction or known.get("jurisdiction") or "jilin"
        first = known.get("demo", True)
        self.demo: bool = first if options.demo is None else options.demo

    def remembered(self) -> dict[str, object]:
        """What to keep for the next start."""
        return {
            "host": self.host,
            "port": self.port,
            "site_url": self.site_url,
            "jurisdiction": self.jurisdiction,
            "demo": self.demo,
        }

    def is_local(self) -> bool:
        """Whether only this machine can reach the site."""
        return self.host in LOOPBACK_NAMES and urlsplit(self.url).hostname in LOOPBACK_NAMES


def refuse_public_demo(home: Home, state: SiteState) -> None:
    """Demo accounts have printed passwords: they must not be reachable from elsewhere.

    :raises StackError: when they exist, or are about to, on anything but the loopback address
    """
    coming = state.demo and not home.state().get("demo_loaded")
    if (home.demo_accounts.exists() or coming) and not state.is_local():
        raise StackError(
            "A portal with demo accounts, whose passwords are known, answers on the loopback"
            f" address only, not on {state.host} or as {state.url}.",
            "Take the demo away first: ./portal ckan govopen demo --remove;"
            " a portal that never had one starts with ./portal up --no-demo --host …",
        )


def migration_digest(environment: Environment) -> str:
    """Changes whenever a migration of CKAN, of another extension or of this one comes or goes."""
    whole = hashlib.sha256()
    roots = (environment.packages / "ckan", environment.packages / "ckanext")
    found: set[str] = set()
    for root in (*roots, REPOSITORY / "ckanext/govopen"):
        for folder in ("migration", "*/migration", "migration/*", "*/migration/*"):
            found |= {f"{path.parent}/{path.name}" for path in root.glob(f"{folder}/versions/*.py")}
    for name in sorted(found):
        whole.update(f"{Path(name).parts[-5:]}\n".encode())
    return whole.hexdigest()


def translation_digest(environment: Environment) -> str:
    """Changes with the words, CKAN's or this extension's, that CKAN's scripts are given."""
    whole = hashlib.sha256()
    for root in (environment.packages / "ckan/i18n", REPOSITORY / "ckanext/govopen/i18n"):
        for path in sorted(root.glob("zh_Han*/LC_MESSAGES/*.po")):
            whole.update(path.read_bytes())
    return whole.hexdigest()


def check(home: Home, options: Options) -> None:
    """Refuse what cannot be, before anything is installed, started or stopped.

    :raises StackError: saying what is wrong and what to do
    """
    state = SiteState(home, options)
    refuse_public_demo(home, state)
    own.read(home.own_ini)
    web = home.register.alive(WEB)
    known = home.state().get("options", {})
    if web is None or (known.get("host"), known.get("port")) != (state.host, state.port):
        check_port(home, state.host, state.port)


def up(home: Home, environment: Environment, services: Services, options: Options) -> None:
    """Bring the site up; what runs already is left alone.

    :raises StackError: saying what is wrong and what to do
    """
    state = SiteState(home, options)
    programs = Programs(home, environment, state.host, state.port)
    services.start()
    # A profile that turns out to be unusable must not come back with the next start.
    before = home.state().get("options", {}).get("jurisdiction")
    first = {**state.remembered(), "jurisdiction": before}
    home.remember(options=first, external=services.external)
    changed = write_ini(home, services, state)
    if changed and programs.stop():
        step("The configuration changed: the programs start anew")
    _bring_up_to_date(home, environment, programs)
    if state.demo and not home.state().get("demo_loaded"):
        # It harvests in its own process: consumers that run already would take its records.
        programs.stop()
        step("Loading the demo catalogue (once, some minutes; --no-demo leaves it out)")
        programs.quietly("demo", "govopen", "demo", show=True)
        home.remember(demo_loaded=True)
    programs.start()
    home.remember(options=state.remembered())
    step("The portal is up.")
    farewell(home, state)


def write_ini(home: Home, services: Services, state: SiteState) -> bool:
    """Write ``ckan.ini``; True when it differs from the one before."""
    site = settings.Site(
        url=state.url,
        storage=str(home.storage),
        secrets=home.secrets(),
        addresses=services.variables(),
        jurisdiction=state.jurisdiction,
        demo=state.demo,
    )
    options = {**settings.site_options(site), **own.read(home.own_ini)}
    text = settings.render(options, HEADER)
    if not home.own_ini.exists():
        home.write_private(home.own_ini, own.EMPTY)
    if home.ini.exists() and home.ini.read_text() == text:
        return False
    home.write_private(home.ini, text)
    return True


def _translate_scripts(home: Home, environment: Environment, programs: Programs) -> None:
    """Writes the words of CKAN's scripts to the storage, where they are new or not there."""
    digest = translation_digest(environment)
    there = (home.storage / "i18n/js").is_dir()
    if there and home.state().get("translated") == digest:
        return
    step("Translating CKAN's scripts")
    programs.quietly("migrations", "translation", "js")
    home.remember(translated=digest)


def _bring_up_to_date(home: Home, environment: Environment, programs: Programs) -> None:
    digest = migration_digest(environment)
    remembered = home.state()
    if remembered.get("migrated") != digest:
        step("Migrating the database")
        programs.quietly("migrations", "db", "upgrade")
        step("Setting the extension up (ckan govopen init)")
        programs.quietly("migrations", "govopen", "init")
        home.remember(migrated=digest)
    _translate_scripts(home, environment, programs)
    if remembered.get("index_stale"):
        if remembered.get("migrated"):
            step("Building the search index again")
            programs.quietly("search-index", "search-index", "rebuild", "-e")
        home.remember(index_stale=False)


def farewell(home: Home, state: SiteState) -> None:
    """Where the portal is, who can sign in, what to try."""
    line()
    line(f"  {state.url}/")
    accounts = demo_accounts(home)
    if accounts:
        line()
        line("  Demo accounts (this machine only):")
        width = max(len(row["name"]) for row in accounts)
        for row in accounts:
            line(f"    {row['name']:{width}}  {row['password']}  {row['role']}")
    line()
    line("  Try:")
    line("    /open/law (the law, article by article), /open/list (the open list),")
    if accounts:
        line("    search 医疗 or 醫療, open a conditional dataset without signing in, then sign in")
        line(
            "    as a department, change a dataset, and decide on it as its reviewer at /open/desk;"
        )
        line("    apply for the conditional demo-land-catalogue as demo-applicant, then accept and")
        line("    decide the application as demo-land-reviewer.")
    else:
        line(
            "    ./portal ckan sysadmin add NAME, sign in, make a department and its first dataset."
        )
    line()
    for command in ("status", "logs web", "ckan --help", "down"):
        line(f"  ./portal {command}")


def demo_accounts(home: Home) -> list[dict[str, str]]:
    """The demo accounts as `ckan govopen demo` wrote them: name, password, role each.

    :raises StackError: when the file is damaged
    """
    if not home.demo_accounts.exists():
        return []
    try:
        known = json.loads(home.demo_accounts.read_text())
    except (OSError, ValueError) as error:
        raise StackError(f"{home.demo_accounts} cannot be read: {error}") from error
    rows = known.get("accounts", known) if isinstance(known, dict) else known
    return [
        {
            "name": str(row.get("name", "")),
            "password": str(row.get("password", "")),
            "role": str(row.get("role") or row.get("description") or ""),
        }
        for row in rows
        if isinstance(row, dict)
    ]
