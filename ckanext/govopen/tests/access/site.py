"""A portal for tests of content: all plugins, one department, people, and what they publish."""

from __future__ import annotations

import datetime
import io
from dataclasses import dataclass, field
from typing import Any

from ckan import model
from ckan.plugins import toolkit
from ckan.tests import factories

from ckanext.govopen.logic import deliver, gate, snapshot, working_copy
from ckanext.govopen.model.duty import DutyRow
from ckanext.govopen.model.grant import GrantRow
from ckanext.govopen.tests.portal import Portal, tester, unique

CSV = "区县,学校名称,学生数,代码\n南关区,第一小学,1200,0012\n朝阳区,实验中学,950,0345\n"


def first_refusal(error: toolkit.ValidationError) -> dict[str, Any]:
    """The first refusal of an action's error."""
    rows: Any = error.error_dict["refusal"]
    return rows[0]


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


@dataclass
class Site:
    """The running portal; made once for a module of tests."""

    app: Any
    organization: dict[str, Any] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def build(cls, portal: Portal) -> Site:
        """On a running portal, with a department and people of its own."""
        portal.ready()
        site = cls(tester())
        for who in ("editor", "other", "reviewer", "citizen", "applicant"):
            site.users[who] = factories.UserWithToken(name=unique(who))
        site.users["operator"] = factories.SysadminWithToken(name=unique("operator"))
        site.organization = factories.Organization(
            name=unique("education"), users=[{"name": site.name("editor"), "capacity": "editor"}]
        )
        factories.Organization(
            name=unique("elsewhere"), users=[{"name": site.name("other"), "capacity": "editor"}]
        )
        model.Session.add(
            DutyRow(
                user_id=site.users["reviewer"]["id"],
                organization_id=site.organization["id"],
                duty="reviewer",
                given_at=now(),
            )
        )
        model.Session.commit()
        return site

    def name(self, who: str | None) -> str:
        """The account's name; empty for anonymous."""
        return self.users[who]["name"] if who else ""

    def context(self, who: str | None) -> Any:
        return {"user": self.name(who), "ignore_auth": False}

    def call(self, action: str, who: str | None, **data: Any) -> Any:
        """An action in the name of somebody, with every check."""
        return toolkit.get_action(action)(self.context(who), data)

    def headers(self, who: str | None) -> dict[str, str]:
        return {"Authorization": self.users[who]["token"]} if who else {}

    def get(self, url: str, who: str | None = None, **headers: str) -> Any:
        return self.app.get(url, headers={**self.headers(who), **headers}, follow_redirects=False)

    def dataset(self, open_class: str = "unconditional", **fields: Any) -> dict[str, Any]:
        condition = {"open_condition": "教学研究"} if open_class == "conditional" else {}
        return self.call(
            "package_create",
            "editor",
            **{
                "name": unique("set"),
                "title": "学校名单",
                "owner_org": self.organization["id"],
                "open_class": open_class,
                **condition,
                **fields,
            },
        )

    def upload(
        self, package_id: str, content: bytes | str, name: str = "学校.csv", **fields: Any
    ) -> dict[str, Any]:
        """A resource with a file, through the API as a department uploads it."""
        raw = content.encode() if isinstance(content, str) else content
        action = "resource_update" if "id" in fields else "resource_create"
        response = self.app.post(
            f"/api/3/action/{action}",
            headers=self.headers("editor"),
            data={
                "package_id": package_id,
                "name": "名单",
                **fields,
                "upload": (io.BytesIO(raw), name),
            },
            content_type="multipart/form-data",
        )
        assert response.status_code == 200, response.body
        return response.json["result"]

    def release(self, package_id: str) -> Any:
        """What an approving review does, without the review."""
        context = {"user": self.name("reviewer"), "ignore_auth": True}
        working_copy.lock(package_id)
        package = model.Package.get(package_id)
        row = gate.release(context, package, snapshot.working(context, package_id), "review", now())
        model.repo.commit()
        deliver.due_now(now())
        return row

    def published(
        self, content: bytes | str = CSV, name: str = "学校.csv", open_class: str = "unconditional"
    ) -> tuple[str, str]:
        """(dataset id, resource id) of a released dataset with one file."""
        package = self.dataset(open_class)
        resource = self.upload(package["id"], content, name)
        self.release(package["id"])
        return package["id"], resource["id"]

    def grant(self, package_id: str, **fields: Any) -> GrantRow:
        """A right of the applicant, valid for a day."""
        row = GrantRow(
            **{
                "package_id": package_id,
                "organization_id": self.organization["id"],
                "holder_kind": "person",
                "persons": [self.users["applicant"]["id"]],
                "items": None,
                "purpose": "research",
                "delivery": ["download", "interface"],
                "valid_from": now() - datetime.timedelta(hours=1),
                "valid_to": now() + datetime.timedelta(days=1),
                "quota": {},
                "created_at": now(),
                **fields,
            }
        )
        model.Session.add(row)
        model.Session.commit()
        return row


def download(package_id: str, resource_id: str, name: str = "a.csv") -> str:
    return f"/dataset/{package_id}/resource/{resource_id}/download/{name}"
