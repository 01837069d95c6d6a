"""The operator's own options: a file in the home that `up` reads and never writes again."""

from __future__ import annotations

import configparser
from pathlib import Path

from .say import StackError

SECTION = "app:main"
EMPTY = """\
# Options of your own: they are added to ckan.ini, or stand in place of what is there, at every
# ./portal up. docs/operations.md says more. The file may hold passwords: only its owner reads it.

[app:main]
# ckan.site_title = 某市公共数据开放平台
# smtp.server = mail.example.gov.cn:587
# smtp.mail_from = portal@example.gov.cn
"""
#: What the launcher decides, and the argument or variable that says it.
DECIDED = {
    "ckan.site_url": "--site-url",
    "ckanext.govopen.jurisdiction": "--jurisdiction",
    "sqlalchemy.url": "CKAN_SQLALCHEMY_URL",
    "solr_url": "CKAN_SOLR_URL",
    "ckan.redis.url": "CKAN_REDIS_URL",
}


def read(path: Path) -> dict[str, str]:
    """The options of the file, by their names; none where there is no file.

    :raises StackError: it cannot be read, or names an option that the launcher decides
    """
    parser = configparser.RawConfigParser(
        delimiters=("=",), strict=True, empty_lines_in_values=False
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except FileNotFoundError:
        return {}
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise StackError(
            f"{path} cannot be read: {error}".replace("\n", " "),
            f"It holds the line [{SECTION}] and below it lines like `name = value`.",
        ) from None
    found = dict(parser.items(SECTION)) if parser.has_section(SECTION) else {}
    if wrong := [name for name in parser.sections() if name != SECTION]:
        raise StackError(
            f"{path} has a section [{wrong[0]}].", f"Options of a site stand below [{SECTION}]."
        )
    for name, value in found.items():
        if name in DECIDED:
            raise StackError(
                f"{path} sets {name}, which the launcher decides.", f"Use {DECIDED[name]} for it."
            )
        if "\n" in value:
            raise StackError(f"{path}: the value of {name} is longer than one line.", "Join it.")
    return found
