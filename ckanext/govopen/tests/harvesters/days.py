"""Ten days of a catalogue on a portal of real processes, which are killed while it is harvested.

``python -m ckanext.govopen.tests.harvesters.days --home DIR`` starts servers and programs of its
own in ``DIR``. Every day the catalogue of ``exchange-demo`` goes on by a day, a run begins, faults
happen and processes are killed by ``kill -9`` at random moments; those are started again a moment
later, as a supervisor would. What follows is compared with the catalogue: see :func:`compared`.
Prints one JSON object with its figures; ends with 1 at the first difference.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckanext.govopen.exchange_demo import days
from ckanext.govopen.exchange_demo.faults import Faults
from ckanext.govopen.exchange_demo.server import Settings, running
from ckanext.govopen.stack import jars, ports, process, settings
from ckanext.govopen.stack.environment import ensure
from ckanext.govopen.stack.home import REPOSITORY, Home
from ckanext.govopen.stack.programs import WEB, Programs
from ckanext.govopen.stack.say import StackError, step
from ckanext.govopen.stack.services import Services

HEADER = "Settings of a site whose processes are killed."
SECOND = "fetch2"
#: What is killed. Consumers are killed more often: they are what works.
VICTIMS = ("gather", "fetch", SECOND, "gather", "fetch", WEB, "postgres", "valkey", "solr")
#: Faults that a run survives, and faults that end one.
PASSING = ("", "busy:1", "unavailable:1", "error:2", "json:1", "gzip:1", "down:2", "encoding:1")
SHUFFLING = ("", "repeat", "move", "total")
ENDING = ("error", "short", "empty", "loop", "shape", "down")
SHARES = {"text": 0.06, "condition": 0.04, "class": 0.03, "close": 0.04, "delete": 0.03}
RUN_SECONDS = 420.0
#: The consumer that reads, with batches so small that there are some.
GATHER = (
    "from ckanext.govopen.harvesters import run; run.BATCH = 10;"
    " from ckanext.govopen.stack.consume import main; main('gather')"
)


class Site:
    """Servers, web server and three consumers, each a process that can be killed."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.environment = ensure(home, development=True)
        self.services = Services(home, self.environment, {})
        self.port = 0
        self._lock = threading.Lock()

    def up(self, owner: Path | None) -> None:
        """Empty tables, and everything runs."""
        self.home.prepare()
        if owner is not None:
            jars.share(self.home.root, owner)
        self.services.start()
        self.port = ports.choose(None, frozenset())
        site = settings.Site(
            url=f"http://{ports.LOOPBACK}:{self.port}",
            storage=str(self.home.storage),
            secrets=self.home.secrets(),
            addresses=self.services.variables(),
            demo=True,
        )
        options = settings.site_options(site)
        options["ckanext.govopen.harvest.allow_private_addresses"] = "true"
        options["ckanext.govopen.review.settle_minutes"] = "0"
        self.home.write_private(self.home.ini, settings.render(options, HEADER))
        for database in ("ckan", "datastore"):
            self.services.postgres.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.services.postgres.ready()
        step("Empty tables")
        self.programs.quietly("load", "db", "upgrade")
        self.programs.quietly("load", "govopen", "init")
        self.programs.quietly("load", "search-index", "clear")
        self.again()

    @property
    def programs(self) -> Programs:
        return Programs(self.home, self.environment, ports.LOOPBACK, self.port)

    def again(self) -> None:
        """Starts what does not run, as a supervisor does."""
        with self._lock:
            process.reap()
            self.services.start()
            programs, register = self.programs, self.home.register
            python = str(self.environment.python)
            consume = [python, "-m", "ckanext.govopen.stack.consume"]
            for name, command in (
                ("gather", [python, "-c", GATHER]),
                ("fetch", [*consume, "fetch"]),
                (SECOND, [*consume, "fetch"]),
                (WEB, programs._web_command()),
            ):
                if register.alive(name):
                    continue
                leftover = register.read(name)
                if leftover:
                    process.end_session(leftover)
                process.spawn(
                    register, name, command, log=self.home.log(name), env=programs.variables(),
                    cwd=REPOSITORY, port=self.port if name == WEB else None,
                )  # fmt: skip

    def kill(self, name: str) -> bool:
        """``kill -9`` of a process that this site started, by its number."""
        with self._lock:
            record = self.home.register.alive(name)
            if record is None:
                return False
            os.kill(record.pid, signal.SIGKILL)
            return True

    def down(self) -> None:
        names = (WEB, "gather", "fetch", SECOND)
        records = [one for name in names if (one := self.home.register.read(name))]
        process.stop_all(records, patience=5.0)
        for one in records:
            self.home.register.forget(one.name)
        self.services.stop()


