"""The page of a fault that nobody foresaw, also when what every page needs is away."""

from __future__ import annotations

import logging
from typing import Any

from ckan import model
from ckan.plugins import toolkit
from flask import current_app

log = logging.getLogger(__name__)


def register(app: Any) -> None:
    """Answers uncaught exceptions of the production application (``IMiddleware``).

    CKAN's own answer asks the database: for the account, for the session. With the database away
    it fails itself, and the server's bare text reaches the reader. In tests and while debugging
    exceptions go on to whoever wants to see them.
    """
    if app.debug or app.testing:
        return
    app.register_error_handler(Exception, failed)
    app.register_error_handler(500, failed)


def failed(error: Exception) -> tuple[str, int]:
    """The page, and what happened in the log only."""
    log.error("Uncaught: %s", type(error).__name__, exc_info=error)
    try:
        # What the failed request began must not stand in the way of drawing the page.
        model.Session.rollback()
        return toolkit.render("error_document_template.html", {"code": 500, "content": ""}), 500
    except Exception:
        log.exception("The page of errors could not be drawn")
        # Not by CKAN's or Flask's own way: they put the account into every template.
        template = current_app.jinja_env.get_template("govopen/pages/broken.html")
        return template.render(h=toolkit.h), 500
