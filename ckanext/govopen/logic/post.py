"""Mail to accounts: noted with a decision, sent later, grouped by receiver and case.

A row of the outbox names one account, a template and a case. What a mail says is put together when
it is sent, in the receiver's language: a case number (or numbers of datasets), never the title of
anything, and no address in any log.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ckan import model
from ckan.lib import mailer
from ckan.plugins import toolkit
from flask_babel import force_locale

from ckanext.govopen.access import mail
from ckanext.govopen.domain.refusal import N_, fill
from ckanext.govopen.logic import language
from ckanext.govopen.model import outbox, settings

#: What happened, by template, in one sentence.
SENTENCES: dict[str, str] = {
    "application-received": N_("Your application was received."),
    "application-to-accept": N_("An application waits to be accepted."),
    "application-withdrawn": N_("An application was withdrawn."),
    "application-returned": N_("Your application was returned: something has to be changed."),
    "application-not-accepted": N_("Your application was not accepted."),
    "application-accepted": N_("Your application was accepted for decision."),
    "application-to-decide": N_("An application waits for your decision."),
    "application-forwarded": N_("Your application was passed on to the body that decides."),
    "application-extended": N_("The time limit of your application was extended."),
    "application-assigned": N_("An application was assigned to you."),
    "application-approved": N_("Your application was approved. Sign the agreement to get access."),
    "application-refused": N_("Your application was refused."),
    "application-granted": N_("Access was granted."),
    "application-lapsed": N_("An application has ended without a grant."),
    "application-datasets-ended": N_("A dataset left an application: it is not applied for now."),
    "application-overdue": N_("The time limit of an application is over."),
    "grant-reported": N_("A report of use was handed in."),
    "grant-ended": N_("A grant has ended before its time."),
    "grant-expiring": N_("A grant is about to end."),
    "grant-suspended": N_("A grant was suspended."),
    "grant-resumed": N_("A grant works again."),
    "grant-person-added": N_(
        "An organisation has named you as a person who may use data granted to it. If you do not "
        "want that, give it up on the page of the grant."
    ),
    "grant-person-removed": N_("You are no longer one of the persons who may use a grant."),
    "grant-persons-changed": N_("Other persons were named for a grant."),
    "grant-person-closed": N_(
        "The account of a person who could use a grant was closed; it no longer uses the grant."
    ),
    "grant-authorised-closed": N_(
        "An account on an organisation's grant was closed, and nobody acts for the organisation "
        "on it now: the department names its persons."
    ),
    "grant-revoked": N_("A grant was revoked."),
    "grant-report-due": N_("A report of use is due."),
    "harvest-failed": N_("A run of a harvest source has failed. Its report says what to do."),
    "harvest-held": N_(
        "Many records are missing in a harvest source. None was withdrawn: confirm it."
    ),
    "harvest-kept-back": N_("A run has kept back records that it had not kept back before."),
    "harvest-files": N_(
        "%(number)s files of a harvest source could not be copied. Codes of their records: "
        "%(codes)s. The last good copies stay; the next run tries again."
    ),
    "datasets-overdue": N_(
        "%(department)s: the data of %(number)s datasets should have been updated by now."
    ),
}
#: What a mail is about that belongs to no case.
ABOUT: dict[str, str] = {"datasets-overdue": N_("data to be updated")}
#: What is said about a template that has no sentence of its own.
OTHER = N_("Something has changed.")


def put(
    template: str, users: Iterable[str], case: str, now: datetime.datetime, **facts: Any
) -> None:
    """Notes a mail for each of these accounts, to be sent when the outbox is next delivered.

    They wait a little, so that what follows at once goes into the same mail.
    """
    settle = datetime.timedelta(seconds=settings.mail_settle_seconds())
    for user_id in sorted(set(users)):
        payload = {"template": template, "users": [user_id], "case": case, **facts}
        outbox.put(model.Session, "mail", payload, now + settle)


def send(payloads: list[dict[str, Any]]) -> None:
    """Sends what one receiver is told about one case, as one mail; raises what the mailer raises.

    Nothing to an account that is closed or has no address.
    """
    (user_id,) = payloads[0]["users"]
    user = model.User.get(user_id)
    if user is not None and user.state == "active" and user.email:
        _send(user, str(payloads[0].get("case", "")), payloads)


def _send(user: Any, case: str, payloads: list[dict[str, Any]]) -> None:
    with _language(user, payloads):
        lines = dict.fromkeys(
            fill(SENTENCES.get(payload["template"], OTHER), payload.get("said") or {}, toolkit._)
            for payload in payloads
        )
        title = toolkit.config.get("ckan.site_title") or settings.site_url()
        about = ABOUT.get(payloads[0]["template"])
        named = toolkit._(about) if about else case
        subject = toolkit._("%(site)s: %(case)s") % {"site": title, "case": named}
        number = [] if about else [toolkit._("Case number: %(case)s") % {"case": case}, ""]
        body = "\n".join(
            [
                *number,
                *lines,
                "",
                toolkit._("Sign in to read more: %(address)s")
                % {"address": f"{settings.site_url()}{_page(payloads[0])}"},
            ]
        )
    with mail.limited():
        mailer.mail_user(user, subject.replace("\n", " "), body)


@contextmanager
def _language(user: Any, payloads: list[dict[str, Any]]) -> Iterator[None]:
    """The language the receiver has chosen, else that of this case, else the site's."""
    known = (payload.get("language") for payload in reversed(payloads))
    wanted = language.chosen(user) or next(filter(None, known), language.default())
    with force_locale(wanted):
        yield


def _page(payload: dict[str, Any]) -> str:
    if payload.get("application"):
        return f"/open/application/{payload['application']}"
    if payload.get("source"):
        return f"/open/source/{payload['source']}?run={payload['run']}"
    if payload.get("grant"):
        return f"/open/grant/{payload['grant']}"
    if payload.get("template") == "datasets-overdue":
        return "/open/desk"
    if str(payload.get("template", "")).startswith("grant-"):
        return "/open/grants"
    return "/open/applications"
