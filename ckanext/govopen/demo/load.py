"""Loads the demonstration: accounts, the catalogue by way of the harvester, the review, real files.

Nothing here goes round a rule: departments and datasets come from the harvest source, releases from
recorded reviews by people who did not submit, files through CKAN's own API. What the
demonstration made is noted in the database, so that all of it can be taken away again
(:mod:`remove`).
"""

from __future__ import annotations

import io
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit
from ckanext.harvest.model import HarvestJob, HarvestObject
from ckanext.harvest.queue import fetch_and_import_stages, gather_stage, get_harvester
from werkzeug.datastructures import FileStorage

from ckanext.govopen.demo import files, parallel, people
from ckanext.govopen.domain.classification import check_requirements
from ckanext.govopen.logic import command, deliver
from ckanext.govopen.model import jurisdiction, settings
from ckanext.govopen.model.catalogue import CatalogueRecord

Say = Callable[[str], None]
#: Key under which the database notes what the demonstration made.
NOTED = "ckanext.govopen.demo.made"
BATCH = 100
CONFIG = {
    "columns": {"关键字": "keywords", "资源链接": "distribution.url"},
    "defaults": {"acquired": "collected", "license": "OGDL-Taiwan-1.0"},
    "departments": "all",
    "create_organizations": True,
    "org_code_scheme": "tw",
    "files": "link",
}


class DemoError(Exception):
    """The demonstration cannot be loaded; the message says why and what to do."""


def made() -> dict[str, Any] | None:
    """What the demonstration made on this site, or None when there is none."""
    text = model.get_system_info(NOTED)
    return json.loads(text) if text else None


def note(**what: Any) -> None:
    """Notes what was made before it is needed for taking it away again."""
    known = made() or {"users": [], "organizations": [], "datasets": [], "source": None}
    for key, value in what.items():
        if isinstance(known[key], list):
            known[key] += [one for one in value if one not in known[key]]
        else:
            known[key] = value
    model.set_system_info(NOTED, json.dumps(known))
    model.repo.commit()


def load(accounts_file: Path, say: Say, workers: int = 1) -> dict[str, Any]:
    """Loads everything and writes the accounts with their passwords. Gives what that file says.

    May be started again after it was broken off: what is there already is kept. ``workers`` is the
    number of processes that share the long parts.

    :raises DemoError: the site is not made for it
    """
    if not settings.demo():
        raise DemoError(
            "This site holds no demonstration. Set ckanext.govopen.demo = true on a site that is "
            "reachable from this machine only, and try again."
        )
    if not settings.authority():
        raise DemoError(
            "Name the data authority's organisation: ckanext.govopen.authority = data-authority."
        )
    begun = time.monotonic()
    with deliver.postponed():
        written = _load(accounts_file, say, workers)
    _deliver(say)
    say(f"The demonstration is loaded ({time.monotonic() - begun:.0f} s).")
    return written


def _load(accounts_file: Path, say: Say, workers: int) -> dict[str, Any]:
    authority = _authority(say)
    passwords = _accounts(say)
    _members(authority, [a for a in people.ACCOUNTS if a.department == people.AUTHORITY])
    source_id = _source(authority, say)
    with _option("ckanext.govopen.harvest.may_create_organizations", True):
        _harvest(source_id, say, workers)
    departments = _departments(source_id)
    for code, organization in departments.items():
        _members(organization, [a for a in people.ACCOUNTS if a.department == code])
    reviewers = {
        departments[account.department]: account.name
        for account in people.ACCOUNTS
        if "reviewer" in account.duties and account.department in departments
    }
    editors = {
        departments[account.department]: account.name
        for account in people.ACCOUNTS
        if account.capacity == "editor" and account.department in departments
    }
    _fill_in(editors, source_id, say, workers)
    with _option("ckanext.govopen.review.settle_minutes", 0):
        # The catalogue is complete: nothing of it is still being worked on.
        _review(reviewers, source_id, say, workers)
    _uploads(departments, say)
    return _write(accounts_file, passwords)


