"""The request: who asks, in which language, and the addresses of pages, each built once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

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


#: CKAN's locale -> what the language calls itself.
LANGUAGES = {
    "zh_Hans_CN": "简体中文",
    "zh_Hant_TW": "繁體中文",
    "en": "English",
}


def govopen_lang() -> str:
    """The language tag of the page (BCP 47): ``zh-Hans-CN``.

    CKAN's scripts read it, too; ``assets/language.js`` makes their locale of it.
    """
    return locale().replace("_", "-")


def govopen_languages() -> list[dict[str, Any]]:
    """The languages offered, each with the address of this very page in it."""
    known = memo()
    if "languages" not in known:
        path = toolkit.request.environ.get("CKAN_CURRENT_URL", "/").split("?", 1)[0]
        # One slash in front: "//host" in a path would make the link lead to another site.
        here = "/" + path.lstrip("/")
        params = list(toolkit.request.args.items(multi=True))
        if params:
            here += "?" + urlencode(params)
        default = toolkit.config.get("ckan.locale_default")
        known["languages"] = [
            {
                "tag": code.replace("_", "-"),
                "name": LANGUAGES.get(code) or offered.display_name,
                "href": h.url_for(
                    "home.index", locale="default" if code == default else code
                ).rstrip("/")
                + here,
                "active": code == locale(),
            }
            for offered in h.get_available_locales()
            for code in [offered.short_name]
        ]
    return known["languages"]
