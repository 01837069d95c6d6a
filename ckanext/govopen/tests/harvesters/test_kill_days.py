"""Ten days of a catalogue, with faults and ``kill -9`` of every process: see :mod:`days` beside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ckanext.govopen.stack.home import REPOSITORY

DAYS = 10


@pytest.mark.long
def test_ten_days_of_faults_and_kills_leave_portal_and_catalogue_alike() -> None:
    portal = os.environ.get("GOVOPEN_HOME")
    assert portal, "Run it with ./portal pytest, which says where servers may be started."
    home = Path(portal) / "days"
    module = "ckanext.govopen.tests.harvesters.days"
    done = subprocess.run(
        [
            sys.executable, "-m", module, "--home", str(home), "--jars", portal,
            "--days", str(DAYS),
        ],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    told = [row for row in done.stdout.splitlines() if row.startswith("{")]
    assert told, done.stderr[-3000:]
    figures = json.loads(told[-1])
    assert figures["differences"] == [], figures
    assert done.returncode == 0 and figures["days"] == DAYS, done.stderr[-3000:]
    # It would prove nothing if nothing had happened.
    assert sum(figures["kills"].values()) >= DAYS and figures["approved"] and figures["faults"]
