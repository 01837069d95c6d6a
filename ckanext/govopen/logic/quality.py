"""The check of an uploaded table (CAT-13): looked at once, with the upload, and kept with the file.

It never keeps a file from being saved. What was found stands beside the file's digest, so that it
is known for as long as the file is; what it means is said with the items that are declared now.
"""

from __future__ import annotations

import io
import itertools
import json
import logging
import zipfile
from collections.abc import Mapping
from typing import IO, Any

from ckan import model
from ckan.plugins import toolkit

from ckanext.govopen.domain import quality as rules
from ckanext.govopen.domain.refusal import N_, fill
from ckanext.govopen.domain.release import FileFact
from ckanext.govopen.logic.table import SAMPLE_ROWS, TABULAR, XLSX, Unreadable, read
from ckanext.govopen.model import file as file_model

log = logging.getLogger(__name__)

#: How much of a file is looked at: bytes of a text, unpacked bytes of a workbook, rows, cells.
TEXT_BYTES, WORKBOOK_BYTES, ROWS, CELLS = 4 * 1024**2, 16 * 1024**2, 1000, 40_000


def look(file: IO[bytes], fact: FileFact) -> dict[str, Any] | None:
    """What is kept of the shape of a table; None for other files and for those too large.

    A table that cannot be read has ``{"message", "params"}`` instead. The file is left at its
    beginning. Never raises: a file that nobody could look at is saved all the same.
    """
    if fact.media_type not in TABULAR or not fact.size:
        return None
    try:
        part = _part(file, fact)
        if part is None:
            return None
        table = read(part, fact.media_type, most=ROWS + SAMPLE_ROWS)
        columns = [rules.Column(column.heading) for column in table.columns]
        most = min(ROWS, max(1, CELLS // max(1, len(columns))))
        number = 0
        for row in itertools.islice(table.rows, most):
            number += 1
            for column, value in zip(columns, row, strict=True):
                column.see(value)
        return rules.Shape(columns, number).as_json()
    except Unreadable as error:
        return {"message": error.message, "params": error.params}
    except Exception as error:
        # What no reader foresaw must not keep a department from saving its file.
        log.warning("A table could not be looked at: %s", type(error).__name__)
        return None
    finally:
        file.seek(0)


def _part(file: IO[bytes], fact: FileFact) -> IO[bytes] | None:
    """What is looked at: a workbook whole, if it is not too large, of a text the first lines."""
    file.seek(0)
    if fact.media_type == XLSX:
        try:
            with zipfile.ZipFile(file) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
        except zipfile.BadZipFile:
            raise Unreadable(N_("The workbook cannot be opened.")) from None
        file.seek(0)
        return file if unpacked <= WORKBOOK_BYTES else None
    begin = file.read(TEXT_BYTES)
    if fact.size <= len(begin):
        return io.BytesIO(begin)
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        begin = begin.decode("utf-16", "ignore").encode()
    # The last line is cut somewhere. No byte of a character is a line's end in the other encodings.
    return io.BytesIO(begin[: begin.rfind(b"\n") + 1])


def of_dataset(package_id: str, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was found in the tables of a working copy: one entry for each that was looked at.

    ``fields`` are the dataset's, with its ``info_items`` and ``resources``. Gives
    ``[{"resource_id", "name", "rows" (looked at), "remarks": [text]}]`` in the order of the
    resources, in the reader's language; no remarks: the file is what was declared.
    """
    kept = file_model.shapes(model.Session, package_id)
    if not kept:
        return []
    items = _items(fields.get("info_items"))
    found = []
    for resource in fields.get("resources") or []:
        shape = kept.get(resource["id"])
        if shape is None or not (items or "message" in shape):
            continue  # nobody looked at it, or there is nothing to compare it with
        found.append(
            {
                "resource_id": resource["id"],
                "name": resource.get("name") or resource.get("url") or "",
                "rows": shape.get("rows", 0),
                "remarks": _remarks(shape, items),
            }
        )
    return found


def _remarks(shape: Mapping[str, Any], items: list[dict[str, Any]]) -> list[str]:
    if "message" in shape:
        reason = fill(shape["message"], shape["params"], toolkit._)
        return [toolkit._("It cannot be read as a table: {reason}").format(reason=reason)]
    remarks = rules.compare(rules.Shape.from_json(shape), items)
    return [one.text(toolkit._) for one in remarks]


def _items(value: Any) -> list[dict[str, Any]]:
    """The declared items, whatever stands in the field: a site's own schema may keep text there."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
