"""The form of departments: codes, kinds of bodies, updates without a name."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.govopen.tests.access.site import Site

GOOD = "91350211M000100Y46"


def create(site: Site, **fields: Any) -> dict[str, Any]:
    return site.call("organization_create", "operator", name=f"o-{uuid.uuid4().hex[:12]}", **fields)


def test_a_good_code_is_kept_in_one_form(site: Site) -> None:
    found = create(site, org_code=f" {GOOD[:8]}-{GOOD[8:].lower()} ", org_type="行政机关")
    assert (found["org_code"], found["org_type"]) == (GOOD, "administrative_organ")


@pytest.mark.parametrize(
    ("code", "scheme"),
    [
        (GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1"), ""),
        ("123", "uscc"),
        ("91350211I000100Y43", "uscc"),
        ("x" * 80, ""),
    ],
)
def test_a_wrong_code_is_refused(site: Site, code: str, scheme: str) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        create(site, org_code=code, org_code_scheme=scheme)
    model.Session.rollback()
    assert caught.value.error_dict["org_code"]


def test_codes_of_other_schemes_are_accepted(site: Site) -> None:
    assert create(site, org_code="380120000J")["org_code"] == "380120000J"
    assert create(site, org_code="AB.12/7", org_code_scheme="other")["org_code"] == "AB.12/7"


def test_bodies_that_the_regulation_does_not_name_are_refused(site: Site) -> None:
    for field, value in (("org_type", "football_club"), ("org_code_scheme", "isbn")):
        with pytest.raises(tk.ValidationError) as caught:
            create(site, **{field: value})
        model.Session.rollback()
        assert caught.value.error_dict[field]


def test_an_update_without_a_name_keeps_it(site: Site) -> None:
    made = create(site, title="民政局", org_code=GOOD)
    site.call("organization_patch", "operator", id=made["id"], title="市民政局")
    changed = site.call("organization_show", "operator", id=made["id"])
    assert (changed["name"], changed["org_code"]) == (made["name"], GOOD)
    updated = site.call("organization_update", "operator", id=made["id"], title="民政")
    assert updated["name"] == made["name"]


def test_creating_needs_a_name(site: Site) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        site.call("organization_create", "operator", title="无名")
    model.Session.rollback()
    assert "name" in caught.value.error_dict
