"""Lists that CKAN answers straight from the working copies: answered from the releases instead.

Each gives everybody what is public, and a department what is its own besides.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib.dictization import model_dictize, table_dictize
from ckan.logic import check_access
from ckan.plugins import toolkit

from ckanext.govopen.access.handler import Action, Handler
from ckanext.govopen.access.policy import Person, Sight
from ckanext.govopen.access.show import as_seen, present
from ckanext.govopen.access.sight import sights
from ckanext.govopen.access.viewer import person
from ckanext.govopen.domain import internal
from ckanext.govopen.domain.number import NotWhole, OutOfRange, whole
from ckanext.govopen.model.release import ReleaseRow, public

_RELEASE = ReleaseRow.__table__
#: Resource fields that outsiders may search in.
_SEARCHABLE = ("name", "description", "format", "url", "mimetype", "resource_type", "hash", "id")
#: Of conditional content the address is the portal's own, and the digest would confirm a guess.
_UNCONDITIONAL = frozenset({"url", "hash", "hash_algorithm"})


def _organizations(who: Person) -> list[str]:
    return sorted(who.departments)


def _like(term: str) -> str:
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _number(data: dict[str, Any], key: str, default: int | None) -> int | None:
    value = data.get(key)
    if value in (None, ""):
        return default
    try:
        return whole(value)
    except NotWhole:
        raise toolkit.ValidationError({key: [toolkit._("Invalid integer")]}) from None
    except OutOfRange:
        raise toolkit.ValidationError({key: [toolkit._("Must be a natural number")]}) from None


def tag_names(who: Person, terms: list[str]) -> list[str]:
    """Free tags of what the person may see, in order; all ``terms`` occur in them."""
    tag = sa.func.jsonb_array_elements_text(_RELEASE.c.tags).label("tag")
    released = public(tag)
    parts = [released]
    organizations = _organizations(who)
    if organizations:
        tags, package_tag, package = model.tag_table, model.package_tag_table, model.package_table
        parts.append(
            sa.select(tags.c.name)
            .join(package_tag, package_tag.c.tag_id == tags.c.id)
            .join(package, package.c.id == package_tag.c.package_id)
            .where(
                package_tag.c.state == "active",
                package.c.state != "deleted",
                package.c.owner_org.in_(organizations),
                tags.c.vocabulary_id.is_(None),
            )
        )
    names = sa.union(*parts).subquery()
    query = sa.select(names.c.tag).order_by(names.c.tag)
    for term in terms:
        query = query.where(names.c.tag.ilike(_like(term), escape="\\"))
    return list(model.Session.execute(query).scalars())


def _terms(data: dict[str, Any]) -> list[str]:
    given = data.get("query") or data.get("q") or []
    fields = data.get("fields") or {}
    terms = list(given) if isinstance(given, list) else [given]
    if isinstance(fields, dict):
        terms += [value for key, value in fields.items() if key in ("tag", "tags")]
    return [str(term).strip() for term in terms if str(term).strip()]


def _tags(names: list[str]) -> list[model.Tag]:
    return (
        model.Session.query(model.Tag)
        .filter(model.Tag.name.in_(names), model.Tag.vocabulary_id.is_(None))
        .order_by(model.Tag.name)
        .all()
    )


def _in_vocabulary(data: dict[str, Any]) -> bool:
    """Tags of a vocabulary are the operator's own list, not the datasets'."""
    return bool(data.get("vocabulary_id"))


def tag_list(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    who = person(context)
    if who.sees_everything or _in_vocabulary(data_dict):
        return next_action(context, data_dict)
    check_access("tag_list", context, data_dict)
    names = tag_names(who, _terms(data_dict))
    if data_dict.get("all_fields"):
        return model_dictize.tag_list_dictize(_tags(names), context)
    return names


def tag_search(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    who = person(context)
    if who.sees_everything or _in_vocabulary(data_dict):
        return next_action(context, data_dict)
    check_access("tag_search", context, data_dict)
    terms = _terms(data_dict)
    names = tag_names(who, terms) if terms else []
    offset = _number(data_dict, "offset", 0) or 0
    limit = _number(data_dict, "limit", None)
    page = names[offset:] if limit is None else names[offset : offset + limit]
    return {
        "count": len(names),
        "results": [table_dictize(tag, context) for tag in _tags(page)],
    }


def tag_autocomplete(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    who = person(context)
    if who.sees_everything or _in_vocabulary(data_dict):
        return next_action(context, data_dict)
    check_access("tag_autocomplete", context, data_dict)
    terms = _terms(data_dict)
    return tag_names(who, terms)[: _number(data_dict, "limit", 20)] if terms else []


def tag_show(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A tag that only hidden datasets carry does not exist; its datasets come from the search."""
    who = person(context)
    if who.sees_everything:
        return next_action(context, data_dict)
    reference = data_dict.get("id")
    tag = model.Tag.get(reference, data_dict.get("vocabulary_id")) if reference else None
    if tag is not None and tag.vocabulary_id is None and tag.name not in tag_names(who, [tag.name]):
        return next_action(context, {**data_dict, "id": "\x7f"})
    datasets = toolkit.asbool(data_dict.get("include_datasets", False))
    shown = next_action(context, {**data_dict, "include_datasets": False})
    if datasets:
        found = toolkit.get_action("package_search")(
            {"user": context.get("user"), "auth_user_obj": context.get("auth_user_obj")},
            {"fq": 'tags:"{}"'.format(shown["name"].replace('"', "")), "rows": 1000},
        )
        shown["packages"] = found["results"]
    return shown


