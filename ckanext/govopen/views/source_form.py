"""The form of a catalogue source: what people type, as a source's configuration and back.

Credentials go one way: what was typed is never sent back; the form holds it sealed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ckan.plugins import toolkit
from itsdangerous import BadSignature, URLSafeTimedSerializer

_ = toolkit._

#: What stands in a form as it is.
TEXTS = ("title", "name", "notes", "url", "source_type", "frequency", "owner_org")
#: Ticks of a form: key of the configuration and what it is when ticked.
TICKS: dict[str, Any] = {
    "departments": "all",
    "create_organizations": True,
    "private_address": True,
    "keep_identifiers": True,
}
#: Types whose sources say in `defaults` how data was acquired; types that ask for a credential.
WITH_DEFAULTS = ("govopen_spreadsheet", "govopen_ckan")
WITH_CREDENTIAL = ("govopen_exchange", "govopen_ckan")
UPLOADED = "govopen_spreadsheet"
#: How long a look at a source counts, in seconds.
FRESH = 3600
_MOST = 100_000


@dataclass
class Form:
    """A filled-in form. ``auth`` is the sealed credential, ``wrong`` what could not be read."""

    values: dict[str, str] = field(default_factory=dict)
    ticks: set[str] = field(default_factory=set)
    acquired: str = ""
    more: str = ""
    auth: str = ""
    typed: dict[str, Any] = field(default_factory=dict)
    wrong: str = ""

    @property
    def config(self) -> str:
        """The configuration as JSON; with the credential as it was typed, if one was."""
        found: dict[str, Any] = json.loads(self.more or "{}") if not self.wrong else {}
        kind = self.values.get("source_type", "")
        if self.acquired and kind in WITH_DEFAULTS:
            found["defaults"] = {**(found.get("defaults") or {}), "acquired": self.acquired}
        for name in self.ticks:
            if name != "keep_identifiers" or kind == "govopen_ckan":
                found[name] = TICKS[name]
        auth = self.typed or (json.loads(self.auth) if self.auth else None)
        if auth and kind in WITH_CREDENTIAL:
            found["auth"] = auth
        return json.dumps(found, ensure_ascii=False, sort_keys=True)

    def keep(self, config: str) -> None:
        """Takes over a configuration whose credential is sealed."""
        raw = json.loads(config or "{}")
        self.typed = {}
        self.auth = json.dumps(raw["auth"]) if raw.get("auth") else ""


def blank() -> Form:
    """A new source: an exchange catalogue of the reader's department, run by hand."""
    return Form({"source_type": "govopen_exchange", "frequency": "MANUAL"}, acquired="collected")


def of_source(source: Mapping[str, Any]) -> Form:
    """The form of a saved source."""
    form = Form({name: str(source.get(name) or "") for name in TEXTS})
    try:
        raw = json.loads(source.get("config") or "{}")
    except (TypeError, ValueError):
        raw = {}
    form.ticks = {name for name, value in TICKS.items() if raw.pop(name, None) == value}
    auth = raw.pop("auth", None)
    form.auth = json.dumps(auth) if auth else ""
    defaults = raw.get("defaults")
    if isinstance(defaults, dict) and isinstance(defaults.get("acquired"), str):
        form.acquired = defaults.pop("acquired")
        if not defaults:
            del raw["defaults"]
    form.more = json.dumps(raw, ensure_ascii=False, indent=2) if raw else ""
    return form


def of_request(given: Mapping[str, str], privileged: bool) -> Form:
    """What was sent. Ticks count for those only who are shown them."""
    form = Form({name: str(given.get(name) or "").strip()[:_MOST] for name in TEXTS})
    if privileged:
        form.ticks = {name for name in TICKS if given.get(name)}
    form.acquired = str(given.get("acquired") or "").strip()
    form.more, form.wrong = _more(str(given.get("more") or "").strip()[:_MOST])
    form.auth = _sealed(str(given.get("sealed") or ""))
    secret, client = str(given.get("secret") or ""), str(given.get("client_id") or "").strip()
    if given.get("forget"):
        form.auth = ""
    if secret and client and form.values["source_type"] == "govopen_exchange":
        form.typed = {"hmac": {"client_id": client, "secret": secret}}
    elif secret:
        form.typed = {"bearer": secret}
    values = form.values
    if not values["name"]:
        values["name"] = f"source-{secrets.token_hex(4)}"
    if values["source_type"] == UPLOADED and not values["url"]:
        values["url"] = f"upload:{values['name']}"
    return form


def _more(text: str) -> tuple[str, str]:
    """Further settings, and what is wrong with them; a credential among them is not sent back."""
    try:
        raw = json.loads(text or "{}")
    except (ValueError, RecursionError):
        said = _("The further settings are not JSON.")
        hidden = any(word in text.lower() for word in ("auth", "bearer", "secret"))
        return ("" if hidden else text), said
    if not isinstance(raw, dict):
        return "", _("The further settings must be a JSON object: {…}.")
    if "auth" in raw:
        del raw["auth"]
        text = json.dumps(raw, ensure_ascii=False, indent=2)
        return text, _("Enter the credential in its own field, not in the further settings.")
    return text, ""


def _sealed(text: str) -> str:
    """The sealed credential of the form as it was sent out; anything else is none."""
    try:
        raw = json.loads(text or "null")
    except (ValueError, RecursionError):
        return ""
    return json.dumps(raw) if isinstance(raw, dict) else ""


def proof(user_id: str, source_id: str, form: Form) -> str:
    """A signed note that this person has looked at a source with just this in it."""
    return _signer().dumps(_digest(user_id, source_id, form))


def proved(text: str, user_id: str, source_id: str, form: Form) -> bool:
    """Is this the note of what stands in the form now?"""
    try:
        found = _signer().loads(text, max_age=FRESH)
    except BadSignature:
        return False
    return found == _digest(user_id, source_id, form)


def _digest(user_id: str, source_id: str, form: Form) -> str:
    """Of what decides what is read, and under which rights."""
    read = [form.values[name] for name in ("url", "source_type", "owner_org")]
    text = json.dumps([user_id, source_id, *read, form.config])
    return hashlib.sha256(text.encode()).hexdigest()


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(toolkit.config["SECRET_KEY"]), salt="govopen source tried")
