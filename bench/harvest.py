"""What harvesting costs, side by side with stock CKAN: the same records, the same machine, one run.

Two empty sites, each with its own PostgreSQL and Solr. A round gives the same new records, under
codes of its own, to a loop of stock ``package_create``, to stock CKANHarvester, and to
``govopen_exchange``, over HTTP; then the same catalogue again unchanged, and again with 5 % of the
records changed. What is told is the median of the rounds, least and most, and the median of the
ratios of one round each. On each side one process takes all of it, as a consumer that keeps running
does, after a small round that is not counted. ``--large N`` adds a catalogue of N records,
``--profile`` tells where a run of ours spends its time instead.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _peer import Catalogue, make_pages, served
from _sites import HERE, MARK, OURS, STOCK, Site, portal_home
from pages import machine

from ckanext.govopen.stack import jars, ports, settings
from ckanext.govopen.stack.environment import Environment, ensure
from ckanext.govopen.stack.home import REPOSITORY, Home
from ckanext.govopen.stack.say import StackError, fail, line, step

RECORDS, ROUNDS = 1429, 3
#: Records of the round that is not counted: both sides have done everything once before.
WARM = 40
HEADER = "Settings of a site for measuring, made by ./portal bench harvest."
#: Runs of one source, in their order.
RUNS = ("first", "unchanged", "changed")
#: Name of a measure -> what it is compared with, and the ratio that is the goal.
GOALS = {
    "new": ("stock new", 20.0),
    "new, against package_create": ("stock create", 12.0),
    "unchanged": ("stock unchanged", 500.0),
    "5 % changed": ("stock changed", 10.0),
}
#: For the large catalogue: MB, seconds, and the share of the rate of the small one.
PEAK_MB, LARGE_UNCHANGED, LARGE_RATE = 400, 30.0, 0.8
CONSUMERS = 1.5
OURS_CONFIG = {"departments": "all", "create_organizations": True, "private_address": True}


class Bare(Site):
    """An empty site without a web server."""

    def __init__(self, portal: Home, environment: Environment, kind: str) -> None:
        super().__init__(portal, environment, kind)
        self.home = Home(portal.root / f"harvest-{kind}")
        made = type(self.services)(self.home, environment, {})
        if kind == STOCK:
            made.solr = type(self.services.solr)(self.home, environment)
        self.services = made
        self.worker: subprocess.Popen[str] | None = None

    def up(self, *, fresh: bool = True) -> None:
        """Servers and empty tables.

        :raises StackError: saying what did not work
        """
        self.home.prepare()
        jars.share(self.home.root, self.portal.root)
        self.services.start()
        self.port = ports.choose(None, frozenset())
        self.home.write_private(self.home.ini, settings.render(self._options(), HEADER))
        step(f"Empty tables for the {self.kind} site")
        for database in ("ckan", "datastore"):
            self.services.postgres.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.services.postgres.ready()
        self.web.quietly("load", "db", "upgrade")
        if self.kind == OURS:
            self.web.quietly("load", "govopen", "init")
        self.web.quietly("load", "search-index", "clear")

    def _options(self) -> dict[str, str]:
        found = super()._options()
        plugins = found["ckan.plugins"].split()
        if self.kind == STOCK:
            found["ckan.plugins"] = "activity scheming_datasets datastore harvest ckan_harvester"
        elif "govopen_exchange" not in plugins:
            at = plugins.index("harvest") + 1
            found["ckan.plugins"] = " ".join([*plugins[:at], "govopen_exchange", *plugins[at:]])
        found["ckanext.govopen.harvest.allow_private_addresses"] = "true"
        found["ckanext.govopen.harvest.may_create_organizations"] = "true"
        return found

    def work(self) -> None:
        """Begins the process that takes the steps, as a consumer that keeps running does."""
        self.worker = subprocess.Popen(
            [str(self.environment.python), str(HERE / "_harvest.py"), "serve"],
            cwd=REPOSITORY, env=self.web.variables(), text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=(self.home.root / "worker.log").open("w"),
        )  # fmt: skip

    def rest(self) -> None:
        """Ends it."""
        if self.worker is not None:
            assert self.worker.stdin is not None
            self.worker.stdin.close()
            self.worker.wait(30)
            self.worker = None

    def do(self, what: str, **facts: Any) -> dict[str, Any]:
        """One step inside the site; what it found.

        :raises StackError: it did not work, or a run had errors
        """
        if self.worker is None:
            told = self.script("_harvest.py", what, json.dumps(facts)).splitlines()
        else:
            assert self.worker.stdin is not None and self.worker.stdout is not None
            self.worker.stdin.write(json.dumps([what, facts]) + "\n")
            self.worker.stdin.flush()
            told = []
            while not told or not told[-1].startswith(MARK):
                told.append(self.worker.stdout.readline())
                if not told[-1]:
                    raise StackError(f"The process of the {self.kind} site ended: see worker.log.")
        found = json.loads(next(one for one in reversed(told) if one.startswith(MARK))[len(MARK) :])
        if found.get("errors"):
            raise StackError(f"The run failed on the {self.kind} site: {found['errors'][0]}")
        return found

    def side_by_side(self, parts: Sequence[Sequence[str]]) -> float:
        """Imports objects by one process for each part, begun together; seconds until the last."""
        command = [str(self.environment.python), str(HERE / "_harvest.py"), "import"]
        running = [
            subprocess.Popen(
                [*command, json.dumps({"objects": list(part)})],
                cwd=REPOSITORY, env=self.web.variables(), text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )
            for part in parts
        ]  # fmt: skip
        for one in running:
            assert one.stdout is not None
            while one.stdout.readline() not in ("ready\n", ""):
                continue
        begun = time.perf_counter()
        for one in running:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        failed = [one for one in running if one.wait()]
        if failed:
            raise StackError("A consumer ended with an error.")
        return time.perf_counter() - begun


Figures = dict[str, list[float]]


def note(figures: Figures, name: str, found: dict[str, Any], per: int) -> None:
    """Milliseconds a dataset, wall and processor, of one round."""
    figures.setdefault(name, []).append(found["seconds"] * 1000 / per)
    figures.setdefault(f"{name} (processor)", []).append(found["processor"] * 1000 / per)


def one_round(sites: dict[str, Bare], count: int, stock: int, figures: Figures) -> None:
    """All measures once, on records that no round before had.

    ``stock`` is how many of them the stock side gets: its cost a dataset does not depend on it.
    """
    mark = secrets.token_hex(3)
    theirs = Catalogue(stock, mark)
    with served(theirs) as (_, portal):
        with tempfile.TemporaryDirectory() as folder:
            packages = Path(folder) / "packages.json"
            packages.write_text(json.dumps(theirs.packages))
            made = sites[STOCK].do("create", name=f"c{mark}", packages=str(packages))
        note(figures, "stock create", made, stock)
        source = sites[STOCK].do("source", name=f"h{mark}", url=portal, type="ckan", config={})[
            "source"
        ]
        note(figures, "stock new", sites[STOCK].do("run", source=source), stock)
        again = sites[STOCK].do("run", source=source, config={"force_all": True})
        note(figures, "stock unchanged", again, stock)
        changed = theirs.change()
        found = sites[STOCK].do("run", source=source, config={"force_all": False})
        note(figures, "stock changed", found, changed)
    own_round(sites[OURS], count, figures)
    figures["new, against package_create"] = figures["new"]


def own_round(site: Bare, count: int, figures: Figures) -> None:
    """Our side of a round."""
    mark = secrets.token_hex(3)
    catalogue = Catalogue(count, mark, portal=False)
    with served(catalogue) as (exchange, _):
        own = site.do(
            "source", name=f"h{mark}", url=exchange, type="govopen_exchange", config=OURS_CONFIG
        )["source"]
        make_pages(exchange)
        note(figures, "new", site.do("run", source=own), count)
        note(figures, "unchanged", site.do("run", source=own), count)
        changed = catalogue.change()
        make_pages(exchange)
        note(figures, "5 % changed", site.do("run", source=own), changed)


def consumers(site: Bare, count: int, figures: Figures) -> None:
    """The same number of new records imported by one process, then by two."""
    for number in (1, 2):
        mark = secrets.token_hex(3)
        with served(Catalogue(count, mark, portal=False)) as (exchange, _):
            own = site.do(
                "source", name=f"p{mark}", url=exchange, type="govopen_exchange",
                config=OURS_CONFIG,
            )["source"]  # fmt: skip
            objects = site.do("gather", source=own)["objects"]
        parts = [objects[at::number] for at in range(number)]
        figures.setdefault(f"{number} consumer", []).append(site.side_by_side(parts))


def large(site: Bare, count: int) -> dict[str, float]:
    """A large catalogue, first and second run."""
    with served(Catalogue(count, secrets.token_hex(3), portal=False)) as (exchange, _):
        own = site.do(
            "source", name=f"l{secrets.token_hex(3)}", url=exchange, type="govopen_exchange",
            config=OURS_CONFIG,
        )["source"]  # fmt: skip
        first = site.do("run", source=own)
        again = site.do("run", source=own)
    return {
        "records": count,
        "first_seconds": first["seconds"],
        "ms_each": first["seconds"] * 1000 / count,
        "unchanged_seconds": again["seconds"],
        "peak_mb": max(first["peak_mb"], again["peak_mb"]),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def compared(figures: Figures) -> list[dict[str, Any]]:
    """The goals: each with both sides and the median of the ratios of the rounds."""
    found = []
    for name, (against, goal) in GOALS.items():
        ratio = statistics.median(
            b / a for a, b in zip(figures[name], figures[against], strict=True)
        )
        found.append(
            {
                "measure": name,
                "ours_ms": spread(figures[name]),
                "stock_ms": spread(figures[against]),
                "ratio": ratio,
                "goal": goal,
                "met": ratio >= goal,
            }
        )
    return found


def tell(rows: Sequence[dict[str, Any]]) -> None:
    """The table."""
    line(f"  {'milliseconds a dataset':30} {'this extension':>24} {'stock CKAN':>26} {'ratio':>8}")
    for row in rows:
        sides = [
            f"{side['median']:9.2f} ({side['min']:.2f}–{side['max']:.2f})"
            for side in (row["ours_ms"], row["stock_ms"])
        ]
        met = "met" if row["met"] else "NOT MET"
        line(
            f"  {row['measure']:30} {sides[0]:>24} {sides[1]:>26} {row['ratio']:8.1f}"
            f"  goal {row['goal']:.0f}: {met}"
        )


def tell_large(found: dict[str, float], rate: float) -> bool:
    """The large catalogue; are its goals met?"""
    goals = {
        f"{found['ms_each']:.2f} ms each, {rate / found['ms_each']:.2f} of the small rate": (
            rate / found["ms_each"] >= LARGE_RATE
        ),
        f"unchanged {found['unchanged_seconds']:.1f} s": (
            found["unchanged_seconds"] <= LARGE_UNCHANGED
        ),
        f"peak {found['peak_mb']:.0f} MB": found["peak_mb"] <= PEAK_MB,
    }
    for text, met in goals.items():
        line(f"  {found['records']:.0f} records: {text}: {'met' if met else 'NOT MET'}")
    return all(goals.values())


def bench(sites: dict[str, Bare], options: argparse.Namespace) -> dict[str, Any]:
    """The whole measurement on sites that are up."""
    figures: Figures = {}
    shown = machine()
    step("A small round before, which is not counted")
    for site in sites.values():
        site.work()
    one_round(sites, WARM, WARM, {})
    for number in range(options.rounds):
        step(f"Round {number + 1} of {options.rounds}, {options.records} records")
        one_round(sites, options.records, options.stock or options.records, figures)
    for site in sites.values():
        site.rest()
    for _ in range(options.rounds):
        consumers(sites[OURS], options.records, figures)
    rows = compared(figures)
    tell(rows)
    gain = statistics.median(
        one / two for one, two in zip(figures["1 consumer"], figures["2 consumer"], strict=True)
    )
    met = gain >= CONSUMERS
    line(f"  two consumers instead of one: {gain:.2f} times: {'met' if met else 'NOT MET'}")
    result: dict[str, Any] = {
        "machine": shown, "records": options.records, "rounds": options.rounds,
        "measures": rows, "two_consumers": gain,
        "figures": {name: spread(values) for name, values in figures.items()},
    }  # fmt: skip
    met = met and all(row["met"] for row in rows)
    if options.large:
        result["large"] = large(sites[OURS], options.large)
        met = tell_large(result["large"], statistics.median(figures["new"])) and met
    shown["load_after"] = round(os.getloadavg()[0], 1)
    line(f"  {shown['processor']}, {shown['memory_mb']} MB, load before and after"
         f" {shown['load_before']} and {shown['load_after']}")  # fmt: skip
    line("  " + ", ".join(f"{name} {version}" for name, version in shown["versions"].items()))
    result["met"] = met
    return result


def profiled(site: Bare, count: int, which: str) -> None:
    """Where a run of ours spends its time: the first, an unchanged one, one with 5 % changed."""
    step("A small round before, which is not told")
    site.work()
    own_round(site, WARM, {})
    step(f"{count} records")
    catalogue = Catalogue(count, secrets.token_hex(3), portal=False)
    with served(catalogue) as (exchange, _):
        own = site.do(
            "source", name=f"q{secrets.token_hex(3)}", url=exchange, type="govopen_exchange",
            config=OURS_CONFIG,
        )["source"]  # fmt: skip
        for name in RUNS[: RUNS.index(which) + 1]:
            if name == "changed":
                catalogue.change()
            found = site.do("profile" if name == which else "run", source=own)
            line(f"{name}: {found['seconds']:.2f} s, {found['processor']:.2f} s of processor")
        line(found["profile"])


def main(argv: Sequence[str]) -> int:
    """Run it; 0 when every goal is met."""
    parser = argparse.ArgumentParser(prog="bench harvest", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--stock", type=int, help="records for the stock side (default: as many)")
    parser.add_argument("--large", type=int, default=0, metavar="N", help="also N records, ours")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--profile", choices=RUNS, help="tell where such a run's time goes, only")
    options = parser.parse_args(argv)
    portal = portal_home()
    environment = ensure(portal, development=True)
    kinds = [OURS] if options.profile else [STOCK, OURS]
    sites = {kind: Bare(portal, environment, kind) for kind in kinds}
    try:
        for site in sites.values():
            site.up()
        if options.profile:
            profiled(sites[OURS], options.records, options.profile)
            return 0
        result = bench(sites, options)
    finally:
        for site in sites.values():
            site.rest()
            site.services.stop()
    if options.json:
        options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    line("All goals met." if result["met"] else "Not all goals are met.")
    return 0 if result["met"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackError as error:
        fail(error)
        sys.exit(1)
