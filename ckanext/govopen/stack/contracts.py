"""The import contracts of pyproject.toml, checked: ``python ckanext/govopen/stack/contracts.py``.

import-linter refuses a root below an ordinary package, and `ckanext` is one as soon as CKAN is
installed, although it is shared like a namespace. Here it is presented as the namespace it is.
"""

from __future__ import annotations

import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

from importlinter import cli

FOLDER = Path(__file__).resolve().parents[2]


def main() -> int:
    """Check the contracts; 0 when they hold."""
    namespace = types.ModuleType("ckanext")
    namespace.__path__ = [str(FOLDER)]
    namespace.__spec__ = ModuleSpec("ckanext", None, is_package=True)
    sys.modules["ckanext"] = namespace
    return cli.lint_imports(no_cache=True)


if __name__ == "__main__":
    sys.exit(main())
