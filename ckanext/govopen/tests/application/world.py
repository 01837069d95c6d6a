"""People and datasets for tests of applications, and the short ways to do what they do."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.logic import command
from ckanext.govopen.tests.portal import Department, Portal, User


@dataclass
class World:
    """One department and the people around it."""

    portal: Portal
    department: Department
    handler: User
    colleague: User
    applicant: User
    stranger: User
    authority: User
    other: Department
    other_handler: User

    @classmethod
    def build(cls, portal: Portal) -> World:
        portal.ready()
        department, other = portal.department(), portal.department()
        people = [User.make() for _ in range(6)]
        handler, colleague, applicant, stranger, authority, other_handler = people
        portal.duty(handler, department.name, "handler")
        portal.duty(colleague, department.name, "handler")
        portal.duty(other_handler, other.name, "handler")
        portal.duty(authority, "data-authority", "authority")
        return cls(portal, department, handler, colleague, applicant, stranger, authority, other,
                   other_handler)  # fmt: skip

    def dataset(self, department: Department | None = None, /, **fields: Any) -> dict[str, Any]:
        """A released conditional dataset."""
        given = {"open_class": "conditional", "open_condition": "需要申请",
                 "legal_basis": [{"instrument": "数据安全法", "article": "21", "kind": "law"}],
                 "class_reason": "含有敏感信息", **fields}  # fmt: skip
        return self.portal.released(department or self.department, **given)

    @staticmethod
    def content(*packages: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """A complete application of a person."""
        today = local_date(command.now())
        return {
            "applicant_kind": "natural_person",
            "parts": [
                {"datasets": [{"dataset": package["name"], "delivery": ["download"]}]}
                for package in packages
            ],
            "fields": {
                "purpose": "论文研究",
                "security_measures": "加密保存",
                "capability": "有处理经验",
            },
            "valid_from": today.isoformat(),
            "valid_to": (today + datetime.timedelta(days=90)).isoformat(),
            "contact": {"name": "李四", "phone": "13800000000", "email": "li@example.com"},
            **changes,
        }

    def draft(self, *packages: dict[str, Any], user: User | None = None, **changes: Any) -> Any:
        return self.portal.call(
            "govopen_application_create",
            user or self.applicant,
            content=self.content(*packages, **changes),
        )

    def submitted(
        self, *packages: dict[str, Any], user: User | None = None, **changes: Any
    ) -> dict[str, Any]:
        """An application that was handed in; for a new conditional dataset without any."""
        made = self.draft(*(packages or (self.dataset(),)), user=user, **changes)
        return self.portal.call("govopen_application_submit", user or self.applicant, id=made["id"])

    def checked(self, case: dict[str, Any], by: User | None = None) -> None:
        self.portal.call(
            "govopen_applicant_check",
            (by or self.handler).deciding,
            application=case["id"],
            name="李四",
            document="身份证",
            document_tail="123X",
        )

    def accepted(self, *packages: dict[str, Any], user: User | None = None) -> dict[str, Any]:
        """As the handler reads it after he accepted it."""
        case = self.submitted(*packages, user=user)
        self.checked(case)
        return self.portal.call("govopen_application_accept", self.handler.deciding, id=case["id"])

    @staticmethod
    def opinion(case: dict[str, Any], approve: bool = True, /, **changes: Any) -> dict[str, Any]:
        """A decision on what ``case`` says."""
        part = case["parts"][0]
        return {
            "id": case["id"],
            "organization": part["organization"]["id"],
            "revision": part["revision"],
            "sha256": part["sha256"],
            "approve": approve,
            "reason": "符合条件" if approve else "不符合条件",
            **changes,
        }

    def show(self, case: dict[str, Any], user: User) -> dict[str, Any]:
        return self.portal.call("govopen_application_show", user, id=case["id"])


def later(monkeypatch: Any, **by: float) -> None:
    """Lets the clock of the actions run ahead."""
    real = command.now
    ahead = datetime.timedelta(**by)
    monkeypatch.setattr(command, "now", lambda: real() + ahead)
