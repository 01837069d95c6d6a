"""Runs of a source: what becomes public, what is taken away, what is reported."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from ckan import model
from ckanext.harvest.model import HarvestObject

from ckanext.govopen.harvesters import batch as batches
from ckanext.govopen.harvesters import run as runs
from ckanext.govopen.tests.harvesters.conftest import Catalogue, Row, as_csv, as_workbook


def counts(report: dict[str, Any]) -> dict[str, int]:
    """The figures of a report that are not zero."""
    return {key: value for key, value in report["counts"].items() if value}


def remarks(report: dict[str, Any], kind: str) -> dict[str, str]:
    """Code of a record -> what is said about it."""
    return {
        one["code"]: " ".join(reason["message"] for reason in one["reasons"])
        for one in report["remarks"]
        if one["kind"] == kind
    }


def touched(catalogue: Catalogue) -> dict[str, Any]:
    """When every dataset of the department was last written."""
    model.Session.remove()
    rows = model.Session.query(model.Package.name, model.Package.metadata_modified).filter(
        model.Package.owner_org == catalogue.department.id, model.Package.type == "dataset"
    )
    return {row.name: row.metadata_modified for row in rows}


def test_a_workbook_with_merged_cells_becomes_datasets_in_review(catalogue: Catalogue) -> None:
    rows = [
        catalogue.row(1, items=(("年度", "N"), ("金額", "Y"))),
        catalogue.row(2, condition="僅供研究使用"),
        catalogue.row(3, open="否"),
    ]
    report = catalogue.run(as_workbook(rows), "catalogue.xlsx")

    assert report["state"] == "finished" and report["complete"]
    assert counts(report) == {"seen": 3, "new": 2, "unchanged": 1}
    first, second = catalogue.dataset(rows[0]), catalogue.dataset(rows[1])
    assert first and second
    assert [item["name"] for item in first["info_items"]] == ["年度", "金額"]
    assert (first["open_class"], second["open_class"]) == ("unconditional", "conditional")
    assert second["open_condition"] == "僅供研究使用"
    assert first["owner_org"] == catalogue.department.id
    assert first["update_cycle"] == "monthly"
    # What is not open has no dataset at all; what waits for its review is nobody's outside.
    assert catalogue.dataset(rows[2]) is None
    assert catalogue.public(rows[0]) is None and catalogue.public(rows[1]) is None


def test_after_the_review_everybody_sees_it(catalogue: Catalogue) -> None:
    row = catalogue.row(1)
    catalogue.run(as_csv([row]))
    catalogue.approve(row)
    found = catalogue.public(row)
    assert found and found["title"] == row.title
    assert "share_class" not in found


def test_nobody_who_stands_behind_the_source_decides(catalogue: Catalogue) -> None:
    row = catalogue.row(1)
    catalogue.run(as_csv([row]))
    portal = catalogue.portal
    portal.submit(catalogue.department, catalogue.name(row))
    portal.duty(catalogue.keeper, catalogue.department.name, "reviewer")
    read = portal.call("govopen_review_show", catalogue.keeper, id=catalogue.name(row))
    answer = portal.ask(
        "govopen_review_decide",
        {"id": read["id"], "fingerprint": read["fingerprint"], "decision": "approve"},
        catalogue.keeper.deciding,
    )
    assert answer.status_code == 409
    assert catalogue.public(row) is None


def test_nothing_changed_touches_nothing(catalogue: Catalogue) -> None:
    rows = [catalogue.row(number) for number in range(1, 4)]
    catalogue.run(as_csv(rows))
    before = touched(catalogue)
    objects = model.Session.query(HarvestObject).count()
    report = catalogue.run(as_workbook(rows), "the-same-as-a-workbook.xlsx")
    assert counts(report) == {"seen": 3, "unchanged": 3}
    assert touched(catalogue) == before and len(before) == 3
    assert model.Session.query(HarvestObject).count() == objects


def test_only_what_changed_is_written_and_waits_again(catalogue: Catalogue) -> None:
    rows = [catalogue.row(1), catalogue.row(2)]
    catalogue.run(as_csv(rows))
    catalogue.approve(*rows)
    before = touched(catalogue)
    changed = replace(rows[1], title="新名稱", items=(("新項", "C"),))
    report = catalogue.run(as_csv([rows[0], changed]))
    after = touched(catalogue)
    assert counts(report) == {"seen": 2, "changed": 1, "unchanged": 1}
    assert before[catalogue.name(rows[0])] == after[catalogue.name(rows[0])]
    assert before[catalogue.name(rows[1])] != after[catalogue.name(rows[1])]
    working, public = catalogue.dataset(changed), catalogue.public(changed)
    assert working and working["title"] == "新名稱"
    assert public and public["title"] == rows[1].title


def test_what_a_person_added_here_survives_a_change_there(catalogue: Catalogue) -> None:
    row = catalogue.row(1)
    catalogue.run(as_csv([row]))
    dataset = catalogue.dataset(row)
    assert dataset
    portal, editor = catalogue.portal, catalogue.department.editor
    added = portal.upload(editor, "甲,乙\n1,2\n", "own.csv", package_id=dataset["id"], name="own")
    portal.call("package_patch", editor, id=dataset["id"], maintainer="值班室")
    catalogue.run(as_csv([replace(row, title="改名")]))
    after = catalogue.dataset(row)
    assert after and after["title"] == "改名" and after["maintainer"] == "值班室"
    assert [resource["id"] for resource in after["resources"]] == [added["id"]]


def test_what_a_record_no_longer_says_is_gone(catalogue: Catalogue) -> None:
    row = catalogue.row(1, condition="僅供研究")
    catalogue.run(as_csv([row]))
    catalogue.run(as_csv([replace(row, condition="", summary="")]))
    after = catalogue.dataset(row)
    assert after and after["open_class"] == "unconditional"
    assert not after.get("open_condition") and not after.get("notes")


def test_closed_there_is_gone_here_in_the_same_run(catalogue: Catalogue) -> None:
    rows = [catalogue.row(1), catalogue.row(2)]
    catalogue.run(as_csv(rows))
    catalogue.approve(*rows)
    report = catalogue.run(as_csv([replace(rows[0], open="否"), rows[1]]))
    assert counts(report) == {"seen": 2, "withdrawn": 1, "unchanged": 1}
    assert catalogue.public(rows[0]) is None and catalogue.public(rows[1])


def test_what_is_missing_is_withdrawn_and_comes_back_through_the_review(
    catalogue: Catalogue,
) -> None:
    rows = [catalogue.row(number) for number in range(1, 4)]
    catalogue.run(as_csv(rows))
    catalogue.approve(*rows)
    before = catalogue.public(rows[2])
    report = catalogue.run(as_csv(rows[:2]))
    assert counts(report) == {"seen": 2, "unchanged": 2, "withdrawn": 1, "missing": 1}
    assert list(remarks(report, "withdrawn")) == [rows[2].code]
    assert catalogue.public(rows[2]) is None
    report = catalogue.run(as_csv(rows))
    assert counts(report) == {"seen": 3, "unchanged": 2, "new": 1}
    assert catalogue.public(rows[2]) is None
    catalogue.approve(rows[2])
    after = catalogue.public(rows[2])
    assert before and after
    assert (before["id"], before["name"]) == (after["id"], after["name"])


def test_stricter_is_in_force_at_once_and_looser_waits(catalogue: Catalogue) -> None:
    row = catalogue.row(1)
    catalogue.run(as_csv([row]))
    catalogue.approve(row)
    catalogue.run(as_csv([replace(row, condition="僅供研究")]))
    public = catalogue.public(row)
    assert public and public["open_class"] == "conditional"
    catalogue.approve(row)
    catalogue.run(as_csv([row]))
    public, working = catalogue.public(row), catalogue.dataset(row)
    assert public and public["open_class"] == "conditional"
    assert working and working["open_class"] == "unconditional"


def test_what_becomes_stricter_is_written_before_anything_is_queued(catalogue: Catalogue) -> None:
    rows = [catalogue.row(1), catalogue.row(2), catalogue.row(3)]
    catalogue.run(as_csv(rows[:2]))
    catalogue.approve(*rows[:2])
    catalogue.upload(
        as_csv([rows[2], replace(rows[0], open="否"), replace(rows[1], condition="僅供研究")])
    )
    job = catalogue.begin()
    queued = catalogue.gather(job)
    # The queue has not been worked at yet.
    assert len(queued) == 1
    assert catalogue.public(rows[0]) is None
    public = catalogue.public(rows[1])
    assert public and public["open_class"] == "conditional"
    assert catalogue.dataset(rows[2]) is None


def test_wrong_records_fall_out_alone_and_are_named(catalogue: Catalogue) -> None:
    good = catalogue.row(1)
    rows = [
        good,
        catalogue.row(2, title=""),
        replace(catalogue.row(3), code=""),
        catalogue.row(4, open="也許"),
        catalogue.row(5, items=(("金額", "X"),)),
        replace(good, title="同一個代碼"),
    ]
    report = catalogue.run(as_csv(rows))
    assert counts(report) == {"seen": 6, "new": 1, "refused": 5}
    said = remarks(report, "refused")
    # In words, and in the language of the portal.
    assert "标题" in said[rows[1].code] and "open" in said[rows[3].code]
    assert "type" in said[rows[4].code] and "重复" in said[good.code]
    assert catalogue.dataset(good)


def test_a_record_that_was_good_and_is_wrong_now_stays(catalogue: Catalogue) -> None:
    rows = [catalogue.row(1), catalogue.row(2)]
    catalogue.run(as_csv(rows))
    catalogue.approve(*rows)
    report = catalogue.run(as_csv([rows[0], replace(rows[1], open="也許")]))
    assert report["counts"]["withdrawn"] == 0
    assert catalogue.public(rows[1])


def test_what_the_validators_refuse_falls_out_of_its_batch_alone(catalogue: Catalogue) -> None:
    rows = [catalogue.row(number) for number in range(1, 5)]
    taken = catalogue.portal.dataset(catalogue.department, name=catalogue.name(rows[2]))
    report = catalogue.run(as_csv(rows))
    assert counts(report) == {"seen": 4, "new": 3, "refused": 1}
    assert rows[2].code in remarks(report, "refused")
    found = catalogue.dataset(rows[2])
    assert found and found["id"] == taken["id"] and found["title"] == taken["title"]


def test_shared_data_is_kept_back_always(catalogue: Catalogue) -> None:
    portal = catalogue.portal
    row = catalogue.row(1)
    catalogue.run(as_csv([row]))
    catalogue.approve(row)
    source = portal.call("package_show", catalogue.keeper, id=catalogue.source_id)
    portal.call(
        "package_patch",
        catalogue.keeper,
        id=source["id"],
        config='{"defaults": {"acquired": "shared"}, "departments": "all"}',
        url=source["url"],
        source_type="govopen_spreadsheet",
    )
    report = catalogue.run()
    assert counts(report) == {"seen": 1, "kept_back": 1}
    (kept,) = [one for one in report["remarks"] if one["kind"] == "kept_back"]
    assert kept["reasons"][0]["rule"] == "GRT-4" and kept["reasons"][0]["article"]
    gone = catalogue.dataset(row)
    assert catalogue.public(row) is None and gone and gone["state"] == "deleted"
    # It is said in every run, until somebody decides.
    assert counts(catalogue.run()) == {"seen": 1, "kept_back": 1}


def many(catalogue: Catalogue, number: int) -> list[Row]:
    return [catalogue.row(at) for at in range(number)]


def test_a_mass_vanishing_withdraws_nothing_until_a_person_confirms(catalogue: Catalogue) -> None:
    rows = many(catalogue, 14)
    catalogue.run(as_csv(rows))
    catalogue.approve(rows[0], rows[13])
    report = catalogue.run(as_csv(rows[:2]))
    assert report["held"] and report["counts"]["withdrawn"] == 0
    assert report["counts"]["missing"] == 12 == len(remarks(report, "missing"))
    assert catalogue.public(rows[13])
    portal = catalogue.portal
    assert portal.ask("govopen_catalogue_confirm", {"run": report["id"]}).status_code in (403, 404)
    answer = portal.call("govopen_catalogue_confirm", catalogue.keeper, run=report["id"])
    assert answer["withdrawn"] == 12
    assert catalogue.public(rows[13]) is None and catalogue.public(rows[0])
    again = portal.ask("govopen_catalogue_confirm", {"run": report["id"]}, catalogue.keeper)
    assert again.status_code == 409


def test_an_empty_catalogue_concludes_nothing(catalogue: Catalogue) -> None:
    rows = many(catalogue, 2)
    catalogue.run(as_csv(rows))
    catalogue.approve(rows[0])
    report = catalogue.run(as_csv([]))
    assert report["held"] and report["counts"]["withdrawn"] == 0
    assert catalogue.public(rows[0])


def test_a_failed_run_concludes_nothing_and_says_what_to_do(catalogue: Catalogue) -> None:
    rows = many(catalogue, 2)
    catalogue.run(as_csv(rows))
    catalogue.approve(rows[0])
    report = catalogue.run(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old.xls")
    assert report["state"] == "failed" and ".xlsx" in report["message"]
    assert not report["complete"] and report["counts"]["withdrawn"] == 0
    assert catalogue.public(rows[0])
    job = catalogue.portal.call("harvest_job_show", catalogue.keeper, id=report["id"])
    assert job["stats"]["errored"] == 1
    assert counts(catalogue.run(as_csv(rows))) == {"seen": 2, "unchanged": 2}


def test_an_error_half_way_keeps_what_is_done_and_the_next_run_goes_on(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = many(catalogue, 5)
    catalogue.run(as_csv(rows[:3]))
    catalogue.approve(rows[0], rows[1])
    catalogue.upload(as_csv([replace(rows[0], open="否"), rows[1], *rows[3:]]))
    monkeypatch.setattr(runs, "BATCH", 1)
    pack, packed = runs._pack, []

    def break_off(state: Any) -> None:
        packed.append(1)
        if len(packed) == 2:
            raise RuntimeError("the machine was switched off")
        pack(state)

    monkeypatch.setattr(runs, "_pack", break_off)
    report = catalogue.finish(catalogue.begin())
    assert report["state"] == "failed" and "switched off" not in report["message"]
    # The first pass is in force, the second one was not begun.
    assert catalogue.public(rows[0]) is None and catalogue.public(rows[1])
    assert catalogue.dataset(rows[3]) is None
    monkeypatch.undo()
    report = catalogue.run()
    assert report["counts"]["new"] == 2 and report["counts"]["withdrawn"] == 0


def test_a_batch_may_be_imported_twice(catalogue: Catalogue) -> None:
    rows = many(catalogue, 2)
    catalogue.upload(as_csv(rows))
    (object_id,) = catalogue.gather(catalogue.begin())
    batch: Any = HarvestObject.get(object_id)
    content = batch.content
    batches.import_batch(batch)
    before = touched(catalogue)
    again: Any = HarvestObject.get(object_id)
    again.content = content
    batches.import_batch(again)
    assert touched(catalogue) == before and len(before) == 2


def test_a_dataset_deleted_here_is_not_brought_back_by_a_change_there(
    catalogue: Catalogue,
) -> None:
    row = catalogue.row(1)
    catalogue.run(as_csv([row]))
    dataset = catalogue.dataset(row)
    assert dataset
    catalogue.portal.call("package_delete", catalogue.department.editor, id=dataset["id"])
    report = catalogue.run(as_csv([replace(row, title="改名")]))
    assert counts(report) == {"seen": 1, "kept_back": 1}


def test_the_pages_of_the_harvester_show_the_run(catalogue: Catalogue) -> None:
    rows = many(catalogue, 3)
    catalogue.run(as_csv(rows))
    report = catalogue.run(
        as_csv([*rows[:2], replace(rows[2], title="x"), catalogue.row(9, title="")])
    )
    portal, keeper = catalogue.portal, catalogue.keeper
    job = portal.call("harvest_job_show", keeper, id=report["id"])
    assert job["status"] == "Finished"
    assert job["stats"] == {
        "added": 0, "updated": 1, "not modified": 2, "deleted": 0, "errored": 1,
    }  # fmt: skip
    source = portal.call("package_show", keeper, id=catalogue.source_id)
    assert source["status"]["last_job"]["stats"]["updated"] == 1
    for page in (
        f"/harvest/{source['name']}",
        f"/harvest/admin/{source['name']}",
        f"/harvest/{source['name']}/job",
        f"/harvest/{source['name']}/job/{report['id']}",
    ):
        assert portal.get(page, keeper).status_code == 200, page
        assert portal.get(page).status_code == 404, page
    linked = model.Session.scalar(
        sa.select(sa.func.count())
        .select_from(HarvestObject)
        .where(
            HarvestObject.harvest_source_id == catalogue.source_id,
            HarvestObject.current.is_(True),
            HarvestObject.package_id.isnot(None),
        )
    )
    assert linked == 3


def test_a_department_is_made_once_from_the_catalogue(catalogue: Catalogue) -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_workbook(many(catalogue, 2))))
    sheet: Any = book.active
    name = f"{catalogue.prefix}局"
    for line in (3, 5):
        sheet.cell(line, 3).value = name
    out = io.BytesIO()
    book.save(out)
    report = catalogue.run(out.getvalue(), "catalogue.xlsx")
    assert counts(report) == {"seen": 2, "new": 2}
    found = model.Session.query(model.Group).filter_by(title=name, is_organization=True).all()
    assert len(found) == 1
