"""What an agreement says: the template in force, the names and facts in it, the signed copy."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from ckan import model
from ckan.plugins import toolkit
from ckan.types import AlchemySession

from ckanext.govopen.domain import agreement as rules
from ckanext.govopen.domain.agreement import Template
from ckanext.govopen.domain.applicant import Identity
from ckanext.govopen.domain.application import papers
from ckanext.govopen.domain.application.grants import content_of
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.duty import Actor
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.logic.paper import agreement as paper
from ckanext.govopen.model import agreement as stored
from ckanext.govopen.model import ledger, settings
from ckanext.govopen.model import release as releases

#: The name of a dataset that nobody outside may know any more.
NAMELESS = "（名称不公开的数据集）"


@dataclass(frozen=True)
class Reading:
    """The agreement as it stands now: which template, the canonical text, who has to sign."""

    template: Template
    text: str
    signatory: str

    @property
    def sha256(self) -> str:
        """What the signature binds: the hash of the text."""
        return rules.digest(self.text)


def stream(template: str) -> str:
    """The ledger's stream of a template."""
    return f"agreement/{template}"


def record_bundled(session: AlchemySession, profile: str, now: datetime.datetime) -> None:
    """Publishes the bundled template as the first version, unless there is one.

    From then on the ledger fixes it: another text in a newer extension is not another first
    version. In the caller's transaction.
    """
    ledger.lock(session, stream(profile))
    if stored.published(session, profile):
        return
    first = stored.bundled(profile)
    order = rules.Publish(Actor("", system=True), first.id, profile, first.text, 0)
    events = rules.publish(order)
    ledger.append(session, stream(profile), events, None, now)
    stored.project_template(session, events[0], None, now)


def read(
    session: AlchemySession,
    state: Application,
    part: Part,
    profile: Profile,
    identity: Identity | None,
    number: str,
) -> Reading:
    """The agreement about an approved part, rendered from the newest template.

    ``number`` is that of the case, by which people know it.

    :raises ValueError: the part is not approved, or its content was erased
    """
    template = stored.current(session, profile.id)
    content = content_of(state, part)
    signatory = identity.person if identity else content.contact.name
    applicant = identity.name if identity else content.contact.name
    if content.organisation is not None and identity is None:
        applicant = content.organisation.name
    names = papers.Names(
        portal=site_title(),
        instrument=profile.instrument.names.zh_Hans,
        department=department(part.organization),
        applicant=applicant,
        signatory=signatory,
        datasets=titles([scope.dataset for scope in part.scopes]),
    )
    facts = papers.agreement_facts(state, part.organization, names, template)
    text = rules.render(template, {**facts, "application": number})
    return Reading(template, text, signatory)


def site_title() -> str:
    """The portal's name."""
    return str(toolkit.config.get("ckan.site_title") or "")


def department(organization_id: str) -> str:
    """The name of a department, its id when it is gone."""
    group = model.Group.get(organization_id)
    return (group.title or group.name) if group is not None else organization_id


def titles(package_ids: list[str]) -> dict[str, str]:
    """The released titles of datasets; those without a release have none to name."""
    found = {}
    for package_id in package_ids:
        live = releases.live(package_id)
        shown = live.data["shown"] if live else {}
        found[package_id] = shown.get("title") or shown.get("name") or NAMELESS
    return found


def draw(row: stored.AgreementRow) -> bytes:
    """The PDF copy of an agreement that is being signed."""
    return paper.draw(
        paper.Signed(
            text=row.text,
            text_sha256=row.text_sha256,
            template=f"{row.template}/{row.template_version}",
            typed_name=row.typed_name,
            method=row.method,
            signed_at=row.signed_at,
            key_id=row.key_id,
            signature=row.signature,
            verify_url=settings.site_url() + "/open/verify",
        )
    )


def copy_of(session: AlchemySession, shown: dict[str, Any]) -> bytes | None:
    """The PDF copy of an agreement as its action has shown it; None while it is not signed,
    empty once it was erased."""
    row = stored.of_part(session, shown["application"], shown["organization"]["id"])
    return row.pdf if row is not None else None


def example(template: Template) -> dict[str, str]:
    """Made-up facts for a preview."""
    return {
        "application": "示例-0001",
        "portal": site_title(),
        "instrument": "（依据的规定）",
        "department": "示例单位",
        "applicant": "示例公司",
        "applicant_code": "91220000000000000X",
        "signatory": "张三",
        "datasets": "1. 示例数据集；全部信息项；使用方式：接口；2026-01-01至2026-12-31",
        "purpose": "示例用途",
        "scenario": "示例场景",
        "security_measures": "示例措施",
        "delivery": "接口",
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
        "quota": "1. 不限",
        "conditions": "无",
        "template_version": f"{template.id}/{template.version}",
    }