@contextmanager
def _option(key: str, value: Any) -> Iterator[None]:
    """An option of the site as the demonstration needs it, in this process and for a while."""
    before = toolkit.config.get(key)
    toolkit.config[key] = value
    try:
        yield
    finally:
        toolkit.config[key] = before


def _portal(user: str | None = None) -> Any:
    """A context of the portal itself."""
    name = user or toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return {"user": name, "ignore_auth": True}


def _person(name: str) -> Any:
    """A context of an account: every rule applies."""
    return {"user": name, "auth_user_obj": model.User.get(name)}


def _authority(say: Say) -> str:
    name = settings.authority()
    found = model.Group.get(name)
    if found is None:
        made_now = toolkit.get_action("organization_create")(
            _portal(), {"name": name, "title": people.AUTHORITY_TITLE}
        )
        note(organizations=[made_now["id"]])
        say(f"Organisation {people.AUTHORITY_TITLE} made.")
        return made_now["id"]
    return found.id


def _accounts(say: Say) -> dict[str, str]:
    """Makes the accounts, or gives those that are there a new password."""
    passwords = {}
    for account in people.ACCOUNTS:
        password = secrets.token_urlsafe(12)
        passwords[account.name] = password
        user = model.User.get(account.name)
        if user is None:
            created = toolkit.get_action("user_create")(
                _portal(),
                {
                    "name": account.name,
                    "fullname": account.fullname,
                    "email": f"{account.name}@example.com",
                    "password": password,
                },
            )
            note(users=[created["id"]])
            user = model.User.get(account.name)
        elif user.id not in (made() or {}).get("users", []):
            raise DemoError(
                f"There is an account {account.name} that is none of the demonstration."
            )
        else:
            user.password = password
        assert user is not None
        user.sysadmin = account.sysadmin
    model.repo.commit()
    say(f"{len(passwords)} accounts.")
    return passwords


def _members(organization: str, accounts: Iterable[people.Account]) -> None:
    for account in accounts:
        toolkit.get_action("organization_member_create")(
            _portal(), {"id": organization, "username": account.name, "role": account.capacity}
        )
        held = {
            row["duty"]
            for row in toolkit.get_action("govopen_duty_list")(
                _portal(), {"user": account.name, "organization": organization}
            )
        }
        for duty in account.duties:
            if duty not in held:
                toolkit.get_action("govopen_duty_give")(
                    _portal(), {"user": account.name, "organization": organization, "duty": duty}
                )


def _source(authority: str, say: Say) -> str:
    """The harvest source, made by the authority's account as in the form, with its file."""
    owner = _person("demo-catalogue")
    found = model.Package.get(people.SOURCE)
    if found is None:
        source = toolkit.get_action("harvest_source_create")(
            owner,
            {
                "name": people.SOURCE,
                "title": people.SOURCE_TITLE,
                "url": "upload:demo-catalogue",
                "source_type": "govopen_spreadsheet",
                "owner_org": authority,
                "frequency": "MANUAL",
                "config": json.dumps(CONFIG, ensure_ascii=False),
            },
        )
        note(source=source["id"])
        source_id = source["id"]
    else:
        source_id = found.id
    with files.CATALOGUE.open("rb") as stream:
        toolkit.get_action("govopen_catalogue_upload")(
            _person("demo-catalogue"),
            {"source": source_id, "upload": FileStorage(stream, "catalogue.csv")},
        )
    say("Harvest source made, catalogue uploaded.")
    return source_id


