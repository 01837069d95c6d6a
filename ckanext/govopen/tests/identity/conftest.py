"""A provider of identities for the tests of this room, and the portal that knows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ckan.common import config

from ckanext.govopen.logic import oidc
from ckanext.govopen.tests.identity.provider import CLIENT, SECRET, Provider, running
from ckanext.govopen.tests.portal import Portal

OPTIONS = {
    "oidc.client_id": CLIENT,
    "oidc.client_secret": SECRET,
    "oidc.allow_private_addresses": True,
}


@pytest.fixture(scope="session")
def _provider() -> Iterator[Provider]:
    patch = pytest.MonkeyPatch()
    patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # the provider speaks http, on this machine
    with running() as made:
        yield made
    patch.undo()


@pytest.fixture
def provider(
    portal: Portal, _provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Provider]:
    """The provider, honest and up, and set up in the portal."""
    _provider.reset()
    _provider.client.redirect_uri = config["ckan.site_url"] + "/open/sign-in/callback"
    monkeypatch.setitem(config, "ckanext.govopen.oidc.issuer", _provider.issuer)
    for name, value in OPTIONS.items():
        monkeypatch.setitem(config, f"ckanext.govopen.{name}", value)
    oidc.forget()
    yield _provider
    oidc.forget()
