"""The gate between the working copy and the public.

:func:`settle` runs inside the transaction of every write of a dataset: it takes away at once what
the write takes away, opens or refreshes the review of what it adds or changes, and computes
``private``. Nothing else makes a dataset public than :func:`release`.
"""

from __future__ import annotations

import datetime
import uuid
from dataclasses import replace
from typing import Any

from ckan import model

from ckanext.govopen.access import activity
from ckanext.govopen.access.facts import governed
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import release as release_rules
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.classification import OpenClass
from ckanext.govopen.domain.event import Event
from ckanext.govopen.domain.fingerprint import Snapshot
from ckanext.govopen.logic import actor as actors
from ckanext.govopen.logic import command, grant_end, snapshot, working_copy
from ckanext.govopen.model import duty as duties
from ckanext.govopen.model import jurisdiction, ledger, location, outbox, settings
from ckanext.govopen.model import release as releases
from ckanext.govopen.model import review as reviews
from ckanext.govopen.model.release import DatasetRow, ReleaseRow

#: In a context: user ids of those who stand behind a write that a machine makes (harvesting).
SUBMITTERS = "govopen_submitters"


class Desk:
    """Where the gate finds the reviews of a dataset, and where it leaves what happened to them.

    This one asks and writes for each dataset by itself; another does so for many at once.
    """

    def waiting(self, package_id: str) -> reviews.ReviewRow | None:
        """The review of a dataset that waits for somebody."""
        return reviews.waiting(model.Session, package_id)

    def all_of(self, package_id: str) -> list[reviews.ReviewRow]:
        """All reviews of a dataset, oldest first."""
        return reviews.all_of(model.Session, package_id)

    def offices(self) -> frozenset[str] | None:
        """Departments with a disclosure office, if that has been asked already."""
        return None

    def keep(
        self,
        row: reviews.ReviewRow,
        events: list[Event],
        user_id: str | None,
        now: datetime.datetime,
    ) -> None:
        """Writes the events of a review and its row."""
        ledger.append(model.Session, f"review/{row.id}", events, user_id, now)
        model.Session.add(row)
        model.Session.flush()

    def flush(self) -> None:
        """Writes the rows that were changed."""
        model.Session.flush()


_DESK = Desk()


def review_settings(organization_id: str, offices: frozenset[str] | None = None) -> rules.Settings:
    """What the site sets for the reviews of a department.

    The authority stands in only for departments without a disclosure office of their own.
    ``offices`` are those that have one; asked for when it is not given.
    """
    delegate = settings.review_delegate_to_authority()
    if delegate:
        delegate = organization_id not in (review_offices() if offices is None else offices)
    return rules.Settings(
        settle_minutes=settings.review_settle_minutes(), delegate_to_authority=delegate
    )


def review_offices() -> frozenset[str]:
    """Ids of the departments that have a disclosure office: somebody with the reviewing duty."""
    duty = jurisdiction.profile().review.reviewer
    return duties.offices(model.Session, duty, command.now())


def settle(context: Any, package_id: str) -> None:
    """Brings release, review and ``private`` in line with the working copy just written.

    Runs in the caller's transaction and commits nothing.
    """
    package = model.Package.get(package_id)
    if package is None or not governed(package.type):
        return
    working_copy.lock(package_id)
    now = command.now()
    extra = extra_row(package_id)
    live = releases.live(package_id)
    settle_read(context, package, extra, live, snapshot.working(context, package_id), now)


def settle_read(
    context: Any,
    package: Any,
    extra: DatasetRow,
    live: ReleaseRow | None,
    read: snapshot.WorkingCopy,
    now: datetime.datetime,
    desk: Desk = _DESK,
) -> None:
    """:func:`settle` for a dataset whose lock is held and whose working copy has been read."""
    changed = extra.fingerprint != read.fingerprint
    extra.fingerprint = read.fingerprint
    if package.state == "deleted":
        if changed:
            _remember(context, package, read, now, desk)
        _gone(context, package, extra, live, now, desk)
        return
    if package.state != "active":
        if live is not None:
            _withdraw(context, package, live, "unpublished", now)
            live = None
    elif live is not None:
        live = _narrow(context, package, live, read, now)
    if not settings.review_on():
        _without_review(context, package, extra, live, read, now)
        return
    extra.pending = package.state == "active" and (
        live is None or live.fingerprint != read.fingerprint
    )
    if extra.pending:
        _touch_review(context, package, read, now, desk)
        if live is not None and jurisdiction.profile().review.pending == "hide":
            _withdraw(context, package, live, "pending", now)
            live = None
    elif package.state == "active":
        _cancel_review(context, package, "nothing left to review", now, desk)
    else:
        if changed:
            _remember(context, package, read, now, desk)
        _cancel_review(context, package, "unpublished", now, desk)
    _compute_private(package, extra, live, desk)


