"""Every string that the extension shows has its translations; none is there for nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import babel.messages.extract as extract
import ckan
import polib
import pytest

from ckanext.govopen.i18n import build

ROOT = Path(__file__).resolve().parents[2]
CKAN = Path(ckan.__file__).parent / "i18n"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ungettext": (1, 2), "ngettext": (1, 2)}
#: Folders without strings for people who read pages: the command line speaks English.
LEFT_OUT = {"tests", "stack", "i18n", "node_modules"}
PLACES = re.compile(r"%\(\w+\)[sdrf]|%[sdrf]|\{\w*(?:![rsa])?(?::[^}]*)?\}")


def files(pattern: str) -> Iterator[Path]:
    for path in sorted(ROOT.rglob(pattern)):
        if not LEFT_OUT & set(path.relative_to(ROOT).parts):
            yield path


def used() -> dict[str, str]:
    """Each string of code, templates and scripts with the file it was found in first."""
    found: dict[str, str] = {}
    for pattern, method, options in (
        ("*.py", "python", {}),
        ("*.html", "ckan.lib.extract:extract_ckan", {"silent": "False"}),
        ("*.txt", "ckan.lib.extract:extract_ckan", {"silent": "True"}),
        ("*.js", "javascript", {}),
    ):
        for path in files(pattern):
            if pattern == "*.txt" and "templates" not in path.parts:
                continue
            with path.open("rb") as stream:
                module, _, name = method.partition(":")
                how = getattr(__import__(module, fromlist=[name]), name) if name else method
                for _line, message, _notes, _context in extract.extract(
                    how, stream, keywords=KEYWORDS, options=dict(options)
                ):
                    text = message if isinstance(message, str) else message[0]
                    if text:
                        found.setdefault(text, str(path.relative_to(ROOT)))
    return found


def named_in_data() -> set[str]:
    """Strings that stand in data files and are translated where they are shown."""
    import json

    rows = json.loads((ROOT / "schemas" / "licenses.json").read_text(encoding="utf-8"))
    return {row["title"] for row in rows}


@pytest.fixture(scope="module")
def entries() -> list[build.Entry]:
    return build.read()


@pytest.fixture(scope="module")
def core() -> set[str]:
    """Strings that CKAN itself has in both Chinese languages."""
    both: list[set[str]] = []
    for locale in ("zh_Hans_CN", "zh_Hant_TW"):
        po = polib.pofile(str(CKAN / locale / "LC_MESSAGES" / "ckan.po"))
        both.append({entry.msgid for entry in po if entry.translated()})
    return both[0] & both[1]


def test_every_string_is_translated(entries: list[build.Entry], core: set[str]) -> None:
    full = {entry.en for entry in entries if entry.zh_Hans and entry.zh_Hant}
    half = {entry.en for entry in entries}
    missing = {
        text: place
        for text, place in {**used(), **dict.fromkeys(named_in_data(), "licenses.json")}.items()
        if text not in full and text not in core and text not in half
    }
    assert not missing, "\n".join(f"{place}: {text!r}" for text, place in missing.items())


def test_no_translation_is_left_over(entries: list[build.Entry]) -> None:
    known = set(used()) | named_in_data()
    left = [entry for entry in entries if entry.room != build.FOREIGN and entry.en not in known]
    assert not left, "\n".join(f"{entry.room}.yaml: {entry.en!r}" for entry in left)


def test_places_agree(entries: list[build.Entry]) -> None:
    wrong = [
        (entry.room, entry.en, text)
        for entry in entries
        for text in (entry.zh_Hans, entry.zh_Hant)
        if text and sorted(PLACES.findall(text)) not in _expected(entry)
    ]
    assert not wrong


def _expected(entry: build.Entry) -> list[list[str]]:
    """Places of the singular, or of the plural: Chinese has one form for both."""
    return [sorted(PLACES.findall(text)) for text in (entry.en, entry.plural) if text]


@pytest.mark.parametrize("pair", ["zh_Hans 資料 資訊 檔 組織", "zh_Hant 数据 资源 组织 文件夹"])
def test_languages_are_not_mixed_up(entries: list[build.Entry], pair: str) -> None:
    language, *foreign = pair.split()
    wrong = [
        entry.en for entry in entries if any(word in getattr(entry, language) for word in foreign)
    ]
    assert not wrong


def test_the_catalogues_are_built(entries: list[build.Entry]) -> None:
    """``python -m ckanext.govopen.i18n.build`` has been run since the last change."""
    for locale in build.LOCALES:
        wanted = build.catalogue(entries, locale)
        folder = ROOT / "i18n" / locale / "LC_MESSAGES"
        for found in (
            polib.pofile(str(folder / f"{build.DOMAIN}.po")),
            polib.mofile(str(folder / f"{build.DOMAIN}.mo")),
        ):
            assert {(e.msgctxt, e.msgid, e.msgstr) for e in found} == {
                (e.msgctxt, e.msgid, e.msgstr) for e in wanted
            }, f"{locale}: run python -m ckanext.govopen.i18n.build"


def test_the_strings_of_ckan_that_people_meet_are_translated(
    entries: list[build.Entry], core: set[str]
) -> None:
    """Templates of CKAN itself: no string that its Chinese or ours lacks."""
    have = core | {entry.en for entry in entries}
    template = polib.pofile(str(CKAN / "ckan.pot"))
    rooms = ("ckan/templates/", "ckan/views/", "ckanext/activity/templates/")
    missing = [
        entry.msgid
        for entry in template
        if any(place.startswith(rooms) for place, _line in entry.occurrences)
        and entry.msgid not in have
        # What CKAN says about itself; the portal has an about page of its own.
        and not entry.msgid.startswith("<p>CKAN is the world")
    ]
    assert not missing


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- {zh_Hans: 甲, zh_Hant: 乙}", "'en' is missing"),
        ("- {en: A, zh_Hans: 甲}", "zh_Hant is missing"),
        ("- {en: A, zh_Hans: 甲, zh_Hant: 乙, fr: B}", "unknown key fr"),
        ("- {en: A, zh_Hans: 甲, zh_Hant: yes}", "must be a text"),
        ("en: A", "must be a list"),
        ("- [", "expected"),
    ],
)
def test_a_wrong_fragment_is_named(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "room.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(build.FragmentError, match="room") as caught:
        build.read(tmp_path)
    assert reason in str(caught.value)


def test_rooms_may_not_contradict_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- {en: A, zh_Hans: 甲, zh_Hant: 甲}", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("- {en: A, zh_Hans: 乙, zh_Hant: 甲}", encoding="utf-8")
    with pytest.raises(build.FragmentError, match=r"otherwise in a\.yaml"):
        build.read(tmp_path)


def test_a_room_wins_over_ckan(tmp_path: Path) -> None:
    (tmp_path / "ckan.yaml").write_text("- {en: A, zh_Hans: 甲}", encoding="utf-8")
    (tmp_path / "pages.yaml").write_text("- {en: A, zh_Hans: 乙, zh_Hant: 丙}", encoding="utf-8")
    (entry,) = build.read(tmp_path)
    assert (entry.room, entry.zh_Hans) == ("pages", "乙")


def test_building_twice_gives_the_same_files(tmp_path: Path) -> None:
    text = '- {en: "{n} row", plural: "{n} rows", zh_Hans: "{n} 行", zh_Hant: "{n} 列"}'
    (tmp_path / "room.yaml").write_text(text, encoding="utf-8")
    assert build.build(tmp_path) == {"zh_Hans_CN": 1, "zh_Hant_TW": 1, "en": 1}
    first = {path: path.read_bytes() for path in tmp_path.rglob("*.?o")}
    build.build(tmp_path)
    assert first == {path: path.read_bytes() for path in tmp_path.rglob("*.?o")}
    english = polib.mofile(str(tmp_path / "en" / "LC_MESSAGES" / f"{build.DOMAIN}.mo"))
    assert english[0].msgstr_plural == {0: "{n} row", 1: "{n} rows"}


#: What has one name in each script, and names that it does not have beside it.
TERMS = {
    "zh_Hans_CN": ["长期批准", "长期许可", "常设批准"],
    "zh_Hant_TW": [
        "長期批准",
        "長期許可",
        "常設核准",
        "平台",
        "賬號",
        "令牌",
        "電子郵箱",
        "用戶",
        "網絡",
    ],
}


@pytest.mark.parametrize("language", sorted(TERMS))
def test_a_thing_has_one_name(language: str) -> None:
    path = ROOT / "i18n" / language / "LC_MESSAGES" / "ckanext-govopen.po"
    ours = used()
    wrong = [
        (entry.msgid, entry.msgstr)
        for entry in polib.pofile(str(path))
        if entry.msgid in ours and any(word in entry.msgstr for word in TERMS[language])
    ]
    assert wrong == []


#: Where CKAN speaks of organizations at large, or of groups.
AT_LARGE = ("<p>CKAN is the world", "<p><strong>Admin:</strong> Can edit group information")


@pytest.mark.parametrize(
    ("locale", "word", "others"),
    [("zh_Hans_CN", "提供单位", "组织|机构"), ("zh_Hant_TW", "提供機關", "組織|機構")],
)
def test_what_ckan_calls_an_organization_has_one_name(locale: str, word: str, others: str) -> None:
    def texts(path: Path) -> dict[str, str]:
        return {
            entry.msgid: entry.msgstr + "".join(entry.msgstr_plural.values())
            for entry in polib.pofile(str(path))
            if not entry.msgid.startswith(AT_LARGE)
        }

    core = texts(CKAN / locale / "LC_MESSAGES" / "ckan.po")
    own = texts(ROOT / "i18n" / locale / "LC_MESSAGES" / "ckanext-govopen.po")
    shown = {msgid: own.get(msgid) or text for msgid, text in core.items()}
    assert {msgid: text for msgid, text in shown.items() if re.search(others, text)} == {}
    assert shown["Organizations"] == own["Departments"] == word
