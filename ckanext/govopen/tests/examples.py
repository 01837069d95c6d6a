"""How property tests choose their examples.

No time limit per example, since test machines are shared. On a CI machine the examples are the
same in every run, so that a commit is judged by what it changes; elsewhere each run tries new ones.
"""

import os

from hypothesis import settings


def choose() -> None:
    """Loads the profile; called by the conftest of each tree of tests."""
    settings.register_profile(
        "portal", deadline=None, max_examples=60, derandomize=bool(os.environ.get("CI"))
    )
    settings.load_profile("portal")