def _harvest(source_id: str, say: Say, workers: int) -> None:
    """One run of the source from its beginning to its end, without the queue."""
    job = _job(source_id)
    job.status = "Running"
    job.save()
    job_id, harvester = job.id, get_harvester(job.source.type)
    ids: list[str] = gather_stage(harvester, job) or []
    say(f"The catalogue is read: {len(ids)} batches.")

    def share(object_ids: list[str]) -> None:
        for object_id in object_ids:
            begun = time.monotonic()
            fetch_and_import_stages(harvester, HarvestObject.get(object_id))
            number = ids.index(object_id) + 1
            say(f"Batch {number} of {len(ids)} imported ({time.monotonic() - begun:.1f} s).")

    parallel.run(share, ids, workers)
    context: Any = {**_portal(), "model": model, "session": model.Session}
    toolkit.get_action("harvest_jobs_run")(context, {"source_id": source_id})
    report = toolkit.get_action("govopen_catalogue_run_show")(
        _person("demo-catalogue"), {"run": job_id, "kind": "refused"}
    )
    note(organizations=list(_departments(source_id).values()))
    say("Run: " + ", ".join(f"{key} {count}" for key, count in report["counts"].items()) + ".")
    if report["state"] != "finished" or report["counts"]["refused"]:
        raise DemoError(f"The catalogue was not read to its end: {report['message']}")


def _job(source_id: str) -> Any:
    """A new job, or the one that was broken off."""
    begun = (
        model.Session.query(HarvestJob)
        .filter(HarvestJob.source_id == source_id, HarvestJob.status != "Finished")
        .first()
    )
    if begun is not None:
        return begun
    created = toolkit.get_action("harvest_job_create")(
        _person("demo-catalogue"), {"source_id": source_id, "run": False}
    )
    return HarvestJob.get(created["id"])


def _departments(source_id: str) -> dict[str, str]:
    """Code of a department -> id of its organisation, for those that the source brought."""
    group: Any = model.Group
    rows = model.Session.execute(
        model.Session.query(group.id, group.extras)
        .filter(
            group.id.in_(
                model.Session.query(model.Package.owner_org)
                .join(HarvestObject, HarvestObject.package_id == model.Package.id)
                .filter(HarvestObject.harvest_source_id == source_id)
            )
        )
        .statement
    )
    return {(row.extras or {}).get("org_code", row.id): row.id for row in rows}


def _waiting(state: str, source_id: str) -> list[dict[str, Any]]:
    """The reviews in a state of what the demonstration's source has brought, and no others."""
    record = CatalogueRecord.__table__
    ours = set(
        model.Session.execute(
            sa.select(record.c.package_id).where(record.c.source_id == source_id)
        ).scalars()
    )
    return [review for review in _all_waiting(state) if review["dataset"]["id"] in ours]