def deleted(context: Any, package_id: str) -> None:
    """A dataset is about to be deleted: nothing of it stays public, and nothing waits.

    CKAN calls its hooks before it marks the row, so the state says nothing yet.
    """
    package = model.Package.get(package_id)
    if package is None or not governed(package.type):
        return
    working_copy.lock(package.id)
    _gone(context, package, extra_row(package.id), releases.live(package.id), command.now())


def _gone(
    context: Any,
    package: Any,
    extra: DatasetRow,
    live: ReleaseRow | None,
    now: datetime.datetime,
    desk: Desk = _DESK,
) -> None:
    if live is not None:
        _withdraw(context, package, live, "deleted", now)
    _cancel_review(context, package, "deleted", now, desk)
    extra.pending = False
    if settings.review_on():
        _compute_private(package, extra, None, desk)
    # Without a review `private` is CKAN's own word: a deleted dataset comes back as it was.


def extra_row(package_id: str) -> DatasetRow:
    """What the extension keeps of a dataset; made at first sight."""
    row = releases.dataset_row(model.Session, package_id)
    if row is None:
        row = DatasetRow(
            package_id=package_id,
            fingerprint="",
            pending=False,
            suspended=False,
            suspended_by_authority=False,
            suspended_by=None,
        )
        model.Session.add(row)
    return row


def _compute_private(
    package: Any, extra: DatasetRow, live: ReleaseRow | None, desk: Desk = _DESK
) -> None:
    """``private`` is what keeps a dataset out of every list that CKAN answers by itself."""
    visible = (
        live is not None
        and not extra.suspended
        and package.state == "active"
        and live.effective_class is not OpenClass.NON_OPEN
    )
    package.private = not visible
    desk.flush()


def _narrow(
    context: Any,
    package: Any,
    live: ReleaseRow,
    read: snapshot.WorkingCopy,
    now: datetime.datetime,
) -> ReleaseRow | None:
    """What the write took away, taken from the live release as well."""
    result = release_rules.narrow(snapshot.released(live), read.snapshot)
    if result is None:
        return live
    if result.withdraw or result.open_class is OpenClass.NON_OPEN or result.release is None:
        _withdraw(context, package, live, "closed", now)
        return None
    rest = result.release
    if result.open_class is OpenClass.CONDITIONAL:
        rest = _hold_links(package.id, rest, now)
    gone = set(result.removed_resources)
    default = {
        **live.data["default"],
        "resources": [r for r in live.data["default"]["resources"] if r["id"] not in gone],
    }
    if result.open_class is not None:
        default["open_class"] = result.open_class.value
        for resource, held in zip(default["resources"], rest.dataset["resources"], strict=True):
            resource["url"], resource["url_type"] = held.get("url"), held.get("url_type")
    releases.end(live, releases.SUPERSEDED, now)
    model.Session.flush()
    row = _add(
        package,
        rest,
        {"default": _recounted(default), "shown": _recounted(dict(rest.dataset))},
        kind="narrowed",
        now=now,
        by=live.released_by,
        reason="",
        review_by=live.review_by,
    )
    event = Event(
        "release.narrowed",
        {
            **_place(package),
            "version": row.version,
            "fingerprint": row.fingerprint,
            "open_class": row.open_class,
            "resources": len(rest.dataset["resources"]),
        },
    )
    note(context, package, [event], now)
    activity.withdraw(model.Session, package.id, package.owner_org)
    activity.record_release(model.Session, row, None, first=False)
    return row


def _recounted(dataset: dict[str, Any]) -> dict[str, Any]:
    if "num_resources" in dataset:
        dataset["num_resources"] = len(dataset["resources"])
    return dataset


