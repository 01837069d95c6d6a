"""The active profile, read from disk once."""

from __future__ import annotations

import datetime
import functools
import pathlib

from ckanext.govopen.domain.jurisdiction import load
from ckanext.govopen.domain.profile import Profile
from ckanext.govopen.model import settings

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "jurisdictions"


class ProfileError(ValueError):
    """The configured profile cannot be used; the message says why and what to do."""


def path_of(name: str) -> pathlib.Path:
    """The file of a bundled profile by its name, or a file of the site's own by its path."""
    if name.endswith((".yaml", ".yml")):
        return pathlib.Path(name)
    return FOLDER / f"{name}.yaml"


def bundled() -> list[str]:
    """Names of the profiles that come with the extension."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@functools.lru_cache(maxsize=8)
def read(path: pathlib.Path) -> Profile:
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
    return load(text, str(path))


def profile() -> Profile:
    """The profile of this site."""
    return read(path_of(settings.jurisdiction()))


def check(now: datetime.datetime) -> Profile:
    """Called at the start: the active profile, if it may be used.

    :raises ProfileError: it is not in force and the site does not allow that explicitly
    """
    active = profile()
    reason = active.usable(now, settings.allow_profile_not_in_force())
    if reason is not None:
        raise ProfileError(str(reason))
    return active
