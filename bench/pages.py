"""What pages cost, side by side with stock CKAN: the same datasets, the same machine, one run.

Two sites with 1,429 datasets each, both behind the web server as the launcher starts it. Requests
go to them in turn, so that whatever else the machine does hurts both. What counts is the median
of the ratios of the requests of one round; the goal is a ratio of at most 1. It binds for the pages
that everybody sees (`BINDING`); the other figures are told.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import http.client
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from _sites import KINDS, OURS, STOCK, Site, portal_home

from ckanext.govopen.stack import ports
from ckanext.govopen.stack.environment import ensure
from ckanext.govopen.stack.say import StackError, fail, line, step

ROUNDS = 30
LARGE_ROUNDS = 7
WARM = 8
BINDING = frozenset({"home page", "/dataset/", "/dataset/?q=消防", "dataset page"})
PROC = Path("/proc")


@dataclasses.dataclass(frozen=True)
class Measure:
    """One address of the same meaning on both sites."""

    name: str
    addresses: dict[str, str]
    rounds: int
    counted: bool = True


@dataclasses.dataclass(frozen=True)
class Sample:
    """One request: wall time and time of the workers' processors, in milliseconds."""

    wall: float
    processor: float


def measures(sites: dict[str, Site], rounds: int) -> list[Measure]:
    """What is measured."""
    facts = {kind: site.facts for kind, site in sites.items()}
    search = "/api/3/action/package_search?rows=20"
    show = "/api/3/action/package_show?id={dataset}"
    plain = {
        "home page": "/",
        "/dataset/": "/dataset/",
        "/dataset/?q=消防": "/dataset/?q=%E6%B6%88%E9%98%B2",
        "dataset page": "/dataset/{dataset}",
        "package_search, 20 rows": search,
        "package_show": show,
        "download 100 kB": "{small}",
        "download 100 MB": "{large}",
    }
    return [
        Measure(
            name,
            {kind: address.format(**facts[kind]) for kind in sites},
            min(rounds, LARGE_ROUNDS) if "{large}" in address else rounds,
            "{large}" not in address,
        )
        for name, address in plain.items()
    ]


def processor_ms(pids: Sequence[int]) -> float:
    """Milliseconds that all threads of the processes have run so far."""
    total = 0
    for pid in pids:
        for task in (PROC / str(pid) / "task").glob("*/schedstat"):
            with contextlib.suppress(OSError, IndexError):
                total += int(task.read_text().split()[0])
    return total / 1e6


def ask(port: int, address: str) -> float:
    """One request on a connection of its own; milliseconds until the last byte.

    :raises StackError: for any answer but 200
    """
    begun = time.perf_counter()
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=120)
    connection.request("GET", address)
    answer = connection.getresponse()
    while answer.read(1 << 20):
        pass
    spent = (time.perf_counter() - begun) * 1000
    connection.close()
    if answer.status != 200:
        raise StackError(f"{address} on port {port} answered {answer.status}, not 200.")
    return spent


def run(measure: Measure, sites: dict[str, Site]) -> dict[str, list[Sample]]:
    """Rounds of one request to each site, the order changing from round to round."""
    samples: dict[str, list[Sample]] = {kind: [] for kind in sites}
    workers = {kind: site.workers() for kind, site in sites.items()}
    for kind, site in sites.items():
        for _ in range(WARM if measure.counted else 1):
            ask(site.port, measure.addresses[kind])
    for number in range(measure.rounds):
        for kind in KINDS if number % 2 else reversed(KINDS):
            before = processor_ms(workers[kind])
            wall = ask(sites[kind].port, measure.addresses[kind])
            samples[kind].append(Sample(wall, processor_ms(workers[kind]) - before))
    return samples


def figures(samples: Sequence[Sample]) -> dict[str, float]:
    """Median, least and 95th percentile of the wall time, median of the processor time."""
    wall = sorted(sample.wall for sample in samples)
    return {
        "median": statistics.median(wall),
        "min": wall[0],
        "p95": wall[min(len(wall) - 1, round(0.95 * (len(wall) - 1)))],
        "cpu": statistics.median(sample.processor for sample in samples),
    }


def compared(samples: dict[str, list[Sample]]) -> dict[str, Any]:
    """The figures of both sites, their ratio, and whether the goal is met."""
    pairs = zip(samples[OURS], samples[STOCK], strict=True)
    found: dict[str, Any] = {kind: figures(samples[kind]) for kind in KINDS}
    found["ratio"] = statistics.median(ours.wall / stock.wall for ours, stock in pairs)
    found["cpu_ratio"] = found[OURS]["cpu"] / max(found[STOCK]["cpu"], 1e-6)
    found["met"] = found["ratio"] <= 1.0
    return found


