"""The settings of site and tests."""

from __future__ import annotations

from configparser import ConfigParser, RawConfigParser
from pathlib import Path

import pytest

from ckanext.govopen.stack import settings
from ckanext.govopen.stack.home import REPOSITORY

SITE = settings.Site(
    url="http://127.0.0.1:5000",
    storage="/data/storage",
    secrets={"session": "s%(ession", "csrf": "c", "token": "t"},
    addresses={"CKAN_SQLALCHEMY_URL": "postgresql://u:p%40w@h/d", "CKAN_SOLR_URL": "http://s/c"},
)

RENEW = "renew it: python3 -m ckanext.govopen.stack.settings > test.ini"


def _read(text: str, folder: str = "/somewhere") -> dict[str, str]:
    parser = ConfigParser(defaults={"here": folder})
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return dict(parser["app:main"])


def test_values_come_back_as_they_went_in() -> None:
    read = _read(settings.render(settings.site_options(SITE), "about"))
    assert read["sqlalchemy.url"] == "postgresql://u:p%40w@h/d"
    assert read["SECRET_KEY"] == "s%(ession"
    assert read["ckan.files.storage.resources.path"] == "/data/storage/resources"
    assert read["api_token.jwt.encode.secret"] == "string:t"


def test_a_value_cannot_smuggle_in_another_option() -> None:
    with pytest.raises(ValueError, match=r"ckan\.site_title"):
        settings.render({"ckan.site_title": "x\nckan.plugins = evil"}, "about")


def test_govopen_is_first_and_its_index_plugin_last() -> None:
    plugins = settings.common(SITE)["ckan.plugins"].split()
    assert plugins[0] == "govopen"
    assert plugins[-1] == "govopen_index"
    assert len(set(plugins)) == len(plugins)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("ckan.auth.create_unowned_dataset", "false"),
        ("ckan.auth.allow_dataset_collaborators", "false"),
        ("ckan.auth.public_user_details", "false"),
        ("ckan.auth.create_user_via_api", "false"),
        ("ckan.auth.reveal_private_datasets", "false"),
        ("ckan.datastore.sqlsearch.enabled", "false"),
        ("ckan.datastore.public_table_search", ""),
        ("debug", "false"),
    ],
)
def test_what_must_stay_closed_is_closed(option: str, value: str) -> None:
    for options in (settings.site_options(SITE), settings.test_options(SITE)):
        assert options[option] == value


def test_only_a_portal_for_trying_out_is_a_demo() -> None:
    assert "ckanext.govopen.demo" not in settings.site_options(SITE)
    demo = settings.Site(**{**vars(SITE), "demo": True})
    assert settings.site_options(demo)["ckanext.govopen.demo"] == "true"
    assert "ckanext.govopen.demo" not in settings.test_options(demo)


def test_forms_of_the_site_ask_for_their_token() -> None:
    assert "WTF_CSRF_ENABLED" not in settings.site_options(SITE)


@pytest.mark.parametrize(("url", "secure"), [("https://o.example", "true"), (SITE.url, "false")])
def test_cookies_of_a_secure_site_are_secure(url: str, secure: str) -> None:
    options = settings.site_options(settings.Site(**{**vars(SITE), "url": url}))
    assert options["SESSION_COOKIE_SECURE"] == options["REMEMBER_COOKIE_SECURE"] == secure


def test_the_repositorys_test_ini_is_what_the_settings_say() -> None:
    written = (REPOSITORY / "test.ini").read_text(encoding="utf-8")
    assert written == settings.render_repository_test_ini(), RENEW
    assert _read(written, "/repo")["ckan.storage_path"] == "/repo/.portal/test-storage"


def test_logging_sections_are_complete() -> None:
    parser = RawConfigParser()
    parser.read_string(settings.render(settings.site_options(SITE), "about"))
    for kind in ("loggers", "handlers", "formatters"):
        for name in parser[kind]["keys"].split(","):
            assert parser.has_section(f"{kind[:-1]}_{name.strip()}")


def test_every_plugin_of_ours_has_an_entry_point() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    for name in settings.PLUGINS:
        if name.startswith("govopen"):
            assert f"\n{name} = " in text


def test_the_repository_is_found() -> None:
    assert (REPOSITORY / "portal").exists()
    assert Path(settings.__file__).is_relative_to(REPOSITORY)
