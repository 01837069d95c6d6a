"""The lock of Solr's jars."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ckanext.govopen.stack import jars
from ckanext.govopen.stack.environment import Environment
from ckanext.govopen.stack.say import StackError

DIGEST = "a" * 64


def test_a_lock_is_read() -> None:
    found = jars.parse(f"# about\n\norg.apache.solr:solr-core:9.10.0 sha256:{DIGEST}  # why\n")
    assert found == [jars.Jar("org.apache.solr", "solr-core", "9.10.0", DIGEST)]
    assert found[0].path == "org/apache/solr/solr-core/9.10.0/solr-core-9.10.0.jar"


@pytest.mark.parametrize(
    "row",
    [
        f"solr-core:9.10.0 sha256:{DIGEST}",
        "a:b:1 sha256:abc",
        f"a:b:1 md5:{DIGEST}",
        f"a:b:../../etc/x sha256:{DIGEST}",
        "a:b:1",
    ],
)
def test_a_wrong_row_is_named(row: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        jars.parse(f"# first\n{row}\n")


def test_a_jar_may_be_named_once_only() -> None:
    with pytest.raises(ValueError, match="twice"):
        jars.parse(f"a:b:1 sha256:{DIGEST}\nc:b:1 sha256:{DIGEST}\n")


def test_the_lock_of_the_project_is_whole() -> None:
    found = {f"{jar.group}:{jar.artifact}": jar for jar in jars.parse(jars.LOCK.read_text())}
    assert found["org.apache.solr:solr-core"].version == "9.10.0"
    assert found["org.apache.lucene:lucene-analysis-icu"].version == "9.12.3"
    lucene = {jar.version for jar in found.values() if jar.group == "org.apache.lucene"}
    assert lucene == {"9.12.3"}
    jetty = {jar.version for jar in found.values() if jar.group == "org.eclipse.jetty"}
    assert jetty == {"10.0.26"}
    assert "://" not in jars.LOCK.read_text()


def test_a_mirror_of_the_central_repository_is_honoured() -> None:
    text = """<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0">
      <localRepository>${user.home}/jars</localRepository>
      <mirrors>
        <mirror><mirrorOf>other</mirrorOf><url>https://no.invalid</url></mirror>
        <mirror><mirrorOf>*,!central</mirrorOf><url>https://not.invalid</url></mirror>
        <mirror><mirrorOf>external:*</mirrorOf><url>https://mirror.invalid/maven/ </url></mirror>
      </mirrors></settings>"""
    assert jars.read_settings(text) == (
        "https://mirror.invalid/maven",
        str(Path.home() / "jars"),
    )


def test_settings_without_a_mirror_name_none() -> None:
    assert jars.read_settings("<settings/>") == (None, None)


def test_settings_that_are_no_xml_are_refused() -> None:
    with pytest.raises(ValueError):
        jars.read_settings("<settings>")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A repository in a folder with one jar, and a lock that names it."""
    content = b"a jar"
    jar = jars.Jar("org.example", "thing", "1", hashlib.sha256(content).hexdigest())
    source = tmp_path / "shop" / jar.path
    source.parent.mkdir(parents=True)
    source.write_bytes(content)
    lock = tmp_path / "lock"
    lock.write_text(f"org.example:thing:1 sha256:{jar.sha256}\n")
    monkeypatch.setattr(jars, "LOCK", lock)
    monkeypatch.setattr(
        jars, "_sources", lambda _: ((tmp_path / "shop").as_uri(), tmp_path / "nothing")
    )
    return source


def test_jars_are_fetched_once_and_strangers_removed(shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "stranger-1.jar").write_bytes(b"old")
    environment = Environment(tmp_path)
    jars.ensure(environment, folder)
    assert [path.name for path in folder.glob("*.jar")] == ["thing-1.jar"]
    shop.unlink()
    jars.ensure(environment, folder)


def test_a_jar_with_another_checksum_is_refused(shop: Path, tmp_path: Path) -> None:
    shop.write_bytes(b"another jar")
    with pytest.raises(StackError, match=r"org.example:thing:1 .* checksum"):
        jars.ensure(Environment(tmp_path), tmp_path / "lib")
    assert not list((tmp_path / "lib").glob("thing*"))


def test_a_damaged_jar_is_fetched_again(shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "thing-1.jar").write_bytes(b"half")
    jars.ensure(Environment(tmp_path), folder)
    assert (folder / "thing-1.jar").read_bytes() == b"a jar"


def test_without_a_network_the_message_says_what_to_do(shop: Path, tmp_path: Path) -> None:
    shop.unlink()
    with pytest.raises(StackError) as told:
        jars.ensure(Environment(tmp_path), tmp_path / "lib")
    assert "org.example:thing:1" in str(told.value)
    assert "mirror" in told.value.hint


def test_a_home_uses_the_jars_of_another(tmp_path: Path) -> None:
    taker, owner = tmp_path / "taker", tmp_path / "owner"
    taker.mkdir()
    jars.share(taker, owner)
    assert not (taker / "solr").exists()
    (owner / "solr/lib").mkdir(parents=True)
    (owner / "solr/lib/thing-1.jar").write_bytes(b"a jar")
    jars.share(taker, owner)
    assert (taker / "solr/lib/thing-1.jar").read_bytes() == b"a jar"
    (owner / "solr/lib").rename(owner / "moved")
    (tmp_path / "third/solr/lib").mkdir(parents=True)
    jars.share(taker, tmp_path / "third")
    assert (taker / "solr/lib").resolve() == tmp_path / "third/solr/lib"
    jars.share(taker, owner)
    assert (taker / "solr/lib").resolve() == tmp_path / "third/solr/lib"
