"""Every use of a grant: counted before anything leaves the portal, and written down.

What counts and what is kept is said in ``domain/usage.py``; here it is carried out, by itself and
at once: who reads under a grant has nothing else open in his transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ckan import model
from ckan.plugins import toolkit
from flask import g, has_request_context, request

from ckanext.govopen.access import clock
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import usage as rules
from ckanext.govopen.domain.grant import Grant, allows
from ckanext.govopen.domain.refusal import Answer
from ckanext.govopen.model import access_log, settings, usage
from ckanext.govopen.model import grant as grants

__all__ = ["Part", "Target", "Use", "UsedUp", "begin", "peek", "refused", "resumed", "rows_left"]

#: Rule of a refusal by quota.
_RULE = "GRT-1"


class UsedUp(toolkit.ValidationError):
    """A quota is used up: answered with 429. ``seconds`` until it opens again, None: it does not.

    For the API a ``ValidationError`` with ``refusal``, as every refusal is.
    """

    def __init__(self, answer: Answer, seconds: int | None) -> None:
        self.text = answer.text(toolkit._)
        self.seconds = seconds
        row = {"rule": _RULE, "article": None, "message": self.text, "code": answer.code}
        if has_request_context():
            g.govopen_used_up = seconds or 0
        super().__init__(
            {"refusal": [row]},  # pyright: ignore[reportArgumentType]
            error_summary={_RULE: self.text},
        )


@dataclass(frozen=True)
class Target:
    """What is read: a resource of a dataset, and how."""

    package_id: str
    resource_id: str | None
    kind: rules.Kind


@dataclass(frozen=True)
class Use:
    """A use that has begun: ``rows`` may be read now; its row of the log is ``entry``."""

    grant: Grant
    entry: int
    day: str
    rows: int

    def settle(self, read: int, failed: bool = False) -> None:
        """Afterwards: how many rows were read; what was not goes back into the quota."""
        usage.give_back(model.Session, self.grant.id, self.day, self.rows - read)
        values: dict[str, Any] = {"rows": read}
        if failed:
            values["outcome"] = "failed"
        access_log.settle(model.Session, self.entry, **values)
        model.repo.commit()


@dataclass(frozen=True)
class Part:
    """A page of rows of a download that has begun, which is counted already."""

    use: Use
    rows: int

    def settle(self, read: int, failed: bool = False) -> None:
        """Adds the rows to the download's entry."""
        access_log.more(model.Session, self.use.entry, read, failed)
        model.repo.commit()


def _write(
    context: Any,
    grant: Grant,
    target: Target,
    outcome: str,
    rows: int | None = None,
    size: int | None = None,
    columns: Sequence[str] | None = None,
) -> int:
    address = request.remote_addr if has_request_context() else None
    return access_log.add(
        model.Session,
        at=clock.now(),
        grant_id=grant.id,
        user_id=person(context).user_id or "",
        organization_id=grant.organization,
        package_id=target.package_id,
        resource_id=target.resource_id,
        kind=target.kind,
        rows=rows,
        bytes=size,
        columns=sorted(columns) if columns is not None else None,
        address=rules.kept_address(address, settings.access_log_address()),
        outcome=outcome,
    )


def begin(
    context: Any,
    target: Target,
    candidates: Sequence[Grant],
    *,
    rows: int = 0,
    size: int | None = None,
    columns: Sequence[str] | None = None,
) -> Use:
    """Takes the use out of the quota of the first grant that has room for it, and commits.

    ``candidates`` cover what is asked for; ``rows`` are those wanted, of which fewer may be given.

    :raises UsedUp: none of them has room
    """
    now = clock.now()
    day = rules.today(now)
    first: tuple[Grant, str] | None = None
    for grant in candidates:
        got = usage.take(
            model.Session,
            grant.id,
            day,
            grant.quota,
            downloads=int(target.kind == "download"),
            rows=rows,
        )
        if not isinstance(got, str):
            counted = None if target.kind == "download" else got
            entry = _write(context, grant, target, access_log.GRANTED, counted, size, columns)
            model.repo.commit()
            return Use(grant, entry, day, got)
        first = first or (grant, got)
    if first is None:
        raise ValueError("A use needs a grant that covers it.")
    grant, code = first
    _write(context, grant, target, code, columns=columns)
    model.repo.commit()
    raise UsedUp(rules.used_up(code, grant.quota, now), rules.opens_in(code, now))


def peek(candidates: Sequence[Grant], kind: rules.Kind) -> bool:
    """Has any of the grants room for one more use? Looks only."""
    day = rules.today(clock.now())
    used = usage.of_many(model.Session, [grant.id for grant in candidates], day)
    for grant in candidates:
        so_far = used.get(grant.id, usage.Usage())
        limits = [(so_far.requests_today, grant.quota.requests_per_day)]
        if kind == "download":
            limits.append((so_far.downloads, grant.quota.downloads))
        else:
            limits.append((so_far.rows_today, grant.quota.rows_per_day))
        if all(limit is None or used_up < limit for used_up, limit in limits):
            return True
    return False


def rows_left(grant: Grant) -> int | None:
    """Rows that the grant has left today; None without a limit."""
    if grant.quota.rows_per_day is None:
        return None
    used = usage.of(model.Session, grant.id, rules.today(clock.now()))
    return max(0, grant.quota.rows_per_day - used.rows_today)


def resumed(
    context: Any, target: Target, candidates: Sequence[Grant], part: int, whole: int
) -> bool:
    """Is this part of a file a download taken up again? Then it is added to it and committed.

    A download counts once, and its parts come to no more than twice the file within a day.
    """
    user_id = person(context).user_id
    for grant in candidates:
        if user_id and access_log.resume(
            model.Session,
            grant_id=grant.id,
            user_id=user_id,
            resource_id=target.resource_id or "",
            size=part,
            most=rules.RESUMED_TIMES * whole,
            since=clock.now() - rules.RESUME_WITHIN,
        ):
            model.repo.commit()
            return True
    return False


def refused(
    context: Any, target: Target, answer: Answer | None = None, columns: Sequence[str] | None = None
) -> None:
    """Writes down that somebody with a grant of the dataset was refused, and commits.

    ``answer`` says why; None asks his grants. Who has none leaves nothing: he used none.
    """
    user_id = person(context).user_id
    held = grants.of_holder(model.Session, target.package_id, user_id) if user_id else []
    if not held:
        return
    newest = max(held, key=lambda grant: grant.valid_to)
    # Not ``or``: an answer that says no is no truth.
    why = allows(newest, clock.now()) if answer is None else answer
    # The grant itself would allow it: it is the dataset that is not read now.
    code = "refused" if why else why.code
    _write(context, newest, target, code, columns=columns)
    model.repo.commit()
