"""Steps of the measurement inside a site: `_harvest.py STEP FACTS`, facts as JSON, or
`_harvest.py serve`, which takes `[STEP, FACTS]` line by line, as a consumer that keeps running
takes its jobs: what a process does once is not counted with every run.

Steps: `create` (a loop of package_create), `source` (makes one), `run` (a whole run in this
process: gather, fetch, import), `gather` and `import` (the same in two parts, the second one by
several processes at once), `profile` (a run, and where its time goes). Each prints one JSON object
with seconds, processor seconds and the peak of memory.
"""

from __future__ import annotations

import contextlib
import cProfile
import io
import json
import os
import pstats
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _sites import MARK
from ckan import model
from ckan.cli import load_config
from ckan.config.middleware import make_app
from ckan.plugins import plugin_loaded, toolkit

from ckanext.govopen.stack.consume import settle


def call(action: str, **data: Any) -> Any:
    user = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return toolkit.get_action(action)({"user": user, "ignore_auth": True}, data)


@contextlib.contextmanager
def timed(found: dict[str, Any]) -> Iterator[None]:
    """Notes what passes inside: wall and processor seconds, and the peak of memory so far."""
    wall, own = time.perf_counter(), time.process_time()
    yield
    found["seconds"] = time.perf_counter() - wall
    found["processor"] = time.process_time() - own
    found["peak_mb"] = peak_mb()


def peak_mb() -> float:
    """Most memory of this process so far. What the system counts as a child's begins with what its
    parent had; Linux tells the program's own as well.
    """
    status = Path("/proc/self/status")
    if status.exists():
        told = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM:"))
        return int(told.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def create(facts: dict[str, Any], found: dict[str, Any]) -> None:
    """Stock CKAN's action, one dataset after the other."""
    packages = json.loads(open(facts["packages"]).read())  # noqa: SIM115, PTH123
    organization = call("organization_create", name=facts["name"])["id"]
    model.Session.remove()
    with timed(found):
        for one in packages:
            data = {key: value for key, value in one.items() if key not in ("id", "groups")}
            data["name"] = f"c-{data['name']}"
            call("package_create", owner_org=organization, **data)
            model.Session.remove()


def source(facts: dict[str, Any], found: dict[str, Any]) -> None:
    """A harvest source."""
    organization = call("organization_create", name=facts["name"])["id"]
    made = call(
        "harvest_source_create",
        name=f"s-{facts['name']}",
        title=facts["name"],
        url=facts["url"],
        source_type=facts["type"],
        owner_org=organization,
        frequency="MANUAL",
        config=json.dumps(facts["config"]),
    )
    found["source"] = made["id"]


def _gather(source_id: str) -> tuple[str, list[str]]:
    from ckanext.harvest.model import HarvestJob
    from ckanext.harvest.queue import gather_stage, get_harvester

    made = call("harvest_job_create", source_id=source_id, run=False)
    job: Any = HarvestJob.get(made["id"])
    job.status = "Running"
    job.save()
    return made["id"], gather_stage(get_harvester(job.source.type), job) or []


def _import(objects: list[str]) -> None:
    from ckanext.harvest.model import HarvestObject
    from ckanext.harvest.queue import fetch_and_import_stages, get_harvester

    for object_id in objects:
        one: Any = HarvestObject.get(object_id)
        fetch_and_import_stages(get_harvester(one.source.type), one)
        model.Session.remove()


def _finish(job_id: str, source_id: str, found: dict[str, Any]) -> None:
    from ckanext.harvest.model import HarvestGatherError, HarvestJob

    call("harvest_jobs_run", source_id=source_id)
    job: Any = HarvestJob.get(job_id)
    errors = model.Session.query(HarvestGatherError).filter_by(harvest_job_id=job_id).limit(3)
    found["errors"] = [str(one.message)[:300] for one in errors]
    shown = call("harvest_job_show", id=job.id)
    found["stats"] = shown["stats"]


def run(facts: dict[str, Any], found: dict[str, Any]) -> None:
    """A whole run of a source."""
    if facts.get("config"):
        model.Session.execute(
            model.meta.metadata.tables["harvest_source"]
            .update()
            .where(model.meta.metadata.tables["harvest_source"].c.id == facts["source"])
            .values(config=json.dumps(facts["config"]))
        )
        model.Session.commit()
    with timed(found):
        job_id, objects = _gather(facts["source"])
        _import(objects)
    _finish(job_id, facts["source"], found)


def gather(facts: dict[str, Any], found: dict[str, Any]) -> None:
    """The first part of a run; names its objects."""
    found["job"], found["objects"] = _gather(facts["source"])


def import_(facts: dict[str, Any], found: dict[str, Any]) -> None:
    """The second part; waits for a sign, so that processes can begin at the same time."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with timed(found):
        _import(facts["objects"])


def profile(facts: dict[str, Any], found: dict[str, Any]) -> None:
    """A run, and the functions in which most of its time is spent."""
    measured = cProfile.Profile(time.process_time)
    with measured:
        run(facts, found)
    told = io.StringIO()
    stats = pstats.Stats(measured, stream=told)
    stats.sort_stats("cumulative").print_stats(60)
    stats.sort_stats("tottime").print_stats(30)
    found["profile"] = told.getvalue()


STEPS = {
    "create": create, "source": source, "run": run, "gather": gather, "import": import_,
    "profile": profile,
}  # fmt: skip


def serve(flask_app: Any) -> None:
    """Step after step, until nothing more comes."""
    for line in sys.stdin:
        step, facts = json.loads(line)
        tell(taken(flask_app, step, facts))


def taken(flask_app: Any, step: str, facts: dict[str, Any]) -> dict[str, Any]:
    """One step; what it found."""
    found: dict[str, Any] = {}
    with flask_app.test_request_context():
        STEPS[step](facts, found)
        model.Session.remove()
    return found


def tell(found: dict[str, Any]) -> None:
    """Prints it, so that it can be told from what libraries print."""
    print("\n" + MARK + json.dumps(found), flush=True)


def main(step: str, facts: str = "{}") -> None:
    application = make_app(load_config(os.environ["CKAN_INI"]))
    flask_app: Any = vars(application)["_wsgi_app"]
    if plugin_loaded("govopen"):
        settle()  # as the launcher's own consumers do
    if step == "serve":
        serve(flask_app)
    else:
        tell(taken(flask_app, step, json.loads(facts)))


if __name__ == "__main__":
    main(*sys.argv[1:])
