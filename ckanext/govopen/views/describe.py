"""A dataset described: for citing, for search engines, for programs, and where it changed."""

from __future__ import annotations

import json
from typing import Any

from ckan.plugins import toolkit
from markupsafe import Markup

from ckanext.govopen.views import asked, others, words

_ = toolkit._
h = toolkit.h

#: Names in a summary of changes.
MOST = 8


def govopen_citation(package: Any) -> str:
    """How to cite a dataset: publisher, title, portal, date, address."""
    organization = package.get("organization") or {}
    return _("{publisher}. {title} [data set]. {portal}, {date}. {url}").format(
        publisher=organization.get("title") or package.get("provider_unit") or "",
        title=package.get("title") or package.get("name"),
        portal=toolkit.config.get("ckan.site_title", ""),
        date=words.day(package.get("data_updated") or package.get("metadata_modified")),
        url=h.url_for("dataset.read", id=package["name"], qualified=True),
    )


def _labels() -> dict[str, str]:
    """Field names as the forms call them, in the order of the forms."""
    memo = asked.memo()
    if "labels" not in memo:
        schema = others.dataset_schema()
        fields = [*schema.get("dataset_fields", []), *schema.get("resource_fields", [])]
        fields += [part for f in fields for part in f.get("repeating_subfields", [])]
        known: dict[str, str] = {}
        for f in fields:
            known.setdefault(f["field_name"], words.pick(f.get("label"), asked.locale()))
        memo["labels"] = known | {
            "resources": _("Files and links"),
            "files": _("File"),
            "file": _("File"),
            "url_type": _("Kind"),
            "views": _("Previews"),
            "tags": _("Keywords"),
            "size": _("Size"),
            "hash": _("Fingerprint"),
            "sha256": _("Fingerprint"),
            "location": _("Source address"),
            "mimetype": _("Format"),
            "media_type": _("Format"),
            "author": _("Author"),
            "author_email": _("Author Email"),
            "groups": _("Groups"),
            "extras": _("Further fields"),
        }
    return memo["labels"]


def govopen_path(place: Any) -> str:
    """The path of a change in words: field names by their labels, identifiers left out."""
    labels = _labels()
    return " › ".join(
        labels.get(part, part) for part in words.path(place) if not words.is_identifier(part)
    )


def govopen_changes(changes: Any) -> list[Any]:
    """Changes in the order of the forms, then files and previews; ids say nothing to people."""
    order = {name: number for number, name in enumerate(_labels())}

    def place(change: Any) -> tuple[int, str]:
        path = words.path(change["path"])
        return order.get(path[0] if path else "", len(order)), change["path"]

    return sorted((c for c in changes if c["path"] != "id"), key=place)


def govopen_changed(changes: Any) -> str:
    """What changed, in a few words: the fields by their labels, files and previews as such."""
    names = [govopen_path(words.path(change["path"])[0]) for change in govopen_changes(changes)]
    known = list(dict.fromkeys(name for name in names if name))
    text = "、".join(known[:MOST])
    return text if len(known) <= MOST else _("{names} and more").format(names=text)


def govopen_api_url(name: str) -> str:
    """The address under which a program reads a dataset."""
    return f"{h.url_for('api.get_api', ver=3)}/action/package_show?id={name}"


def govopen_structured_data(package: Any, access: Any) -> Markup:
    """The dataset for search engines (schema.org in JSON-LD), as it is public.

    Made here from what the page shows: turning the dataset into a graph and back costs more than
    the whole rest of the page. Nothing in it can end the script element.
    """
    if access.get("sight") != "release":
        return Markup("")
    organization = package.get("organization") or {}
    data = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": package.get("title") or package["name"],
        "description": words.excerpt(package.get("notes"), 2000) or package.get("title"),
        "url": h.url_for("dataset.read", id=package["name"], qualified=True),
        "identifier": package.get("resource_code") or package["id"],
        "keywords": [tag["name"] for tag in package.get("tags", ())],
        "dateModified": words.day(package.get("data_updated") or package.get("metadata_modified")),
        "isAccessibleForFree": package.get("open_class") == "unconditional",
        "publisher": {"@type": "Organization", "name": organization.get("title") or ""},
    }
    if package.get("license_url"):
        data["license"] = package["license_url"]
    if access.get("content"):
        data["distribution"] = [
            {
                "@type": "DataDownload",
                "name": r.get("name") or "",
                "encodingFormat": r.get("format") or "",
                "contentUrl": r["url"],
            }
            for r in package.get("resources", ())
            if r.get("url")
        ]
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
    # Safe: the text is JSON in which "<" and "&" cannot stand.
    return Markup('<script type="application/ld+json">' + text + "</script>")  # noqa: S704