class Killer(threading.Thread):
    """Kills at random moments until it is told to stop; what is dead is started again."""

    def __init__(self, site: Site, chance: random.Random, kills: int, figures: Figures) -> None:
        super().__init__(daemon=True)
        self.site = site
        self.plan = [(chance.uniform(0.2, 6.0), chance.choice(VICTIMS)) for _ in range(kills)]
        self.figures = figures
        self.over = threading.Event()
        self.failed = ""

    def run(self) -> None:
        try:
            for pause, victim in self.plan:
                if self.over.wait(pause):
                    return
                if self.site.kill(victim):
                    self.figures.kills[victim.rstrip("2")] += 1
                time.sleep(0.3)
                self.site.again()
        except StackError as error:
            self.failed = str(error)


@dataclass
class Figures:
    """What is told at the end."""

    days: int = 0
    runs: int = 0
    failed_runs: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    records: int = 0
    approved: int = 0
    public: int = 0
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "kills": dict(self.kills), "faults": dict(self.faults)}


class Trial:
    """The portal as its operator uses it, in this process."""

    def __init__(self, site: Site, served: Settings, url: str, figures: Figures) -> None:
        from ckan.plugins import toolkit

        self.toolkit = toolkit
        self.site, self.served, self.figures = site, served, figures
        self.keeper, self.reviewer = self._person("keeper"), self._person("reader")
        self.call(
            "organization_member_create", id="data-authority", username="keeper", role="admin"
        )
        for user, duty in (
            ("keeper", "authority"),
            ("reader", "authority"),
            ("reader", "reviewer"),
        ):
            self.call("govopen_duty_give", user=user, organization="data-authority", duty=duty)
        wanted = {
            "departments": "all", "create_organizations": True, "private_address": True,
            "page": 40, "files": "link",
        }  # fmt: skip
        self.source = self.call(
            "harvest_source_create",
            name="exchange", title="exchange", url=url, source_type="govopen_exchange",
            owner_org="data-authority", frequency="MANUAL", config=json.dumps(wanted),
        )["id"]  # fmt: skip
        #: Name and id of every dataset that was ever there, and what a person wrote into it.
        self.identities: dict[str, tuple[str, str]] = {}
        self.local: dict[str, str] = {}

    def call(self, action: str, user: str | None = None, /, **data: Any) -> Any:
        """An action for the portal itself, or for a person."""
        name = user or self.toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        context: Any = {"user": name} if user else {"user": name, "ignore_auth": True}
        return self.toolkit.get_action(action)(context, data)

    def _person(self, name: str) -> str:
        made = self.call("user_create", name=name, email=f"{name}@example.com", password="x" * 20)
        return made["name"]

    def patiently(self, work: Callable[[], Any]) -> Any:
        """Tries until the servers are there again."""
        from ckan import model

        end = time.monotonic() + 60.0
        while True:
            try:
                return work()
            except Exception:
                if time.monotonic() > end:
                    raise
                model.Session.remove()
                time.sleep(1.0)

    def run(self) -> dict[str, Any]:
        """One run, from the order to its end."""
        from ckan import model
        from ckanext.harvest.logic import HarvestJobExists

        end = time.monotonic() + RUN_SECONDS

        def order() -> str:
            try:
                return self.call("harvest_job_create", source_id=self.source)["id"]
            except HarvestJobExists:
                jobs = self.call("harvest_job_list", source_id=self.source, status="Running")
                return jobs[0]["id"]

        job = self.patiently(order)
        while True:
            state = self.patiently(lambda: self.call("harvest_job_show", id=job)["status"])
            model.Session.remove()
            if state == "Finished":
                break
            if time.monotonic() > end:
                raise StackError(f"The run {job} does not end; its state is {state}.")
            time.sleep(1.0)
            self.patiently(lambda: self.call("harvest_jobs_run", source_id=self.source))
        self.figures.runs += 1
        report = self.patiently(lambda: self.call("govopen_catalogue_run_show", run=job, limit=1))
        self.figures.records += report["counts"].get("seen", 0)
        self.figures.failed_runs += report["state"] == "failed"
        return report

    def settle(self) -> None:
        """What the scheduler delivers later is delivered now."""
        import datetime

        from ckan import model

        from ckanext.govopen.logic import command, deliver

        later = command.now() + datetime.timedelta(hours=7)
        self.patiently(lambda: deliver.due_now(later, 5000, later=False))
        model.Session.remove()

    def approve(self) -> None:
        """All open reviews are handed in and approved."""
        for state, work in (("open", self._submit), ("submitted", self._decide)):
            rows = self.call("govopen_review_list", state=state, limit=1000)["results"]
            for row in rows:
                work(row)

    def _submit(self, row: dict[str, Any]) -> None:
        self.call("govopen_review_submit", id=row["id"])

    def _decide(self, row: dict[str, Any]) -> None:
        fingerprint = row["submitted_fingerprint"] or row["fingerprint"]
        self.call(
            "govopen_review_decide", self.reviewer,
            id=row["id"], fingerprint=fingerprint, decision="approve", remarks="x",
        )  # fmt: skip
        self.figures.approved += 1

    # What is compared

    def public(self) -> dict[str, dict[str, Any]]:
        """What anybody finds, by code."""
        found = self.toolkit.get_action("package_search")({"user": ""}, {"rows": 1000, "q": "*:*"})[
            "results"
        ]
        return {one["resource_code"]: one for one in found}

    def open(self) -> dict[str, dict[str, Any]]:
        """The open subset of the catalogue."""
        records = self.served.catalogue.records
        return {
            code: one for code, one in records.items() if one["open"]["open"] and not one["deleted"]
        }

    def too_open(self) -> Iterator[str]:
        """What is more public than the catalogue says, which the last run has read."""
        wanted = self.open()
        for code, shown in self.public().items():
            if code not in wanted:
                yield f"{code} is public and no longer open"
            elif shown["open_class"] == "unconditional" and _class(wanted[code]) == "conditional":
                yield f"{code} is unconditional and has a condition"

    def compared(self) -> Iterator[str]:
        """Portal and catalogue after the approvals: the public datasets are the open subset, none
        is there twice or by half, names, ids and what a person wrote are as they were, and the
        index says the same as the database.
        """
        from ckan import model

        from ckanext.govopen.model.catalogue import CatalogueRecord
        from ckanext.govopen.search import compare

        wanted, public = self.open(), self.public()
        kept = {
            row.code
            for row in model.Session.query(CatalogueRecord).filter_by(state="kept_back").all()
        }
        for code in sorted(set(wanted) ^ (set(public) | (kept & set(wanted)))):
            yield f"{code}: open {code in wanted}, public {code in public}"
        for code in sorted(set(wanted) & set(public)):
            shown, one = public[code], wanted[code]
            said = (shown["title"], shown.get("notes") or "", shown["open_class"])
            if said != (one["title"].strip(), one.get("summary", "").strip(), _class(one)):
                yield f"{code} says {said}"
            identity = self.identities.setdefault(code, (shown["name"], shown["id"]))
            if identity != (shown["name"], shown["id"]):
                yield f"{code} has another name or id"
            if not shown.get("info_items") and one.get("items"):
                yield f"{code} is a half dataset"
            if code in self.local and shown.get("maintainer") != self.local[code]:
                yield f"{code} lost what a person wrote into it"
        names = [row.name for row in model.Session.query(model.Package.name).all()]
        twice = [name for name, number in Counter(names).items() if number > 1]
        rows = model.Session.query(CatalogueRecord.package_id).filter(
            CatalogueRecord.package_id.isnot(None)  # type: ignore[attr-defined]
        )
        ids = [row.package_id for row in rows]
        datasets = model.Session.query(model.Package).filter_by(type="dataset").count()
        if twice or len(ids) != len(set(ids)) or datasets != len(ids):
            yield f"{datasets} datasets for {len(ids)} records, twice: {twice}"
        for one in compare.check():
            yield f"index: {one.kind} {one.package_id}"
        model.Session.remove()

    def write_into_some(self, chance: random.Random) -> None:
        """What a person adds on the portal, in a field that the source does not own."""
        for code, shown in chance.sample(sorted(self.public().items()), 8):
            self.call("package_patch", id=shown["id"], maintainer=f"值班室{code[-4:]}")
            self.local[code] = f"值班室{code[-4:]}"


