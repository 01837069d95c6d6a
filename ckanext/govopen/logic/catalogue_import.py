"""The bulk writer: records of one source become datasets, in batches, round no rule.

What is unchanged is not touched. What is new or changed is written in sets (:mod:`bulk`), with
everything that hangs on ``package_create`` and ``package_update``: validators, class, locations,
review; what is not ordinary goes through these actions, without a commit each. A batch is one
transaction and one request to the search index; the activity is one per run. A record that is
wrong falls out of its batch alone.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib import signals
from ckan.plugins import toolkit
from sqlalchemy.exc import DataError, IntegrityError

from ckanext.govopen.domain import catalogue as mapping
from ckanext.govopen.domain.catalogue.dataset import tags
from ckanext.govopen.domain.refusal import N_
from ckanext.govopen.logic import command, copying, deliver, departments, harvest_objects
from ckanext.govopen.logic.bulk.change import Change, Changer
from ckanext.govopen.logic.bulk.create import Creator, Made, New, allowed
from ckanext.govopen.logic.bulk.merge import merged
from ckanext.govopen.logic.bulk.schemas import Schemas
from ckanext.govopen.logic.catalogue_source import Source
from ckanext.govopen.logic.reasons import of_rule, of_validation, reason
from ckanext.govopen.model import catalogue as table
from ckanext.govopen.model import copying as copies
from ckanext.govopen.model import jurisdiction, outbox

log = logging.getLogger(__name__)

#: Writes datasets by code, given the rows of their records; by code what became of each.
Write = Callable[["Mapping[str, dict[str, Any]]", Any], "dict[str, Made]"]
#: After how long somebody else brings the index up to date when a writer could not.
SOON = timedelta(minutes=1)
_NONE: frozenset[str] = frozenset()


@dataclass
class Prepared:
    """A record that is new or changed: what the rules say, and where it belongs."""

    code: str
    raw: Any
    record: Any
    digest: str
    outcome: Any
    place: str | dict[str, Any] | None
    #: Files to be copied; None where the source's are not, or nothing is published.
    files: tuple[copies.Wanted, ...] | None = None


@dataclass
class Done:
    """What became of one record. ``outcome`` is one of the figures of a run."""

    code: str
    outcome: str
    package_id: str | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)
    raw: Any = None
    seen: bool = False
    files: tuple[copies.Wanted, ...] | None = None


class Sets:
    """Those who write new and changed datasets in sets; the schemas are put together once."""

    def __init__(self, user: Any) -> None:
        schemas = Schemas()
        self.creator = Creator(user, schemas)
        self.changer = Changer(user, schemas)


class Wrong(Exception):
    """One record cannot be written: the transaction is lost, the others are tried without it."""

    def __init__(self, code: str, reasons: list[dict[str, Any]]) -> None:
        super().__init__(code)
        self.code = code
        self.reasons = reasons


class Writer:
    """Writes records of one source in one run."""

    def __init__(self, source: Source, run_id: str) -> None:
        self.source = source
        self.run_id = run_id
        self.profile = jurisdiction.profile()
        self.now: datetime = command.now()
        self._places = departments.Places(source)
        self._user = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        #: What is held of the files of the records that are being written, by code.
        self._held: dict[str, dict[str, copies.CopyRow]] = {}
        #: Ids of resources from an older portal that the records have or had, by code.
        self._kept: dict[str, frozenset[str]] = {}
        self._account = model.User.by_name(self._user)

    @cached_property
    def _sets(self) -> Sets | None:
        """Put together with the first dataset: a run without a change needs none."""
        return Sets(self._account) if allowed() else None

    # Batches

    def write(self, raw: Sequence[Any]) -> list[Done]:
        """Writes records (dicts as the exchange catalogue has them). Commits, and indexes."""
        done: list[Done] = []
        records: dict[str, tuple[Any, Any]] = {}
        for entry in raw:
            parsed = mapping.parse_record(entry)
            if isinstance(parsed, mapping.RecordError):
                reasons = [reason("record", parsed.message, **parsed.params)]
                done.append(Done(parsed.code, "refused", reasons=reasons, seen=True))
                continue
            known = records.get(parsed.code)
            if known is None or (known[1].version or 0) <= (parsed.version or 0):
                records[parsed.code] = (entry, parsed)
        rows = table.records(model.Session, self.source.id, records)
        changed: list[tuple[Any, Any, str]] = []
        for entry, record in records.values():
            row, digest = rows.get(record.code), self.digest(record)
            if row is not None and row.hash == digest and row.state != table.REFUSED:
                outcome = "kept_back" if row.state == table.KEPT_BACK else "unchanged"
                kept = list(row.reasons) if row.state == table.KEPT_BACK else []
                done.append(Done(record.code, outcome, row.package_id, kept, seen=True))
            else:
                changed.append((entry, record, digest))
        self._commit(done)
        prepared = [self._prepared(*one) for one in changed]
        _keep_tags(
            name for item in prepared if isinstance(item.place, str) for name in tags(item.record)
        )
        if self.source.copies:
            codes = [item.code for item in prepared if item.code in rows]
            self._held = copies.of_codes(model.Session, self.source.id, codes)
        self._kept = self._kept_resources(prepared, rows)
        fresh: list[Prepared] = []
        there: list[Prepared] = []
        others: list[Prepared] = []
        for item in prepared:
            row = rows.get(item.code)
            made = row is not None and row.package_id is not None
            published = isinstance(item.place, str)
            (there if published and made else fresh if published else others).append(item)
        done += self._tried(others, self._step)
        done += self._in_sets(there, self._change)
        return done + self._in_sets(fresh, self._create)

    def withdraw(self, codes: Iterable[str], reason: Mapping[str, Any]) -> list[Done]:
        """Takes the datasets of these records off the portal. Commits, and indexes."""
        return self._tried(list(codes), lambda code, row: self._gone(code, row, [dict(reason)]))

    def _in_sets(self, items: list[Prepared], write: Write) -> list[Done]:
        """Datasets in one transaction; what does not go that way goes through CKAN's action.

        When the database refuses the batch (somebody else has made the same dataset meanwhile),
        the halves are tried, until the one that is to blame is alone.
        """
        if not items or self._sets is None:
            return self._tried(items, self._step)
        try:
            done, left = self._written(items, write)
        except (DataError, IntegrityError):
            model.Session.rollback()
            if len(items) == 1:
                return self._tried(items, self._step)
            middle = len(items) // 2
            return self._in_sets(items[:middle], write) + self._in_sets(items[middle:], write)
        return done + self._tried(left, self._step)

    def _written(self, items: list[Prepared], write: Write) -> tuple[list[Done], list[Prepared]]:
        """What was written or refused, and what is left for CKAN's action."""
        rows = table.records(model.Session, self.source.id, [item.code for item in items])
        said: dict[str, list[dict[str, Any]]] = {}
        datasets: dict[str, dict[str, Any]] = {}
        for item in items:
            assert isinstance(item.place, str)
            datasets[item.code], inner = self._dataset(item, item.place)
            said[item.code] = [*self._said(item), *inner]
        done: list[Done] = []
        left: list[Prepared] = []
        dicts: dict[str, Any] = {}
        with signals.action_succeeded.muted():
            made = write(datasets, rows)
        for item in items:
            one, row = made[item.code], rows.get(item.code)
            if one.package_id:
                new = row is None or row.package_id is None or row.state != table.LISTED
                outcome = "new" if new else "changed"
                ready = Done(item.code, outcome, one.package_id, said[item.code], item.raw, True)
                self._note(ready, item, row)
                if one.dicts:
                    dicts[one.package_id] = one.dicts
                done.append(ready)
            elif one.errors:
                wrong = of_validation(toolkit.ValidationError(one.errors))
                done.append(Done(item.code, "refused", reasons=wrong, seen=True))
            else:
                left.append(item)
        self._commit(done, dicts)
        return done, left

    def _create(self, datasets: Mapping[str, dict[str, Any]], rows: Any) -> dict[str, Made]:
        wanted = [New(code, dataset, self._context()) for code, dataset in datasets.items()]
        assert self._sets is not None
        return self._sets.creator.create(wanted, self.now)

    def _change(self, datasets: Mapping[str, dict[str, Any]], rows: Any) -> dict[str, Made]:
        wanted = [
            Change(
                code, rows[code].package_id, dataset, self._context(), self._kept.get(code, _NONE)
            )
            for code, dataset in datasets.items()
        ]
        assert self._sets is not None
        return self._sets.changer.change(wanted, self.now)

    def _tried(self, items: list[Any], step: Any) -> list[Done]:
        """One transaction for all; if one of them is wrong, one for each."""
        if not items:
            return []
        try:
            return self._together(items, step)
        except Wrong as wrong:
            model.Session.rollback()
            if len(items) == 1:
                seen = isinstance(items[0], Prepared)
                done = [Done(wrong.code, "refused", reasons=wrong.reasons, seen=seen)]
                self._commit(done)
                return done
        return [done for item in items for done in self._tried([item], step)]

    def _together(self, items: list[Any], step: Any) -> list[Done]:
        codes = [item if isinstance(item, str) else item.code for item in items]
        rows = table.records(model.Session, self.source.id, codes)
        done: list[Done] = []
        # Activities are one per run, not one per dataset.
        with signals.action_succeeded.muted():
            for code, item in zip(codes, items, strict=True):
                try:
                    done.append(step(item, rows.get(code)))
                except toolkit.ValidationError as error:
                    raise Wrong(code, of_validation(error)) from error
                except (DataError, IntegrityError) as error:
                    raise Wrong(code, [_of_database(error)]) from error
        self._commit(done)
        return done

    def _commit(self, done: list[Done], dicts: Mapping[str, Any] | None = None) -> None:
        """Notes figures and remarks, commits, and has the index brought up to date.

        ``dicts`` are working copies at hand.
        """
        if not done:
            return
        session = model.Session
        for one in done:
            if one.reasons or one.outcome in ("refused", "kept_back", "withdrawn"):
                kind = one.outcome if one.outcome not in ("new", "changed") else "warning"
                table.remark(session, self.run_id, kind, one.code, one.reasons)
        counts = Counter(one.outcome for one in done)
        counts["seen"] = sum(one.seen for one in done)
        harvest_objects.record(self.source.id, self.run_id, done, self.now)
        named = [(one.package_id, one.code, one.files) for one in done if one.package_id]
        copies.want(
            session,
            self.source.id,
            self.run_id,
            [(package, code, files) for package, code, files in named if files is not None],
        )
        touched = [one.package_id for one in done if one.package_id and one.outcome != "unchanged"]
        index: outbox.OutboxRow | None = None
        if touched:
            # Nobody else is to take it up while it is done here, with what is at hand.
            due = command.now() + SOON if dicts else self.now
            index = outbox.put(session, "reindex", {"packages": touched}, due)
        table.add_counts(session, self.run_id, counts)
        command.finish({})
        if index is not None and dicts:
            deliver.reindex_own(index, dicts, self.now)

    # One record

    def digest(self, record: Any) -> str:
        """What a record is compared by: its content under this profile."""
        return digest_of(record, self.profile, self.source.copies)

    def _prepared(self, raw: Any, record: Any, digest: str) -> Prepared:
        """Asks the rules, and finds the department; makes it first where the source may."""
        outcome = mapping.classify(record, self.profile)
        place = self._places.of(record) if outcome.action == "publish" else None
        return Prepared(record.code, raw, record, digest, outcome, place)

    def _step(self, item: Prepared, row: table.CatalogueRecord | None) -> Done:
        reasons = self._said(item)
        if isinstance(item.place, str):
            done = self._published(item, row, item.place, reasons)
        elif item.place is not None:
            done = self._gone(item.code, row, [item.place], "kept_back")
        elif item.outcome.action == "keep_back":
            done = self._gone(item.code, row, reasons, "kept_back")
        else:
            done = self._gone(item.code, row, reasons, "withdrawn")
        done.raw, done.seen = item.raw, True
        self._note(done, item, row)
        return done

    @staticmethod
    def _said(item: Prepared) -> list[dict[str, Any]]:
        """What the rules say of a record: reasons and warnings, as reports keep them."""
        return [of_rule(one) for one in (*item.outcome.reasons, *item.outcome.warnings)]

    def _dataset(self, item: Prepared, org: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The dataset of a record, and what is said about what was left out of it."""
        dataset = mapping.to_dataset(item.record, item.outcome, self.profile)
        dataset.update(owner_org=org, type="dataset")
        if self.source.copies:
            held = self._held.get(item.code, {})
            item.files = copying.wanted(item.record, item.outcome, held)
            dataset["resources"] = copying.resources(item.files, held)
            return dataset, []
        return dataset, drop_inner_links(dataset)

    def _kept_resources(
        self, prepared: Iterable[Prepared], rows: Mapping[str, table.CatalogueRecord]
    ) -> dict[str, frozenset[str]]:
        """By code the ids of resources that records from an older portal have, or had when they
        were last written: nothing else tells them from what people added here.
        """
        items = [one for one in prepared if one.record.identity is not None and one.code in rows]
        found = {one.code: _resource_ids(one.record) for one in items}
        packages = {
            package: one.code for one in items if (package := rows[one.code].package_id) is not None
        }
        for package, raw in harvest_objects.last(self.source.id, packages).items():
            before = mapping.parse_record(raw)
            if not isinstance(before, mapping.RecordError):
                found[packages[package]] |= _resource_ids(before)
        return found

    def _note(self, done: Done, item: Prepared, row: table.CatalogueRecord | None) -> None:
        """Remembers the record's state, so that it is not touched again until it changes."""
        if row is None:
            row = table.CatalogueRecord(source_id=self.source.id, code=item.code)
            row.first_seen = self.now
            model.Session.add(row)
        if done.outcome == "kept_back":
            row.state = table.KEPT_BACK
        else:
            publish = item.outcome.action == "publish"
            row.state = table.LISTED if publish else table.WITHDRAWN
        row.bulk = item.outcome.bulk
        kept = row.state == table.KEPT_BACK
        row.title = item.record.title if kept else None
        row.organization_id = self._owner(item, kept)
        # A department that was not found may be there next time: the record is looked at again.
        row.hash = "" if isinstance(item.place, dict) else item.digest
        row.package_id = done.package_id or row.package_id
        row.open_class = item.outcome.open_class.value if item.outcome.open_class else None
        row.reasons = done.reasons
        row.version = str(item.record.version) if item.record.version is not None else None
        row.changed_at = self.now
        done.files = item.files if done.outcome in ("new", "changed") else None

    def _owner(self, item: Prepared, kept: bool) -> str | None:
        """The department of a record, also of one that is kept back; None when none was found."""
        if isinstance(item.place, str):
            return item.place
        found = self._places.foreseen(item.record)[0] if kept else None
        return found.id or None if found is not None else None

    def _published(
        self,
        item: Prepared,
        row: table.CatalogueRecord | None,
        org: str,
        reasons: list[dict[str, Any]],
    ) -> Done:
        dataset, inner = self._dataset(item, org)
        reasons = [*reasons, *inner]
        existing = self._package(row)
        if item.record.identity is not None:
            owner = existing.id if existing is not None else item.record.identity.id
            _refuse_taken(dataset.get("resources") or [], owner)
        if existing is None:
            package_id = toolkit.get_action("package_create")(self._context(), dataset)
            return Done(item.code, "new", package_id, reasons)
        listed = row is not None and row.state == table.LISTED
        if existing.state == "deleted" and (listed or _deleted_here(row)):
            here = reason("deleted_here", N_("The dataset was deleted on this portal."))
            return Done(item.code, "kept_back", existing.id, [*reasons, here])
        self._update(existing, dataset, self._kept.get(item.code, _NONE))
        return Done(item.code, "changed" if listed else "new", existing.id, reasons)

    def _update(self, existing: Any, dataset: dict[str, Any], ours: frozenset[str]) -> None:
        context = self._context()
        reading: Any = {**context, "use_cache": False}
        shown = toolkit.get_action("package_show")(reading, {"id": existing.id})
        context["original_package"] = shown
        toolkit.get_action("package_update")(context, merged(shown, dataset, existing.name, ours))

    def _gone(
        self,
        code: str,
        row: table.CatalogueRecord | None,
        reasons: list[dict[str, Any]],
        outcome: str = "withdrawn",
    ) -> Done:
        """Takes away what there is of a record. One that was never here is only counted as seen."""
        existing = self._package(row)
        here = existing is not None and existing.state != "deleted"
        if existing is not None and here:
            self._delete(existing)
        if row is not None:
            row.state, row.hash, row.changed_at = table.WITHDRAWN, "", self.now
        if outcome == "withdrawn" and not here:
            return Done(code, "unchanged")
        return Done(code, outcome, existing.id if existing is not None else None, reasons)

    def _delete(self, package: Any) -> None:
        context = self._context()
        toolkit.get_action("package_delete")(context, {"id": package.id})

    def _package(self, row: table.CatalogueRecord | None) -> Any:
        if row is None or not row.package_id:
            return None
        return model.Session.get(model.Package, row.package_id)

    def _context(self) -> Any:
        return {
            "model": model,
            "session": model.Session,
            "user": self._user,
            "auth_user_obj": self._account,
            "ignore_auth": True,
            "defer_commit": True,
            "return_id_only": True,
            "govopen_submitters": list(self.source.submitters),
        }


def _resource_ids(record: Any) -> frozenset[str]:
    return frozenset(mapping.resource_of(record, one) for one in record.distributions)


def _refuse_taken(resources: Iterable[Mapping[str, Any]], package_id: str) -> None:
    """Refuses ids of resources that another dataset has here, or had: CKAN itself would take
    those of a deleted resource away from its dataset.

    :raises ValidationError: with the ids
    """
    query = sa.select(model.Resource.id).where(
        model.Resource.id.in_([str(one["id"]) for one in resources]),
        model.Resource.package_id != package_id,
    )
    taken = sorted(model.Session.scalars(query))
    if taken:
        said = toolkit._("Another dataset here has resources with these ids: %(ids)s.")
        raise toolkit.ValidationError({"resources": [said % {"ids": ", ".join(taken)}]})


def _deleted_here(row: table.CatalogueRecord | None) -> bool:
    """Is the record kept back because somebody deleted its dataset on this portal?"""
    return row is not None and any(one.get("rule") == "deleted_here" for one in row.reasons or [])


def digest_of(record: Any, profile: Any, copied: bool) -> str:
    """What a record is compared by: its content under a profile, and what is done with its files.

    A source that begins or ends to have its files copied writes those records anew.
    """
    files = ":copy" if copied and record.distributions else ""
    return f"{mapping.record_hash(record)}:{profile.id}{files}"


def drop_inner_links(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """Leaves out resources whose address only the departments' network knows; says which."""
    kept, said = [], []
    for resource in dataset.get("resources") or []:
        answer = mapping.is_public_address(str(resource.get("url") or ""))
        if answer:
            kept.append(resource)
        else:
            said.append(reason("private_address", answer.message))
    if "resources" in dataset:
        dataset["resources"] = kept
    return said


def _keep_tags(names: Iterable[str]) -> None:
    """Makes the tags that are not there yet, and commits.

    CKAN makes a tag when a dataset first has it; consumers that do so in long transactions at the
    same time would make it twice, since nothing in the database forbids that.
    """
    wanted = set(names)
    if not wanted:
        return
    session, tag = model.Session, model.tag_table
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("govopen:tags", 0))
    session.execute(sa.select(lock))
    there = session.scalars(
        sa.select(tag.c.name).where(tag.c.name.in_(wanted), tag.c.vocabulary_id.is_(None))
    )
    session.add_all(model.Tag(name) for name in sorted(wanted - set(there)))
    session.commit()


def _of_database(error: DataError | IntegrityError) -> dict[str, Any]:
    """What PostgreSQL refuses, without its words: they quote values, and help nobody outside."""
    constraint = str(getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "")
    kind = type(error.orig).__name__
    log.warning("The database refused a record: %s %s", kind, constraint)
    message = N_("The database does not take this record (%(kind)s): see the portal's log.")
    return reason("database", message, kind=" ".join(filter(None, (kind, constraint))))
