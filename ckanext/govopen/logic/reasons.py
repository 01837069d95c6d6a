"""Why a record was not written, or with what remark: as reports keep it and as people read it."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.domain.refusal import fill


def reason(rule: str, message: str, **params: str) -> dict[str, Any]:
    """Why something was not done, as reports keep it: the message untranslated, with its values."""
    return {"rule": rule, "article": None, "message": message, "params": params}


def said(reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reasons in the reader's language."""
    return [
        {
            "rule": one["rule"],
            "article": one["article"],
            "message": fill(one["message"], one.get("params") or {}, toolkit._),
        }
        for one in reasons
    ]


def of_rule(found: Any) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "article": found.article,
        "message": found.message,
        "params": dict(found.params),
    }


def of_validation(error: toolkit.ValidationError) -> list[dict[str, Any]]:
    """What validators said, with the field's name in front."""
    summary = error.error_summary or {}
    return [reason("validation", f"{key}: {text}") for key, text in summary.items()] or [
        reason("validation", str(error.error_dict)[:500])
    ]
