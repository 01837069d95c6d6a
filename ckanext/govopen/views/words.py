"""What the pages say about an opening class, a cycle or a state, in the reader's language.

The names of the classes are the profile's, since each regulation has its own. Where a profile says
nothing, plain words stand here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.domain import state_words

_ = toolkit._

#: CKAN's locale -> the key under which texts in three languages are kept.
LANGUAGES: dict[str, str] = {"zh_Hans_CN": "zh_Hans", "zh_Hant_TW": "zh_Hant", "en": "en"}

_EXCERPT_NOISE = re.compile(
    r"!?\[([^\]]*)\]\([^)]*\)"  # links and images keep their words
    r"|<[^>]{0,200}>"  # tags
    r"|(?m:^\s{0,3}(?:[#>]+|[-*+]|\d+\.)\s+)"  # headings, quotes, list marks
    r"|[*_`]{1,3}"
)


def language(locale: str) -> str:
    """The key (``zh_Hans``, ``zh_Hant`` or ``en``) for CKAN's locale name."""
    return LANGUAGES.get(locale, "zh_Hant" if locale.startswith("zh_Hant") else "zh_Hans")


def pick(texts: Any, locale: str) -> str:
    """One text out of ``{"zh_Hans": …, "zh_Hant": …, "en": …}``; a plain string stays as it is."""
    if texts is None:
        return ""
    if not isinstance(texts, Mapping):
        return str(texts)
    wanted = language(locale)
    for key in (locale, wanted, "zh_Hans", "zh_Hans_CN", "zh_Hant", "en"):
        if texts.get(key):
            return str(texts[key])
    return ""


def excerpt(text: Any, length: int = 120) -> str:
    """Plain text of a Markdown description, cut after ``length`` characters.

    Lists show many of these: one regular expression instead of a Markdown parser for each.
    """
    if not text:
        return ""
    # Twice the length is enough to cut from, however long the description is.
    plain = _EXCERPT_NOISE.sub(lambda m: m.group(1) or "", str(text)[: length * 2 + 200])
    plain = " ".join(plain.split())
    return plain if len(plain) <= length else plain[:length].rstrip() + "…"


def first_sentence(text: Any) -> str:
    """The first sentence or half of one: up to a full stop or a semicolon, which is left out."""
    return re.split(r"[。；;]|\.\s|\.$", str(text or "").strip(), maxsplit=1)[0].strip()


def day(value: Any) -> str:
    """The date of an ISO time as it is written here: ``2026-07-01``; empty when there is none.

    A moment is given by its day in China, as :func:`moment` gives it; a plain date stays.
    """
    if not value:
        return ""
    if isinstance(value, dt.datetime) or re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:", str(value)):
        return moment(value)[:10]
    if isinstance(value, dt.date):
        return value.isoformat()
    found = re.match(r"\d{4}-\d{2}(-\d{2})?", str(value))
    return found.group(0) if found else str(value)


def moment(value: Any) -> str:
    """Date and minute in China Standard Time, the time the departments live by.

    Takes an ISO 8601 time; one without an offset is UTC, as everywhere in CKAN.
    """
    if not value:
        return ""
    if not isinstance(value, dt.datetime):
        try:
            value = dt.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        except ValueError:
            return str(value)
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.timezone.utc)
    local = value.astimezone(dt.timezone(dt.timedelta(hours=8)))
    return local.strftime("%Y-%m-%d %H:%M")


