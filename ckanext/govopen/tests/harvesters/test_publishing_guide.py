"""The department's guide: every command of ``docs/publishing.md`` is run as it stands there."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ckan.common import config
from werkzeug.serving import make_server

from ckanext.govopen.tests.portal import Department, Portal

GUIDE = Path(__file__).parents[4] / "docs" / "publishing.md"
STEP = re.compile(r"^```(sh|python)\n(.*?)^```$|^(<!-- job -->)$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def address(portal: Portal) -> Iterator[str]:
    """The portal on a real port of this machine."""
    server = make_server("127.0.0.1", 0, portal.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    before = config["ckan.site_url"]
    config["ckan.site_url"] = f"http://127.0.0.1:{server.server_port}"
    try:
        yield config["ckan.site_url"]
    finally:
        config["ckan.site_url"] = before
        server.shutdown()
        thread.join()


class Walk:
    """Somebody who types what the guide says, in one shell after the other."""

    def __init__(self, folder: Path, address: str, department: Department) -> None:
        self.folder = folder
        self.environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "PORTAL": address,
            "TOKEN": department.editor.token,
            "REVIEWER_TOKEN": department.reviewer.deciding.token,
            "DEPARTMENT": department.name,
            "NO_PROXY": "*",
        }

    def run(self, kind: str, text: str) -> None:
        command = ["bash", "-euo", "pipefail", "-c", text]
        if kind == "python":
            command = [sys.executable, "-c", text]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-500:]}\n{done.stderr[-1500:]}"

    def answer(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))["result"]


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["编号", "名称"])
    sheet.append(["A-001", "人民广场北"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_guide_works_as_it_is_written(portal: Portal, address: str, tmp_path: Path) -> None:
    for tool in ("curl", "iconv"):
        assert shutil.which(tool), f"{tool} is needed to walk through the guide"
    department = portal.department()
    walk = Walk(tmp_path, address, department)
    (tmp_path / "hydrants.xlsx").write_bytes(workbook())
    steps = list(STEP.finditer(GUIDE.read_text(encoding="utf-8")))
    assert len(steps) >= 14
    for step in steps:
        if step[3]:
            portal.load_rows(walk.answer("dataset.json")["id"])
        else:
            walk.run(step[1], step[2])

    assert walk.answer("dataset.json")["private"] is True
    assert walk.answer("review.json")["missing"] == []
    assert walk.answer("submitted.json")["state"] == "submitted"
    assert walk.answer("decided.json")["results"][0]["ok"] is True
    assert len(walk.answer("public.json")["resources"]) == 4
    # Text in GB 18030 is found by its characters.
    assert [row["名称"] for row in walk.answer("rows.json")["records"]] == ["火车站东"]
    assert walk.answer("patched.json")["title"] == "公共消防栓位置"
    assert walk.answer("still.json")["title"] == "消防栓位置"
    assert walk.answer("reclassified.json")["open_class"] == "conditional"
    name = f"fire-hydrants-{department.name}"
    public = portal.call("package_show", None, id=name)
    assert public["open_class"] == "conditional"
    working = portal.call("package_show", department.editor, id=name)
    assert working["notes"].endswith("（每月更新）") and len(working["resources"]) == 5
