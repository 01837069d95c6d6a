"""What pages of CKAN and of its extensions lack for those who listen to them."""

from __future__ import annotations

import re

from ckan.plugins import toolkit
from markupsafe import Markup

_HEADING = re.compile(r"<(/?)h([1-6])(?=[\s>])", re.IGNORECASE)
_ARROW = re.compile(
    r"(<a\b)([^>]*>\s*<i\b[^>]*\bfa-chevron-(left|right)\b[^>]*>\s*</i>\s*</a>)", re.IGNORECASE
)


def govopen_mended(content: Markup) -> Markup:
    """The content of a page with names for the arrows of its pager, and headings without gaps."""
    # Safe: adds names of our own to what a template has made, and changes digits.
    return Markup(_levels(_arrows(str(content))))  # noqa: S704


def _arrows(content: str) -> str:
    def named(link: re.Match[str]) -> str:
        if "aria-label" in link[2]:
            return link[0]
        left = link[3].lower() == "left"
        name = toolkit._("Previous page") if left else toolkit._("Next page")
        return f'{link[1]} aria-label="{name}"{link[2]}'

    return _ARROW.sub(named, content)


def _levels(content: str) -> str:
    """A heading stands one level below the one that it belongs to, never two."""
    # (level as it was, level as it is); the page puts a heading before content that has no first
    above: list[tuple[int, int]] = [] if "<h1" in content else [(1, 1)]

    def moved(tag: re.Match[str]) -> str:
        level = int(tag[2])
        if tag[1]:
            return f"</h{above[-1][1] if above else level}"
        while above and above[-1][0] >= level:
            above.pop()
        given = min(level, above[-1][1] + 1) if above else level
        above.append((level, given))
        return f"<h{given}"

    return _HEADING.sub(moved, content)
