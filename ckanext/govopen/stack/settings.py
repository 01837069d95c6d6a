"""CKAN's settings for the site and for the tests, in one place.

Pure: values in, the text of an ini file out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

# govopen first: its templates and chained actions are outermost.
# govopen_index last: it writes the search document after everybody else.
PLUGINS = (
    "govopen",
    "activity",
    "datastore",
    "scheming_datasets",
    "scheming_organizations",
    "harvest",
    "govopen_spreadsheet",
    "govopen_exchange",
    "govopen_ckan",
    "dcat",
    "structured_data",
    "datatables_view",
    "text_view",
    "image_view",
    "webpage_view",
    "govopen_index",
)

# What a portal for trying out does that a city decides for itself.
DEMO = {
    "ckanext.govopen.demo": "true",
    "ckanext.govopen.authority": "data-authority",
    "ckanext.govopen.review.delegate_to_authority": "true",
    "ckanext.govopen.harvest.may_create_organizations": "true",
}

# Which option of CKAN each address variable fills.
ADDRESSES = {
    "CKAN_SQLALCHEMY_URL": "sqlalchemy.url",
    "CKAN_DATASTORE_WRITE_URL": "ckan.datastore.write_url",
    "CKAN_DATASTORE_READ_URL": "ckan.datastore.read_url",
    "CKAN_SOLR_URL": "solr_url",
    "CKAN_SOLR_USER": "solr_user",
    "CKAN_SOLR_PASSWORD": "solr_password",
    "CKAN_REDIS_URL": "ckan.redis.url",
}

LOGGING = """\
[loggers]
keys = root, ckan, ckanext, werkzeug

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARNING
handlers = console

[logger_werkzeug]
level = WARNING
handlers = console
qualname = werkzeug
propagate = 0

[logger_ckan]
level = INFO
handlers = console
qualname = ckan
propagate = 0

[logger_ckanext]
level = INFO
handlers = console
qualname = ckanext
propagate = 0

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
format = %(asctime)s %(levelname)-5.5s [%(name)s] %(message)s
"""


@dataclasses.dataclass(frozen=True)
class Site:
    """What differs from one site to another.

    :ivar url: address that visitors use, without a slash at the end
    :ivar storage: absolute path of the folder for files; ``%(here)s`` is the ini file's folder
    :ivar secrets: ``session``, ``csrf`` and ``token``
    :ivar addresses: variables of `ADDRESSES` with the servers' addresses
    :ivar jurisdiction: name of the active profile
    :ivar demo: whether it is a portal for trying out, with the demo catalogue
    """

    url: str
    storage: str
    secrets: Mapping[str, str]
    addresses: Mapping[str, str]
    jurisdiction: str = "jilin"
    demo: bool = False


def common(site: Site) -> dict[str, str]:
    """The options that site and tests share, in the order in which they are written."""
    options = {
        "use": "egg:ckan",
        "debug": "false",
        "SECRET_KEY": site.secrets["session"],
        "WTF_CSRF_SECRET_KEY": site.secrets["csrf"],
        "api_token.jwt.encode.secret": f"string:{site.secrets['token']}",
        "api_token.jwt.decode.secret": f"string:{site.secrets['token']}",
        # Rows of one kind that change together are sent to the database together.
        "sqlalchemy.executemany_mode": "values_plus_batch",
        # Sessions live on the server: signing out ends them, and no cookie holds their content.
        "SESSION_TYPE": "redis",
        "SESSION_COOKIE_HTTPONLY": "true",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": "true" if site.url.startswith("https:") else "false",
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": "true" if site.url.startswith("https:") else "false",
        "PERMANENT_SESSION_LIFETIME": "43200",
        "ckan.site_url": site.url,
        "ckan.site_id": "govopen",
        "ckan.site_title": "公共数据开放平台",
        "ckan.plugins": " ".join(PLUGINS),
        "ckan.locale_default": "zh_Hans_CN",
        "ckan.locales_offered": "zh_Hans_CN zh_Hant_TW en",
        "ckan.locale_order": "zh_Hans_CN zh_Hant_TW en",
        "ckan.display_timezone": "Asia/Shanghai",
        "ckan.hide_version": "true",
        "ckan.auth.anon_create_dataset": "false",
        "ckan.auth.create_unowned_dataset": "false",
        "ckan.auth.create_dataset_if_not_in_organization": "false",
        "ckan.auth.user_create_groups": "false",
        "ckan.auth.user_create_organizations": "false",
        "ckan.auth.user_delete_groups": "false",
        "ckan.auth.user_delete_organizations": "false",
        "ckan.auth.create_user_via_api": "false",
        "ckan.auth.create_user_via_web": "true",
        "ckan.auth.public_user_details": "false",
        "ckan.auth.public_activity_stream_detail": "false",
        # Releases are acts of the site's own account, which CKAN leaves out of the stream unless it
        # is told of somebody else; no account can have a name of one character.
        "ckan.hide_activity_from_users": "-",
        "ckan.auth.allow_dataset_collaborators": "false",
        "ckan.auth.reveal_private_datasets": "false",
        "ckan.views.default_views": "datatables_view text_view image_view",
        "ckan.datastore.public_table_search": "",
        "ckan.datastore.sqlsearch.enabled": "false",
        "ckan.search.solr_commit": "true",
        "ckan.group_and_organization_list_all_fields_max": "200",
        "ckan.gravatar_default": "disabled",
        "ckan.feeds.author_name": "公共数据开放平台",
        "scheming.dataset_schemas": "ckanext.govopen:schemas/dataset.yaml",
        "scheming.organization_schemas": "ckanext.govopen:schemas/organization.yaml",
        "scheming.presets": "ckanext.scheming:presets.json ckanext.govopen:schemas/presets.yaml",
        "ckanext.govopen.jurisdiction": site.jurisdiction,
        "ckan.harvest.mq.type": "redis",
        "ckan.jobs.timeout": "1800",
        "ckan.storage_path": site.storage,
        "ckan.max_resource_size": "200",
        "ckan.max_image_size": "5",
        "ckan.files.default_storages.resource": "resources",
        "ckan.files.storage.resources.type": "ckan:fs",
        "ckan.files.storage.resources.path": f"{site.storage}/resources",
        "ckan.files.storage.resources.initialize": "true",
        "ckan.files.storage.resources.max_size": "200MiB",
        "ckan.webassets.path": f"{site.storage}/webassets",
    }
    for variable, option in ADDRESSES.items():
        if variable in site.addresses:
            options[option] = site.addresses[variable]
    return options


def site_options(site: Site) -> dict[str, str]:
    """The options of a site that people visit."""
    return {**common(site), **(DEMO if site.demo else {})}


def test_options(site: Site) -> dict[str, str]:
    """The options under which the tests run: the site's, apart from what tests must have."""
    return {
        **common(site),
        "testing": "true",
        # CKAN's fixtures copy the configuration deeply; a server connection cannot be copied.
        "SESSION_TYPE": "cookie",
        "ckan.site_id": "govopen.test",
        # Forms are posted without a token by tests; tests about the token itself switch it on.
        "WTF_CSRF_ENABLED": "false",
        "ckan.jobs.timeout": "180",
        "smtp.server": "localhost.invalid",
    }


