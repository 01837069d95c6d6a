"""What was found when a table was looked at: for the pages of its department."""

from __future__ import annotations

from typing import Any, cast

from ckan.plugins import toolkit

from ckanext.govopen.views import asked


def govopen_table_remarks(package_id: str, resource_id: str) -> list[str] | None:
    """How the table of a resource differs from the declared items; [] when it does not.

    None when nothing is known about it, or not to this reader.
    """
    try:
        files = toolkit.get_action("govopen_file_show")(
            cast(Any, asked.context()), {"id": package_id}
        )
    except (toolkit.NotAuthorized, toolkit.ObjectNotFound):
        return None
    return next((one["remarks"] for one in files if one["resource_id"] == resource_id), None)
