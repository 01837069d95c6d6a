"""The portal that is swept: datasets of every class and state, with a secret in every place."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.common import config
from ckan.lib.search.common import make_connection

from ckanext.govopen.access.labels import PUBLIC
from ckanext.govopen.domain import usage as usage_rules
from ckanext.govopen.domain.grant import Quota
from ckanext.govopen.model import usage
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.tests.access.sweep.secrets import (
    DATASETS,
    EVERYBODY,
    INSIDE,
    STAFF,
    Secrets,
)
from ckanext.govopen.tests.portal import AUTHORITY, Department, Portal, User, unique

#: Conditional at the end: their content is for those with a grant.
CONDITIONAL = ("conditional", "pending_conditional", "tightened")
#: Who holds a grant for each of them, and what is special about it.
GRANTS: dict[str, dict[str, Any]] = {
    "granted": {},
    "expired": {},
    "revoked": {},
    "stopped": {},
    "partly": {"delivery": ["interface"], "items": ["b"]},
    "looking": {"delivery": ["on_platform"]},
    "used_up": {"quota": {"downloads": 1, "requests_per_day": 1}},
}
_BASIS = [{"instrument": "数据安全法", "article": "21", "kind": "law"}]


def _base(kind: str) -> str:
    """Where links lead: what is conditional may lie in the department's own network."""
    return "http://127.0.0.1:9" if "conditional" in kind else "https://data.example.com"


@dataclass
class Planted:
    """One dataset: its references, by kind."""

    kind: str
    id: str = ""
    names: list[str] = field(default_factory=list)
    resources: dict[str, str] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


