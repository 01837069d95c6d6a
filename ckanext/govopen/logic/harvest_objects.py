"""What the ordinary harvest pages know of a record: one object per record that a run wrote.

ckanext-harvest sends one object per record through its queue. Here batches travel instead, and the
objects are written with the datasets, in the same transaction: the pages, the link from a dataset
to its source and "clear source" work as for every other source.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.plugins import plugin_loaded

#: Figure of a run -> what the harvest pages call it.
STATUS = {"new": "added", "changed": "updated", "withdrawn": "deleted"}


def record(source_id: str, run_id: str, done: Sequence[Any], now: datetime) -> None:
    """Writes the objects of what was new, changed or withdrawn; in the caller's transaction."""
    written = [one for one in done if one.outcome in STATUS and one.package_id]
    if not written or not plugin_loaded("harvest"):
        return
    from ckanext.harvest.model import HarvestJob, HarvestObject

    session = model.Session
    # A call by API has no job; its objects belong to the source alone.
    job = session.get(HarvestJob, run_id)
    objects = HarvestObject.__table__
    moment = now.astimezone(timezone.utc).replace(tzinfo=None)
    session.flush()
    session.execute(
        sa.update(objects)
        .where(
            objects.c.harvest_source_id == source_id,
            objects.c.package_id.in_([one.package_id for one in written]),
            objects.c.current.is_(True),
        )
        .values(current=False)
    )
    session.execute(
        sa.insert(objects),
        [
            {
                "id": str(uuid.uuid4()),
                "guid": one.code,
                "current": one.outcome != "withdrawn",
                "gathered": moment,
                "fetch_started": moment,
                "fetch_finished": moment,
                "import_started": moment,
                "import_finished": moment,
                "content": json.dumps(one.raw, ensure_ascii=False) if one.raw else None,
                "state": "COMPLETE",
                "retry_times": 0,
                "harvest_job_id": job.id if job is not None else None,
                "harvest_source_id": source_id,
                "package_id": one.package_id,
                "report_status": STATUS[one.outcome],
            }
            for one in written
        ],
    )


def last(source_id: str, package_ids: Collection[str]) -> dict[str, Any]:
    """The records as these datasets were last written with them, by dataset id: one statement."""
    if not package_ids or not plugin_loaded("harvest"):
        return {}
    from ckanext.harvest.model import HarvestObject

    objects = HarvestObject.__table__
    rows = model.Session.execute(
        sa.select(objects.c.package_id, objects.c.content)
        .distinct(objects.c.package_id)
        .where(
            objects.c.harvest_source_id == source_id,
            objects.c.package_id.in_(list(package_ids)),
            objects.c.content.is_not(None),
            objects.c.report_status != STATUS["withdrawn"],
        )
        .order_by(objects.c.package_id, objects.c.import_finished.desc())
    )
    return {package_id: json.loads(content) for package_id, content in rows}
