"""Loads the demo catalogue's facts into a site: `_load.py KIND CATALOGUE FACTS`.

Both kinds go through ``package_create`` and get the same titles, descriptions, tags, departments
and links. The portal's own fields (class, theme, cycle, information items) exist on its side only.
Its datasets are released as they are saved, since the review is not what is measured.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ckan import model
from ckan.cli import load_config
from ckan.config.middleware import make_app
from ckan.plugins import toolkit
from werkzeug.datastructures import FileStorage

CYCLES = {
    "即時": "realtime", "每日": "daily", "每週": "weekly", "每月": "monthly",
    "每季": "quarterly", "每半年": "half_yearly", "每年": "yearly", "不定期": "irregular",
}  # fmt: skip
FILES = {"small": ("small.csv", 100_000), "large": ("large.csv", 100_000_000)}
BATCH = 100


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The catalogue's records; the rows behind a record are its further information items."""
    with path.open(encoding="utf-8-sig", newline="") as source:
        record: dict[str, Any] | None = None
        for row in csv.DictReader(source):
            if row["信息资源代码"]:
                if record is not None:
                    yield record
                record = {**row, "items": []}
            if record is not None and row["信息项名称"]:
                record["items"].append({"name": row["信息项名称"], "type": row["数据类型"] or "C"})
        if record is not None:
            yield record


def name_of(record: dict[str, Any]) -> str:
    """The dataset's name in the address, the same on both sites."""
    return record["信息资源代码"].lower().replace("/", "-")


def dataset(record: dict[str, Any], organization: str, portal: bool) -> dict[str, Any]:
    """The dict for ``package_create``.

    :param portal: with the portal's own fields
    """
    tags = {munged for word in record["关键字"].split("、") if (munged := tag(word))}
    found = {
        "name": name_of(record),
        "title": record["信息资源名称"],
        "notes": record["信息资源摘要"],
        "owner_org": organization,
        "license_id": "other-open",
        "tags": [{"name": word} for word in sorted(tags)],
        "resources": [
            {
                "url": record["资源链接"],
                "name": record["信息资源名称"],
                "format": record["信息资源格式类型"],
            }
        ],
    }
    if portal:
        found |= {
            "resource_code": record["信息资源代码"],
            "open_class": "unconditional",
            "theme": record["目"],
            "update_cycle": CYCLES.get(record["更新周期"], "irregular"),
            "issued": record["发布日期"],
            "info_items": record["items"],
        }
    return found


def tag(word: str) -> str:
    """A keyword as CKAN allows it in a tag, or nothing."""
    kept = "".join(letter for letter in word if letter.isalnum() or letter in " -_.")
    return kept.strip()[:100] if len(kept.strip()) >= 2 else ""


def load(kind: str, catalogue: Path) -> dict[str, str]:
    """Load everything; the addresses of the dataset and the files that are measured."""
    portal = kind != "stock"
    if portal:
        toolkit.config["ckanext.govopen.review"] = "off"
    user = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]

    def call(action: str, data: dict[str, Any], **more: Any) -> Any:
        context: Any = {"user": user, "ignore_auth": True, **more}
        return toolkit.get_action(action)(context, data)

    organizations: dict[str, str] = {}
    found = list(records(catalogue))
    for number, record in enumerate(found, 1):
        code = record["信息资源提供方代码"]
        if code not in organizations:
            made = call(
                "organization_create",
                {"name": code.lower(), "title": record["信息资源提供方"]},
            )
            organizations[code] = made["id"]
        data = dataset(record, organizations[code], portal)
        call("package_create", data, defer_commit=True, return_id_only=True)
        if number % BATCH == 0:
            model.repo.commit_and_remove()
    model.repo.commit_and_remove()
    facts = {"dataset": name_of(found[len(found) // 2]), "count": str(len(found))}
    made = call(
        "package_create",
        {"name": "bench-files", "title": "Files", "owner_org": next(iter(organizations.values()))}
        | ({"open_class": "unconditional"} if portal else {}),
    )
    for key, (name, size) in FILES.items():
        block = os.urandom(50_000).hex().encode()
        content = io.BytesIO((block * (size // len(block) + 1))[:size])
        upload = FileStorage(content, name)
        data = {"package_id": made["id"], "name": name, "format": "CSV", "upload": upload}
        resource = call("resource_create", data)
        facts[key] = f"/dataset/{made['id']}/resource/{resource['id']}/download/{name}"
    if portal:
        settle(call)
    return facts


def settle(call: Any) -> None:
    """Drop what the releases left to be done: the index is built as a whole afterwards."""
    from ckanext.govopen.model.outbox import OutboxRow

    model.Session.query(OutboxRow).delete()
    model.repo.commit_and_remove()
    call("job_clear", {})


def main() -> None:
    kind, catalogue, facts = sys.argv[1:4]
    application = make_app(load_config(os.environ["CKAN_INI"]))
    flask_app: Any = vars(application)["_wsgi_app"]
    with flask_app.test_request_context():
        found = load(kind, Path(catalogue))
    Path(facts).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
