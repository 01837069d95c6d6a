"""Pictures of pages for people who read the documentation: small files of real pages.

``GOVOPEN_SHOTS`` names the folder they go into; without it none are made.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from PIL import Image

#: Longest picture, in points of the screen; what is below is cut off.
HIGHEST = 1700
COLOURS = 64


def shot(page: Any, name: str, width: int) -> None:
    """A picture ``<name>-<width>.png`` of the page as it is, for a window of that width."""
    folder = os.environ.get("GOVOPEN_SHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": width, "height": 900})
    with Image.open(io.BytesIO(page.screenshot(full_page=True))) as whole:
        seen = whole.convert("RGB").crop((0, 0, whole.width, min(whole.height, HIGHEST)))
    few = seen.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(Path(folder) / f"{name}-{width}.png", optimize=True)
