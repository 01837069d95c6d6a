"""Builds the message catalogues from the fragments: ``python -m ckanext.govopen.i18n.build``.

A fragment ``<room>.yaml`` is a list of ``{en, zh_Hans, zh_Hant}``; ``plural`` is the English
plural, ``context`` a message context. ``ckan.yaml`` holds strings of CKAN and of the extensions
beside it: there a language may be left out where their own translation will do. CKAN merges the
catalogues of plugins over its own, so ours win.

The files are the same for the same fragments, whoever builds them and when.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
import yaml

HERE = Path(__file__).parent
DOMAIN = "ckanext-govopen"
#: The fragment whose strings belong to CKAN and to other extensions.
FOREIGN = "ckan"
#: Locale as CKAN calls it, and the key of the fragments; English is the source.
LOCALES = {"zh_Hans_CN": "zh_Hans", "zh_Hant_TW": "zh_Hant", "en": "en"}
PLURALS = {
    "zh_Hans_CN": "nplurals=1; plural=0;",
    "zh_Hant_TW": "nplurals=1; plural=0;",
    "en": "nplurals=2; plural=(n != 1);",
}
_KEYS = {"en", "zh_Hans", "zh_Hant", "plural", "context"}


class FragmentError(Exception):
    """A fragment that cannot be used; the message says which entry of which file, and why."""


@dataclass(frozen=True)
class Entry:
    """One string with its translations; a language of a foreign string may be empty."""

    en: str
    zh_Hans: str
    zh_Hant: str
    plural: str | None
    context: str | None
    room: str

    @property
    def key(self) -> tuple[str | None, str]:
        """What gettext looks a string up by."""
        return (self.context, self.en)


def read(folder: Path = HERE) -> list[Entry]:
    """All entries of the fragments in ``folder``, by room and place.

    A string that several rooms use may stand in each of them with the same translations; a room's
    word for a string of CKAN wins. Raises :class:`FragmentError`.
    """
    entries: dict[tuple[str | None, str], Entry] = {}
    paths = sorted(folder.glob("*.yaml"), key=lambda path: (path.stem == FOREIGN, path.name))
    for path in paths:
        for entry in _entries(path):
            known = entries.setdefault(entry.key, entry)
            same = (known.zh_Hans, known.zh_Hant, known.plural)
            if entry.room != FOREIGN and same != (entry.zh_Hans, entry.zh_Hant, entry.plural):
                raise FragmentError(
                    f"{path.name}: {entry.en!r} is translated otherwise in {known.room}.yaml"
                )
    return list(entries.values())


def _entries(path: Path) -> Iterator[Entry]:
    room = path.stem
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except yaml.YAMLError as error:
        raise FragmentError(f"{path.name}: {error}") from error
    if not isinstance(rows, list):
        raise FragmentError(f"{path.name}: must be a list of entries")
    for number, row in enumerate(rows, 1):
        where = f"{path.name}, entry {number}"
        if not isinstance(row, dict) or not isinstance(row.get("en"), str) or not row["en"]:
            raise FragmentError(f"{where}: 'en' is missing")
        if set(row) - _KEYS:
            raise FragmentError(f"{where}: unknown key {', '.join(sorted(set(row) - _KEYS))}")
        for language in ("zh_Hans", "zh_Hant"):
            if not isinstance(row.get(language, ""), str):
                raise FragmentError(f"{where}: {language} must be a text (put it in quotes)")
            if room != FOREIGN and not row.get(language):
                raise FragmentError(f"{where}: {language} is missing for {row['en']!r}")
        yield Entry(
            en=row["en"],
            zh_Hans=row.get("zh_Hans", ""),
            zh_Hant=row.get("zh_Hant", ""),
            plural=row.get("plural"),
            context=row.get("context"),
            room=room,
        )


def catalogue(entries: Iterable[Entry], locale: str) -> polib.POFile:
    """The catalogue of one locale; strings without a translation in it are left out."""
    language = LOCALES[locale]
    po = polib.POFile(wrapwidth=0)
    po.metadata = {
        "Project-Id-Version": DOMAIN,
        "Language": locale,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURALS[locale],
    }
    for entry in sorted(entries, key=lambda entry: (entry.room, entry.en, entry.context or "")):
        text = getattr(entry, language)
        if not text or (language == "en" and entry.room == FOREIGN):
            continue
        message = polib.POEntry(msgid=entry.en, msgctxt=entry.context, comment=entry.room)
        if entry.plural is None:
            message.msgstr = text
        else:
            message.msgid_plural = entry.plural
            forms = [text, entry.plural] if language == "en" else [text]
            message.msgstr_plural = dict(enumerate(forms))
        po.append(message)
    return po


def build(folder: Path = HERE) -> dict[str, int]:
    """Writes the ``.po`` and ``.mo`` files below ``folder``; number of strings by locale."""
    entries = read(folder)
    counts = {}
    for locale in LOCALES:
        po = catalogue(entries, locale)
        target = folder / locale / "LC_MESSAGES"
        target.mkdir(parents=True, exist_ok=True)
        po.save(str(target / f"{DOMAIN}.po"))
        po.save_as_mofile(str(target / f"{DOMAIN}.mo"))
        counts[locale] = len(po)
    return counts


def main() -> int:
    """Builds, or says which entry is wrong."""
    try:
        counts = build()
    except FragmentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for locale, count in counts.items():
        sys.stdout.write(f"{locale}: {count}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
