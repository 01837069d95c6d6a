"""Solr's jars: coordinates and checksums locked, fetched through Maven's usual settings.

The lock holds one jar a line, ``group:artifact:version sha256:<hex>``, and no address. Where
jars come from is decided like Maven does: the local repository first, then the mirror of
``settings.xml`` for the central repository, otherwise the central repository itself as the
``jgo`` package of the environment knows it. Whatever the source, only the checksum counts.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import os
import re
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path

from .environment import REQUIREMENTS, Environment
from .say import StackError, step

LOCK = REQUIREMENTS / "solr-jars.lock"
_LINE = re.compile(r"^([\w.-]+):([\w.-]+):([\w.-]+) sha256:([0-9a-f]{64})$")


@dataclasses.dataclass(frozen=True)
class Jar:
    """One artifact of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name of the file, unique within the lock."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Place in a Maven repository."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


def parse(text: str) -> list[Jar]:
    """The jars of a lock.

    :raises ValueError: naming the line that is wrong, or a jar that is named twice
    """
    jars: list[Jar] = []
    seen: set[str] = set()
    for number, row in enumerate(text.splitlines(), 1):
        row = row.split("#")[0].strip()
        if not row:
            continue
        match = _LINE.match(row)
        if not match:
            raise ValueError(f"line {number}: not 'group:artifact:version sha256:<hex>': {row}")
        jar = Jar(*match.groups())
        if jar.file_name in seen:
            raise ValueError(f"line {number}: {jar.file_name} is named twice")
        seen.add(jar.file_name)
        jars.append(jar)
    return jars


def verified(path: Path, jar: Jar) -> bool:
    """Whether the file exists and has the locked checksum."""
    try:
        with path.open("rb") as source:
            digest = hashlib.sha256()
            while block := source.read(1 << 20):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == jar.sha256


def settings_files() -> list[Path]:
    """Maven's settings: the user's own, then those of the installation."""
    files = [Path.home() / ".m2/settings.xml"]
    for variable in ("MAVEN_HOME", "M2_HOME"):
        if os.environ.get(variable):
            files.append(Path(os.environ[variable]) / "conf/settings.xml")
    return files


def read_settings(text: str) -> tuple[str | None, str | None]:
    """Mirror of the central repository and path of the local one, out of a settings.xml.

    :raises ValueError: when it is not XML
    """
    try:
        root = ET.fromstring(text)  # noqa: S314  (the operator's own file)
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    mirror = None
    for entry in root.findall("./mirrors/mirror"):
        wanted = {part.strip() for part in (entry.findtext("mirrorOf") or "").split(",")}
        covered = wanted & {"*", "central", "external:*"}
        if covered and "!central" not in wanted and entry.findtext("url"):
            mirror = (entry.findtext("url") or "").strip().rstrip("/")
            break
    local = (root.findtext("./localRepository") or "").strip() or None
    return mirror, local and re.sub(r"\$\{user\.home\}", str(Path.home()), local)


def _sources(environment: Environment) -> tuple[str, Path]:
    mirror, local = None, None
    for path in settings_files():
        if not path.exists():
            continue
        try:
            found = read_settings(path.read_text())
        except ValueError as error:
            raise StackError(f"{path} is not valid: {error}", "Correct or remove it.") from error
        mirror, local = mirror or found[0], local or found[1]
    if mirror is None:
        shown = subprocess.run(
            [
                str(environment.python), "-c",
                "from jgo.constants import MAVEN_CENTRAL_URL as url; print(url)",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        mirror = shown.stdout.strip().rstrip("/")
        if shown.returncode or not mirror:
            raise StackError(
                "The environment lacks the package jgo, which knows Maven's central repository.",
                "Remove the environment folder and run ./portal up again.",
            )
    return mirror, Path(local) if local else Path.home() / ".m2/repository"


def ensure(environment: Environment, folder: Path) -> Path:
    """Have exactly the locked jars in the folder, and return it.

    A file named after the lock's digest says that all were verified, so that a second start
    does not read 80 MB again.

    :raises StackError: when a jar cannot be got or has another checksum
    """
    text = LOCK.read_text()
    stamp = folder / ".verified"
    digest = hashlib.sha256(text.encode()).hexdigest()
    jars = parse(text)
    if (
        stamp.exists()
        and stamp.read_text() == digest
        and all((folder / jar.file_name).exists() for jar in jars)
    ):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not verified(folder / jar.file_name, jar)]
    if missing:
        step(f"Getting {len(missing)} jars of Solr (checksums verified)")
        base, local = _sources(environment)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(_fetch, base, local, jar, folder) for jar in missing]:
                done.result()
    known = {jar.file_name for jar in jars}
    for path in folder.glob("*.jar"):
        if path.name not in known:
            path.unlink()
    stamp.write_text(digest)
    return folder


def share(taker: Path, owner: Path) -> None:
    """Let one home use the verified jars of another; both are given by their folders.

    Where the owner has none, or the taker has its own, nothing changes.
    """
    library, source = taker / "solr/lib", owner / "solr/lib"
    if library.exists() or not source.exists():
        return
    library.parent.mkdir(exist_ok=True, mode=0o700)
    library.unlink(missing_ok=True)  # a link to what is not there any more
    library.symlink_to(source)


def _fetch(base: str, local: Path, jar: Jar, folder: Path) -> None:
    target = folder / jar.file_name
    if verified(local / jar.path, jar):
        shutil.copyfile(local / jar.path, target)
        return
    draft = target.with_suffix(".part")
    address = f"{base}/{jar.path}"
    problem = ""
    for _ in range(3):
        try:
            request = urllib.request.Request(address, headers={"User-Agent": "ckanext-govopen"})  # noqa: S310
            with (
                urllib.request.urlopen(request, timeout=60, context=_trust()) as source,  # noqa: S310
                draft.open("wb") as sink,
            ):
                shutil.copyfileobj(source, sink)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            problem = str(getattr(error, "reason", error))
            continue
        if verified(draft, jar):
            draft.replace(target)
            return
        problem = "it has another checksum than the lock says"
    draft.unlink(missing_ok=True)
    raise StackError(
        f"{jar.group}:{jar.artifact}:{jar.version} cannot be got: {problem}.",
        "Is there a network? A mirror is named in Maven's settings.xml (mirrors, mirrorOf central)."
        " Run the same command again when it is there: it goes on from here.",
    )


def _trust() -> ssl.SSLContext:
    """The system's certificates, or the bundle that the usual variables name."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("PIP_CERT")
    return ssl.create_default_context(cafile=named if named and Path(named).is_file() else None)
