"""The language in which an account wants its mail; kept with the account, and gone with it."""

from __future__ import annotations

from ckan import model
from ckan.lib.i18n import get_locales
from ckan.plugins import toolkit as tk

#: Where CKAN lets extensions keep what belongs to an account.
_EXTRA, _KEY = "govopen", "mail_language"


def offered() -> tuple[str, ...]:
    """CKAN's names of the languages of this site, such as ``zh_Hans_CN``; the site's first."""
    names = tk.aslist(tk.config.get("ckan.locales_offered")) or get_locales()
    first = default()
    return (first, *(name for name in names if name != first))


def default() -> str:
    """The site's own language."""
    return tk.config.get("ckan.locale_default") or "en"


def chosen(user: model.User) -> str:
    """What the account has chosen, as far as the site still offers it; empty: nothing."""
    kept = (user.plugin_extras or {}).get(_EXTRA)
    name = kept.get(_KEY) if isinstance(kept, dict) else None
    return name if isinstance(name, str) and name in offered() else ""


def choose(user: model.User, name: str) -> None:
    """Keeps the choice, or forgets it when ``name`` is empty, in the caller's transaction."""
    extras = dict(user.plugin_extras or {})
    kept = dict(extras.get(_EXTRA) or {})
    kept.pop(_KEY, None)
    if name:
        kept[_KEY] = name
    # A new value: of a changed one SQLAlchemy would notice nothing.
    user.plugin_extras = {**extras, _EXTRA: kept}