def _hold_links(package_id: str, rest: Snapshot, now: datetime.datetime) -> Snapshot:
    """Links of a release that became conditional go to the portal's keeping."""
    files = dict(rest.files)
    resources = []
    for resource in rest.dataset.get("resources") or []:
        url = str(resource.get("url") or "")
        if resource["id"] not in files and url:
            held = location.hold(model.Session, resource["id"], package_id, url, now)
            files[resource["id"]] = held
            resource = {**resource, "url": "", "url_type": location.URL_TYPE}
        resources.append(resource)
    return replace(rest, dataset={**rest.dataset, "resources": resources}, files=files)


def _withdraw(
    context: Any, package: Any, live: ReleaseRow, reason: str, now: datetime.datetime
) -> None:
    releases.end(live, releases.WITHDRAWN, now)
    live.reason = reason
    event = Event(
        "release.withdrawn", {**_place(package), "version": live.version, "reason": reason}
    )
    note(context, package, [event], now)
    activity.withdraw(model.Session, package.id, package.owner_org)
    cause = grant_end.CAUSES.get(reason)
    if cause is not None:
        grant_end.end_all(context, package.id, cause, now)
    model.Session.flush()


def _place(package: Any) -> dict[str, str]:
    return {"dataset": package.id, "organization": package.owner_org or ""}


def note(context: Any, package: Any, events: list[Event], now: datetime.datetime) -> None:
    """Notes what happened to a dataset, and that index and DataStore have to follow."""
    stream = f"dataset/{package.id}"
    ledger.append(model.Session, stream, events, command.actor(context), now)
    outbox.put(model.Session, "reindex", {"packages": [package.id]}, now)
    outbox.put(model.Session, "datastore", {"package": package.id}, now)
    context[command.NOTED] = True


def submitters(context: Any) -> frozenset[str]:
    """Ids of those who stand behind a write: named in the context, or its account."""
    named = context.get(SUBMITTERS)
    if named:
        return frozenset(named)
    user_id = command.actor(context)
    return frozenset({user_id}) if user_id else frozenset()


def _touch_review(
    context: Any,
    package: Any,
    read: snapshot.WorkingCopy,
    now: datetime.datetime,
    desk: Desk,
) -> None:
    row = desk.waiting(package.id)
    state = reviews.to_state(row)
    if row is not None and state.organization != (package.owner_org or ""):
        # The office of the department that has the dataset now decides, on all that waits.
        _cancel_review(context, package, "another department", now, desk)
        row, state = None, rules.ReviewState()
    if row is not None and state.fingerprint == read.fingerprint:
        return
    user_id, system = command.actor(context), portal_itself(context)
    order: rules.Command
    if row is None:
        row = reviews.ReviewRow(id=str(uuid.uuid4()))
        people = submitters(context) | _carried(package.id, desk)
        order = rules.Open(system, package.id, package.owner_org or "", read.fingerprint, people)
    else:
        order = rules.Touch(system, read.fingerprint, submitters(context))
    carry_out(row, state, order, user_id, now, desk)


def _carried(package_id: str, desk: Desk) -> frozenset[str]:
    return rules.carried([reviews.to_state(row) for row in desk.all_of(package_id)])


def _remember(
    context: Any,
    package: Any,
    read: snapshot.WorkingCopy,
    now: datetime.datetime,
    desk: Desk,
) -> None:
    """Notes who changed what cannot be reviewed now: a draft, or a deleted dataset.

    He is among the submitters when it comes back. Leaves a review for the caller to cancel.
    """
    if not settings.review_on():
        return
    waits = desk.waiting(package.id) is not None
    if waits or not submitters(context) <= _carried(package.id, desk):
        _touch_review(context, package, read, now, desk)


def _cancel_review(
    context: Any, package: Any, reason: str, now: datetime.datetime, desk: Desk
) -> None:
    row = desk.waiting(package.id)
    if row is None:
        return
    order = rules.Cancel(portal_itself(context), reason)
    carry_out(row, reviews.to_state(row), order, command.actor(context), now, desk)


def portal_itself(context: Any) -> Any:
    """Who opens and cancels reviews: CKAN allowed the write, the portal does what follows."""
    return replace(actors.of(person(context), command.actor(context)), system=True)


def carry_out(
    row: reviews.ReviewRow,
    state: rules.ReviewState,
    order: rules.Command,
    user_id: str | None,
    now: datetime.datetime,
    desk: Desk = _DESK,
) -> rules.ReviewState:
    """Decides a command of a review, notes its events and projects the new state.

    :raises Refused: the rules do not allow it
    """
    place = order.organization if isinstance(order, rules.Open) else state.organization
    events, state = decided(row, state, order, now, review_settings(place, desk.offices()))
    desk.keep(row, events, user_id, now)
    return state


