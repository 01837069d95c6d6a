"""Signing in through a real provider of identities, and everything that must not count."""

from __future__ import annotations

import datetime
import logging
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa
from ckan import model
from ckan.common import config
from joserfc.jwk import RSAKey

from ckanext.govopen.logic import oidc
from ckanext.govopen.model.identity import ExternalIdentityRow
from ckanext.govopen.tests.identity.provider import SECRET, Provider, new_key
from ckanext.govopen.tests.portal import Portal, User, unique

CALLBACK = "/open/sign-in/callback"


class Browser:
    """A browser that goes to the provider and comes back."""

    def __init__(self, portal: Portal, user: User | None = None) -> None:
        self.client = portal.signed_in(user) if user else portal.client()
        self.base = config["ckan.site_url"]

    def get(self, path: str) -> Any:
        return self.client.get(path, base_url=self.base)

    def post(self, path: str, **data: str) -> Any:
        headers = {"Sec-Fetch-Site": "same-origin"}
        return self.client.post(path, base_url=self.base, data=data, headers=headers)

    def to_provider(self, path: str = "/open/sign-in") -> str:
        """Address at the provider to which the portal sends the reader."""
        answer = self.get(path)
        assert answer.status_code == 302, answer.get_data(as_text=True)[:500]
        return answer.headers["Location"]

    @staticmethod
    def at_provider(address: str) -> str:
        """What the provider answers: where the reader is sent back to, without the host."""
        answer = requests.get(address, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text[:500]
        back = urlsplit(answer.headers["Location"])
        assert back.path == CALLBACK
        return f"{back.path}?{back.query}"

    def sign_in(self, path: str = "/open/sign-in") -> Any:
        return self.get(self.at_provider(self.to_provider(path)))

    @property
    def name(self) -> str | None:
        """Name of the account that is signed in."""
        answer = self.get("/open/account")
        if answer.status_code != 200:
            return None
        text = answer.get_data(as_text=True)
        return text.split("<dd>", 1)[1].split("</dd>", 1)[0]


def why(answer: Any) -> str:
    """The reason that the portal gives for refusing."""
    assert answer.status_code == 302, answer.get_data(as_text=True)[:800]
    where = urlsplit(answer.headers["Location"])
    assert where.path.endswith("/open/sign-in/failed"), answer.headers["Location"]
    return parse_qs(where.query)["why"][0]


def accounts(provider: Provider) -> list[ExternalIdentityRow]:
    model.Session.rollback()
    rows = sa.select(ExternalIdentityRow).where(ExternalIdentityRow.subject == provider.user["sub"])
    return list(model.Session.scalars(rows))


def test_the_first_sign_in_makes_an_account_and_the_next_finds_it(
    portal: Portal, provider: Provider
) -> None:
    email = f"{unique('li')}@example.com"
    provider.user.update(name="李  雷", email=email, email_verified=True)
    first = Browser(portal)
    answer = first.sign_in()
    assert answer.status_code == 302
    [row] = accounts(provider)
    user = model.User.get(row.user_id)
    assert user is not None
    assert (user.fullname, user.email, user.state) == ("李 雷", email, "active")
    assert not user.sysadmin
    assert not user.password
    assert provider.user["sub"] not in user.name
    assert first.name == user.name
    second = Browser(portal)
    second.sign_in()
    assert second.name == user.name
    assert [one.id for one in accounts(provider)] == [row.id]


def test_the_request_is_bound_to_this_browser(portal: Portal, provider: Provider) -> None:
    Browser(portal).sign_in()
    [asked] = provider.asked
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 40
    assert len(asked["nonce"]) >= 40
    assert "prompt" not in asked
    assert SECRET not in str(asked)


def test_a_stranger_cannot_come_back(portal: Portal, provider: Provider) -> None:
    """Neither with the address of another browser, nor with a state of his own."""
    mine, other = Browser(portal), Browser(portal)
    back = mine.at_provider(mine.to_provider())
    assert why(other.get(back)) == "not_started"
    other.to_provider()
    assert why(other.get(back)) == "not_started"
    assert why(mine.get(back.replace("state=", "state=x"))) == "not_started"
    assert why(Browser(portal).get(f"{CALLBACK}?code=x")) == "not_started"
    assert other.name is None
    assert accounts(provider) == []


def test_an_answer_counts_once(portal: Portal, provider: Provider) -> None:
    browser = Browser(portal)
    back = browser.at_provider(browser.to_provider())
    assert browser.get(back).status_code == 302
    assert why(browser.get(back)) == "not_started"


def test_a_code_counts_once(portal: Portal, provider: Provider) -> None:
    """A stolen code with a fresh state of the thief's: the provider has seen it."""
    browser, thief = Browser(portal), Browser(portal)
    back = browser.at_provider(browser.to_provider())
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(thief.to_provider()).query)["state"][0]
    # Before its owner uses it, PKCE stops the thief.
    assert why(thief.get(f"{CALLBACK}?code={code}&state={state}")) == "provider_refused"
    browser.get(back)
    state = parse_qs(urlsplit(thief.to_provider()).query)["state"][0]
    assert why(thief.get(f"{CALLBACK}?code={code}&state={state}")) == "provider_refused"
    assert thief.name is None