def _all_waiting(state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = toolkit.get_action("govopen_review_list")(
            _portal(), {"state": state, "limit": 1000, "offset": len(found)}
        )["results"]
        found += page
        if len(page) < 1000:
            return found


def _asks_more() -> bool:
    """Whether the site's regulation asks for what the list of the city does not say."""
    return any(one.field in people.FILLED_IN for one in jurisdiction.profile().requirements)


def _missing(fields: dict[str, Any]) -> list[str]:
    return [one.field for one in check_requirements(fields, jurisdiction.profile())]


def _filled_in(fields: dict[str, Any]) -> dict[str, str]:
    """What a department adds to these fields, so that they can be reviewed."""
    return {name: people.FILLED_IN[name] for name in _missing(fields) if name in people.FILLED_IN}


def _fill_in(editors: dict[str, str], source_id: str, say: Say, workers: int) -> None:
    """The departments with accounts add what the regulation asks for and the list does not say."""

    def fill(reviews: list[dict[str, Any]]) -> None:
        for review in reviews:
            editor = _person(editors[review["organization"]["id"]])
            id = review["dataset"]["id"]
            shown = toolkit.get_action("package_show")(editor, {"id": id})
            if more := _filled_in(shown):
                toolkit.get_action("package_patch")(editor, {"id": id, **more})

    if _asks_more():
        theirs = [r for r in _waiting("open", source_id) if r["organization"]["id"] in editors]
        parallel.run(fill, theirs, workers)
        say(f"{len(theirs)} datasets completed by their departments, as the regulation asks.")


def _batches(items: list[Any]) -> Iterator[list[Any]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


def _review(reviewers: dict[str, str], source_id: str, say: Say, workers: int) -> None:
    """The bulk review: submitted for the catalogue's account, decided by somebody else."""
    more = _asks_more()

    def complete(review: dict[str, Any]) -> bool:
        """Whether it can be submitted: the rest waits for its department."""
        if not more:
            return True
        id = review["dataset"]["id"]
        return not _missing(toolkit.get_action("package_show")(_portal(), {"id": id}))

    def submit(reviews: list[dict[str, Any]]) -> None:
        for batch in _batches(reviews):
            for review in filter(complete, batch):
                context: Any = {**_portal("demo-catalogue"), "defer_commit": True}
                toolkit.get_action("govopen_review_submit")(context, {"id": review["id"]})
            model.repo.commit()
            say(f"{len(batch)} reviews submitted.")

    def decide(reviews: list[dict[str, Any]]) -> None:
        for batch in _batches(reviews):
            by_reviewer: dict[str, list[dict[str, Any]]] = {}
            for review in batch:
                reviewer = reviewers.get(review["organization"]["id"], "demo-authority")
                by_reviewer.setdefault(reviewer, []).append(_approval(review))
            for reviewer, decisions in by_reviewer.items():
                _decide(reviewer, decisions)
            say(f"{len(batch)} reviews decided.")

    parallel.run(submit, _waiting("open", source_id), workers)
    if more:
        left = len(_waiting("open", source_id))
        say(f"{left} datasets lack what the regulation asks for: they wait for their departments.")
    parallel.run(decide, _waiting("submitted", source_id), workers)


def _approval(review: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": review["id"],
        "fingerprint": review["submitted_fingerprint"] or review["fingerprint"],
        "decision": "approve",
        "remarks": "演示：批量审查",
    }


def _decide(reviewer: str, decisions: list[dict[str, Any]]) -> None:
    context: Any = {**_person(reviewer), "defer_commit": True}
    answer = toolkit.get_action("govopen_review_decide")(context, {"decisions": decisions})
    failed = [one for one in answer["results"] if not one["ok"]]
    if failed:
        model.Session.rollback()
        raise DemoError(f"{len(failed)} reviews were refused, the first: {failed[0]['error']}")
    model.repo.commit()


def _uploads(departments: dict[str, str], say: Say) -> None:
    """What departments publish themselves, through CKAN's API: dataset, files, review."""
    for upload in people.UPLOADS:
        if model.Package.get(upload.name) is not None:
            continue
        fields = {
            "name": upload.name,
            "title": upload.title,
            "notes": upload.notes,
            "owner_org": departments[upload.department],
            "resource_code": f"{upload.department}/{upload.name}",
            "tags": [{"name": "演示"}],
            **json.loads(json.dumps(upload.fields)),
        }
        dataset = toolkit.get_action("package_create")(
            _person(upload.editor), {**fields, **_filled_in(fields)}
        )
        note(datasets=[dataset["id"]])
        for name, title, kind in upload.files:
            content = io.BytesIO(files.FILES[name](upload.department))
            toolkit.get_action("resource_create")(
                _person(upload.editor),
                {
                    "package_id": dataset["id"],
                    "name": title,
                    "format": kind,
                    "upload": FileStorage(content, name),
                },
            )
        review = toolkit.get_action("govopen_review_submit")(
            _person(upload.editor), {"id": dataset["id"]}
        )
        _decide(upload.reviewer, [_approval(review)])
    say(f"{len(people.UPLOADS)} datasets published by departments, with files.")


def _deliver(say: Say) -> None:
    """What the decisions left to do: the search index, the jobs that load the DataStore."""
    say("Bringing the search index up to date …")
    while deliver.due_now(command.now()):
        pass


def _write(path: Path, passwords: dict[str, str]) -> dict[str, Any]:
    """Writes the accounts, readable by the owner only."""
    content = {
        "site": toolkit.config.get("ckan.site_url"),
        "accounts": [
            {
                "name": account.name,
                "password": passwords[account.name],
                "fullname": account.fullname,
                "role": account.role,
            }
            for account in people.ACCOUNTS
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(content, out, ensure_ascii=False, indent=2)
    return content
