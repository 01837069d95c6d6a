"""Who may come near applications at all; whose they are is for the actions and rules to say."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit as tk

from ckanext.govopen.logic.auth.circle import only

_ = tk._

#: Everybody with an account applies and reads what concerns him.
_ACCOUNTS = (
    "govopen_application_create",
    "govopen_application_list",
    "govopen_application_renew",
    "govopen_application_show",
    "govopen_application_submit",
    "govopen_application_update",
    "govopen_application_withdraw",
    "govopen_attachment_add",
    "govopen_attachment_list",
    "govopen_attachment_show",
    "govopen_attachment_remove",
    "govopen_letter_list",
    "govopen_letter_show",
)
#: What bodies do: the actions answer outsiders as if there were no such case.
_BODIES = (
    "govopen_application_accept",
    "govopen_application_assign",
    "govopen_application_consult",
    "govopen_application_consult_close",
    "govopen_application_decide",
    "govopen_application_decline",
    "govopen_application_extend",
    "govopen_application_forward",
    "govopen_application_forward_answer",
    "govopen_application_return",
    "govopen_applicant_check",
    "govopen_applicant_show",
    "govopen_applicant_withdraw",
)

__all__ = [*_ACCOUNTS, *_BODIES]  # pyright: ignore[reportUnsupportedDunderAll]


def _account(context: Any, data_dict: Any) -> dict[str, Any]:
    return only(context, "user", _("Log in to apply for data and to see your applications."))


globals().update(dict.fromkeys(__all__, _account))
