"""A sheet of paper: headings, texts, rows of name and value, in an embedded Chinese font."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterable
from typing import cast

import pylopdf_fonts_zh_cn as fonts
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

#: Sizes in points, lengths in millimetres.
_SIZE, _SMALL, _TITLE = 10.5, 8, 18
_LINE, _MARGIN, _NAME = 6.4, 22, 38
_FAMILY = "serif"
#: The number at the beginning of a line of a list, and the blank behind it.
_NUMBER = re.compile(r"^(\d+\.) ")


class Sheet(FPDF):
    """One document. Nothing of the moment or the machine of its making is in it.

    ``foot`` is printed at the bottom of each page, before the number of the page.
    """

    def __init__(self, title: str, foot: str, at: datetime.datetime) -> None:
        super().__init__(format="A4")
        self.set_creation_date(at.astimezone(datetime.timezone.utc))
        self.set_producer("")
        self.set_title(title)
        self.set_lang("zh-Hans")
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=_MARGIN)
        self.add_font(_FAMILY, fname=str(fonts.serif_path()))
        self._known = frozenset(cast(TTFFont, self.fonts[_FAMILY]).cmap)
        self._foot = self._drawn(foot)
        self._total = "{nb}"
        self.add_page()

    def footer(self) -> None:
        """Called by the library at the end of each page."""
        self.set_y(-14)
        self.set_font(_FAMILY, size=_SMALL)
        width = self.epw / 4
        self.cell(self.epw - width, 5, self._foot)
        self.cell(width, 5, f"{self.page_no()}/{self._total}", align="R")

    def heading(self, text: str, kicker: str = "") -> None:
        """The title, in the middle; ``kicker`` is a smaller line below it."""
        self._write(text, _TITLE, 10, align="C")
        if kicker:
            self._write(kicker, _SIZE, _LINE, align="C")
        self.ln(4)

    def section(self, text: str) -> None:
        """A heading between parts; it stays with the line after it."""
        if self.will_page_break(3 * _LINE):
            self.add_page()
        self.ln(2)
        self._write(text, 12, 7)

    def text_block(self, text: str) -> None:
        """A text with its line ends."""
        for line in text.split("\n"):
            if line:
                self._write(line, _SIZE, _LINE, align="L")
            else:
                self.ln(_LINE / 2)

    def rows(self, rows: Iterable[tuple[str, str]]) -> None:
        """Names with their values; rows without a value are left out."""
        for name, value in rows:
            if not value:
                continue
            self.set_font(_FAMILY, size=_SIZE)
            if self.will_page_break(_LINE):
                self.add_page()
            self.cell(_NAME, _LINE, self._drawn(name))
            self.multi_cell(
                self.epw - _NAME,
                _LINE,
                self._drawn(value),
                align="L",
                new_x=XPos.LMARGIN,
                new_y=YPos.NEXT,
            )

    def rule(self) -> None:
        """A line across the page."""
        self.ln(3)
        self.line(self.l_margin, self.get_y(), self.l_margin + self.epw, self.get_y())
        self.ln(3)

    def made(self) -> bytes:
        """The finished file."""
        return bytes(self.output())

    def _write(self, text: str, size: float, height: float, align: str = "L") -> None:
        self.set_font(_FAMILY, size=size)
        # Chinese has no blanks: the one behind a number would be the only place to break a line.
        drawn = _NUMBER.sub("\\1\u00a0", self._drawn(text))
        self.multi_cell(0, height, drawn, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _drawn(self, text: str) -> str:
        """The text with a mark for what the font cannot draw, so that nothing vanishes unseen.

        The canonical text itself, which is what counts, keeps every character.
        """
        plain = (" " if unicodedata.category(c) in ("Cc", "Zs") else c for c in text)
        return "".join(c if ord(c) in self._known or c == "\n" else "□" for c in plain)
