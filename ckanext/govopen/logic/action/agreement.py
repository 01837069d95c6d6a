"""Agreements: reading what is to be signed, signing it, verifying that it was signed."""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
import re
from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk
from flask import has_request_context, request

from ckanext.govopen.access import passwords
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import agreement as rules
from ckanext.govopen.domain.applicant import Identity
from ckanext.govopen.domain.application import decide, ending
from ckanext.govopen.domain.application.commands import Sign
from ckanext.govopen.domain.application.state import Application, Part
from ckanext.govopen.domain.deadline import local_date
from ckanext.govopen.domain.event import Event
from ckanext.govopen.logic import agreement as agreements
from ckanext.govopen.logic import application as cases
from ckanext.govopen.logic import application_record as recording
from ckanext.govopen.logic import command, look, proof, registration
from ckanext.govopen.logic import session as sessions
from ckanext.govopen.logic.schema import agreement as schema
from ckanext.govopen.logic.schema import values
from ckanext.govopen.logic.schema.table import Given, takes
from ckanext.govopen.model import agreement as stored
from ckanext.govopen.model import attempts, ledger, settings, signing

__all__ = ["govopen_agreement_show", "govopen_agreement_sign", "govopen_agreement_verify"]

log = logging.getLogger(__name__)

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@tk.side_effect_free
@takes(schema.SHOW)
def govopen_agreement_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The agreement about one department's part of an application.

    :param application: id or number of the application
    :param organization: id or name of the department
    :returns: ``{"application", "number", "organization": {…}, "article", "origin", "status",
        "text", "text_sha256", "template", "template_version", "signatory", "until", "signed": None
        or {"at", "typed_name", "method", "statement", "key", "signature", "pdf_sha256"}, "may":
        ["sign"], "proofs": ["password", "identity_provider"], "fresh": bool}``; ``text`` is the
        one that was signed, else the one that would be signed now; ``until`` the last day to sign
        on, if there is one; ``statement`` the very text under the Ed25519 signature
    :raises ObjectNotFound: there is none, nothing was approved, or it does not concern the caller
    """
    tk.check_access("govopen_agreement_show", context, data_dict)
    number, state, part = _found(context, schema.SHOW.read(data_dict))
    shown = _shown(context, number, state, part)
    look.note(context, state, "agreement", part)
    return shown


@command.decision(by_token=False)
@takes(schema.SIGN)
def govopen_agreement_sign(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Sign an agreement: the applicant himself, in the session in which he signed in.

    No API token signs, not even one that may decide. The grants are given in the same transaction.

    :param application: id or number of the application
    :param organization: id or name of the department
    :param template: the template that was read
    :param template_version: its version
    :param text_sha256: hash of the text that was read
    :param typed_name: the signer's name as it was checked
    :param password: his password; left out after a fresh sign-in at his provider of identities
    :returns: as in :func:`govopen_agreement_show`
    :raises NotAuthorized: there is no interactive session, or the application is another's
    :raises ObjectNotFound: there is none, or it does not concern the caller
    :raises ValidationError: a parameter is wrong, or ``refusal`` when a rule says no: another
        text, another name, no proof
    """
    tk.check_access("govopen_agreement_sign", context, data_dict)
    given = schema.SIGN.read(data_dict)
    sha256 = given["text_sha256"].lower()
    # Before the proof, so that an outsider learns nothing; no lock waits while it is hashed.
    if person(context).user_id != _found(context, given)[1].applicant:
        raise tk.NotAuthorized(tk._("This is for the applicant to do."))
    proved = proof.prove(context, given["password"], command.now())
    number, state, part = _found(context, given, lock=True)
    now = command.now()
    if part.signature is not None and part.signature.text_sha256 == sha256:
        return _shown(context, number, state, part)
    identity = cases.identity(state, part)
    with command.refusals():
        reading = _reading(number, state, part, identity)
        order = Sign(
            actor=cases.actor(context),
            organization=part.organization,
            template=given["template"],
            template_version=given["template_version"],
            text_sha256=sha256,
            typed_name=given["typed_name"],
            proof=proved,
            text=reading.text if reading else "",
            current_template=reading.template.id if reading else "",
            current_version=reading.template.version if reading else 0,
            identity=identity,
            datasets=cases.facts_of(state, part),
        )
        events = decide.decide(state, order, now, cases.rules_for(state))
        assert reading is not None
        row, events = _seal(state, part, reading, events, now)
        agreements.record_bundled(model.Session, reading.template.profile, now)
        state = recording.record(context, state, state.id, events, now, command.actor(context))
        model.Session.add(row)
        model.Session.flush()
    command.finish(context)
    sessions.spent()
    return _shown(context, number, state, state.part(part.organization) or part)


