"""The command line of the launcher."""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from . import process, programs, site, testing
from .environment import Environment, ensure
from .home import Home, default_home
from .peers_suites import SUITES
from .say import StackError, called_with, fail, line, step
from .services import Services, external_from

# Commands that hand everything after their name on to another program.
PASSING = frozenset({"ckan", "pytest", "peers", "bench"})
# Of those, the ones that are ours: asked for help, they explain themselves instead of running.
OWN_HELP = frozenset({"peers", "bench"})
SCARCE_BYTES = 200_000_000
TIGHT = "Make room on that disk and run the same command again; committed data are safe."


def parser() -> argparse.ArgumentParser:
    """The arguments of the launcher itself."""
    top = argparse.ArgumentParser(
        prog="portal", description="Start, stop, test and measure this open-data portal."
    )
    shared = argparse.ArgumentParser(add_help=False)
    for target, default in ((top, None), (shared, argparse.SUPPRESS)):
        target.add_argument(
            "--home", type=Path, default=default, help="folder of the portal (default: .portal)"
        )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[shared])

    one = add("up", "start everything; what runs already is left alone")
    one.add_argument("--port", type=int, help="port of the web application (default: 5000)")
    one.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    one.add_argument("--site-url", help="address that visitors use, behind a proxy")
    one.add_argument("--jurisdiction", help="profile of the law in force here (default: jilin)")
    one.add_argument(
        "--no-demo", dest="demo", action="store_const", const=False,
        help="start empty, without the demo catalogue",
    )  # fmt: skip
    add("down", "end everything that was started here")
    add("status", "tell what runs, with port, memory and log file")
    one = add("logs", "show the end of the logs")
    one.add_argument("part", nargs="?", help="one part, e.g. web (default: all)")
    one.add_argument("-n", "--lines", type=int, default=40, help="how many lines (default: 40)")
    one = add("test", "check and test: ruff, pyright, import contracts, pytest")
    one.add_argument(
        "kind", nargs="?", choices=["domain", "full", "peers"],
        help="domain: the rules only, in seconds; full: with the long tests;"
        " peers: the suites of CKAN and its extensions",
    )  # fmt: skip
    one = add("bench", "run the measurements in bench/: NAME, then arguments for it (default: all)")
    one.usage = "portal bench [NAME] [the measurement's arguments; NAME --help tells them]"
    add("services", "start PostgreSQL, Valkey and Solr only")
    add("ckan", "CKAN's command line on this site: ./portal ckan …")
    add("pytest", "run pytest with the services and the test databases")
    one = add("peers", "run the suites of CKAN and its extensions, with arguments")
    one.usage = (
        f"portal peers [{' | '.join(SUITES)} …] [--only on|off] [--in PATH …]"
        " [--kept] [--again] [--failed] [pytest's arguments]"
    )
    one.epilog = "docs/peers.md says what each option does, and what was found."
    return top


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The launcher's own arguments, and those of the program that a command passes them to."""
    skip = False
    for place, word in enumerate(arguments):
        if skip or word.startswith("-"):
            skip = word == "--home"
            continue
        if word in OWN_HELP and arguments[place + 1 : place + 2] in (["-h"], ["--help"]):
            break
        if word in PASSING:
            return arguments[: place + 1], arguments[place + 1 :]
        break
    return arguments, []


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    mine, rest = split(list(sys.argv[1:] if argv is None else argv))
    options = parser().parse_args(mine)
    called_with(options.home)
    home = Home(options.home or default_home())
    try:
        return run(home, options, rest)
    except StackError as error:
        fail(error)
    except KeyboardInterrupt:
        fail(StackError("Interrupted.", "./portal up goes on from here, ./portal down ends it."))
    except BrokenPipeError:  # nobody reads on, e.g. after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            fail(StackError(f"The disk of {home.root} is full.", TIGHT))
        else:
            where = f": {error.filename}" if error.filename else ""
            hint = "Give your account the right, or choose another folder with --home."
            denied = error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}
            fail(StackError(f"{error.strerror or error}{where}", hint if denied else ""))
    return 1