def nonce(header: dict[str, Any], claims: dict[str, Any]) -> None:
    claims["nonce"] = "another"


def no_nonce(header: dict[str, Any], claims: dict[str, Any]) -> None:
    del claims["nonce"]


def audience(header: dict[str, Any], claims: dict[str, Any]) -> None:
    claims["aud"] = "another-portal"


def several_audiences(header: dict[str, Any], claims: dict[str, Any]) -> None:
    claims["aud"] = [claims["aud"], "another-portal"]
    claims["azp"] = "another-portal"


def issuer(header: dict[str, Any], claims: dict[str, Any]) -> None:
    claims["iss"] = "https://elsewhere.example"


def expired(header: dict[str, Any], claims: dict[str, Any]) -> None:
    claims["exp"] = int(time.time()) - 120


def from_the_future(header: dict[str, Any], claims: dict[str, Any]) -> None:
    claims["iat"] = int(time.time()) + 600
    claims["nbf"] = claims["iat"]
    claims["exp"] = claims["iat"] + 600


def no_subject(header: dict[str, Any], claims: dict[str, Any]) -> None:
    del claims["sub"]


def unknown_key(header: dict[str, Any], claims: dict[str, Any]) -> RSAKey:
    key = new_key()
    header["kid"] = key.kid
    return key


def forged(header: dict[str, Any], claims: dict[str, Any]) -> RSAKey:
    return new_key()  # under the name of the provider's own key


@pytest.mark.parametrize(
    "change",
    [
        nonce,
        no_nonce,
        audience,
        several_audiences,
        issuer,
        expired,
        from_the_future,
        no_subject,
        unknown_key,
        forged,
    ],
)
def test_a_token_that_is_not_for_us_is_not_used(
    portal: Portal, provider: Provider, change: Any, caplog: pytest.LogCaptureFixture
) -> None:
    provider.change = change
    browser = Browser(portal)
    with caplog.at_level(logging.DEBUG, "ckanext"):
        assert why(browser.sign_in()) == "not_valid"
    assert browser.name is None
    assert accounts(provider) == []
    assert SECRET not in caplog.text
    assert provider.user["sub"] not in caplog.text


def test_clocks_may_differ_a_little(portal: Portal, provider: Provider) -> None:
    def late(header: dict[str, Any], claims: dict[str, Any]) -> None:
        claims["exp"] = int(time.time()) - 20

    provider.change = late
    browser = Browser(portal)
    browser.sign_in()
    assert browser.name


def test_a_new_key_of_the_provider_is_fetched(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "AGAIN", 0.0)
    Browser(portal).sign_in()
    provider.keys.insert(0, new_key())
    provider.reset()
    browser = Browser(portal)
    browser.sign_in()
    assert browser.name
    assert "/jwks" in provider.requests


