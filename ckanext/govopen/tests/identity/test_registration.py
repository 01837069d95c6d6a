"""Registration: a mail first, and no account before its link is followed."""

from __future__ import annotations

import datetime
import logging
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config
from ckan.lib import mailer

from ckanext.govopen.logic import command, registration
from ckanext.govopen.model import attempts
from ckanext.govopen.model.identity import RegistrationRow
from ckanext.govopen.tests.portal import Portal, User, unique, without_token

PASSWORD = "a long password"


class Post:
    """A letter box for everybody."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.error: Exception | None = None

    def __call__(self, name: str, email: str, subject: str, body: str) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((email, subject, body))

    def link(self) -> str:
        """Path of the link in the last mail."""
        found = re.search(r"https?://\S+", self.sent[-1][2])
        assert found, self.sent[-1]
        parts = urlsplit(found[0])
        return f"{parts.path}?{parts.query}"


@pytest.fixture
def post(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Post:
    """No limits from tests before, mail into a box, forms without waiting."""
    box = Post()
    monkeypatch.setattr(mailer, "mail_recipient", box)
    for name, value in (("per_block", 1000), ("per_hour", 1000), ("fill_seconds", 0)):
        monkeypatch.setitem(config, f"ckanext.govopen.register.{name}", value)
    return box


class Visitor:
    def __init__(self, portal: Portal) -> None:
        self.client = portal.client()

    def get(self, path: str) -> Any:
        return self.client.get(path, base_url=config["ckan.site_url"])

    def send(self, path: str, address: str = "203.0.113.9", **data: str) -> Any:
        return self.client.post(
            path,
            base_url=config["ckan.site_url"],
            data=data,
            environ_base={"REMOTE_ADDR": address},
        )

    def ask(self, email: str, **more: str) -> Any:
        page = self.get("/open/register").get_data(as_text=True)
        opened = re.search(r'name="opened" value="([^"]+)"', page)
        assert opened, page[:800]
        return self.send("/open/register", **{"email": email, "opened": opened[1], **more})

    def finish(self, link: str, **fields: str) -> Any:
        key = link.split("key=", 1)[1]
        filled = {
            "name": unique("person"),
            "fullname": "韩梅梅",
            "password1": PASSWORD,
            "password2": PASSWORD,
        }
        return self.send("/open/register/confirm", **{**filled, "key": key, **fields})


def email() -> str:
    return f"{unique('mail')}@example.com"


def user_of(address: str) -> model.User | None:
    model.Session.rollback()
    return model.Session.scalar(sa.select(model.User).where(model.User.email == address))


def rows(address: str) -> list[RegistrationRow]:
    model.Session.rollback()
    found = sa.select(RegistrationRow).where(RegistrationRow.email == address)
    return list(model.Session.scalars(found))


def sent(answer: Any) -> bool:
    return answer.status_code == 302 and answer.headers["Location"].endswith("/open/register/sent")


def test_who_came_to_apply_gets_back_to_where_he_was(portal: Portal, post: Post) -> None:
    """Through the mail too, and through a link that is over."""
    visitor, address, place = Visitor(portal), email(), "/open/apply/some-data?x=1"
    page = visitor.get("/open/register?next=/open/apply/some-data%3Fx%3D1").get_data(as_text=True)
    assert 'name="next" value="/open/apply/some-data?x=1"' in page
    assert sent(visitor.ask(address, next=place))
    link = post.link()
    query = parse_qs(urlsplit(link).query)
    assert query["next"] == [place]
    page = visitor.get(link).get_data(as_text=True)
    assert 'name="next" value="/open/apply/some-data?x=1"' in page
    done = visitor.finish(f"key={query['key'][0]}", next=place)
    assert done.status_code == 302 and urlsplit(done.headers["Location"])[2:4] == (
        "/open/apply/some-data",
        "x=1",
    )
    over = Visitor(portal).get(link)
    assert over.status_code == 410 and "next=" in over.get_data(as_text=True)


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/a b",
        "evil",
        "/" + "a" * 600,
    ],
)
def test_a_place_that_leads_elsewhere_is_dropped(portal: Portal, post: Post, place: str) -> None:
    visitor, address = Visitor(portal), email()
    assert sent(visitor.ask(address, next=place))
    link = post.link()
    assert "next" not in link and "evil" not in link
    done = visitor.finish(link, next=place)
    assert done.status_code == 302
    assert urlsplit(done.headers["Location"]).path == "/open/account"


def test_the_whole_way(portal: Portal, post: Post) -> None:
    visitor, address, name = Visitor(portal), email(), unique("person")
    assert sent(visitor.ask(address))
    assert user_of(address) is None
    link = post.link()
    # Programs of mail servers look at links: looking uses nothing up.
    assert Visitor(portal).get(link).status_code == 200
    assert visitor.get(link).status_code == 200
    answer = visitor.finish(link, name=name)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:2000]
    user = user_of(address)
    assert user is not None
    assert (user.name, user.state, user.fullname) == (name, "active", "韩梅梅")
    assert not user.sysadmin
    assert name in visitor.get("/open/account").get_data(as_text=True)
    # The link has done its work.
    other = Visitor(portal)
    assert other.get(link).status_code == 410
    assert other.finish(link).status_code == 410
    assert rows(address) == []


def test_what_the_table_holds_opens_nothing(portal: Portal, post: Post) -> None:
    address = email()
    Visitor(portal).ask(address)
    [row] = rows(address)
    assert row.digest not in post.link()
    assert Visitor(portal).get(f"/open/register/confirm?key={row.digest}").status_code == 410


@pytest.mark.parametrize("key", ["", "x", "é" * 300])
def test_a_wrong_key(portal: Portal, post: Post, key: str) -> None:
    assert Visitor(portal).get(f"/open/register/confirm?key={key}").status_code == 410


def test_a_link_ends(portal: Portal, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor, address = Visitor(portal), email()
    visitor.ask(address)
    later = command.now() + datetime.timedelta(hours=25)
    monkeypatch.setattr(command, "now", lambda: later)
    assert visitor.get(post.link()).status_code == 410
    assert visitor.finish(post.link()).status_code == 410
    assert user_of(address) is None
    assert registration.forget(later) >= 1
    model.repo.commit()
    assert rows(address) == []


def test_only_the_newest_link_works(portal: Portal, post: Post) -> None:
    visitor, address = Visitor(portal), email()
    visitor.ask(address)
    first = post.link()
    visitor.ask(address.upper())
    assert visitor.get(first).status_code == 410
    assert visitor.get(post.link()).status_code == 200


def test_an_address_with_an_account_is_answered_alike(portal: Portal, post: Post) -> None:
    known = model.User.get(User.make().id)
    assert known is not None
    stranger, other = Visitor(portal).ask(email()), Visitor(portal).ask(str(known.email).upper())
    assert stranger.status_code == other.status_code
    assert stranger.headers["Location"] == other.headers["Location"]
    pages = [without_token(answer.get_data(as_text=True)) for answer in (stranger, other)]
    assert pages[0] == pages[1]
    assert "key=" not in post.sent[-1][2]
    assert known.name in post.sent[-1][2]
    assert rows(str(known.email).upper()) == []


def test_a_closed_account_gets_no_second_one(portal: Portal, post: Post) -> None:
    user = model.User.get(User.make().id)
    assert user is not None
    address = str(user.email)
    user.state = "deleted"
    model.repo.commit()
    assert sent(Visitor(portal).ask(address))
    assert "key=" not in post.sent[-1][2]


def test_mail_that_does_not_go_leaves_nothing(
    portal: Portal, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    known = model.User.get(User.make().id)
    assert known is not None
    post.error = OSError("mailbox of nobody@example.com")
    visitor, address = Visitor(portal), email()
    with caplog.at_level(logging.DEBUG):
        unknown = visitor.ask(address)
        taken = Visitor(portal).ask(str(known.email))
    assert (unknown.status_code, taken.status_code) == (503, 503)
    assert rows(address) == []
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("ckanext"))
    assert "nobody@example.com" not in ours
    assert address not in ours
    post.error = None
    assert sent(visitor.ask(address))


def test_a_strangers_box_is_not_filled(portal: Portal, post: Post) -> None:
    visitor, address = Visitor(portal), email()
    answers = [visitor.ask(address) for _ in range(6)]
    assert all(sent(answer) for answer in answers)
    assert len(post.sent) == 3


def test_limits_by_block_and_in_all(
    portal: Portal, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config, "ckanext.govopen.register.per_block", 2)
    visitor = Visitor(portal)
    block = f"198.51.{len(unique()) % 250}."
    for known in (block + "0/24", "192.0.2.0/24"):
        attempts.forget("register-block", known)
    assert sent(visitor.ask(email(), address=block + "1"))
    assert sent(visitor.ask(email(), address=block + "2"))
    full = visitor.ask(email(), address=block + "3")
    assert full.status_code == 429
    assert sent(visitor.ask(email(), address="192.0.2.77"))
    attempts.forget("register", "")
    monkeypatch.setitem(config, "ckanext.govopen.register.per_hour", 0)
    assert visitor.ask(email(), address="192.0.2.78").status_code == 429
    assert len(post.sent) == 3


def test_without_counters_nobody_registers(
    portal: Portal, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis import Redis

    away = Redis(host="127.0.0.1", port=9, socket_connect_timeout=1)
    monkeypatch.setattr(attempts, "connect_to_redis", lambda: away)
    assert Visitor(portal).ask(email()).status_code == 429
    assert post.sent == []


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("203.0.113.9", None, "203.0.113.0/24"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.0/24"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2::5", None, "2001:db8:1::/48"),
        ("::ffff:203.0.113.9", None, "203.0.113.0/24"),
        ("127.0.0.1", "nonsense", "unknown"),
        (None, None, "unknown"),
    ],
)
def test_blocks(remote: str | None, forwarded: str | None, expected: str) -> None:
    assert registration.block(remote, forwarded) == expected


def test_what_machines_do(portal: Portal, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = Visitor(portal)
    assert sent(visitor.ask(email(), website="https://spam.example"))
    assert visitor.ask(email(), opened="forged").status_code == 400
    monkeypatch.setitem(config, "ckanext.govopen.register.fill_seconds", 3600)
    assert visitor.ask(email()).status_code == 400
    assert post.sent == []


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@", "two words@example.com", "a@example.com\nBcc: b@example.com"]
)
def test_what_is_no_address(portal: Portal, post: Post, address: str) -> None:
    assert Visitor(portal).ask(address).status_code == 400
    assert post.sent == []


def test_fields_that_are_wrong_leave_the_link(portal: Portal, post: Post) -> None:
    taken = User.make()
    visitor, address = Visitor(portal), email()
    visitor.ask(address)
    link = post.link()
    for wrong in (
        {"name": taken.name},
        {"name": "X Y"},
        {"password2": "something else"},
        {"password1": "short", "password2": "short"},
        {"password1": "", "password2": ""},
        {"name": "a\x00b"},
    ):
        answer = visitor.finish(link, **wrong)
        assert answer.status_code == 400, wrong
        assert user_of(address) is None
    assert visitor.finish(link, sysadmin="true", state="active").status_code == 302
    user = user_of(address)
    assert user is not None
    assert not user.sysadmin


def test_the_form_needs_its_token(
    portal: Portal, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(portal.app.config, "WTF_CSRF_ENABLED", True)
    assert Visitor(portal).ask(email()).status_code == 400
    assert post.sent == []


def test_it_can_be_switched_off(
    portal: Portal, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    for option, value in (
        ("ckanext.govopen.register", "off"),
        ("ckan.auth.create_user_via_web", False),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(config, option, value)
            visitor = Visitor(portal)
            for path in ("/open/register", "/open/register/sent", "/open/register/confirm?key=x"):
                assert visitor.get(path).status_code == 404
            assert visitor.send("/open/register", email=email()).status_code == 404
            assert "/register" not in visitor.get("/user/login").get_data(as_text=True)
    assert post.sent == []


def test_other_doors_are_closed(portal: Portal, post: Post) -> None:
    """CKAN's form and its API make no account for outsiders."""
    name = unique("door")
    data = {
        "name": name,
        "email": f"{name}@example.com",
        "password": PASSWORD,
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    for path in ("/user/register", "/en/user/register"):
        answer = Visitor(portal).send(path, save="", **data)
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith("/open/register")
    for user in (None, User.make()):
        assert portal.ask("user_create", data, user).status_code == 403
    assert model.User.get(name) is None
    # The operator makes accounts for others.
    operator = portal.signed_in(portal.operator)
    answer = operator.post(
        "/user/register", base_url=config["ckan.site_url"], data={"save": "", **data}
    )
    assert answer.status_code == 302
    assert model.User.get(name) is not None


@pytest.mark.parametrize(
    ("demo", "site", "opens"),
    [
        ("true", "http://127.0.0.1:5000", True),
        ("true", "https://data.example.cn", False),
        ("false", "http://127.0.0.1:5000", False),
    ],
)
def test_a_demonstration_without_mail_opens_the_link_at_once(
    portal: Portal,
    post: Post,
    monkeypatch: pytest.MonkeyPatch,
    demo: str,
    site: str,
    opens: bool,
) -> None:
    post.error = OSError("no mail server")
    monkeypatch.setitem(config, "ckanext.govopen.demo", demo)
    monkeypatch.setattr(registration.settings, "site_url", lambda: site)
    visitor, address = Visitor(portal), email()
    answer = visitor.ask(address)
    if not opens:
        assert answer.status_code == 503 and rows(address) == []
        return
    assert answer.status_code == 302 and "/open/register/confirm?key=" in answer.headers["Location"]
    link = answer.headers["Location"]
    parts = urlsplit(link)
    assert "不发送邮件" in visitor.get(f"{parts.path}?{parts.query}").get_data(as_text=True)
    assert visitor.finish(link).status_code == 302
    assert user_of(address) is not None
