"""Pages of ckanext-harvest that change something as soon as they are opened ask first here.

A link on a foreign page opens them too, with the session of whoever follows it: the source and all
of its datasets would be gone. Opened, they show a question; its form is sent to the same address.
"""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit
from flask import Flask, request

from ckanext.govopen.views import asked

_ = toolkit._
#: Endpoint -> action, and its parameter that the address carries as ``id``.
CHANGING = {
    "harvester.clear": ("harvest_source_clear", "id"),
    "harvester.delete": ("harvest_source_delete", "id"),
    "harvester.job_abort": ("harvest_job_abort", "id"),
    "harvester.refresh": ("harvest_job_create", "source_id"),
}
#: Those of them that take no form as they come.
_ADDRESSES = {
    "harvester.delete": "/harvest/delete/<id>",
    "harvester.job_abort": "/harvest/<source>/job/<id>/abort",
}


def accept_forms(app: Flask) -> None:
    """Lets every one of these pages take the form of its question."""
    for endpoint, address in _ADDRESSES.items():
        app.add_url_rule(address, endpoint=endpoint, methods=["POST"])


def question() -> Any:
    """The question, where such a page is merely opened; None lets the request pass."""
    if request.endpoint not in CHANGING or request.method == "POST":
        return None
    arguments = request.view_args or {}
    action, parameter = CHANGING[request.endpoint]
    context: Any = asked.context()
    try:
        name = arguments.get("source", arguments["id"])
        source = toolkit.get_action("harvest_source_show")(context, {"id": name})
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404)
    try:
        toolkit.check_access(action, context, {parameter: arguments["id"]})
    except toolkit.NotAuthorized:
        return toolkit.abort(403, _("This needs a right that you do not have."))
    text, button = _words(request.endpoint)
    shown = {"source": source, "text": text, "button": button}
    return toolkit.render("govopen/source/ask.html", shown)


def _words(endpoint: str) -> tuple[str, str]:
    """(what will happen, what stands on the button)."""
    if endpoint == "harvester.refresh":
        return _(
            "This will re-run the harvesting for this source. Any updates at the source will "
            "overwrite the local datasets. Sources with a large number of datasets may take a "
            "significant amount of time to finish harvesting. Please confirm you would like us to "
            "start reharvesting."
        ), _("Reharvest")
    if endpoint == "harvester.job_abort":
        return _(
            "The run ends where it is. What it has taken over stays; the next run does the rest."
        ), _("Stop")
    if endpoint == "harvester.clear":
        return _(
            "Warning: This will remove all datasets for this source, as well as all previous job "
            "reports. Are you sure you want to continue?"
        ), _("Clear")
    if request.args.get("clear", "").lower() in ("true", "1"):
        return _(
            "Warning: Apart from deleting this source, this command will remove all its datasets, "
            "as well as all previous job reports. Are you sure you want to continue?"
        ), _("Delete and clear source")
    return _(
        "This will flag the source as deleted but keep all its datasets and previous jobs. Are you "
        "sure you want to delete this harvest source?"
    ), _("Delete source")
