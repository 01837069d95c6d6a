"""The folder of a portal: closed to others, secrets random and lasting."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ckanext.govopen.stack import home as home_module
from ckanext.govopen.stack import main, say
from ckanext.govopen.stack.home import SECRETS, Home, default_home
from ckanext.govopen.stack.say import StackError


@pytest.fixture
def home(tmp_path: Path):
    before = os.umask(0o022)
    os.umask(before)
    made = Home(tmp_path / "h")
    # Pytest's own folders are closed to other accounts, which is what root's home must not be.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(0o711 | folder.stat().st_mode)
    made.prepare()
    yield made
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_are_closed(home: Home) -> None:
    assert _mode(home.root) & 0o066 == 0
    for folder in (home.logs, home.run, home.storage):
        assert _mode(folder) == 0o700


def test_secrets_are_random_lasting_and_private(home: Home, tmp_path: Path) -> None:
    first = home.secrets()
    assert set(first) == set(SECRETS)
    assert len(set(first.values())) == len(SECRETS)
    assert all(len(value) >= 32 for value in first.values())
    assert home.secrets() == first
    assert _mode(home.root / "secrets.json") == 0o600
    other = Home(tmp_path / "other")
    other.prepare()
    assert not set(other.secrets().values()) & set(first.values())


def test_damaged_secrets_are_not_replaced(home: Home) -> None:
    (home.root / "secrets.json").write_text("{")
    with pytest.raises(StackError, match=r"secrets\.json"):
        home.secrets()
    assert (home.root / "secrets.json").read_text() == "{"


def test_state_is_remembered(home: Home) -> None:
    assert home.state() == {}
    assert not home.exists()
    home.remember(ports={"solr": 1})
    home.remember(demo_loaded=True)
    assert home.state() == {"ports": {"solr": 1}, "demo_loaded": True}
    assert home.exists()


def test_two_launchers_do_not_work_on_one_home(home: Home) -> None:
    second = Home(home.root)
    with home.locked(), pytest.raises(StackError, match=r"Another \./portal"), second.locked():
        pass
    with Home(home.root).locked():
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="file/h"):
        Home(tmp_path / "file" / "h").prepare()


def test_roots_closed_folder_is_not_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(home_module, "is_root", lambda: True)
    assert default_home(closed / "repository").parent == Path("/var/lib")
    monkeypatch.setattr(home_module, "is_root", lambda: False)
    assert default_home(closed / "repository") == closed / "repository/.portal"


def test_a_home_behind_a_link_is_the_folder_itself(tmp_path: Path) -> None:
    """CKAN's storages refuse every path with a symbolic link in it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert Home(tmp_path / "link").root == (tmp_path / "disk").resolve()


def test_commands_that_are_proposed_name_the_folder_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a home"
    assert main.main(["--home", str(folder), "status"]) == 1
    assert f"./portal --home '{folder}' up makes one." in capsys.readouterr().err
    say.called_with(None)
    say.line("./portal up makes one.")
    assert capsys.readouterr().out == "./portal up makes one.\n"
