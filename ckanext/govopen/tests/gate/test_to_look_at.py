"""What the department and its reviewer are told of before a decision, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from ckanext.govopen.domain.jurisdiction import load
from ckanext.govopen.model import jurisdiction
from ckanext.govopen.tests.domain.builders import profile_text
from ckanext.govopen.tests.portal import Portal, Refused, User

ITEMS = [
    {"name": "编号", "type": "I", "open": True},
    {"name": "管径", "type": "N", "open": True},
    {"name": "保管人", "type": "C", "open": False},
]
TABLE = "编号,保管人,位置\n1,张三,甲路\n一,李四,乙路\n"


def test_a_table_is_compared_with_the_declared_items(portal: Portal) -> None:
    """CAT-13: kept with the file, shown to department and reviewer, and it blocks nothing."""
    office = portal.department()
    made = portal.dataset(office, info_items=ITEMS)
    resource = portal.upload(office.editor, TABLE, "栓.csv", package_id=made["id"], name="栓")
    portal.upload(office.editor, b"%PDF-1.4\n", "说明.pdf", package_id=made["id"])
    expected = [["保管人"], ["管径"], ["位置"], ["编号", "1", "2"]]

    def fit(remarks: list[str]) -> bool:
        pairs = zip(remarks, expected, strict=True)
        return all(part in text for text, parts in pairs for part in parts)

    [table] = portal.call("govopen_review_show", office.reviewer, id=made["id"])["tables"]
    assert (table["name"], table["rows"]) == ("栓", 2) and fit(table["remarks"])
    page = portal.get(f"/open/review/{made['id']}", office.reviewer).get_data(as_text=True)
    assert table["remarks"][0] in page and "张三" not in page
    path = f"/dataset/{made['name']}/resource/{resource['id']}"
    assert table["remarks"][1] in portal.get(path, office.editor).get_data(as_text=True)
    # It is a warning: the dataset is released all the same, and the public hears nothing of it.
    portal.approve(office, made["id"])
    public = portal.get(path).get_data(as_text=True)
    assert "管径" not in public.split("</article>")[0] and table["remarks"][0] not in public
    for reader in (None, User.make()):
        assert portal.ask("govopen_file_show", {"id": made["id"]}, reader).status_code in (403, 404)
    # It stays with the file, and follows what is declared now and the file that is there now.
    portal.call("package_patch", office.editor, id=made["id"], info_items=[])
    files = portal.call("govopen_file_show", office.editor, id=made["id"])
    assert {one["remarks"] is None for one in files} == {True}
    items = [{"name": "编号", "type": "C", "open": True}]
    portal.call("package_patch", office.editor, id=made["id"], info_items=items)
    portal.upload(office.editor, "编号\n一\n", "栓.csv", id=resource["id"])
    files = portal.call("govopen_file_show", office.editor, id=made["id"])
    assert [one["remarks"] for one in files if one["resource_id"] == resource["id"]] == [[]]


def test_shared_data_is_opened_with_its_provider_s_consent_in_chaohu_only(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GRT-4: number, day and who gave it; the reviewer reads them, the public does not."""
    office = portal.department()
    consent = {
        "provider_consent": "医保函〔2026〕7号",
        "provider_consent_on": "2026-03-02",
        "provider_consent_by": "医疗保障局",
    }
    fields: dict[str, Any] = {"acquired_by": "shared", "open_class": "unconditional", **consent}
    made = portal.dataset(office, **fields)

    def refused() -> list[str]:
        with pytest.raises(Refused) as caught:
            portal.submit(office, made["id"])
        return caught.value.rules

    assert refused() == ["GRT-4"]
    chaohu = load(profile_text("chaohu"), "chaohu.yaml")
    monkeypatch.setattr(jurisdiction, "profile", lambda: chaohu)
    needed = {item.field for item in chaohu.requirements}
    rest = {"delivery": ["download"], "share_mode": "接口", "storage_format": "数据库"}
    portal.call(
        "package_patch", office.editor, id=made["id"],
        **{name: value for name, value in rest.items() if name in needed},
    )  # fmt: skip
    portal.call("package_patch", office.editor, id=made["id"], provider_consent_by="")
    assert refused() == ["GRT-4"]
    portal.call("package_patch", office.editor, id=made["id"], **consent)
    portal.submit(office, made["id"])
    read = portal.call("govopen_review_show", office.reviewer, id=made["id"])
    assert any(all(value in text for value in consent.values()) for text in read["warnings"])
    # Taken away again before the decision: it is not approved.
    portal.call("package_patch", office.editor, id=made["id"], provider_consent="")
    with pytest.raises(Refused) as caught:
        portal.decide(office, made["id"], decision="approve")
    assert "GRT-4" in caught.value.rules
    portal.call("package_patch", office.editor, id=made["id"], **consent)
    portal.decide(office, made["id"], decision="approve")
    assert portal.get(f"/dataset/{made['name']}").status_code == 200
    public = portal.get(f"/api/3/action/package_show?id={made['id']}").get_data(as_text=True)
    assert not [value for value in (*consent, *consent.values()) if value in public]
