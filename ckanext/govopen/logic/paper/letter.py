"""A decision letter (告知书) as a file: what was decided, why, on what ground, what can be done."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ckanext.govopen.domain.terms import SHANGHAI
from ckanext.govopen.logic.paper.sheet import Sheet

TITLES: Mapping[str, str] = {
    "approved": "公共数据开放申请同意告知书",
    "partly_approved": "公共数据开放申请部分同意告知书",
    "refused": "公共数据开放申请不予同意告知书",
    "returned": "公共数据开放申请补正告知书",
    "extended": "公共数据开放申请延期答复告知书",
    "not_accepted": "公共数据开放申请不予受理告知书",
}
_DECIDED: Mapping[str, str] = {
    "approved": "经审核，同意你（单位）的申请。",
    "partly_approved": "经审核，同意你（单位）的部分申请。",
    "refused": "经审核，不同意你（单位）的申请。",
    "returned": "你（单位）的申请材料需要补正。",
    "extended": "对你（单位）申请的答复期限予以延长。",
    "not_accepted": "对你（单位）的申请不予受理。",
}
_NUMERALS = "一二三四五六七"
_DELIVERY = {"download": "下载", "interface": "接口", "on_platform": "平台内使用"}
_QUOTA = {
    "downloads": "下载次数不超过",
    "rows_per_day": "每日数据行数不超过",
    "requests_per_day": "每日请求次数不超过",
}
#: An article with its paragraph and item.
_PLACE = re.compile(r"\d+(\.\d+){0,2}")


@dataclass(frozen=True)
class Names:
    """Names that the facts only have ids for. ``remarks`` are names of fields by their ids."""

    portal: str
    instrument: str
    department: str
    applicant: str
    datasets: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


def day(value: str) -> str:
    """A day of China out of ISO 8601 (a day or a moment)."""
    if len(value) > 10:
        at = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        value = at.astimezone(SHANGHAI).date().isoformat()
    year, month, number = value.split("-")
    return f"{year}年{int(month)}月{int(number)}日"


def article(place: str | None) -> str:
    """``28.2`` as 第28条第2款; what is no such place stays as it is, none is empty."""
    if not place:
        return ""
    if not _PLACE.fullmatch(place):
        return place
    number, _, rest = place.partition(".")
    paragraph, _, item = rest.partition(".")
    text = f"第{number}条"
    text += f"第{paragraph}款" if paragraph else ""
    return text + (f"第{item}项" if item else "")


def draw(facts: Mapping[str, Any], names: Names, delivered_at: datetime.datetime | None) -> bytes:
    """The PDF file; ``facts`` as :meth:`DecisionLetter.as_dict` gives them."""
    title = TITLES[facts["kind"]]
    issued = datetime.datetime.fromisoformat(facts["issued_at"].replace("Z", "+00:00"))
    sheet = Sheet(title, f"{names.portal}　{facts['number']}", issued)
    sheet.heading(title, facts["number"])
    sheet.text_block("\n".join(opening(facts, names)))
    for head, lines in sections(facts, names):
        sheet.section(head)
        sheet.text_block("\n".join(lines))
    sheet.rule()
    sheet.rows(closing(facts, names, delivered_at))
    return sheet.made()


def opening(facts: Mapping[str, Any], names: Names) -> list[str]:
    """Whom the letter is for, and what it answers."""
    place = article(facts["article"])
    ground = f"依据《{names.instrument}》{place}，" if place else ""
    return [
        f"{names.applicant}：",
        f"你（单位）于{day(facts['submitted_at'])}提交的申请（编号：{facts['application']}）收悉。"
        f"{ground}现告知如下。",
    ]


def closing(
    facts: Mapping[str, Any], names: Names, delivered_at: datetime.datetime | None
) -> list[tuple[str, str]]:
    """Who has decided and when, and when the letter reached the applicant."""
    delivered = day(delivered_at.isoformat()) if delivered_at else "尚未送达"
    return [
        ("作出单位", names.department),
        ("作出日期", day(facts["issued_at"])),
        ("送达日期", delivered),
    ]


def sections(facts: Mapping[str, Any], names: Names) -> list[tuple[str, list[str]]]:
    """The numbered sections with their lines."""
    decided = [_DECIDED[facts["kind"]], *_datasets(facts, names)]
    extended = facts.get("extended")
    if extended and extended.get("until"):
        decided.append(f"延长至{day(extended['until'])}。")
    sign = (
        ["请登录平台阅读并签署公共数据利用协议，签署后授权生效。"] if facts.get("to_sign") else []
    )
    found = [("决定", decided), *_parts(facts, names), ("签署协议", sign)]
    filled = [(title, lines) for title, lines in found if lines]
    return [(f"{_NUMERALS[i]}、{title}", lines) for i, (title, lines) in enumerate(filled)]


def _datasets(facts: Mapping[str, Any], names: Names) -> list[str]:
    scopes = {scope["dataset"]: scope for scope in facts.get("scopes") or ()}
    lines = []
    for number, dataset in enumerate(facts["datasets"], 1):
        pieces = [names.datasets.get(dataset) or "（名称不公开的数据集）"]
        scope = scopes.get(dataset)
        if scope is not None:
            pieces += _granted(scope) if scope["granted"] else _refused(scope)
        lines.append(f"{number}. " + "；".join(pieces))
    return lines


def _refused(scope: Mapping[str, Any]) -> list[str]:
    return ["不予提供", *([f"理由：{scope['reason']}"] if scope.get("reason") else [])]


def _granted(scope: Mapping[str, Any]) -> list[str]:
    pieces = ["同意提供"]
    if scope.get("items") is not None:
        pieces.append("信息项：" + "、".join(scope["items"]))
    if scope.get("delivery"):
        pieces.append("使用方式：" + "、".join(_DELIVERY[way] for way in scope["delivery"]))
    if scope.get("valid_from") and scope.get("valid_to"):
        pieces.append(f"期限：{day(scope['valid_from'])}至{day(scope['valid_to'])}")
    quota = scope.get("quota") or {}
    pieces += [f"{_QUOTA[name]}{limit}" for name, limit in quota.items() if limit is not None]
    return pieces


def _parts(facts: Mapping[str, Any], names: Names) -> list[tuple[str, list[str]]]:
    """What follows the decision, in its order; what has no lines is left out by the caller."""
    reasons = [row["text"] for row in facts.get("reasons") or () if row["text"]]
    basis = [
        f"《{row['instrument'].strip('《》')}》{article(row['article'])}"
        for row in facts.get("basis") or ()
    ]
    remarks = [
        f"{names.remarks.get(name, name)}：{text}"
        for name, text in (facts.get("remarks") or {}).items()
    ]
    if facts.get("message"):
        remarks.append(facts["message"])
    remedies = [
        row["text"]["zh_Hans"]
        + (f"（{names.instrument}{article(row['article'])}）" if row["article"] else "")
        for row in facts.get("remedies") or ()
    ]
    return [
        ("需要补正的内容", remarks),
        ("理由", reasons),
        ("法律依据", basis),
        ("附加条件", list(facts.get("conditions") or ())),
        ("救济途径", remedies),
    ]
