"""The facts of an agreement, as texts for the places of a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ckanext.govopen.domain.agreement import Template
from ckanext.govopen.domain.application.grants import content_of
from ckanext.govopen.domain.application.scope import Scope
from ckanext.govopen.domain.application.state import Application

#: The words that the facts need, in Chinese; another language passes its own.
WORDS: Mapping[str, str] = {
    "download": "下载",
    "interface": "接口",
    "on_platform": "平台内使用",
    "all_items": "全部信息项",
    "items": "信息项",
    "delivery": "使用方式",
    "downloads": "下载次数不超过",
    "rows_per_day": "每日数据行数不超过",
    "requests_per_day": "每日请求次数不超过",
    "none": "无",
    "unlimited": "不限",
    "to": "至",
    "and": "、",
    "stop": "；",
    "colon": "：",
}


@dataclass(frozen=True)
class Names:
    """Names that the rules do not know: of the portal, the regulation, the department, people.

    ``applicant`` is the checked name of the person or organisation, ``signatory`` that of whoever
    signs; ``datasets`` are titles by package id.
    """

    portal: str
    instrument: str
    department: str
    applicant: str
    signatory: str
    datasets: Mapping[str, str] = field(default_factory=dict)


def agreement_facts(
    state: Application,
    organization: str,
    names: Names,
    template: Template,
    words: Mapping[str, str] = WORDS,
) -> dict[str, str]:
    """Texts by the places of a template, for an approved part; ValueError for any other.

    What people have written is put on one line each, so that it cannot look like a clause.
    """
    part = state.part(organization)
    scopes = [scope for scope in part.scopes if scope.granted] if part is not None else []
    if part is None or not scopes:
        raise ValueError("There is no approved part to make an agreement of.")
    content = content_of(state, part)
    none = words["none"]
    delivery = dict.fromkeys(mode for scope in scopes for mode in scope.delivery or ())
    begins = [scope.valid_from for scope in scopes if scope.valid_from]
    ends = [scope.valid_to for scope in scopes if scope.valid_to]
    texts = {name: line(content.fields.get(name, "")) or none for name in _TEXTS}
    return {
        "application": state.id,
        "portal": line(names.portal),
        "instrument": line(names.instrument),
        "department": line(names.department),
        "applicant": line(names.applicant),
        "applicant_code": content.organisation.code if content.organisation else none,
        "signatory": line(names.signatory),
        "datasets": "\n".join(
            f"{number}. {_dataset(scope, names, words)}" for number, scope in enumerate(scopes, 1)
        ),
        "purpose": texts["purpose"],
        "scenario": texts["scenario"],
        "security_measures": texts["security_measures"],
        "delivery": words["and"].join(words[mode] for mode in delivery) or none,
        "valid_from": min(begins).isoformat(),
        "valid_to": max(ends).isoformat(),
        "quota": "\n".join(
            f"{number}. {_quota(scope, words)}" for number, scope in enumerate(scopes, 1)
        ),
        "conditions": "\n".join(
            f"{number}. {line(text)}" for number, text in enumerate(part.conditions, 1)
        )
        or none,
        "template_version": f"{template.id}/{template.version}",
    }


_TEXTS = ("purpose", "scenario", "security_measures")


def line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


def _dataset(scope: Scope, names: Names, words: Mapping[str, str]) -> str:
    items = words["all_items"]
    if scope.items is not None:
        items = words["items"] + words["colon"] + words["and"].join(map(line, scope.items))
    delivery = words["and"].join(words[mode] for mode in scope.delivery or ())
    pieces = [
        line(names.datasets.get(scope.dataset, scope.dataset)),
        items,
        words["delivery"] + words["colon"] + delivery,
        f"{scope.valid_from}{words['to']}{scope.valid_to}",
    ]
    return words["stop"].join(pieces)


def _quota(scope: Scope, words: Mapping[str, str]) -> str:
    limits = [
        f"{words[name]}{limit}" for name, limit in vars(scope.quota).items() if limit is not None
    ]
    return words["stop"].join(limits) or words["unlimited"]
