"""Suggestions find Chinese as it is typed and come only from what the viewer may see."""

from __future__ import annotations

from typing import Any

import pytest

from ckanext.govopen.search import suggest
from ckanext.govopen.tests.search.conftest import SITE, Index, hidden, release

OPEN = ["public"]


@pytest.fixture(scope="module")
def filled(index: Index) -> Index:
    index.clear()
    index.add(
        release(
            "a", "醫療院所名冊", tags=["醫療", "衛生"], resources=[{"format": "CSV", "url": ""}]
        ),
        release(
            "b", "医疗机构名录", tags=["医疗", "統計"], resources=[{"format": "csv", "url": ""}]
        ),
        release("c", "空氣品質PM2.5", tags=["PM2.5", "environment"]),
        release("d", "桃園市政府警察局交通大隊違規停車取締件數", tags=["交通 安全"]),
        hidden("e", "醫療秘密", tags=["醫療機密"], resources=[{"format": "SECRETFMT", "url": ""}]),
    )
    return index


@pytest.fixture(autouse=True)
def site(ckan_config: Any, monkeypatch: pytest.MonkeyPatch, filled: Index) -> None:
    monkeypatch.setitem(ckan_config, "ckan.site_id", SITE)


def titles(query: str, labels: list[str] | None = OPEN) -> list[str]:
    return [found.name for found in suggest.titles(query, labels)]


def tags(query: str, labels: list[str] | None = OPEN) -> dict[str, int]:
    return {found.name: found.count for found in suggest.tags(query, labels)}


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("醫", {"a", "b"}),
        ("医疗", {"a", "b"}),
        ("醫療 名", {"a", "b"}),
        ("醫療院", {"a"}),
        ("pm2", {"c"}),
        ("ＰＭ２．５", {"c"}),
        ("品質P", {"c"}),
        ("桃園市政府警察局交通大隊違規", {"d"}),
        ("秘密", set()),
        ("外星", set()),
        ("", set()),
        ('a" OR name:"b', set()),
        ("\\", set()),
        ("*", set()),
    ],
)
def test_titles(typed: str, wanted: set[str]) -> None:
    assert set(titles(typed)) == wanted


def test_what_begins_as_typed_comes_first(filled: Index) -> None:
    filled.add(release("f", "名冊總表"))
    try:
        assert titles("名冊")[0] == "f"
    finally:
        filled.solr.delete(q="name:f", commit=True)


def test_tags() -> None:
    assert tags("醫") == {"醫療": 1, "医疗": 1}
    assert tags("医疗") == {"醫療": 1, "医疗": 1}
    assert tags("viron") == {"environment": 1}
    assert tags("ENV") == {"environment": 1}
    assert tags("2.5") == {"PM2.5": 1}
    assert tags("交通 安") == {"交通 安全": 1}
    assert tags("統") == {"統計": 1}
    assert tags("機密") == {}
    assert tags("") == {}


def test_formats() -> None:
    assert {f.name: f.count for f in suggest.formats("c", OPEN)} == {"CSV": 1, "csv": 1}
    assert suggest.formats("secret", OPEN) == []


def test_labels_decide() -> None:
    assert titles("醫", []) == []
    assert tags("醫", ["member-org-other"]) == {}
    assert titles("秘密", ["member-org-water"]) == []
    assert suggest.formats("SECRET", None) == []


def test_limits() -> None:
    assert len(suggest.titles("醫", OPEN, 1)) == 1
    assert suggest.tags("醫", OPEN, 0) == []


def test_folding_remembers_and_keeps_apart() -> None:
    folded = suggest.fold(["醫療", "ＡＢＣ", "a\nb", "醫療"])
    assert folded == {"醫療": "医疗", "ＡＢＣ": "abc", "a\nb": "a b"}