def size(value: Any) -> str:
    """A number of bytes for people: ``12 KB``, ``3.4 MB``; empty when it is not known."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return ""
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1024 or unit == "GB":
            return f"{number:.0f} {unit}" if unit in ("B", "KB") else f"{number:.1f} {unit}"
        number /= 1024
    return ""


def class_meaning(open_class: str | None) -> str:
    """What an opening class means for a reader, in one or two sentences."""
    return {
        "unconditional": _(
            "Anyone may read, download and use this data. No application, no account."
        ),
        "conditional": _(
            "Everybody can see that this data exists and what is in it. "
            "The data itself is given on application, to those who meet the condition."
        ),
        "non_open": _(
            "This data is not opened to the public. "
            "Only its department and the bodies that review it see it."
        ),
    }.get(open_class or "", "")


def class_fallback(open_class: str) -> str:
    """A name for a class that the active profile does not name."""
    return {
        "unconditional": _("Open without conditions"),
        "conditional": _("Open on conditions"),
        "non_open": _("Not open"),
    }.get(open_class, open_class)


def access(code: Any) -> str:
    """What the reader may do with a dataset, by the reason that the policy gives."""
    return {
        "unconditional": _("You may read, download and use the data under its licence."),
        "conditional": _(
            "You may read this description. The data itself is not given to you at present."
        ),
        "grant": _("You hold a grant: you may use the data as was agreed."),
        "department": _("You see everything of it, because you work for its department."),
        "creator": _("You see everything of it, because you made it."),
        "collaborator": _("You see everything of it, because you work on it with its department."),
        "oversight": _("You see everything of it, because of your duty in this portal."),
        "internal": _("You see everything of it, because of your duty in this portal."),
    }.get(str(code or ""), "")


_PLACE = re.compile(r"(?P<article>\d+)(?:\.(?P<paragraph>\d+))?(?:\((?P<item>\d+)\))?[a-z]?$")


def article(place: Any) -> str:
    """A place in a regulation in words: ``28.2`` is article 28, paragraph 2; ``46(1)`` its item 1.

    What is not of that form (a free text of a department) stays as it is.
    """
    found = _PLACE.match(str(place or "").strip())
    if not found:
        return str(place or "")
    number, paragraph, item = found.group("article", "paragraph", "item")
    text = _("Article {number}").format(number=number)
    if paragraph:
        text += _(", paragraph {number}").format(number=paragraph)
    if item:
        text += _(", item {number}").format(number=item)
    return text


def review_state(state: Any) -> str:
    """The state of a review in words."""
    return state_words.told(state_words.REVIEW, state, _)


def duty_name(duty: Any) -> str:
    """A duty in words."""
    return {
        "reviewer": _("Reviewer (disclosure office)"),
        "handler": _("Handler of applications"),
        "authority": _("Data authority"),
        "auditor": _("Auditor"),
    }.get(str(duty or ""), str(duty or ""))


def until(value: Any) -> str:
    """The end of something: at midnight the last day before it, which is how it was typed."""
    text = moment(value)
    if not text.endswith(" 00:00"):
        return text
    return (dt.date.fromisoformat(text[:10]) - dt.timedelta(days=1)).isoformat()


def place(text: Any) -> str:
    """Where in a source something stands: ``row 4`` in words."""
    found = re.fullmatch(r"row (\d+)", str(text or ""))
    return _("Row {number}").format(number=found[1]) if found else str(text or "")


def way(value: Any) -> str:
    """How data was acquired, in words."""
    return {
        "collected": _("Collected by the department itself"),
        "shared": _("Got from another department by sharing"),
        "negotiated": _("Agreed upon with its holder"),
        "purchased": _("Bought"),
    }.get(str(value), str(value))


def span(seconds: Any) -> str:
    """A length of time in words, from its seconds: ``3 min 20 s``."""
    if seconds is None:
        return "–"
    whole = round(float(seconds))
    if whole < 60:
        return _("{seconds} s").format(seconds=whole if whole >= 10 else round(float(seconds), 1))
    if whole < 3600:
        return _("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)
    return _("{hours} h {minutes} min").format(hours=whole // 3600, minutes=whole % 3600 // 60)


def release_kind(kind: Any) -> str:
    """How a release came about, in words."""
    return {
        "review": _("Approved in review"),
        "narrowed": _("Something was taken away"),
        "transitional": _("Transitional approval"),
        "unreviewed": _("Without review"),
    }.get(str(kind or ""), str(kind or ""))


def release_status(status: Any) -> str:
    """Whether a release is the one that the public reads, in words."""
    return {
        "live": _("Public now"),
        "superseded": _("Replaced"),
        "withdrawn": _("Withdrawn"),
    }.get(str(status or ""), str(status or ""))


def release_end(reason: Any) -> str:
    """Why a release was withdrawn, in words; empty when there is nothing to say."""
    return {
        "deleted": _("The dataset was deleted."),
        "closed": _("The dataset was put into a class that is not open."),
        "pending": _("A change waits for its review, and the rules hide the dataset until then."),
        "unpublished": _("The dataset became a draft again."),
        "private": _("The dataset was made private."),
    }.get(str(reason or ""), str(reason or ""))


def column_type(kind: Any) -> str:
    """A type of the DataStore in words; one that is not named here as it is."""
    return {
        "text": _("Text"),
        "int4": _("Whole number"),
        "numeric": _("Number"),
        "float8": _("Floating-point number"),
        "bool": _("Yes or no"),
        "date": _("Date"),
        "timestamp": _("Date and time"),
        "json": "JSON",
    }.get(str(kind or ""), str(kind or ""))


def activity(kind: Any) -> str:
    """A kind of act in the activity list in words."""
    return {
        "new package": _("Dataset added"),
        "changed package": _("Dataset changed"),
        "deleted package": _("Dataset deleted"),
        "follow dataset": _("Dataset followed"),
        "new resource view": _("Preview added"),
        "changed resource view": _("Preview changed"),
        "deleted resource view": _("Preview deleted"),
        "new organization": _("Department added"),
        "changed organization": _("Department changed"),
        "deleted organization": _("Department deleted"),
        "follow organization": _("Department followed"),
        "new group": _("Group added"),
        "changed group": _("Group changed"),
        "deleted group": _("Group deleted"),
        "follow group": _("Group followed"),
        "new user": _("Account added"),
        "changed user": _("Account changed"),
        "follow user": _("Account followed"),
    }.get(str(kind or ""), str(kind or ""))


def grant_state(state: Any) -> str:
    """The state of a grant in words."""
    return state_words.told(state_words.GRANT, state, _)


def grant_cause(code: Any) -> str:
    """Why a grant is suspended or has ended, in words."""
    return {
        "misuse": _("A possible misuse is examined."),
        "data_problem": _("A problem of the data is examined."),
        "other": "",
        "withdrawn": _("The dataset was withdrawn."),
        "non_open": _("The dataset is not open any more."),
        "unconditional": _("The dataset is open to everybody now: no grant is needed."),
    }.get(str(code or ""), str(code or ""))


def access_kind(kind: Any) -> str:
    """How a grant was used, in words."""
    return {
        "download": _("File"),
        "rows": _("Interface"),
        "on_platform": _("In the portal"),
    }.get(str(kind or ""), str(kind or ""))


def access_outcome(code: Any) -> str:
    """What came of an attempt to use a grant, in words."""
    code = str(code or "")
    known = {
        "granted": _("Given"),
        "failed": _("Failed"),
        "quota_downloads": _("Refused: all downloads used"),
        "quota_rows": _("Refused: rows of the day used"),
        "quota_requests": _("Refused: requests of the day used"),
        "suspended": _("Refused: suspended"),
        "revoked": _("Refused: revoked"),
        "ended": _("Refused: ended"),
        "expired": _("Refused: expired"),
        "not_yet_valid": _("Refused: not begun yet"),
        "delivery": _("Refused: another way of delivery"),
        "items": _("Refused: other information items"),
        "items_only": _("Refused: other information items"),
    }
    return known.get(code, _("Access refused"))


def task(kind: Any) -> str:
    """The kind of a task on the desk in words."""
    return {
        "review_open": _("Changes not submitted yet"),
        "review_returned": _("Returned by the disclosure office"),
        "review_submitted": _("Review"),
        "application_submitted": _("Application to accept"),
        "application_accepted": _("Application to decide on"),
        "application_returned": _("Application to correct"),
        "application_approved": _("Agreement to sign"),
    }.get(str(kind or ""), str(kind or ""))


def start(event: Any) -> str:
    """From when a time limit of the law runs, in words."""
    return {
        "application": _("the application"),
        "acceptance": _("the acceptance"),
        "receipt_of_objection": _("the receipt of the objection"),
        "department_receipt": _("the receipt by the department"),
        "decision": _("the decision"),
        "change": _("the change"),
        "receipt": _("the receipt"),
        "provider_receipt": _("the receipt by the provider"),
        "receipt_of_feedback": _("the receipt of the report"),
        "receipt_of_opinion_request": _("the receipt of the request for an opinion"),
        "provider_consent": _("the consent of the provider"),
        "forwarding": _("the forwarding"),
        "discovery": _("the discovery of the problem"),
        "law_or_function_change": _("the change of law or function"),
        "year_end": _("the end of the year"),
    }.get(str(event or ""), str(event or ""))


def profile_status(status: Any) -> str:
    """Whether a regulation is law today, in words."""
    return {
        "in_force": _("In force"),
        "repealed": _("Repealed"),
        "draft": _("Draft"),
        "lapsed": _("Lapsed"),
        "partial": _("Text incomplete"),
    }.get(str(status or ""), str(status or ""))


def clock(number: Any, unit: Any, date: Any = None) -> str:
    """A length of time of the law: working days, days, months, years, or a date of each year."""
    if date:
        month, day = str(date).split("-")
        return _("each year by {month}/{day}").format(month=int(month), day=int(day))
    if number in (None, ""):
        return _("Without a number in the text")
    return {
        "wd": _("{number} working days"),
        "nd": _("{number} days"),
        "month": _("{number} months"),
        "year": _("{number} years"),
    }.get(str(unit or ""), "{number} " + str(unit or "")).format(number=number)


def path(place: Any) -> list[str]:
    """The parts of the path of a change, such as ``resources/<id>/name``."""
    return [part for part in str(place or "").split("/") if part]


_IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


def is_identifier(text: str) -> bool:
    """Is it one of CKAN's ids, which say nothing to a reader?"""
    return bool(_IDENTIFIER.match(text))


def change_kind(kind: Any) -> str:
    """What happened to a field, a file or a link between two states."""
    return {
        "added": _("Newly added"),
        "removed": _("Removed"),
        "changed": _("Changed"),
    }.get(str(kind or ""), str(kind or ""))


def named_roles() -> dict[str, str]:
    """The roles in which departments name persons."""
    return {
        "head": _("Head, first responsible"),
        "leader": _("Leader in charge"),
        "contact": _("Contact person"),
        "staff": _("Staff in charge"),
    }
