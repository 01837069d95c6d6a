"""The suites that CKAN and its extensions ship in their wheels, and the settings they expect.

The projects keep their test settings outside of their wheels, so these are our own: what the tests
rely on, learned from the tests. Pure: values in, options out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from .settings import ADDRESSES


@dataclasses.dataclass(frozen=True)
class Suite:
    """One suite.

    :ivar paths: its folders, relative to ``site-packages``
    :ivar plugins: what its settings load
    :ivar always: its tests count on the plugins without asking for them
    :ivar inner: plugins of this extension that belong among the suite's own
    :ivar options: what its settings say beyond CKAN's
    """

    paths: tuple[str, ...]
    plugins: tuple[str, ...] = ()
    always: bool = False
    inner: tuple[str, ...] = ()
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)


SCHEMAS = "ckanext.scheming"
#: Stands in an option for the folder in which the wheels are installed.
PACKAGES = "{packages}"
SUITES: dict[str, Suite] = {
    "core": Suite(("ckan/tests",)),
    "activity": Suite(("ckanext/activity/tests",)),
    "datastore": Suite(
        ("ckanext/datastore/tests",),
        options={
            "ckan.datastore.sqlsearch.allowed_functions_file": f"{PACKAGES}/ckanext/datastore"
            "/allowed_functions.txt",
        },
    ),
    "harvest": Suite(
        ("ckanext/harvest/tests",),
        plugins=(
            "harvest", "ckan_harvester", "test_harvester", "test_harvester2",
            "test_action_harvester",
        ),
        inner=("govopen_spreadsheet", "govopen_exchange", "govopen_ckan"),
        options={"ckan.harvest.mq.type": "redis", "ckan.harvest.timeout": "5"},
    ),
    "scheming": Suite(
        ("ckanext/scheming/tests",),
        plugins=(
            "scheming_datasets", "scheming_groups", "scheming_organizations",
            "scheming_test_plugin", "scheming_nerf_index",
        ),
        always=True,
        options={
            "scheming.dataset_schemas": f"{SCHEMAS}:ckan_dataset.yaml"
            f" {SCHEMAS}.tests:test_schema.json {SCHEMAS}.tests:test_subfields.yaml"
            f" {SCHEMAS}.tests:test_datastore_choices.json",
            "scheming.organization_schemas": f"{SCHEMAS}:org_with_dept_id.json"
            f" {SCHEMAS}:custom_org_with_address.json",
            "scheming.group_schemas": f"{SCHEMAS}:group_with_bookface.json"
            f" {SCHEMAS}:custom_group_with_status.json",
        },
    ),
}  # fmt: skip

# A site that wants to stay as it was: no review, and the profile's default class is
# unconditional; test plugins bring actions and routes that the inventory cannot know.
NEUTRAL = {
    "ckanext.govopen.jurisdiction": "jilin",
    "ckanext.govopen.review": "off",
    "ckanext.govopen.unlisted": "allow",
    "ckanext.govopen.files.storage": "test",
    # The sources that ckanext-harvest's tests make up answer on the loopback.
    "ckanext.govopen.harvest.allow_private_addresses": "true",
}


def options(
    suite: Suite, *, on: bool, secrets: Mapping[str, str], addresses: Mapping[str, str]
) -> dict[str, str]:
    """The options of a suite's configuration file.

    :param on: with this extension, set to be neutral
    :param secrets: ``session``, ``csrf`` and ``token``
    :param addresses: variables of `ADDRESSES` with the servers' addresses
    """
    found = {
        "use": "egg:ckan",
        "debug": "false",
        "testing": "true",
        "SECRET_KEY": secrets["session"],
        "WTF_CSRF_SECRET_KEY": secrets["csrf"],
        "WTF_CSRF_ENABLED": "false",
        "SESSION_COOKIE_DOMAIN": "test.ckan.net",
        "api_token.jwt.encode.secret": f"string:{secrets['token']}",
        "api_token.jwt.decode.secret": f"string:{secrets['token']}",
        "apitoken_header_name": "Authorization",
        "ckan.site_id": "test.ckan.net",
        "ckan.site_url": "http://test.ckan.net",
        "ckan.site_title": "CKAN",
        "ckan.locale_default": "en",
        "ckan.locale_order": "en pt_BR ja it cs_CZ ca es fr el sv sr sr@latin no sk fi ru de pl nl"
        " bg ko_KR hu sa sl lv",
        "ckan.auth.user_create_organizations": "true",
        "ckan.auth.user_create_groups": "true",
        "ckan.auth.user_delete_organizations": "true",
        "ckan.auth.user_delete_groups": "true",
        "ckan.auth.create_user_via_api": "false",
        "ckan.auth.create_user_via_web": "false",
        "ckan.auth.anon_create_dataset": "false",
        "ckan.auth.create_dataset_if_not_in_organization": "true",
        "ckan.auth.create_unowned_dataset": "true",
        "ckan.extra_resource_fields": "alt_url",
        "package_new_return_url": "http://localhost/dataset/<NAME>?test=new",
        "package_edit_return_url": "http://localhost/dataset/<NAME>?test=edit",
        "ckan.datasets_per_page": "20",
        "ckan.activity_streams_email_notifications": "true",
        "ckan.datastore.sqlsearch.enabled": "true",
        "ckan.datapusher.url": "http://datapusher.invalid/",
        "ckan.files.default_storages.default": "test",
        "ckan.files.storage.test.type": "ckan:memory",
        "ckan.jobs.timeout": "180",
        "smtp.mail_from": "info@test.ckan.net",
        "ckan.plugins": " ".join(suite.plugins),
        **suite.options,
    }
    for variable, option in ADDRESSES.items():
        if variable in addresses:
            found[option] = addresses[variable]
    return {**found, **(NEUTRAL if on else {})}