def render(options: Mapping[str, str], header: str) -> str:
    """The text of an ini file for CKAN.

    Percent signs are doubled, since CKAN interpolates; ``%(here)s`` stays.

    :param header: what the file is, for whoever opens it
    """
    rows = [f"# {line}".rstrip() for line in header.splitlines()]
    rows += ["", "[app:main]"]
    for key, value in options.items():
        if "\n" in value or "\r" in value:
            raise ValueError(f"{key}: a value must be one line")
        escaped = value.replace("%", "%%").replace("%%(here)s", "%(here)s")
        rows.append(f"{key} = {escaped}".rstrip())
    return "\n".join(rows) + "\n\n" + LOGGING


def render_repository_test_ini() -> str:
    """The text of the ``test.ini`` of the repository; addresses come from the environment."""
    site = Site(
        url="http://test.ckan.net",
        storage="%(here)s/.portal/test-storage",
        secrets={"session": "only for tests", "csrf": "only for tests", "token": "x" * 32},
        addresses={
            # CKAN wants these to be there; the variables of the same meaning replace them.
            "CKAN_SQLALCHEMY_URL": "postgresql://ckan:ckan@localhost/ckan_test",
            "CKAN_DATASTORE_WRITE_URL": "postgresql://ckan:ckan@localhost/datastore_test",
            "CKAN_DATASTORE_READ_URL": "postgresql://reader:reader@localhost/datastore_test",
            "CKAN_SOLR_URL": "http://localhost:8983/solr/ckan_test",
            "CKAN_REDIS_URL": "redis://localhost:6379/1",
        },
    )
    return render(test_options(site), TEST_HEADER)


TEST_HEADER = """\
Settings of the tests, made by ckanext/govopen/stack/settings.py (a test compares them).
The servers' addresses come from CKAN_SQLALCHEMY_URL, CKAN_DATASTORE_WRITE_URL,
CKAN_DATASTORE_READ_URL, CKAN_SOLR_URL and CKAN_REDIS_URL; `./portal pytest` sets them."""


if __name__ == "__main__":  # renews the repository's test.ini
    print(render_repository_test_ini(), end="")
