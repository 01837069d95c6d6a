"""The name of a dataset that a person leaves open in the form: readable, and not taken.

CKAN makes it of the title and drops everything that is not Latin, so that a Chinese title gives
none. Programs go on naming their datasets themselves.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import sqlalchemy as sa
from ckan import model

#: CKAN's limits are 2 and 100; what is left is for a number behind the name.
SHORTEST, LONGEST = 2, 90
_OTHER = re.compile(r"[^a-z0-9_]+")
_BEYOND_LATIN = re.compile(r"[^\u0000-\u024f]")


def plain(text: Any) -> str:
    """The letters and digits of a text as a name; empty when too little is left."""
    if not isinstance(text, str):
        return ""
    found = _OTHER.sub("-", unicodedata.normalize("NFKD", text).lower()).strip("-")[:LONGEST]
    found = found.strip("-")
    return found if len(found) >= SHORTEST else ""


def name(data: dict[str, Any]) -> None:
    """Names a new dataset that has no name yet, in place.

    After its resource code, else after a Latin title, else after its department with a number.
    """
    if str(data.get("name") or "").strip():
        return
    title = data.get("title")
    latin = isinstance(title, str) and not _BEYOND_LATIN.search(title)
    wanted = plain(data.get("resource_code")) or (plain(title) if latin else "")
    if wanted:
        data["name"] = _free(wanted, wanted)
        return
    department = model.Group.get(data.get("owner_org")) if data.get("owner_org") else None
    begin = plain(department.name) if department is not None else ""
    begin = begin or "dataset"
    data["name"] = _free(f"{begin}-1", begin)


def _free(wanted: str, begin: str) -> str:
    """``wanted``, or ``begin`` with the first number at its end that no dataset has."""
    table = model.package_table
    like = f"{begin.replace('_', chr(92) + '_')}-%"
    taken = set(
        model.Session.execute(
            sa.select(table.c.name).where(sa.or_(table.c.name == wanted, table.c.name.like(like)))
        ).scalars()
    )
    if wanted not in taken:
        return wanted
    number = 2
    while f"{begin}-{number}" in taken:
        number += 1
    return f"{begin}-{number}"