def memory_mb(pids: Sequence[int]) -> list[float]:
    """Resident memory of each process in MB."""
    found = []
    for pid in pids:
        rows = (PROC / str(pid) / "status").read_text().splitlines()
        found += [int(row.split()[1]) / 1000 for row in rows if row.startswith("VmRSS:")]
    return found


def machine() -> dict[str, Any]:
    """What it ran on."""
    models = [
        row.split(":", 1)[1].strip()
        for row in (PROC / "cpuinfo").read_text().splitlines()
        if row.startswith("model name")
    ]
    names = ("ckan", "ckanext-scheming", "ckanext-harvest", "SQLAlchemy", "Flask", "gunicorn")
    return {
        "processor": f"{len(models)} × {models[0]}" if models else platform.machine(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000,
        "load_before": round(os.getloadavg()[0], 1),
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in names},
    }


def tell(name: str, found: dict[str, Any]) -> None:
    """One row of the table, and whether the goal is met."""
    ours, stock = found[OURS], found[STOCK]
    shown = "  ".join(
        f"{side['median']:8.1f} ({side['min']:.1f}–{side['p95']:.1f}) cpu {side['cpu']:6.1f}"
        for side in (ours, stock)
    )
    line(f"  {name:24} {shown}  ratio {found['ratio']:.2f} (cpu {found['cpu_ratio']:.2f})")
    if "requests" in found:
        counted = found["requests"]
        told = ", ".join(
            f"{kind} {counted[kind]['sql']} SQL and {counted[kind]['solr']} Solr"
            for kind in (OURS, STOCK)
        )
        line(f"  {'':24} {told}")
    goal = "goal (not more than stock CKAN)" if name in BINDING else "not more than stock CKAN"
    line(f"  {'':24} {goal}: {'met' if found['met'] else 'NOT MET'}")


def count(sites: dict[str, Site], wanted: Sequence[Measure]) -> dict[str, dict[str, Any]]:
    """SQL statements and Solr requests by measure and site, from a pass in process."""
    found: dict[str, dict[str, Any]] = {measure.name: {} for measure in wanted}
    for kind, site in sites.items():
        told = site.script("_count.py", *(measure.addresses[kind] for measure in wanted))
        counted = json.loads(told.strip().splitlines()[-1])
        for measure in wanted:
            found[measure.name][kind] = counted[measure.addresses[kind]]
    return found


def bench(sites: dict[str, Site], rounds: int) -> dict[str, Any]:
    """The whole run on sites that are up; tells each measure when it is done."""
    wanted = measures(sites, rounds)
    result: dict[str, Any] = {"machine": machine(), "rounds": rounds, "measures": {}}
    step("Counting SQL statements and Solr requests")
    counted = count(sites, [measure for measure in wanted if measure.counted])
    step(f"{rounds} rounds; milliseconds: median (min–p95), processor time of the workers")
    line(f"  {'':24} {OURS:32} {STOCK}")
    for measure in wanted:
        found = compared(run(measure, sites))
        if measure.name in counted:
            found["requests"] = counted[measure.name]
        result["measures"][measure.name] = found
        tell(measure.name, found)
    result["worker_mb"] = {kind: memory_mb(site.workers()) for kind, site in sites.items()}
    for kind, sizes in result["worker_mb"].items():
        line(f"  memory of a worker, {kind:8} {' '.join(f'{size:.0f}' for size in sizes)} MB")
    result["machine"]["load_after"] = round(os.getloadavg()[0], 1)
    shown = result["machine"]
    line(f"  {shown['processor']}, {shown['memory_mb']} MB, load before and after"
         f" {shown['load_before']} and {shown['load_after']}")  # fmt: skip
    line("  " + ", ".join(f"{name} {version}" for name, version in shown["versions"].items()))
    return result


def main(argv: Sequence[str]) -> int:
    """Run it; 0 when every binding goal is met."""
    parser = argparse.ArgumentParser(prog="bench pages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--fresh", action="store_true", help="load the data again")
    parser.add_argument("--profile", metavar="MEASURE", help="tell where its time goes, only")
    options = parser.parse_args(argv)
    portal = portal_home()
    environment = ensure(portal, development=True)
    sites = {kind: Site(portal, environment, kind) for kind in KINDS}
    try:
        for site in sites.values():
            site.up(fresh=options.fresh)
        if options.profile:
            chosen = {m.name: m for m in measures(sites, 1)}[options.profile]
            for kind, site in sites.items():
                line(f"=== {kind}")
                line(site.script("_count.py", "--profile", chosen.addresses[kind]))
            return 0
        result = bench(sites, options.rounds)
    finally:
        for site in sites.values():
            site.down()
    if options.json:
        options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    lost = [name for name in BINDING if not result["measures"][name]["met"]]
    line(f"Goals not met: {', '.join(sorted(lost))}" if lost else "All goals met.")
    return 1 if lost else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackError as error:
        fail(error)
        sys.exit(1)
