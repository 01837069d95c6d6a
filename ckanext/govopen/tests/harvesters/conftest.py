"""A catalogue source on the running portal, and tables to feed it with."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import openpyxl
import pytest
from ckan import model
from ckan.common import config
from ckanext.harvest.model import HarvestJob, HarvestObject
from ckanext.harvest.queue import fetch_and_import_stages, gather_stage, get_harvester

from ckanext.govopen.tests.portal import AUTHORITY, Department, Portal, User, unique

COLUMNS = (
    "信息资源代码", "信息资源名称", "信息资源提供方", "信息资源摘要", "是否向社会开放", "开放条件",
    "更新周期", "共享类型", "信息项名称", "数据类型",
)  # fmt: skip
TRADITIONAL = (
    "信息資源代碼", "信息資源名稱", "信息資源提供方", "信息資源摘要", "是否向社會開放", "開放條件",
    "更新週期", "共享類型", "信息項名稱", "數據類型",
)  # fmt: skip
DEFAULTS = {"acquired": "collected"}


@dataclass
class Row:
    """One resource of a catalogue as a person writes it."""

    code: str
    title: str
    provider: str
    summary: str = "说明"
    open: str = "是"
    condition: str = ""
    cycle: str = "每月"
    share: str = "无条件共享"
    items: Sequence[tuple[str, str]] = (("编号", "C"), ("名称", "C"))

    def lines(self) -> list[list[str]]:
        """One line per item, the resource's own cells on the first only."""
        own = [
            self.code, self.title, self.provider, self.summary, self.open, self.condition,
            self.cycle, self.share,
        ]  # fmt: skip
        blank = [""] * len(own)
        items = self.items or (("", ""),)
        return [[*(blank if at else own), *item] for at, item in enumerate(items)]


def as_csv(rows: Iterable[Row], encoding: str = "utf-8", columns: Sequence[str] = COLUMNS) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerows(row.lines())
    return text.getvalue().encode(encoding)


def as_workbook(rows: Iterable[Row], merge: bool = True) -> bytes:
    """A workbook in which the cells of a resource are merged over the lines of its items."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["政务信息资源目录"])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(COLUMNS))
    sheet.append(list(COLUMNS))
    for row in rows:
        first = sheet.max_row + 1
        for line in row.lines():
            sheet.append([value or None for value in line])
        last = sheet.max_row
        if merge and last > first:
            for column in range(1, 9):
                sheet.merge_cells(
                    start_row=first, start_column=column, end_row=last, end_column=column
                )
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@dataclass
class Catalogue:
    """A source of the data authority, and its runs."""

    portal: Portal
    keeper: User
    reviewer: User
    source_id: str
    department: Department
    prefix: str = field(default_factory=lambda: unique("C").upper())

    def row(self, number: int, **fields: Any) -> Row:
        """A resource of the department, open without a condition unless told otherwise."""
        return Row(
            code=f"{self.prefix}/{number:04}",
            title=fields.pop("title", f"资源{number}"),
            provider=fields.pop("provider", self.department.name),
            **fields,
        )

    def upload(self, content: bytes, name: str = "catalogue.csv") -> dict[str, Any]:
        response = self.portal.request(
            "POST",
            "/api/3/action/govopen_catalogue_upload",
            self.keeper,
            data={"source": self.source_id, "upload": (io.BytesIO(content), name)},
        )
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()["result"]

    def run(self, content: bytes | None = None, name: str = "catalogue.csv") -> dict[str, Any]:
        """A whole run as gather and fetch consumers do it; its report."""
        if content is not None:
            self.upload(content, name)
        return self.finish(self.begin())

    def begin(self, user: User | None = None) -> str:
        job = self.portal.call(
            "harvest_job_create", user or self.keeper, source_id=self.source_id, run=False
        )
        return job["id"]

    def gather(self, job_id: str) -> list[str]:
        job: Any = HarvestJob.get(job_id)
        job.status = "Running"
        job.save()
        return gather_stage(get_harvester(job.source.type), job) or []

    def finish(self, job_id: str) -> dict[str, Any]:
        for object_id in self.gather(job_id):
            found: Any = HarvestObject.get(object_id)
            fetch_and_import_stages(get_harvester(found.source.type), found)
        self.portal.call("harvest_jobs_run", self.portal.operator, source_id=self.source_id)
        return self.report(job_id)

    def report(self, job_id: str) -> dict[str, Any]:
        model.Session.remove()
        return self.portal.call("govopen_catalogue_run_show", self.keeper, run=job_id, limit=1000)

    def dataset(self, row: Row, user: User | None = None) -> dict[str, Any] | None:
        """The dataset of a resource as somebody sees it: its department unless told otherwise."""
        answer = self.portal.ask(
            "package_show", {"id": self.name(row)}, user or self.department.editor
        )
        return answer.get_json()["result"] if answer.status_code == 200 else None

    def public(self, row: Row) -> dict[str, Any] | None:
        """The same as anybody sees it."""
        answer = self.portal.ask("package_show", {"id": self.name(row)})
        return answer.get_json()["result"] if answer.status_code == 200 else None

    @staticmethod
    def name(row: Row) -> str:
        from ckanext.govopen.domain.catalogue import dataset_name

        return dataset_name(row.code)

    def approve(self, *rows: Row) -> None:
        """Everything is handed in by the department and approved by its reviewer."""
        for row in rows:
            self.portal.approve(self.department, self.name(row))


@pytest.fixture
def make_source(portal: Portal) -> Callable[..., dict[str, Any]]:
    """Makes a source through CKAN's own action."""

    def make(
        user: User,
        owner: str,
        settings: Mapping[str, Any],
        url: str = "",
        kind: str = "govopen_spreadsheet",
    ) -> dict[str, Any]:
        name = unique("source")
        return portal.call(
            "harvest_source_create",
            user,
            name=name,
            title=name,
            url=url or f"upload:{name}",
            source_type=kind,
            owner_org=owner,
            frequency="MANUAL",
            # Files are links in these tests unless a test is about copying them.
            config=json.dumps({"files": "link", **settings}),
        )

    return make


@pytest.fixture
def keeper(portal: Portal) -> User:
    """Somebody of the data authority who keeps its sources."""
    return authority_account(portal)


def authority_account(portal: Portal) -> User:
    made = User.make()
    portal.call(
        "organization_member_create",
        portal.operator,
        id=AUTHORITY,
        username=made.name,
        role="admin",
    )
    portal.duty(made, AUTHORITY, "authority")
    return made


@pytest.fixture
def catalogue(
    portal: Portal, keeper: User, make_source: Callable[..., dict[str, Any]]
) -> Catalogue:
    """A source for all departments, and a department whose title is its name."""
    config["ckanext.govopen.harvest.may_create_organizations"] = True
    department = portal.department()
    portal.call("organization_patch", portal.operator, id=department.id, title=department.name)
    source = make_source(
        keeper,
        AUTHORITY,
        {"defaults": DEFAULTS, "departments": "all", "create_organizations": True},
    )
    return Catalogue(portal, keeper, department.reviewer, source["id"], department)
