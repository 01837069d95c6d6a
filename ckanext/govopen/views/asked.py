"""The request: who asks, in which language, and the addresses of pages, each built once."""

from __future__ import annotations

from typing import Any

from ckan.plugins import toolkit

from ckanext.govopen.views import words

h = toolkit.h


def context() -> dict[str, Any]:
    """The context of a page: the person who asked for it, as CKAN's own views make it."""
    user = toolkit.current_user
    return {"user": user.name, "auth_user_obj": user}


def memo() -> dict[Any, Any]:
    """What this request has found out already."""
    g = toolkit.g
    if not hasattr(g, "_govopen_pages"):
        g._govopen_pages = {}
    return g._govopen_pages


def locale() -> str:
    """CKAN's name of the page's language, such as ``zh_Hans_CN``."""
    return str(h.lang() or "zh_Hans_CN")


def govopen_url(endpoint: str, name: str | None = None) -> str:
    """The address of a page, for a thing called ``name`` if it has one.

    CKAN's URL machinery is asked once per endpoint and request, however long the list is.
    """
    known = memo()
    key = ("url", endpoint, name is not None)
    if key not in known:
        known[key] = h.url_for(endpoint, **({} if name is None else {"id": "id-goes-here"}))
    return known[key] if name is None else known[key].replace("id-goes-here", name)


def govopen_resource_url(package: str, resource: str) -> str:
    """The page of a resource."""
    return f"{govopen_url('dataset.read', package)}/resource/{resource}"


def govopen_pick(value: Any) -> str:
    """The reader's language out of a text in three languages."""
    return words.pick(value, locale())


def govopen_lang() -> str:
    """The language tag of the page (BCP 47): ``zh-Hans``, ``zh-Hant``, ``en``."""
    return {"zh_Hans_CN": "zh-Hans", "zh_Hant_TW": "zh-Hant"}.get(
        locale(), locale().replace("_", "-")
    )


def govopen_languages() -> list[dict[str, Any]]:
    """The languages offered, each with the address of this very page in it."""
    # One slash in front: "//host" in a path would make the link lead to another site.
    here = "/" + toolkit.request.environ.get("CKAN_CURRENT_URL", "/").lstrip("/")
    names = {"zh_Hans_CN": "简体中文", "zh_Hant_TW": "繁體中文", "en": "English"}
    known = memo()
    if "languages" not in known:
        known["languages"] = [
            {
                "code": offered.short_name,
                "tag": {"zh_Hans_CN": "zh-Hans", "zh_Hant_TW": "zh-Hant"}.get(
                    offered.short_name, offered.short_name.replace("_", "-")
                ),
                "name": names.get(offered.short_name) or offered.display_name,
                "href": h.url_for("home.index", locale=offered.short_name).rstrip("/") + here,
                "active": offered.short_name == locale(),
            }
            for offered in h.get_available_locales()
        ]
    return known["languages"]
