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


def send(payloads: list[dict[str, Any]]) -> None:
    """Sends a checkpoint ``{"number"}`` to a ``{"witness"}``; raises what the mailer raises.

    Nothing to an address that was taken out of the settings meanwhile.
    """
    number, address = payloads[0]["number"], payloads[0]["witness"]
    document = checkpoint.get(model.Session, number)
    if document is None or address not in settings.ledger_witnesses():
        return
    text = json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n"
    site = toolkit.config["ckan.site_url"]
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