def test_the_provider_is_away(portal: Portal, provider: Provider) -> None:
    browser = Browser(portal)
    back = browser.at_provider(browser.to_provider())
    provider.down = True
    assert why(browser.get(back)) in ("provider_away", "provider_answer")
    oidc.forget()
    assert why(browser.get("/open/sign-in")) in ("provider_away", "provider_answer")
    page = browser.get("/open/sign-in/failed?why=provider_away").get_data(as_text=True)
    assert provider.issuer not in page
    assert browser.get("/user/login").status_code == 200


def test_nobody_listens(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.oidc.issuer", "http://127.0.0.1:9")
    assert why(Browser(portal).get("/open/sign-in")) == "provider_away"


def test_the_person_says_no(portal: Portal, provider: Provider) -> None:
    provider.cancels = True
    browser = Browser(portal)
    assert why(browser.sign_in()) == "cancelled"
    assert browser.name is None


def test_the_provider_names_itself_otherwise(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.oidc.issuer", provider.issuer + "/")
    assert why(Browser(portal).get("/open/sign-in")) == "provider_answer"


def test_a_private_address_needs_the_option(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.oidc.allow_private_addresses", False)
    assert why(Browser(portal).get("/open/sign-in")) == "provider_away"
    assert provider.requests == []


def test_without_a_provider_there_is_no_button(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.oidc.issuer", "")
    browser = Browser(portal)
    assert "/open/sign-in" not in browser.get("/user/login").get_data(as_text=True)
    assert why(browser.get("/open/sign-in")) == "off"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%0d%0aevil",
        "http:evil.example",
        "/\t/evil.example",
    ],
)
def test_the_portal_sends_nobody_elsewhere(portal: Portal, provider: Provider, target: str) -> None:
    browser = Browser(portal)
    answer = browser.client.get(
        "/open/sign-in", base_url=browser.base, query_string={"next": target}
    )
    back = browser.get(browser.at_provider(answer.headers["Location"]))
    where = urlsplit(back.headers["Location"])
    assert where.netloc in ("", urlsplit(browser.base).netloc)
    assert "evil" not in where.netloc
    assert not back.headers["Location"].startswith(("//", "/\\"))


def test_the_reader_goes_on_where_he_was(portal: Portal, provider: Provider) -> None:
    answer = Browser(portal).sign_in("/open/sign-in?next=/open/law%3Fa%3D1")
    assert answer.headers["Location"].endswith("/open/law?a=1")


def test_an_account_is_not_found_by_its_address(portal: Portal, provider: Provider) -> None:
    user = User.make()
    account = model.User.get(user.id)
    assert account is not None
    provider.user.update(email=str(account.email).upper(), email_verified=True)
    browser = Browser(portal)
    assert why(browser.sign_in()) == "email_taken"
    assert browser.name is None
    assert accounts(provider) == []


def test_an_address_that_nobody_verified_is_not_taken(portal: Portal, provider: Provider) -> None:
    account = model.User.get(User.make().id)
    assert account is not None
    provider.user.update(email=account.email, email_verified=False)
    Browser(portal).sign_in()
    [row] = accounts(provider)
    made = model.User.get(row.user_id)
    assert made is not None
    assert made.email is None
    assert made.id != account.id


def test_a_closed_account_stays_closed(portal: Portal, provider: Provider) -> None:
    Browser(portal).sign_in()
    [row] = accounts(provider)
    user = model.User.get(row.user_id)
    assert user is not None
    user.state = "deleted"
    model.repo.commit()
    browser = Browser(portal)
    assert why(browser.sign_in()) == "closed"
    assert browser.name is None


def test_no_accounts_are_made_where_the_site_says_so(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.oidc.create_accounts", False)
    assert why(Browser(portal).sign_in()) == "no_account"
    assert accounts(provider) == []


def link(browser: Browser, password: str) -> Any:
    answer = browser.post("/open/account/link", password=password)
    if answer.status_code != 302:
        return answer
    return browser.get(browser.at_provider(answer.headers["Location"]))


def test_linking_takes_the_password(portal: Portal, provider: Provider) -> None:
    user = User.make()
    browser = Browser(portal, user)
    assert link(browser, "wrong").status_code == 400
    assert accounts(provider) == []
    assert link(browser, user.password).status_code == 302
    [row] = accounts(provider)
    assert row.user_id == user.id
    later = Browser(portal)
    later.sign_in()
    assert later.name == user.name
    # Somebody else cannot take it over.
    other = User.make()
    assert why(link(Browser(portal, other), other.password)) == "linked_elsewhere"
    # It goes again, with what made it.
    taken = browser.post("/open/account/unlink", id=row.id)
    assert taken.status_code == 302
    assert accounts(provider) == []


def test_linking_is_begun_and_ended_by_the_same_person(portal: Portal, provider: Provider) -> None:
    user = User.make()
    browser = Browser(portal, user)
    answer = browser.post("/open/account/link", password=user.password)
    back = browser.at_provider(answer.headers["Location"])
    browser.post("/user/_logout")
    assert why(browser.get(back)) in ("not_started", "signed_out")
    assert accounts(provider) == []


def test_the_only_way_in_stays(portal: Portal, provider: Provider) -> None:
    browser = Browser(portal)
    browser.sign_in()
    [row] = accounts(provider)
    assert browser.post("/open/account/unlink", id=row.id).status_code == 400
    assert len(accounts(provider)) == 1


def test_another_ones_identity_is_not_there(portal: Portal, provider: Provider) -> None:
    Browser(portal).sign_in()
    [row] = accounts(provider)
    other = Browser(portal, User.make())
    assert other.post("/open/account/unlink", id=row.id).status_code == 404
    assert len(accounts(provider)) == 1


def test_signing_out_ends_the_session(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(portal)
    browser.sign_in()
    assert browser.name
    answer = browser.post("/user/_logout")
    assert provider.issuer not in answer.headers["Location"]
    assert browser.name is None
    browser.sign_in()
    monkeypatch.setitem(config, "ckanext.govopen.oidc.sign_out_at_provider", True)
    answer = browser.post("/user/_logout")
    assert answer.headers["Location"].startswith(provider.issuer + "/end?")
    assert browser.name is None


def again(browser: Browser) -> Any:
    answer = browser.post("/open/sign-in/again", next="/open/account")
    return browser.get(browser.at_provider(answer.headers["Location"]))


def is_fresh(browser: Browser) -> bool:
    return 'name="password"' not in browser.get("/open/account").get_data(as_text=True)


def test_a_fresh_sign_in_counts_for_some_minutes(
    portal: Portal, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(portal)
    browser.sign_in()
    assert not is_fresh(browser)
    assert again(browser).headers["Location"].endswith("/open/account")
    assert provider.asked[-1]["prompt"] == "login"
    assert provider.asked[-1]["max_age"] == "0"
    assert is_fresh(browser)
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=11)
    monkeypatch.setattr("ckanext.govopen.logic.command.now", lambda: later)
    assert not is_fresh(browser)


def test_an_old_sign_in_is_not_fresh(portal: Portal, provider: Provider) -> None:
    browser = Browser(portal)
    browser.sign_in()
    provider.auth_time = int(time.time()) - 3600
    assert why(again(browser)) == "not_fresh"
    provider.auth_time = int(time.time()) + 3600
    assert why(again(browser)) == "not_fresh"
    assert not is_fresh(browser)


def test_a_provider_that_does_not_say_when_is_not_fresh(portal: Portal, provider: Provider) -> None:
    def silent(header: dict[str, Any], claims: dict[str, Any]) -> None:
        del claims["auth_time"]

    browser = Browser(portal)
    browser.sign_in()
    provider.change = silent
    assert why(again(browser)) == "not_fresh"


def test_somebody_else_does_not_make_it_fresh(portal: Portal, provider: Provider) -> None:
    browser = Browser(portal)
    browser.sign_in()
    provider.reset()
    assert why(again(browser)) == "other_person"
    assert not is_fresh(browser)


def test_a_fresh_sign_in_dies_with_the_session(portal: Portal, provider: Provider) -> None:
    browser = Browser(portal)
    browser.sign_in()
    again(browser)
    browser.post("/user/_logout")
    browser.sign_in()
    assert browser.name
    assert not is_fresh(browser)