def _class(record: dict[str, Any]) -> str:
    opening = record["open"]
    return opening.get("class") or ("conditional" if opening.get("condition") else "unconditional")


def simulate(trial: Trial, number: int, kills: int, seed: str) -> None:
    """The days, one after the other."""
    figures, served = trial.figures, trial.served
    for day in range(number):
        chance = random.Random(f"{seed}:{day}")
        with served.lock:
            served.catalogue.to(day)
        ending = [chance.choice(ENDING)] if day and chance.random() < 0.4 else []
        lasting = [chance.choice(SHUFFLING)]
        for faults in ([ending] if ending else []) + [[chance.choice(PASSING), *lasting]]:
            served.faults = Faults.from_text([one for one in faults if one])
            figures.faults.update(one.split(":")[0] for one in faults if one)
            killer = Killer(trial.site, chance, kills, figures)
            killer.start()
            report = trial.run()
            killer.over.set()
            killer.join(120)
            if killer.failed:
                raise StackError(killer.failed)
            trial.site.again()
        served.faults = Faults()
        if report["state"] != "finished" or report["held"]:
            report = trial.run()  # the one before was hit by what it does not survive
        if report["state"] != "finished" or report["held"]:
            figures.differences.append(f"day {day}: {report['state']}: {report['message']}")
        trial.settle()
        figures.differences += [f"day {day}: {one}" for one in trial.too_open()]
        trial.approve()
        trial.settle()
        figures.differences += [f"day {day}: {one}" for one in trial.compared()]
        figures.days, figures.public = day + 1, len(trial.public())
        step(f"Day {day}: {report['counts']}, killed so far {dict(figures.kills)}")
        if figures.differences:
            return
        if day == 0:
            trial.write_into_some(chance)
            trial.approve()
            trial.settle()


