"""Order of the plugins and settings of CKAN under which something would get out.

Pure: a configuration in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ckanext.govopen.cli.checks.finding import Finding, error, note, warning

FIRST, LAST = "govopen", "govopen_index"
#: Plugins that go past the guards, and why.
DANGEROUS_PLUGINS = {
    "resourceproxy": "fetches any address that an editor writes, inner ones included",
    "datapusher": "loads files into the DataStore before they have been reviewed",
    "xloader": "loads files into the DataStore before they have been reviewed",
}
DOUBTFUL_PLUGINS = {
    "stats": "counts datasets that nobody may see",
    "multilingual": "copies texts of hidden datasets into fields that searches reach",
}
LOCAL = {"localhost", "127.0.0.1", "::1"}
#: Option, whether it must be on, what it would do, error or warning.
FLAGS = (
    ("ckan.auth.allow_dataset_collaborators", False, "lets editors show datasets to anybody", True),
    ("ckan.auth.create_unowned_dataset", False, "makes datasets without a department", True),
    ("ckan.auth.anon_create_dataset", False, "lets anybody create datasets", True),
    ("ckan.auth.reveal_private_datasets", False, "says that a hidden dataset exists", True),
    ("ckan.auth.public_activity_stream_detail", False, "shows old versions to everybody", True),
    ("ckan.datastore.sqlsearch.enabled", False, "reads tables past the columns of a grant", True),
    ("ckan.auth.public_user_details", False, "tells everybody who has an account", False),
    ("ckan.auth.create_user_via_api", False, "lets anybody make accounts by program", False),
    ("ckan.auth.user_create_groups", False, "lets anybody make groups that everybody sees", False),
    ("ckan.search.solr_commit", True, "leaves the search late after each change", False),
)


def flag(value: Any) -> bool:
    """Is an option on? Read as CKAN does, without failing on odd words."""
    return str(value).strip().lower() in {"true", "yes", "on", "y", "t", "1"}


def names(value: Any) -> list[str]:
    """A list option, parsed already or not."""
    return value.split() if isinstance(value, str) else [str(item) for item in value or []]


def check(config: Mapping[str, Any]) -> list[Finding]:
    """All findings of this area."""
    return [
        *load_order(names(config.get("ckan.plugins"))),
        *plugins(names(config.get("ckan.plugins"))),
        *settings(config),
        *own_settings(config),
    ]


def load_order(loaded: Sequence[str]) -> Iterator[Finding]:
    """``govopen`` outermost, ``govopen_index`` after everybody who writes search documents."""
    if FIRST not in loaded:
        yield error("order-first", f"The plugin {FIRST} is not on.", f"Put {FIRST} first.")
    elif loaded[0] != FIRST:
        yield error(
            "order-first",
            f"{loaded[0]} stands before {FIRST}: its templates, actions and labels win.",
            f"Put {FIRST} first in ckan.plugins.",
        )
    if LAST not in loaded:
        yield error(
            "order-last",
            f"The plugin {LAST} is not on: the index would hold working copies.",
            f"Put {LAST} last in ckan.plugins.",
        )
    elif loaded[-1] != LAST:
        yield error(
            "order-last",
            f"{loaded[-1]} stands after {LAST} and may write to the search document.",
            f"Put {LAST} last in ckan.plugins.",
        )
    for plugin in ("scheming_datasets", "scheming_organizations"):
        if plugin not in loaded:
            yield error(
                "plugin-missing",
                f"The plugin {plugin} is not on: the portal's fields are unknown.",
                f"Add {plugin} to ckan.plugins.",
            )


def plugins(loaded: Sequence[str]) -> Iterator[Finding]:
    """Plugins that should not run beside this one."""
    for plugin in loaded:
        if plugin in DANGEROUS_PLUGINS:
            yield error(
                "plugin-dangerous",
                f"The plugin {plugin} {DANGEROUS_PLUGINS[plugin]}.",
                f"Take {plugin} out of ckan.plugins.",
            )
        elif plugin in DOUBTFUL_PLUGINS:
            yield warning(
                "plugin-doubtful",
                f"The plugin {plugin} {DOUBTFUL_PLUGINS[plugin]}.",
                f"Take {plugin} out of ckan.plugins unless you need it.",
            )


def settings(config: Mapping[str, Any]) -> Iterator[Finding]:
    """CKAN's own options."""
    for option, wanted, effect, grave in FLAGS:
        if flag(config.get(option)) is not wanted:
            kind = error if grave else warning
            yield kind("setting", f"{option} {effect}.", f"Set {option} = {str(wanted).lower()}.")
    if names(config.get("ckan.datastore.public_table_search")):
        yield error(
            "setting",
            "ckan.datastore.public_table_search shows the list of all DataStore tables.",
            "Set ckan.datastore.public_table_search to nothing.",
        )
    if "datatables_view" not in names(config.get("ckan.views.default_views")):
        yield warning(
            "setting",
            "ckan.views.default_views names no table view: readers cannot search released tables.",
            "Set ckan.views.default_views to “datatables_view text_view image_view”.",
        )
    hidden = names(config.get("ckan.hide_activity_from_users"))
    account = str(config.get("ckan.site_id") or "default")
    if not hidden or account in hidden:
        yield warning(
            "setting",
            f"The activity stream leaves out {account}, whose acts the releases are: it is empty"
            " for the public.",
            "Set ckan.hide_activity_from_users to a name that no account has, such as “-”.",
        )
    for option in ("debug", "testing"):
        if flag(config.get(option)):
            yield error("setting", f"{option} shows what happens inside.", f"Set {option} = false.")
    address = urlsplit(str(config.get("ckan.site_url") or ""))
    if address.scheme == "http" and address.hostname not in LOCAL:
        yield warning(
            "setting",
            "ckan.site_url is not encrypted: passwords and tokens can be read on the way.",
            "Serve the portal over https and set ckan.site_url to it.",
        )
    if address.scheme == "https" and not flag(config.get("SESSION_COOKIE_SECURE")):
        yield warning(
            "setting",
            "The session cookie also travels without encryption.",
            "Set SESSION_COOKIE_SECURE = true.",
        )
    storage = str(config.get("ckanext.govopen.files.storage") or "resources")
    if flag(config.get(f"ckan.files.storage.{storage}.public")):
        yield error(
            "setting",
            f"The storage {storage} is public: files can be read past all guards.",
            f"Set ckan.files.storage.{storage}.public = false.",
        )