def format_autocomplete(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    who = person(context)
    if who.sees_everything:
        return next_action(context, data_dict)
    check_access("format_autocomplete", context, data_dict)
    query = str(data_dict.get("q") or "").strip()
    if not query:
        raise toolkit.ValidationError({"q": [toolkit._("Missing value")]})
    released = public(sa.func.jsonb_array_elements_text(_RELEASE.c.formats).label("format"))
    parts = [released]
    organizations = _organizations(who)
    if organizations:
        resource, package = model.resource_table, model.package_table
        parts.append(
            sa.select(sa.func.lower(resource.c.format))
            .join(package, package.c.id == resource.c.package_id)
            .where(
                resource.c.state == "active",
                package.c.state != "deleted",
                package.c.owner_org.in_(organizations),
            )
        )
    formats = sa.union(*parts).subquery()
    rows = model.Session.execute(
        sa.select(formats.c.format)
        .where(formats.c.format.ilike(_like(query), escape="\\"))
        .order_by(formats.c.format)
        .limit(_number(data_dict, "limit", 5))
    )
    return [value for value in rows.scalars() if value]


def resource_search(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Released resources of what is public, by substrings of their fields."""
    if person(context).sees_everything:
        return next_action(context, data_dict)
    check_access("resource_search", context, data_dict)
    given = data_dict.get("query")
    if given in (None, "", []):
        raise toolkit.ValidationError({"query": [toolkit._("Missing value")]})
    pairs = [given] if isinstance(given, str) else given
    try:
        wanted = [pair.split(":", 1) for pair in pairs]
        terms = dict(wanted)
    except (AttributeError, TypeError, ValueError):
        raise toolkit.ValidationError(
            {"query": [toolkit._("Must be <field>:<value> pair(s)")]}
        ) from None
    searchable = {*_SEARCHABLE, *model.Resource.get_extra_columns()} - {*internal.RESOURCE}
    for name in terms:
        if name not in searchable:
            raise toolkit.ValidationError(
                {
                    "query": [
                        toolkit._('Field "{field}" not recognised in resource_search.').format(
                            field=name
                        )
                    ]
                }
            )
    element = sa.func.jsonb_array_elements(_RELEASE.c.data["shown"]["resources"]).column_valued("r")
    query = public(_RELEASE.c.package_id, _RELEASE.c.open_class, element)
    for name, term in terms.items():
        text = element.op("->>")(name)
        if name in _UNCONDITIONAL:
            query = query.where(_RELEASE.c.open_class == "unconditional")
        pattern = _like(term)
        if name == "hash":  # CKAN looks for the beginning of a hash, elsewhere for parts
            pattern = pattern[1:]
        query = query.where(text.ilike(pattern, escape="\\"))
    order = data_dict.get("order_by")
    if order in searchable:
        key: sa.ColumnElement[Any] = element.op("->>")(order)
        if order in _UNCONDITIONAL:
            key = sa.case((_RELEASE.c.open_class == "unconditional", key))
        query = query.order_by(key)
    query = query.order_by(_RELEASE.c.package_id, element.op("->>")("position"))
    count = model.Session.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar()
    page = query.offset(_number(data_dict, "offset", 0)).limit(_number(data_dict, "limit", 1000))
    results = []
    for package_id, open_class, resource in model.Session.execute(page):
        dataset = {"id": package_id, "resources": [dict(resource)]}
        present(dataset, open_class)
        results.append(dataset["resources"][0])
    if context.get("search_query"):
        # CKAN's own search asks for objects instead of dicts; these hold what was released, too.
        results = [_as_object(one) for one in results]
    return {"count": count, "results": results}


def _as_object(resource: dict[str, Any]) -> SimpleNamespace:
    """A released resource in the place of a row of CKAN's model, with the columns of one."""
    whole_row = {**dict.fromkeys(model.Resource.get_columns()), **resource}
    shown = {name: value for name, value in whole_row.items() if name != "state"}
    return SimpleNamespace(**whole_row, as_dict=functools.partial(dict, shown))


def _released_places() -> sa.CompoundSelect[Any]:
    """(package_id, place): organisation and groups of what is public, as released.

    The row's own owner and groups are those of the working copy: a move that waits says nothing.
    """
    owner = _RELEASE.c.data[("default", "owner_org")].astext
    groups = sa.func.jsonb_array_elements(_RELEASE.c.data["default"]["groups"]).column_valued("g")
    return sa.union_all(
        public(_RELEASE.c.package_id, owner.label("place")),
        public(_RELEASE.c.package_id, groups.op("->>")("id").label("place")),
    )


def public_members(group_id: str) -> set[str]:
    """Ids of the public datasets of an organisation or a group, by its id."""
    places = _released_places().subquery()
    query = sa.select(places.c.package_id).where(places.c.place == group_id)
    return set(model.Session.execute(query).scalars())


def public_counts() -> dict[str, int]:
    """Number of public datasets by the id of their organisation or group."""
    places = _released_places().subquery()
    rows = model.Session.execute(
        sa.select(places.c.place, sa.func.count()).group_by(places.c.place)
    )
    return {place: count for place, count in rows if place}


def organization_list_for_user(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Counts of other people's departments are those of their public datasets."""
    rows = next_action(context, data_dict)
    who = person(context)
    if who.sees_everything or not any("package_count" in row for row in rows):
        return rows
    counts = public_counts()
    for row in rows:
        if "package_count" in row and not who.works_for(row.get("id")):
            row["package_count"] = counts.get(row["id"], 0)
    return rows


def _list_groups(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Ordering by size would tell the size of what is hidden: outsiders get it by public size."""
    sort = str(data_dict.get("sort") or data_dict.get("order_by") or "")
    if "package" not in sort or person(context).sees_everything:
        return next_action(context, data_dict)
    offset = _number(data_dict, "offset", 0) or 0
    limit = _number(data_dict, "limit", None)
    asked = {
        key: value
        for key, value in data_dict.items()
        if key not in ("sort", "order_by", "offset", "limit")
    }
    rows = next_action(context, {**asked, "sort": "name asc"})
    group = model.group_table
    counts = public_counts()
    sizes = {
        name: counts.get(identity, 0)
        for identity, name in model.Session.execute(sa.select(group.c.id, group.c.name))
    }

    def size(row: Any) -> int:
        return sizes.get(row["name"] if isinstance(row, dict) else row, 0)

    rows = sorted(rows, key=size, reverse="asc" not in sort.lower())
    return rows[offset:] if limit is None else rows[offset : offset + limit]


def _followees(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN shows followed datasets straight from their rows: shown here as everywhere else."""
    rows = next_action(context, data_dict)
    if person(context).internal:
        return rows
    result = []
    for row in rows:
        if "type" in row and "dict" in row:
            if row["type"] == "dataset":
                shown = as_seen(context, row["dict"]["id"])
                if shown is None:
                    continue
                row = {**row, "dict": shown}
            result.append(row)
            continue
        shown = as_seen(context, row["id"])
        if shown is not None:
            result.append(shown)
    return result


def package_relationships_list(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Relations belong to working copies: no release carries them, and they name both ends."""
    rows = next_action(context, data_dict)
    if person(context).sees_everything:
        return rows
    names = {row[end] for row in rows for end in ("subject", "object")}
    ids = dict(
        model.Session.execute(
            sa.select(model.Package.name, model.Package.id).where(model.Package.name.in_(names))
        )
        .tuples()
        .all()
    )
    seen = sights(context, ids.values())
    own = {name for name, identity in ids.items() if seen[identity].sight is Sight.WORKING}
    return [row for row in rows if row["subject"] in own and row["object"] in own]


def package_list(next_action: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Names of what is public, as released: CKAN gives those of the working copies."""
    if person(context).sees_everything:
        return next_action(context, data_dict)
    check_access("package_list", context, data_dict)
    by_id = context.get("api_version") == 2
    column = _RELEASE.c.package_id if by_id else _RELEASE.c.data[("default", "name")].astext
    query = public(column).order_by(column).offset(_number(data_dict, "offset", None))
    return list(model.Session.execute(query.limit(_number(data_dict, "limit", None))).scalars())


HANDLERS: dict[str, Handler] = {
    "tag_list": tag_list,
    "tag_search": tag_search,
    "tag_autocomplete": tag_autocomplete,
    "tag_show": tag_show,
    "format_autocomplete": format_autocomplete,
    "resource_search": resource_search,
    "package_list": package_list,
    "organization_list_for_user": organization_list_for_user,
    "group_list": _list_groups,
    "organization_list": _list_groups,
    "followee_list": _followees,
    "dataset_followee_list": _followees,
    "package_relationships_list": package_relationships_list,
}
