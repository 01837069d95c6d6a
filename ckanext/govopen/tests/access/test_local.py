"""Programs of the site itself that call actions without a request."""

from __future__ import annotations

from typing import Any

from ckanapi import LocalCKAN

from ckanext.govopen.tests.portal import Portal


def test_ckanapi_works_on_the_machine_itself(portal: Portal) -> None:
    """It asks for the site's own account with an empty tuple."""
    department = portal.department()
    dataset = portal.dataset(department)
    local: Any = LocalCKAN()
    assert local.get_site_username()
    assert local.action.package_show(id=dataset["id"])["name"] == dataset["name"]
