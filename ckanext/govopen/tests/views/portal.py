"""A small portal for the pages: departments, people, datasets in the states that pages show."""

from __future__ import annotations

import datetime
import io
from dataclasses import dataclass, field
from typing import Any

from ckan import model, plugins
from ckan.tests import factories
from werkzeug.datastructures import FileStorage

from ckanext.govopen.model.duty import DutyRow
from ckanext.govopen.tests.portal import load_plugins, make_tables, tester

PASSWORD = "correct-horse-9"
LONG = (
    "各区县公共停车场（含路内泊位）名录、收费标准、实时空余泊位数"
    "及历年周转率统计明细表（二〇一五年至二〇二六年）"
)
CSV = "区县,停车场,泊位\r\n南关区,=1+1,120\r\n朝阳区,体育馆,95\r\n"


@dataclass
class Portal:
    """The running portal with the names of what is in it."""

    app: Any
    tokens: dict[str, str] = field(default_factory=dict)
    deciding: dict[str, str] = field(default_factory=dict)
    dataset: str = ""
    resource: str = ""
    review: str = ""

    def get(self, path: str, who: str | None = None, **kwargs: Any) -> Any:
        headers = {"Authorization": self.tokens[who]} if who else {}
        return self.app.get(path, headers=headers, follow_redirects=False, **kwargs)

    def post(self, path: str, who: str, data: dict[str, Any]) -> Any:
        """A form, with a token that may decide."""
        if who not in self.deciding:
            self.deciding[who] = plugins.toolkit.get_action("api_token_create")(
                {"ignore_auth": True}, {"user": who, "name": "deciding", "govopen_decide": True}
            )["token"]
        return self.app.post(
            path,
            headers={"Authorization": self.deciding[who]},
            data=data,
            follow_redirects=False,
        )


def _dataset(name: str, title: str, organization: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "notes": "**按日更新**的停车场信息，见[说明](https://example.org/x)。",
        "owner_org": organization,
        "open_class": "unconditional",
        "class_reason": "便利公众出行",
        "share_class": "unconditional",
        "theme": "交通",
        "update_cycle": "daily",
        "resource_code": "307010000000/000123",
        "license_id": "cc-by",
        "acquired_by": "collected",
        "delivery": ["download"],
        "issued": "2025-01-02",
        "data_updated": "2026-07-01",
        "info_items": [{"name": "停车场名称", "type": "C", "open": True}],
        "tags": [{"name": "停车"}],
        **more,
    }


def _call(action: str, who: str, **data: Any) -> Any:
    return plugins.toolkit.get_action(action)({"user": who, "ignore_auth": False}, data)


def _approve(dataset: str) -> None:
    review = _call("govopen_review_submit", "editor", id=dataset)
    shown = _call("govopen_review_show", "reviewer", id=review["id"])
    answers = {question["id"]: False for question in shown["questions"]}
    result = _call(
        "govopen_review_decide",
        "reviewer",
        decisions=[
            {
                "id": review["id"],
                "fingerprint": shown["fingerprint"],
                "decision": "approve",
                "remarks": "",
                "answers": answers,
            }
        ],
    )
    assert result["results"][0]["ok"], result


def build() -> Portal:
    """Empties the test databases and fills them."""
    load_plugins()
    make_tables()
    portal = Portal(tester())
    for name in ("editor", "reviewer", "citizen"):
        user = factories.UserWithToken(name=name, fullname=f"{name} 某", password=PASSWORD)
        portal.tokens[name] = user["token"]
    portal.tokens["operator"] = factories.SysadminWithToken(name="operator", password=PASSWORD)[
        "token"
    ]
    traffic = factories.Organization(
        name="traffic",
        title="交通运输局",
        description="负责交通运输",
        users=[{"name": "editor", "capacity": "editor"}],
    )
    factories.Organization(name="empty-office", title="档案馆", description="保管档案")
    reviewer = model.User.get("reviewer")
    assert reviewer is not None
    model.Session.add(
        DutyRow(
            user_id=reviewer.id,
            organization_id=traffic["id"],
            duty="reviewer",
            given_at=datetime.datetime.now(datetime.timezone.utc),
        )
    )
    model.Session.commit()
    parking = _call("package_create", "editor", **_dataset("parking", LONG, "traffic"))
    portal.dataset = parking["id"]
    upload = FileStorage(io.BytesIO(CSV.encode()), "停车场.csv", "停车场.csv")
    resource = _call(
        "resource_create",
        "editor",
        package_id="parking",
        name="停车场.csv",
        format="CSV",
        url="",
        upload=upload,
    )
    portal.resource = resource["id"]
    _approve("parking")
    _call(
        "package_create",
        "editor",
        **_dataset(
            "trips",
            "=HYPERLINK 公交刷卡记录",
            "traffic",
            open_class="conditional",
            open_condition="科研机构，说明用途",
            legal_basis=[{"instrument": "个人信息保护法", "article": "第十三条", "kind": "law"}],
            resources=[{"url": "https://example.org/trips.csv", "name": "trips", "format": "CSV"}],
        ),
    )
    _approve("trips")
    _call("package_create", "editor", **_dataset("waiting", "尚未审查的数据集甲", "traffic"))
    portal.review = _call("govopen_review_submit", "editor", id="waiting")["id"]
    _call(
        "package_create",
        "editor",
        **_dataset("lacking", "缺少内容的数据集乙", "traffic", share_class=""),
    )
    return portal
