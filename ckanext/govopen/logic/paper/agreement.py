"""The copy of a signed agreement: the canonical text and, below it, who signed it, when and how."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ckanext.govopen.domain.terms import SHANGHAI
from ckanext.govopen.logic.paper.sheet import Sheet

#: The paper is in Chinese whatever the reader's language: it is one paper with one hash.
_METHODS = {"password": "平台登录口令", "identity_provider": "统一身份认证"}


@dataclass(frozen=True)
class Signed:
    """What the paper says. ``text`` is canonical; ``signature`` and ``key_id`` are in hex."""

    text: str
    text_sha256: str
    template: str
    typed_name: str
    method: str
    signed_at: datetime.datetime
    key_id: str
    signature: str
    verify_url: str


def moment(at: datetime.datetime) -> str:
    """A moment in China, to the second."""
    return at.astimezone(SHANGHAI).strftime("%Y年%m月%d日 %H:%M:%S（北京时间）")


def draw(signed: Signed) -> bytes:
    """The PDF file."""
    title, _, rest = signed.text.partition("\n")
    sheet = Sheet(title, f"核验：{signed.verify_url}", signed.signed_at)
    sheet.heading(title)
    sheet.text_block(rest.strip("\n"))
    sheet.rule()
    sheet.section("签署")
    sheet.rows(
        [
            ("签署人", signed.typed_name),
            ("签署时间", moment(signed.signed_at)),
            ("身份验证方式", _METHODS[signed.method]),
            ("协议模板", signed.template),
            ("文本校验值", f"SHA-256 {signed.text_sha256}"),
            ("平台签名", f"Ed25519 {signed.signature}"),
            ("签名公钥编号", signed.key_id),
        ]
    )
    return sheet.made()
