"""The doctor: each danger is found, a good site passes, the exit code says so."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from ckan import model

from ckanext.govopen.access import mail
from ckanext.govopen.access.inventory import parse
from ckanext.govopen.cli.checks import database, options, others, places, services, surfaces
from ckanext.govopen.stack import settings
from ckanext.govopen.tests.access.site import Site
from ckanext.govopen.tests.portal import Portal, User, unique

GOOD: dict[str, Any] = {
    **settings.site_options(
        settings.Site(
            url="http://127.0.0.1:5000",
            storage="storage",
            secrets={"session": "s", "csrf": "c", "token": "t"},
            addresses={},
        )
    )
}


def codes(config: dict[str, Any]) -> list[str]:
    return [finding.code for finding in options.check(config) if finding.level != "note"]


def test_the_settings_that_the_launcher_writes_are_good() -> None:
    assert codes(GOOD) == []


@pytest.mark.parametrize(
    ("option", "value", "level", "code"),
    [
        ("ckan.auth.allow_dataset_collaborators", "true", "error", "setting"),
        ("ckan.auth.create_unowned_dataset", "true", "error", "setting"),
        ("ckan.auth.anon_create_dataset", "true", "error", "setting"),
        ("ckan.auth.reveal_private_datasets", "true", "error", "setting"),
        ("ckan.auth.public_user_details", "true", "warning", "setting"),
        ("ckan.auth.user_create_groups", "true", "warning", "setting"),
        ("ckan.datastore.sqlsearch.enabled", "true", "error", "setting"),
        ("ckan.datastore.public_table_search", "_table_metadata", "error", "setting"),
        ("ckan.views.default_views", "text_view", "warning", "setting"),
        ("ckan.search.solr_commit", "false", "warning", "setting"),
        ("ckan.hide_activity_from_users", "", "warning", "setting"),
        ("ckan.hide_activity_from_users", "somebody govopen", "warning", "setting"),
        ("ckan.files.storage.resources.public", "true", "error", "setting"),
        ("debug", "true", "error", "setting"),
        ("ckan.site_url", "http://data.example.cn", "warning", "setting"),
        ("ckan.site_url", "https://data.example.cn", "warning", "setting"),
        ("ckanext.govopen.review", "off", "warning", "review-off"),
        ("ckanext.govopen.unlisted", "allow", "error", "unlisted-allowed"),
        ("ckanext.govopen.allow_profile_not_in_force", "true", "warning", "profile-any"),
    ],
)
def test_each_dangerous_setting_is_found(option: str, value: str, level: str, code: str) -> None:
    found = options.check({**GOOD, option: value})
    assert [(f.level, f.code) for f in found if f.level != "note"] == [(level, code)]
    assert found[0].todo


def loaded(*changes: tuple[str, str]) -> dict[str, Any]:
    plugins = GOOD["ckan.plugins"]
    for old, new in changes:
        plugins = plugins.replace(old, new)
    return {**GOOD, "ckan.plugins": plugins}


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (loaded(("govopen activity", "activity govopen")), "order-first"),
        (loaded(("govopen activity", "activity")), "order-first"),
        (loaded(("webpage_view govopen_index", "govopen_index webpage_view")), "order-last"),
        (loaded((" govopen_index", "")), "order-last"),
        (loaded((" scheming_datasets", "")), "plugin-missing"),
        (loaded((" dcat", " dcat resourceproxy")), "plugin-dangerous"),
        (loaded((" dcat", " dcat xloader")), "plugin-dangerous"),
        (loaded((" dcat", " dcat stats")), "plugin-doubtful"),
    ],
)
def test_plugins_and_their_order(config: dict[str, Any], code: str) -> None:
    assert codes(config) == [code]


def test_parsed_options_are_read_like_written_ones() -> None:
    assert codes({**GOOD, "ckan.plugins": GOOD["ckan.plugins"].split(), "debug": False}) == []
    assert codes({**GOOD, "ckan.auth.anon_create_dataset": True}) == ["setting"]


def test_what_the_inventory_lacks_is_named() -> None:
    known = parse("ckan: {actions: {a: {by: x}}, routes: {home.index: {by: x}, 'b.*': {by: x}}}")
    endpoints = ["home.index", "b.one", "static", "x.static", "secret.view"]
    assert surfaces.unlisted_routes(endpoints, known) == ["secret.view"]
    assert surfaces.unlisted_actions(["a", "b"], known) == ["b"]


def test_the_schema_that_is_looked_for_is_the_project_s() -> None:
    name, fields = services.schema_of(services.SCHEMA.read_text(encoding="utf-8"))
    assert name == "ckan-2.12"
    assert {"title", "open_class", "staff_text"} <= set(fields)


def test_a_solr_that_does_not_answer_is_an_error(
    site: Site, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/none")
    assert [(f.level, f.code) for f in services.check(index=True)] == [("error", "solr")]


@pytest.mark.parametrize(
    ("status", "todo"), [(401, "solr_password"), (404, "solr_url"), (500, "new core")]
)
def test_a_solr_that_answers_with_an_error_is_told_apart(status: int, todo: str) -> None:
    found = services.unfit(status)
    assert found.level == "error" and str(status) in found.message and todo in found.todo


def test_a_storage_that_is_not_there_is_an_error(
    site: Site, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "ckanext.govopen.files.storage", "nowhere")
    assert [(f.level, f.code) for f in services.storage()] == [("error", "storage")]


def test_the_services_of_the_tests_are_well(site: Site) -> None:
    assert services.check() == []


def test_json_and_exit_code(started: Any, site: Site) -> None:
    from ckan.cli.cli import ckan

    result = started.invoke(ckan, ["govopen", "doctor", "--json"])
    assert result.exit_code == 1, result.output
    found = json.loads(result.output[result.output.index("[\n") :])
    # The configuration of the tests says testing = true.
    assert [f["message"] for f in found if f["level"] == "error"] == [
        "testing shows what happens inside."
    ]
    assert all(set(f) == {"level", "code", "message", "todo"} for f in found)


def test_no_route_of_this_installation_is_unlisted(site: Site) -> None:
    with site.app.flask_app.test_request_context():
        found = [finding.message for finding in surfaces.check()]
    assert not [message for message in found if " routes are not " in message]


def test_a_storage_behind_a_symbolic_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    real = {"ckan.storage_path": str((tmp_path / "real").resolve())}
    assert not list(places.links(real))
    (found,) = places.links({**real, "ckan.files.storage.resources.path": str(tmp_path / "link")})
    assert (found.level, found.code) == ("warning", "storage-link")
    assert str((tmp_path / "real").resolve()) in found.todo


def test_scripts_without_translations_are_found(
    ckan_config: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(ckan_config, "ckan.storage_path", str(tmp_path))
    chinese = {"ckan.locale_default": "zh_Hans_CN"}
    assert [f.code for f in places.scripts(chinese)] == ["scripts-language"]
    assert not list(places.scripts({"ckan.locale_default": "en"}))
    (tmp_path / "i18n" / "js").mkdir(parents=True)
    (tmp_path / "i18n" / "js" / "zh_Hans_CN.js").write_text("{}")
    assert not list(places.scripts(chinese))


def test_a_provider_of_identities_that_cannot_be_used_is_found(
    ckan_config: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not list(others.identities())
    option = "ckanext.govopen.oidc."
    monkeypatch.setitem(ckan_config, f"{option}issuer", "http://127.0.0.1:9")
    assert [f.code for f in others.identities()] == ["oidc"]  # half of it is set
    monkeypatch.setitem(ckan_config, f"{option}client_id", "portal")
    monkeypatch.setitem(ckan_config, f"{option}client_secret_file", str(tmp_path / "none"))
    found = list(others.identities())
    assert [f.code for f in found] == ["oidc-secret", "oidc"]
    (tmp_path / "none").write_text("very-secret")
    found = list(others.identities())
    assert [f.code for f in found] == ["oidc"] and "very-secret" not in str(found)


@pytest.fixture
def silent_server() -> Any:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_mail_server_that_does_not_answer_is_found(
    silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others, "SECONDS", 0.3)
    config = {"smtp.mail_from": "portal@example.org", "smtp.server": silent_server}
    assert [(f.level, f.code) for f in others.mail(config)] == [("warning", "mail")]
    closed = {**config, "smtp.server": "127.0.0.1:9", "smtp.user": "u", "smtp.password": "hidden"}
    (found,) = others.mail(closed)
    assert found.code == "mail" and "hidden" not in found.message + found.todo


def test_sending_mail_ends_in_time(
    silent_server: str, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ckan.lib import mailer

    monkeypatch.setattr(mail, "SECONDS", 0.3)
    monkeypatch.setitem(ckan_config, "smtp.server", silent_server)
    monkeypatch.setitem(ckan_config, "smtp.mail_from", "portal@example.org")
    with pytest.raises((OSError, mailer.MailerException)), mail.limited():
        mailer.mail_recipient("", "somebody@example.org", "subject", "body")
    assert socket.getdefaulttimeout() is None


def test_the_limit_is_taken_back_by_the_last_sender() -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with mail.limited():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with mail.limited():
        thread.start()
        assert inside.wait(10)
    assert socket.getdefaulttimeout() == mail.SECONDS
    leave.set()
    thread.join(10)
    assert socket.getdefaulttimeout() is None


def test_departments_whose_applications_would_wait(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    department = portal.department()
    portal.released(department, open_class="conditional", open_condition="须说明用途。")

    def said() -> str:
        model.Session.rollback()
        return " ".join(finding.message for finding in database.handlers())

    # A few of them are named, and those of other tests are here as well.
    monkeypatch.setattr(database, "CASES", 10_000)
    assert department.name in said()
    portal.duty(department.reviewer, department.name, "handler")
    assert department.name not in said()


def test_nobody_in_the_highest_authority_is_found_though_a_city_has_somebody(
    portal: Portal, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, department = portal.organization(), portal.organization()
    portal.place(department["name"], city["name"])

    def said(code: str) -> list[str]:
        model.Session.rollback()
        findings = [*database.authority(), *database.seats()]
        return [one.message for one in findings if one.code == code]

    assert any(city["name"] in message for message in said("authority-vacant"))
    portal.duty(User.make(), city["name"], "authority")
    assert not any(city["name"] in message for message in said("authority-vacant"))
    vacant = portal.organization(unique("bureau"))["name"]
    monkeypatch.setitem(ckan_config, "ckanext.govopen.authority", vacant)
    assert said("authority-nobody")
    portal.duty(User.make(), vacant, "authority")
    assert not said("authority-nobody")