def decided(
    row: reviews.ReviewRow,
    state: rules.ReviewState,
    order: rules.Command,
    now: datetime.datetime,
    site: rules.Settings,
) -> tuple[list[Event], rules.ReviewState]:
    """The events of a command and the state after them, which the row shows then.

    Writes nothing.

    :raises Refused: the rules do not allow it
    """
    events = rules.decide(state, order, now, jurisdiction.profile(), site)
    for event in events:
        state = rules.apply(state, event, now)
    reviews.project(row, state)
    return events, state


def release(
    context: Any,
    package: Any,
    read: snapshot.WorkingCopy,
    kind: str,
    now: datetime.datetime,
    review_by: datetime.date | None = None,
) -> ReleaseRow:
    """Makes what was read the live release. The caller holds the lock and has decided.

    ``kind`` is ``review``, ``transitional`` (with the date by which it is to be reviewed) or
    ``unreviewed`` (the site has switched the review off).
    """
    live = releases.live(package.id)
    first = releases.next_version(model.Session, package.id) == 1
    if live is not None:
        releases.end(live, releases.SUPERSEDED, now)
        model.Session.flush()
    row = _add(
        package,
        read.snapshot,
        {"default": read.default, "shown": read.shown},
        kind=kind,
        now=now,
        by=command.actor(context),
        reason="",
        review_by=review_by,
    )
    extra = extra_row(package.id)
    extra.fingerprint = read.fingerprint
    extra.pending = False
    event = Event(
        "release.published",
        {
            **_place(package),
            "version": row.version,
            "fingerprint": row.fingerprint,
            "open_class": row.open_class,
            "kind": kind,
            "review_by": review_by.isoformat() if review_by else None,
        },
    )
    note(context, package, [event], now)
    if row.effective_class is OpenClass.UNCONDITIONAL:
        grant_end.end_all(context, package.id, "unconditional", now)
    elif row.effective_class is OpenClass.NON_OPEN:
        grant_end.end_all(context, package.id, "non_open", now)
    if row.effective_class is OpenClass.NON_OPEN:
        activity.withdraw(model.Session, package.id, package.owner_org)
    elif settings.review_on():
        activity.record_release(model.Session, row, row.released_by, first)
    _compute_private(package, extra, row)
    return row


def _add(
    package: Any,
    content: Snapshot,
    data: dict[str, Any],
    *,
    kind: str,
    now: datetime.datetime,
    by: str | None,
    reason: str,
    review_by: datetime.date | None,
) -> ReleaseRow:
    open_class = content.open_class() or OpenClass.NON_OPEN
    resources = content.dataset.get("resources") or []
    row = ReleaseRow(
        id=str(uuid.uuid4()),
        package_id=package.id,
        version=releases.next_version(model.Session, package.id),
        status=releases.LIVE,
        kind=kind,
        open_class=open_class.value,
        fingerprint=content.fingerprint(),
        data=data,
        files=snapshot.facts_json(dict(content.files)),
        views=[dict(view) for view in content.views],
        resource_ids=content.resource_ids(),
        tags=sorted(
            tag["name"] for tag in content.dataset.get("tags") or [] if not tag.get("vocabulary_id")
        ),
        formats=sorted({str(r["format"]).lower() for r in resources if r.get("format")}),
        profile=jurisdiction.profile().id,
        released_at=now,
        released_by=by,
        reason=reason,
        review_by=review_by,
    )
    model.Session.add(row)
    model.Session.flush()
    return row


def _without_review(
    context: Any,
    package: Any,
    extra: DatasetRow,
    live: ReleaseRow | None,
    read: snapshot.WorkingCopy,
    now: datetime.datetime,
) -> None:
    """``review = off``: CKAN's own ``private`` decides, and every save is released at once."""
    if package.state != "active" or package.private or extra.suspended:
        if live is not None:
            _withdraw(context, package, live, "private", now)
        extra.pending = False
        model.Session.flush()
        return
    if live is None or live.fingerprint != read.fingerprint:
        release(context, package, read, "unreviewed", now)
        # A dataset that is not open stays out of the lists; else CKAN's word counts.
        return
    extra.pending = False
    model.Session.flush()
