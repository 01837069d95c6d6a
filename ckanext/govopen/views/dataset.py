"""What the pages of one dataset for those who work on it share (``/open/dataset/<name>/…``).

Its department, its reviewer and the authority get them; for everybody else there is no such page,
whether the dataset exists or not.
"""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit

from ckanext.govopen.access.policy import Sight
from ckanext.govopen.views import asked, law
from ckanext.govopen.views.forms import Reason

#: What the pages' addresses begin with.
PREFIX = "/open/dataset/<id>"


def found(reference: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The dataset as its department has it, and what the reader may do with it; or the 404 page."""
    try:
        package = toolkit.get_action("package_show")(cast(Any, asked.context()), {"id": reference})
        access = law.govopen_access(package["id"])
    except (toolkit.ObjectNotFound, toolkit.NotAuthorized):
        return toolkit.abort(404)
    if access["sight"] != Sight.WORKING.name.lower() or package["type"] == "harvest":
        return toolkit.abort(404)
    return package, access


def render(
    template: str,
    package: dict[str, Any],
    access: dict[str, Any],
    errors: list[Reason] | None,
    **more: Any,
) -> Any:
    """A page of the dataset; after a refusal with the reasons and with what was typed."""
    return toolkit.render(
        template,
        {
            "pkg": package,
            "pkg_dict": package,
            "access": access,
            "errors": errors or [],
            "typed": toolkit.request.form,
            **more,
        },
    )
