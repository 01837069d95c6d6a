"""The active profile, read from disk once."""

from __future__ import annotations

import datetime
import functools
import hashlib
import pathlib
from dataclasses import dataclass

from ckan.exceptions import CkanConfigurationException

from ckanext.govopen.domain import profile_text
from ckanext.govopen.domain.jurisdiction import load
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.model import settings

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "jurisdictions"


class ProfileError(ValueError, CkanConfigurationException):
    """The configured profile cannot be used; the message says why and what to do.

    CKAN's command line prints the message of such an error, and no traceback.
    """


def path_of(name: str) -> pathlib.Path:
    """The file of a bundled profile by its name, or a file of the site's own by its path."""
    if name.endswith((".yaml", ".yml")):
        return pathlib.Path(name)
    return FOLDER / f"{name}.yaml"


def bundled() -> list[str]:
    """Names of the profiles that come with the extension."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class Edition:
    """A profile and the very text that it was read from. ``sha256`` is that of the text."""

    profile: Profile
    text: str
    sha256: str


def read(path: pathlib.Path) -> Profile:
    """The profile of a file, as :func:`edition` reads it."""
    return edition(path).profile


@functools.lru_cache(maxsize=8)
def edition(path: pathlib.Path) -> Edition:
    """Reads and checks one profile file.

    :raises ProfileError: the file is missing
    :raises ckanext.govopen.domain.profile_text.ProfileError: it is wrong, with file and line
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProfileError(
            f"The jurisdiction profile {path} cannot be read ({error.strerror}). "
            f"Bundled profiles: {', '.join(bundled())}."
        ) from None
    return edition_of(text, str(path))


def edition_of(text: str, name: str) -> Edition:
    """The edition with this text; ``name`` says in messages where the text comes from."""
    return Edition(load(text, name), text, hashlib.sha256(text.encode()).hexdigest())


def active() -> Edition:
    """The edition of this site now."""
    return edition(path_of(settings.jurisdiction()))


def profile() -> Profile:
    """The profile of this site."""
    return read(path_of(settings.jurisdiction()))


def check(now: datetime.datetime) -> Profile:
    """Called at the start: the active profile, if it may be used.

    :raises ProfileError: its file is wrong, or it is not in force and the site does not allow that
        explicitly
    """
    try:
        found = profile()
    except profile_text.ProfileError as problem:
        raise ProfileError(str(problem)) from None
    reason = found.usable(now, settings.allow_profile_not_in_force())
    if reason is not None:
        raise ProfileError(
            f"{reason} Choose another one with ckanext.govopen.jurisdiction, or allow it expressly"
            " with ckanext.govopen.allow_profile_not_in_force = true."
        )
    return found
