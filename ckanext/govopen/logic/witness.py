"""Mails checkpoints to their witnesses: copies that whoever can write the database cannot reach."""

from __future__ import annotations

import io
import json
from typing import Any

from ckan import model
from ckan.lib import mailer
from ckan.plugins import toolkit

from ckanext.govopen.access import mail
from ckanext.govopen.model import checkpoint, settings


def deliver(payloads: list[dict[str, Any]]) -> None:
    """Sends the checkpoints ``{"number"}`` to every witness, one mail each, in their order.

    A mail that fails raises, and all are sent again later: a witness may get one twice.
    """
    for number in sorted({payload["number"] for payload in payloads}):
        document = checkpoint.get(model.Session, number)
        if document is None:
            continue
        text = json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n"
        site = toolkit.config["ckan.site_url"]
        for address in settings.ledger_witnesses():
            with mail.limited():
                mailer.mail_recipient(
                    address,
                    address,
                    f"Ledger checkpoint {number} of {site}",
                    "Keep this file. With it anybody can prove what the ledger of this portal"
                    f" was:\n{site}/open/ledger/verify\n",
                    attachments=[
                        (f"checkpoint-{number}.json", io.BytesIO(text.encode()), "application/json")
                    ],
                )