@dataclass
class World:
    """Everything that the sweep knows of the portal."""

    portal: Portal
    secrets: Secrets = field(default_factory=Secrets)
    actors: dict[str, User | None] = field(default_factory=dict)
    datasets: dict[str, Planted] = field(default_factory=dict)
    activities: list[str] = field(default_factory=list)
    department: Department = None  # type: ignore[assignment]
    elsewhere: str = ""
    source: str = ""
    jobs: list[str] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    grants: list[str] = field(default_factory=list)

    @classmethod
    def build(cls, portal: Portal) -> World:
        """Plants everything: about a minute on a slow machine."""
        world = cls(portal)
        world._people()
        option = "ckanext.govopen.files.allow_private_addresses"
        allowed, config[option] = config.get(option), True
        for kind in DATASETS:
            world._dataset(kind)
        world._grants()
        world._change()
        config[option] = allowed
        world._harvest()
        world._identities()
        for planted in world.datasets.values():
            portal.load_rows(planted.id)
        make_connection().commit()
        return world

    # People

    def _people(self) -> None:
        portal = self.portal
        self.department = portal.department(unique("water"))
        self.actors = {
            "anonymous": None,
            "editor": self.department.editor,
            "member": self.department.member,
            "reviewer": self.department.reviewer,
            "operator": portal.operator,
        }
        for name in ("citizen", *GRANTS):
            self.actors[name] = self._user(name, STAFF | {name})
        for name in ("other_editor", "authority", "auditor"):
            self.actors[name] = self._user(name, STAFF)
        other = portal.organization(unique("else"), editor=self._actor("other_editor"))
        self.elsewhere = other["name"]
        # He is the data authority of another area as well: here that is nothing.
        city = portal.organization(unique("city"))
        portal.place(other["name"], city["name"])
        portal.duty(self._actor("other_editor"), city["name"], "authority")
        portal.duty(self._actor("authority"), AUTHORITY, "authority")
        portal.duty(self._actor("auditor"), AUTHORITY, "auditor")
        plant = self.secrets.plant
        colleague = self._user("colleague", STAFF)
        portal.call(
            "organization_member_create",
            portal.operator,
            id=self.department.name,
            username=colleague.name,
            role="editor",
        )
        self.colleague = colleague
        self.secrets.add(self.department.editor.id, "editor", "account", STAFF)
        self.secrets.add(self.department.reviewer.id, "reviewer", "account", STAFF)
        plant("nothing", "never planted", frozenset())

    def _user(self, name: str, known_to: frozenset[str]) -> User:
        plant = self.secrets.plant
        user = User.make(
            plant(name, "account name", known_to),
            fullname=plant(name, "full name", known_to),
            email=f"{plant(name, 'e-mail', frozenset({name, 'operator'}))}@example.com",
            about=plant(name, "about", known_to),
        )
        self.secrets.add(user.id, name, "account id", known_to)
        return user

    def _actor(self, name: str) -> User:
        user = self.actors[name]
        assert user is not None
        return user

    # Datasets

    def _dataset(self, kind: str) -> None:
        """Writes, reviews and releases one dataset as a department does."""
        portal, editor, plant = self.portal, self.department.editor, self.secrets.plant
        meta, content = DATASETS[kind]
        planted = self.datasets[kind] = Planted(kind)
        name = plant(kind, "name", meta)
        planted.names.append(name)
        planted.tags.append(plant(kind, "tag", meta))
        open_class = {"conditional": "conditional", "pending_conditional": "conditional"}.get(
            kind, "unconditional"
        )
        made = portal.dataset(
            self.department,
            name=name,
            title="旧 " + plant(kind, "old title", INSIDE),
            notes=plant(kind, "notes", meta),
            theme=plant(kind, "theme", meta),
            provider_unit=plant(kind, "provider unit", meta),
            info_items=[{"name": plant(kind, "item", meta), "type": "C", "open": True}],
            tags=[{"name": planted.tags[0]}],
            share_class="conditional",
            share_condition=plant(kind, "share condition", INSIDE),
            share_mode=plant(kind, "share mode", INSIDE),
            open_class=open_class,
            class_reason=plant(kind, "reason of class", meta),
            legal_basis=_BASIS,
            open_condition="须申请" if open_class == "conditional" else "",
            maintainer=plant(kind, "maintainer", meta),
            state="draft" if kind == "draft" else "active",
        )
        planted.id = made["id"]
        columns = (
            content | {"used_up"} if "granted" in content else content
        )  # only rows are used up
        rows = f"{plant(kind, 'column', columns)},b\n{plant(kind, 'cell', content)},2\n"
        file = portal.upload(
            editor,
            rows,
            f"{plant(kind, 'file name', meta)}.csv",
            package_id=made["id"],
            name=plant(kind, "resource name", meta),
            description=plant(kind, "resource description", meta),
            format="CSV",
        )
        held = INSIDE if kind in CONDITIONAL else content
        link = portal.call(
            "resource_create",
            editor,
            package_id=made["id"],
            name="链接 " + plant(kind, "link name", meta),
            url=f"{_base(kind)}/{plant(kind, 'link', held)}",
            format="JSON",
        )
        planted.resources = {"file": file["id"], "link": link["id"]}
        page = plant(kind, "page of view", content)
        for where, view_type, extra in (
            ("file", "datatables_view", {}),
            ("link", "webpage_view", {"page_url": f"https://data.example.com/{page}"}),
        ):
            view = portal.call(
                "resource_view_create",
                editor,
                resource_id=planted.resources[where],
                title=plant(kind, f"view of {where}", content),
                description=plant(kind, f"view text of {where}", content),
                view_type=view_type,
                **extra,
            )
            planted.views[where] = view["id"]
        portal.call(
            "package_patch", editor, id=made["id"], title="题 " + plant(kind, "title", meta)
        )
        if kind == "non_open":
            portal.call(
                "package_patch",
                editor,
                id=made["id"],
                open_class="non_open",
            )
        if kind in ("draft", "never"):
            return
        if kind == "open":
            portal.submit(self.department, made["id"])
            portal.decide(
                self.department,
                made["id"],
                decision="return",
                remarks=plant(kind, "remarks", INSIDE),
            )
            # A returned review goes on with the next change.
            portal.call(
                "package_patch", editor, id=made["id"], notes=plant(kind, "notes", meta) + "。"
            )
        portal.approve(self.department, made["id"])

    def _grants(self) -> None:
        """A grant in each state, for each conditional dataset."""
        portal, plant = self.portal, self.secrets.plant
        now = datetime.datetime.now(datetime.timezone.utc)
        for kind in CONDITIONAL:
            if kind == "tightened":
                self._tighten(kind, "conditional", open_condition="须申请")
            for name in GRANTS:
                purpose = plant(kind, f"purpose {name}", INSIDE | {name})
                made = portal.call(
                    "govopen_grant_give",
                    portal.operator.deciding,
                    package_id=self.datasets[kind].id,
                    persons=[self._actor(name).id],
                    purpose=purpose,
                    **{"delivery": ["download", "interface"], **GRANTS[name]},
                    valid_to=(now + datetime.timedelta(days=30)).isoformat(),
                    break_glass="test",
                )
                self.grants.append(made["id"])
                if name == "used_up":
                    day = usage_rules.today(now)
                    usage.take(model.Session, made["id"], day, Quota(), downloads=1)
                    model.repo.commit()
                change = {"revoked": "revoke", "stopped": "suspend"}.get(name)
                if change:
                    portal.call(
                        f"govopen_grant_{change}",
                        portal.operator.deciding,
                        id=made["id"],
                        reason="test",
                        break_glass="test",
                    )
                if name == "expired":
                    row = model.Session.get(GrantRow, made["id"])
                    assert row is not None
                    row.valid_from = now - datetime.timedelta(days=9)
                    row.valid_to = now - datetime.timedelta(seconds=1)
                    model.repo.commit()

    def _tighten(self, kind: str, open_class: str, **fields: Any) -> None:
        self.portal.call(
            "govopen_dataset_reclassify",
            self.department.editor,
            id=self.datasets[kind].id,
            open_class=open_class,
            reason=self.secrets.plant(kind, "new reason of class", INSIDE),
            legal_basis=_BASIS,
            **fields,
        )

    def _change(self) -> None:
        """What happens after the release."""
        portal, editor, plant = self.portal, self.department.editor, self.secrets.plant
        for kind in ("pending", "pending_conditional"):
            planted = self.datasets[kind]
            new_name = plant(kind, "new name", INSIDE)
            new_tag = plant(kind, "new tag", INSIDE)
            planted.names.append(new_name)
            planted.tags.append(new_tag)
            portal.call(
                "package_patch",
                editor,
                id=planted.id,
                name=new_name,
                title=plant(kind, "new title", INSIDE),
                notes=plant(kind, "new notes", INSIDE),
                theme=plant(kind, "new theme", INSIDE),
                tags=[{"name": planted.tags[0]}, {"name": new_tag}],
            )
            extra = portal.upload(
                editor,
                f"{plant(kind, 'new column', INSIDE)},b\n{plant(kind, 'new cell', INSIDE)},2\n",
                f"{plant(kind, 'new file name', INSIDE)}.csv",
                package_id=planted.id,
                name=plant(kind, "new resource", INSIDE),
                description=plant(kind, "new resource description", INSIDE),
                format=plant(kind, "new format", INSIDE),
            )
            planted.resources["new"] = extra["id"]
            portal.upload(
                editor,
                f"a,b\n{plant(kind, 'replaced cell', INSIDE)},2\n",
                f"{plant(kind, 'replaced file name', INSIDE)}.csv",
                id=planted.resources["file"],
                name=plant(kind, "replaced resource name", INSIDE),
                format="CSV",
            )
            portal.call(
                "resource_patch",
                editor,
                id=planted.resources["link"],
                url=f"{_base(kind)}/{plant(kind, 'new link', INSIDE)}",
            )
            view = portal.call(
                "resource_view_create",
                editor,
                resource_id=planted.resources["file"],
                title=plant(kind, "new view", INSIDE),
                view_type="text_view",
            )
            planted.views["new"] = view["id"]
            view = portal.call(
                "resource_view_update",
                editor,
                id=planted.views["file"],
                resource_id=planted.resources["file"],
                title=plant(kind, "changed view", INSIDE),
                view_type="datatables_view",
            )
        narrowed = self.datasets["narrowed"]
        portal.call("resource_delete", editor, id=narrowed.resources["link"])
        for what in ("link", "link name", "page of view", "view of link", "view text of link"):
            plant("narrowed", what, INSIDE)
        self._tighten("closed", "non_open")
        portal.call(
            "govopen_dataset_suspend",
            editor,
            id=self.datasets["suspended"].id,
            reason=plant("suspended", "reason", INSIDE),
        )
        portal.call("package_patch", editor, id=self.datasets["unpublished"].id, state="draft")
        model.Session.remove()
        portal.call("package_delete", editor, id=self.datasets["deleted"].id)

    # Harvesting

    def _harvest(self) -> None:
        from ckanext.harvest.model import HarvestJob, HarvestObject

        plant = self.secrets.plant
        made = self.portal.call(
            "harvest_source_create",
            self.department.editor,
            name=plant("source", "name", INSIDE),
            title=plant("source", "title", INSIDE),
            notes=plant("source", "notes", INSIDE),
            url=f"https://example.com/{plant('source', 'address', INSIDE)}.csv",
            source_type="govopen_spreadsheet",
            owner_org=self.department.id,
            config=self._source_config(plant("source", "configuration", INSIDE)),
        )
        self.source = made["id"]
        self.secrets.add(made["id"], "source", "id", INSIDE)
        job = HarvestJob(source=self._source_row(made["id"]), status="Finished")
        model.Session.add(job)
        for kind in ("open", "conditional", "non_open", "never"):
            row = HarvestObject(
                guid=plant("object", f"guid {kind}", INSIDE),
                content=plant("object", f"raw record {kind}", INSIDE),
                job=job,
                package_id=self.datasets[kind].id,
                current=True,
            )
            model.Session.add(row)
            model.Session.flush()
            self.objects.append(str(row.id))
            self.secrets.add(str(row.id), "object", f"id {kind}", INSIDE)
        model.repo.commit()
        self.jobs.append(str(job.id))
        self.secrets.add(str(job.id), "job", "id", INSIDE)

    def states(self) -> dict[str, str | None]:
        """The state of each planted dataset, of the source, and of its job: no row changes them."""
        from ckanext.harvest.model import HarvestJob

        model.Session.remove()
        ids = {kind: planted.id for kind, planted in self.datasets.items()}
        rows: dict[str, Any] = {
            kind: model.Session.get(model.Package, id) for kind, id in ids.items()
        }
        rows["source"] = model.Session.get(model.Package, self.source)
        found = {kind: row and row.state for kind, row in rows.items()}
        jobs = model.Session.query(HarvestJob).filter_by(source_id=self.source)
        return {**found, "jobs": ",".join(sorted(str(job.status) for job in jobs))}

    @staticmethod
    def _source_config(marker: str) -> str:
        return json.dumps({"columns": {marker: "title"}, "defaults": {"acquired": "collected"}})

    @staticmethod
    def _source_row(source_id: str) -> Any:
        from ckanext.harvest.model import HarvestSource

        return model.Session.get(HarvestSource, source_id)

    # Identities

    def _identities(self) -> None:
        """Ids are secrets as well: that something exists is."""
        from ckanext.activity.model import Activity

        for kind, planted in self.datasets.items():
            meta, content = DATASETS[kind]
            self.secrets.add(planted.id, kind, "id", meta)
            for name, resource_id in planted.resources.items():
                gone = name == "new" or (kind == "narrowed" and name == "link")
                self.secrets.add(resource_id, kind, f"resource {name}", INSIDE if gone else meta)
            for name, view_id in planted.views.items():
                gone = name == "new" or (kind == "narrowed" and name == "link")
                self.secrets.add(view_id, kind, f"view {name}", INSIDE if gone else content)
            rows = model.Session.execute(
                sa.select(Activity.id, Activity.permission_labels)
                .where(Activity.object_id == planted.id)
                .order_by(Activity.timestamp)
            ).all()
            for activity_id, labels in rows:
                public = PUBLIC in (labels or [])
                self.secrets.add(
                    activity_id, kind, "activity", EVERYBODY if public and meta else INSIDE
                )
            self.activities += [rows[0].id, rows[-1].id] if rows else []
        model.Session.remove()

    # References

    def references(self, kind: str) -> list[str]:
        """Everything planted that a parameter of this kind may name."""
        sets = self.datasets.values()
        if kind in ("dataset", "own", "datasets", "match"):
            return [ref for planted in sets for ref in (planted.id, *planted.names)]
        if kind in ("resource", "resources"):
            return [ref for planted in sets for ref in planted.resources.values()]
        if kind == "view":
            return [ref for planted in sets for ref in planted.views.values()]
        if kind == "user":
            people = [self.colleague, self._actor("granted")]
            return [ref for user in people for ref in (user.id, user.name)]
        return {
            "activity": self.activities,
            "source": [self.source],
            "job": self.jobs,
            "object": self.objects,
        }[kind]