def own_settings(config: Mapping[str, Any]) -> Iterator[Finding]:
    """The extension's options that open something."""
    review = str(config.get("ckanext.govopen.review", "on")).strip().lower()
    if review in {"off", "false", "no", "0"}:
        yield warning(
            "review-off",
            "The review is off: every save is public at once.",
            "Set ckanext.govopen.review = on, unless the site only wants the classes.",
        )
    if str(config.get("ckanext.govopen.unlisted") or "").strip().lower() == "allow":
        yield error(
            "unlisted-allowed",
            "Routes and actions that the extension does not know are open to everybody.",
            "Set ckanext.govopen.unlisted = deny.",
        )
    if flag(config.get("ckanext.govopen.allow_profile_not_in_force")):
        yield warning(
            "profile-any",
            "A profile that is not in force may be active.",
            "Set ckanext.govopen.allow_profile_not_in_force = false.",
        )
    if flag(config.get("ckanext.govopen.review.delegate_to_authority")):
        yield note(
            "review-delegated",
            "The data authority reviews for departments without a disclosure office.",
        )
    for option in ("files.allow_private_addresses", "harvest.allow_private_addresses"):
        if flag(config.get(f"ckanext.govopen.{option}")):
            yield note("private-addresses", f"ckanext.govopen.{option} is on.")
