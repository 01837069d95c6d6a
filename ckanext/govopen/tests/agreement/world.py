"""An approved application on the running portal, waiting for its signature."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from typing import Any

from ckan import model
from ckan.common import config
from werkzeug.test import Client, TestResponse

from ckanext.govopen.domain import applicant
from ckanext.govopen.domain.application import commands as c
from ckanext.govopen.domain.application.content import Contact, Content, WantedPart
from ckanext.govopen.domain.application.decide import decide
from ckanext.govopen.domain.application.scope import Wanted
from ckanext.govopen.domain.application.state import Application
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.logic import application as applications
from ckanext.govopen.logic import application_record as recording
from ckanext.govopen.model import application as cases
from ckanext.govopen.model import ledger
from ckanext.govopen.tests.portal import (
    Browser,
    Department,
    Portal,
    User,
    forgery_token,
    unique,
)

NAME = "李四"


@dataclass
class Case:
    """One case: its applicant, its department, and a browser in which he has signed in."""

    portal: Portal
    id: str
    department: Department
    applicant: User
    package: dict[str, Any]
    client: Browser

    @property
    def keys(self) -> dict[str, str]:
        return {"application": self.id, "organization": self.department.id}

    @property
    def path(self) -> str:
        return f"/open/agreement/{self.id}/{self.department.name}"

    def show(self, user: User | None = None) -> dict[str, Any]:
        return self.portal.call("govopen_agreement_show", user or self.applicant, **self.keys)

    def order(self, **changes: Any) -> dict[str, Any]:
        """What the applicant sends when he signs what he reads now."""
        read = self.show()
        return {
            **self.keys,
            **{key: read[key] for key in ("template", "template_version", "text_sha256")},
            "typed_name": NAME,
            "password": self.applicant.password,
            **changes,
        }

    def sign(self, client: Client | None = None, **changes: Any) -> TestResponse:
        """Signs in the applicant's browser, or another one."""
        return by_session(client or self.client, "govopen_agreement_sign", self.order(**changes))


def by_session(client: Client, action: str, data: dict[str, Any]) -> TestResponse:
    """An action as a page of the portal sends it."""
    return client.post(
        f"/api/3/action/{action}",
        base_url=config["ckan.site_url"],
        json=data,
        headers={"Sec-Fetch-Site": "same-origin"},
    )


def form(client: Client, path: str, send_to: str, data: dict[str, Any]) -> TestResponse:
    """A form of a page, sent as a browser does."""
    page = client.get(path, base_url=config["ckan.site_url"])
    token = forgery_token(page.get_data(as_text=True))
    return client.post(
        send_to,
        base_url=config["ckan.site_url"],
        data={"_csrf_token": token, **data},
        headers={"Sec-Fetch-Site": "same-origin"},
    )


def approved(portal: Portal, department: Department | None = None) -> Case:
    """Handed in, accepted and approved by the rules; the events are in the ledger."""
    department = department or portal.department()
    user = User.make()
    handler = Actor(
        department.reviewer.id, duties=frozenset({(department.id, "handler")}), authority=True
    )
    package = portal.released(department, open_class="conditional", open_condition="教学研究")
    now = datetime.datetime.now(datetime.timezone.utc)
    rules = applications.rules_for(None)
    content = Content(
        applicant_kind="natural_person",
        parts=(WantedPart(department.id, (Wanted(package["id"], ("interface",), None),)),),
        fields={
            "purpose": "研究公共交通",
            "scenario": "学术论文",
            "security_measures": "加密保存",
            "capability": "自有服务器",
        },
        valid_from=now.date(),
        valid_to=now.date() + datetime.timedelta(days=300),
        contact=Contact(NAME, "13800000000"),
        salt="s",
    )
    check = applicant.Check(
        handler, user.id, "person", NAME, "身份证", "1234", now + datetime.timedelta(days=365)
    )
    checked = applicant.decide(applicant.ApplicantState(), check, now)
    ledger.append(model.Session, f"applicant/{user.id}", checked, handler.user_id, now)
    identity = applicant.fold([(event, now) for event in checked]).in_force(now)
    application = str(uuid.uuid4())
    facts = {package["id"]: c.DatasetFacts(department.id)}
    state: Application | None = None

    model.Session.add(
        cases.ApplicationRow(
            id=application,
            number=unique("GK").upper(),
            user_id=user.id,
            status="open",
            created_at=now,
            changed_at=now,
        )
    )
    model.Session.flush()

    def do(command: c.Command, by: str) -> None:
        nonlocal state
        events = decide(state, command, now, rules)
        state = recording.record({}, state, application, events, now, by)

    do(c.Submit(Actor(user.id), application, content, facts), user.id)
    do(c.Accept(handler, department.id, identity), handler.user_id)
    assert state is not None
    read = state.revision(1)
    opinion = c.Opinion(True, "符合条件", conditions=("注明来源",))
    do(
        c.Decide(handler, department.id, opinion, read.number, read.sha256, facts),
        handler.user_id,
    )
    model.repo.commit()
    model.Session.remove()
    return Case(portal, application, department, user, package, portal.signed_in(user))


__all__ = ["NAME", "Case", "approved", "by_session", "form", "unique"]