def run(home: Home, options: argparse.Namespace, rest: list[str]) -> int:
    """Carry one command out.

    :raises StackError: saying what is wrong and what to do
    """
    command = options.command
    if command == "test" and options.kind == "domain":
        home.prepare()
        return testing.domain(home)
    if command in {"down", "status", "logs", "ckan"} and not home.exists():
        raise StackError(f"There is no portal in {home.root}.", "./portal up makes one.")
    if command == "status":
        return status(home)
    if command == "logs":
        return logs(home, options.part, options.lines)
    home.prepare()
    _check_disk(home)
    if command == "test":
        if options.kind == "peers":
            return testing.peers(home)
        return testing.everything(home, full=options.kind == "full")
    if command in {"pytest", "peers"}:
        return getattr(testing, command)(home, rest)
    if command == "bench":
        return testing.bench(home, rest)
    if command == "ckan":
        return ckan(home, rest)
    with home.locked():
        return {"up": up, "down": down, "services": services_only}[command](home, options)


def _check_disk(home: Home) -> None:
    free = shutil.disk_usage(home.root).free
    if free < SCARCE_BYTES:
        raise StackError(f"The disk of {home.root} has only {free // 1_000_000} MB left.", TIGHT)


def _services(home: Home) -> Services:
    external = external_from(home)
    own = not {"CKAN_SQLALCHEMY_URL", "CKAN_SOLR_URL", "CKAN_REDIS_URL"} <= set(external)
    return Services(home, ensure(home, need_servers=own), external)


def up(home: Home, options: argparse.Namespace) -> int:
    """Start everything."""
    wanted = site.Options(
        options.host, options.port, options.site_url, options.jurisdiction, options.demo
    )
    site.check(home, wanted)
    services = _services(home)
    site.up(home, services.environment, services, wanted)
    return 0


def down(home: Home, _options: argparse.Namespace) -> int:
    """End everything that was started here, the programs before the servers they use."""
    environment = Environment(home.env)  # nothing of it is needed to end what runs
    services = Services(home, environment, external_from(home))
    stopped = programs.Programs(home, environment, "", 0).stop()
    stopped += services.stop()
    step(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing was running.")
    return 0


def services_only(home: Home, _options: argparse.Namespace) -> int:
    """Start the servers, and write the settings for tests."""
    services = _services(home)
    services.start()
    testing.test_environment(home, services)
    step(f"The services run. {home.test_ini} holds the settings for tests.")
    return 0


def ckan(home: Home, arguments: list[str]) -> int:
    """CKAN's command line on the site."""
    if not home.ini.exists():
        raise StackError(f"There is no site in {home.root} yet.", "./portal up makes one.")
    environment = ensure(home, need_servers=False)
    services = Services(home, environment, external_from(home))
    dead = [server.name for server in services.own if not home.register.alive(server.name)]
    if dead:
        raise StackError(
            f"{', '.join(dead)} of this portal does not run.", "./portal up starts it."
        )
    return programs.Programs(home, environment, "", 0).ckan(*arguments)


def status(home: Home) -> int:
    """Print one line for each part; 0 when all run, 3 otherwise."""
    external = home.state().get("external", {})
    foreign = {
        "postgres": "CKAN_SQLALCHEMY_URL",
        "valkey": "CKAN_REDIS_URL",
        "solr": "CKAN_SOLR_URL",
    }
    line(f"{'part':10} {'state':12} {'pid':>7} {'port':>6} {'memory':>8}  log")
    everything = True
    for name in (*foreign, *programs.NAMES):
        if foreign.get(name) in external:
            line(f"{name:10} {'foreign':12} {'':>7} {'':>6} {'':>8}  see {foreign[name]}")
            continue
        record = home.register.read(name)
        log = home.log(name)
        if record is None or not process.is_alive(record):
            everything = False
            state = "not running" if record is None else "died"
            line(f"{name:10} {state:12} {'':>7} {'':>6} {'':>8}  {log}")
            continue
        kib = process.memory_kib(record)
        memory = "" if kib is None else f"{kib // 1024} MB"
        port = record.port or ("socket" if name == "postgres" else "")
        line(f"{name:10} {'running':12} {record.pid:>7} {port:>6} {memory:>8}  {log}")
    return 0 if everything else 3


def logs(home: Home, part: str | None, lines: int) -> int:
    """Print the last lines of one log or of all."""
    known = sorted(path.stem for path in home.logs.glob("*.log"))
    if part and part not in known:
        raise StackError(f"There is no log of {part}.", f"Known: {', '.join(known) or 'none'}")
    for name in [part] if part else known:
        line(f"==> {home.log(name)}")
        with home.log(name).open("rb") as source:
            source.seek(max(0, source.seek(0, os.SEEK_END) - 200 * max(lines, 1)))
            for row in source.read().decode(errors="replace").splitlines()[-lines:]:
                line(row)
    return 0
