"""What CKAN and ckanext-harvest search for themselves, in the words that this index knows."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.govopen.access.policy import Person
from ckanext.govopen.search.syntax import quoted

#: Datasets of one account that are listed, the latest first; Solr takes 4096 words in one filter.
MOST = 1000
_ACCOUNT = re.compile(r'creator_user_id:"?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"?')


def with_sources(who: Person, asked: dict[str, Any]) -> dict[str, Any]:
    """ckanext-harvest asks for its sources as for public data; the index has them as private."""
    if who.sees_everything and "dataset_type:harvest" in str(asked.get("fq") or ""):
        return {**asked, "include_private": True}
    return asked


def by_account(who: Person, asked: dict[str, Any]) -> dict[str, Any]:
    """The datasets that an account made, for itself and for oversight.

    No release names the account, so the index does not know it and the database is asked. What of
    these the person may see is decided as in every search.
    """
    text = asked.get("fq")
    if not isinstance(text, str):
        return asked

    def ids(found: re.Match[str]) -> str:
        if not (who.sees_everything or found[1] == who.user_id):
            return found[0]
        package = model.package_table
        rows = model.Session.execute(
            sa.select(package.c.id)
            .where(package.c.creator_user_id == found[1], package.c.state != "deleted")
            .order_by(package.c.metadata_modified.desc())
            .limit(MOST)
        ).scalars()
        return f"id:({' OR '.join(map(quoted, rows)) or quoted('')})"

    return {**asked, "fq": _ACCOUNT.sub(ids, text)}