@tk.side_effect_free
@takes(schema.VERIFY)
def govopen_agreement_verify(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Was this agreement signed here? Everybody may ask; the answer says nothing else.

    :param sha256: SHA-256 of the PDF copy or of the text, 64 hex digits
    :returns: ``{"valid": bool, "date": day in China, or None}``
    :raises ValidationError: this is no SHA-256, or too many were asked for from one address
    """
    tk.check_access("govopen_agreement_verify", context, data_dict)
    sha256 = schema.VERIFY.read(data_dict)["sha256"]
    if not _SHA256.fullmatch(sha256):
        message = tk._("A SHA-256 has 64 digits from 0 to 9 and a to f.")
        raise tk.ValidationError({"sha256": [message]})
    if has_request_context():
        origin = registration.block(request.remote_addr, request.headers.get("X-Forwarded-For"))
        if not attempts.count("verify", origin, settings.verify_per_minute(), 60).yes:
            message = tk._("Too many at once. Try again in a minute.")
            raise tk.ValidationError({"limit": [message]})
    row = stored.by_digest(model.Session, sha256.lower())
    if row is None or not _is_valid(row):
        return {"valid": False, "date": None}
    return {"valid": True, "date": local_date(row.signed_at).isoformat()}


def _found(context: Any, given: Given, lock: bool = False) -> tuple[str, Application, Part]:
    """Number and state of the case, and its part, that the caller may read.

    :raises ObjectNotFound: alike for what does not exist and what does not concern him
    """
    nothing = tk.ObjectNotFound(tk._("There is no such agreement."))
    try:
        row, state = cases.found(context, given["application"], lock)
    except tk.ObjectNotFound:
        raise nothing from None
    group = model.Group.get(given["organization"])
    part = state.part(group.id) if state is not None and group is not None else None
    if state is None or part is None:
        raise nothing
    # The text names the applicant as he was checked: whoever only works there reads the case
    # without it, and so not the agreement.
    own = person(context).user_id == state.applicant
    rules = cases.rules_for(state)
    if not (own or cases.reads_all(context) or cases.decides(context, state, part, rules)):
        raise nothing
    return row.number, state, part


def _reading(
    number: str, state: Application, part: Part, identity: Identity | None
) -> agreements.Reading | None:
    """The text as it stands now; None where nothing was approved that it could be about."""
    if part.status != "approved":
        return None
    profile = cases.profile_of(state)
    try:
        return agreements.read(model.Session, state, part, profile, identity, number)
    except ValueError:
        return None


def _shown(context: Any, number: str, state: Application, part: Part) -> dict[str, Any]:
    now, case = command.now(), cases.rules_for(state)
    rule = case.procedure.agreement
    row = stored.of_part(model.Session, state.id, part.organization)
    reading = None
    if row is None and case.agreement_required:
        reading = _reading(number, state, part, cases.identity(state, part))
    if row is None and reading is None:
        raise tk.ObjectNotFound(tk._("There is no such agreement."))
    group = model.Group.get(part.organization)
    shown: dict[str, Any] = {
        "application": state.id,
        "number": number,
        "organization": {
            "id": part.organization,
            "name": group.name if group else "",
            "title": agreements.department(part.organization),
        },
        "article": rule.article,
        "origin": rule.origin,
        "status": part.status,
        "signed": None,
        "may": [],
        "proofs": [],
        "fresh": False,
    }
    if row is not None:
        return {**shown, **_signed(row)}
    assert reading is not None
    if "sign" in decide.may(state, part.organization, cases.actor(context), case):
        shown["may"] = ["sign"]
        shown["proofs"] = [
            *(["password"] if passwords.kept() else []),
            *(["identity_provider"] if settings.oidc_issuer() else []),
        ]
        shown["fresh"] = sessions.fresh_sign_in(context, now) is not None
    days, decided = case.site.sign_within_days, part.decided_at
    until = ending.sign_until(decided, days) if days is not None and decided else None
    return {
        **shown,
        "text": reading.text,
        "text_sha256": reading.sha256,
        "template": reading.template.id,
        "template_version": reading.template.version,
        "signatory": reading.signatory,
        "until": until.isoformat() if until else None,
    }


def _signed(row: stored.AgreementRow) -> dict[str, Any]:
    return {
        "text": row.text,
        "text_sha256": row.text_sha256,
        "template": row.template,
        "template_version": row.template_version,
        "signatory": row.typed_name,
        "until": None,
        "signed": {
            "at": values.iso(row.signed_at),
            "typed_name": row.typed_name,
            "method": row.method,
            "statement": row.statement.decode("utf-8"),
            "key": row.key_id,
            "signature": row.signature,
            "pdf_sha256": row.pdf_sha256,
        },
    }


def _seal(
    state: Application,
    part: Part,
    reading: agreements.Reading,
    events: list[Event],
    now: datetime.datetime,
) -> tuple[stored.AgreementRow, list[Event]]:
    """The signed agreement, and the events with the portal's signature in them.

    :raises ValidationError: the portal's key cannot be used
    """
    statement = rules.statement(
        application=state.id,
        part=part.organization,
        applicant=ledger.pseudonym(model.Session, state.applicant),
        text_sha256=reading.sha256,
        template=reading.template.id,
        template_version=reading.template.version,
        signed_at=now,
    )
    try:
        signature = signing.sign(model.Session, statement, now)
    except signing.KeyProblem as problem:
        log.error("An agreement cannot be signed: %s", problem)
        model.Session.rollback()
        message = tk._("The portal cannot sign at the moment. Tell its operator.")
        raise tk.ValidationError({"message": [message]}) from None
    happened = next(event for event in events if event.type == "agreement.signed")
    row = stored.AgreementRow(
        application_id=state.id,
        organization_id=part.organization,
        template=reading.template.id,
        template_version=reading.template.version,
        text=reading.text,
        text_sha256=reading.sha256,
        signer=state.applicant,
        typed_name=happened.payload["typed_name"],
        method=happened.payload["method"],
        statement=statement,
        signature=signature.value,
        key_id=signature.key_id,
        signed_at=now,
    )
    row.pdf = agreements.draw(row)
    row.pdf_sha256 = hashlib.sha256(row.pdf).hexdigest()
    proof_of_it = {"key": row.key_id, "signature": row.signature, "pdf_sha256": row.pdf_sha256}
    return row, [
        Event(event.type, {**event.payload, **proof_of_it}) if event is happened else event
        for event in events
    ]


def _is_valid(row: stored.AgreementRow) -> bool:
    """Do text, statement and signature belong together? A text that was erased is not asked."""
    stated = json.loads(row.statement)
    same = (stated["text_sha256"], stated["application"], stated["part"]) == (
        rules.digest(row.text) if row.text else row.text_sha256,
        row.application_id,
        row.organization_id,
    )
    signature = signing.Signature(row.key_id, row.signature)
    return same and signing.verify(model.Session, row.statement, signature)
