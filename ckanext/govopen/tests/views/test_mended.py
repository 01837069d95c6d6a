"""Pages of CKAN and other extensions, for those who listen to them."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup

from ckanext.govopen.views import mended


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<h1>a</h1><h3 class='x'>b</h3><h3>c</h3><h5>d</h5>", [1, 2, 2, 3]),
        ("<h1>a</h1><h2>b</h2><h3>c</h3><h2>d</h2>", [1, 2, 3, 2]),
        ("<h2>a</h2><h1>b</h1><h4>c</h4><h6>d</h6><h4>e</h4>", [2, 1, 2, 3, 2]),
        ("<h3>a</h3><header>b</header><hr><h3>c</h3>", [2, 2]),
        ("<p>no heading</p>", []),
    ],
)
def test_headings_have_no_gaps(before: str, after: list[int]) -> None:
    found: Any = BeautifulSoup(mended._levels(before), "html.parser")
    headings = found.find_all(["h1", "h2", "h3", "h4", "h5", "h6"])
    assert [int(one.name[1]) for one in headings] == after
    plain: Any = BeautifulSoup(before, "html.parser")
    assert found.get_text() == plain.get_text()
    for one in headings:  # none stands within another: every one is closed
        assert not one.find_parent(["h1", "h2", "h3", "h4", "h5", "h6"])
    assert ("class" in str(found)) == ("class" in before)


def test_the_arrows_of_a_pager_have_names(portal: Any) -> None:
    arrow = '<a class="page-link" href="?page={}"><i class="fa-solid fa-chevron-{}"></i></a>'
    named = '<a aria-label="更早" href="?"><i class="fa-chevron-left"></i></a>'
    content = arrow.format(1, "left") + arrow.format(3, "right") + named + "<a href='?'>2</a>"
    with portal.app.flask_app.test_request_context("/"):
        text = mended.govopen_mended(Markup(content))  # noqa: S704 (our own text)
    links = BeautifulSoup(text, "html.parser").find_all("a")
    assert [link.get("aria-label") for link in links] == ["上一页", "下一页", "更早", None]
    assert [link["href"] for link in links] == ["?page=1", "?page=3", "?", "?"]