def main(argv: Sequence[str]) -> int:
    """Runs it; 0 when portal and catalogue were the same after each day."""
    parser = argparse.ArgumentParser(prog="days", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--jars", type=Path, help="home whose jars of Solr are used")
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--records", type=int, default=120)
    parser.add_argument("--kills", type=int, default=3, help="in each run, at most")
    parser.add_argument("--seed", default="days")
    options = parser.parse_args(argv)
    for name in [name for name in os.environ if name.startswith("CKAN_")]:
        del os.environ[name]  # the servers of whoever starts it are not to be touched
    begun, figures = time.monotonic(), Figures()
    site = Site(Home(options.home))
    days.SHARES.update(SHARES)
    catalogue = days.Days(options.seed, days.many(options.records), held_back=0.1)
    served = Settings(catalogue)
    try:
        site.up(options.jars)
        os.environ["CKAN_INI"] = str(site.home.ini)
        from ckan.cli import load_config
        from ckan.config.middleware import make_app

        from ckanext.govopen.access.means import COMMAND_LINE

        application = make_app(load_config(str(site.home.ini)))
        flask_app: Any = vars(application)["_wsgi_app"]
        asking = flask_app.test_request_context(environ_overrides={COMMAND_LINE: True})
        with running(served) as server, asking, contextlib.suppress(KeyboardInterrupt):
            simulate(Trial(site, served, server.url, figures), options.days, options.kills,
                     options.seed)  # fmt: skip
    finally:
        figures.seconds = round(time.monotonic() - begun, 1)
        sys.stdout.write(json.dumps(figures.as_dict(), ensure_ascii=False) + "\n")
        site.down()
    return 1 if figures.differences or figures.days < options.days else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
