"""What is asked: every readable action and every route that is read, with many arguments."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from ckan.logic import get_action
from werkzeug.routing.converters import NumberConverter

from ckanext.govopen.access.inventory import Surface, inventory
from ckanext.govopen.tests.access.sweep.secrets import Secret
from ckanext.govopen.tests.access.sweep.sweep import Ask, action, page
from ckanext.govopen.tests.access.sweep.world import Planted, World

#: More arguments for actions whose flags change what comes out.
FLAGS: dict[str, list[dict[str, Any]]] = {
    "package_show": [
        {},
        {"use_default_schema": True},
        {"include_plugin_data": True, "include_tracking": True},
    ],
    "resource_show": [{}, {"include_tracking": True}],
    "package_activity_list": [{}, {"include_hidden_activity": True, "limit": 100}],
    "activity_show": [{}, {"include_data": True}],
    "activity_data_show": [{}, {"object_type": "package"}],
    "activity_diff": [{"object_type": "package", "diff_type": "html"}],
    "datastore_search": [{}, {"limit": 0}, {"q": "zqx"}, {"records_format": "csv"}],
    "harvest_object_show": [{}, {"attr": "guid"}],
    "user_show": [{}, {"include_datasets": True, "include_num_followers": True}],
    "dcat_dataset_show": [{"format": "xml"}, {"format": "jsonld"}],
    "package_relationships_list": [{}, {"rel": "depends_on"}],
}
#: Actions that take no reference to a planted thing, with what they are asked.
_ORGANIZATION = [
    {},
    {"include_datasets": True},
    {"include_users": True, "include_groups": True, "include_followers": True},
    {"include_dataset_count": True, "include_extras": True},
]
_LIST = [{}, {"all_fields": True, "include_dataset_count": True, "include_users": True},
         {"sort": "package_count desc"}, {"all_fields": True, "include_groups": True}]  # fmt: skip
_FACETS = (
    "organization", "tags", "res_format", "license_id", "theme", "open_class", "groups",
    "update_cycle", "provider_unit", "permission_labels", "res_url", "title_string", "name", "id",
    "capacity", "state", "creator_user_id", "res_name", "extras_theme", "share_mode", "staff_title",
)  # fmt: skip
_RETURNED = (
    "*", "data_dict", "validated_data_dict", "id,name,title", "res_url", "extras_*", "staff_*",
    "permission_labels", "id,docfreq(text,zqx)", "govopen_*", "text", "notes", "res_description",
)  # fmt: skip


def readable() -> list[Surface]:
    """Every action of this site that only reads, by its row or by CKAN's own word."""
    found = []
    for name, surface in sorted(inventory().loaded_actions().items()):
        if surface.reads or getattr(get_action(name), "side_effect_free", False):
            found.append(surface)
    return found


def action_rows(world: World, whole: bool) -> list[Ask]:
    """Rows for every readable action."""
    rows: list[Ask] = []
    for surface in readable():
        if surface.name in SPECIAL:
            rows += [action(surface.name, data) for data in SPECIAL[surface.name](world)]
            continue
        asked: list[dict[str, Any]] = []
        flags = FLAGS.get(surface.name, [{}])
        for parameter, kind in surface.references.items():
            references = world.references(kind)
            if not whole:
                references = _turns(references, len(surface.name))
            for number, reference in enumerate(references):
                chosen = flags if whole else [flags[number % len(flags)]]
                asked += [{parameter: reference, **more} for more in chosen]
        if not surface.takes or whole:
            asked += [{}, {"id": world.department.name}, {"id": world.datasets["never"].id}]
            asked += [{"id": "zqx", "q": "zqx", "query": "zqx"}, {"limit": 100, "all_fields": True}]
        rows += [action(surface.name, data) for data in asked]
    rows += _other_ways(world)
    return rows


def _turns(references: list[str], turn: int) -> list[str]:
    """Every second one, beginning with the first or the second: an action less, a name instead."""
    return references[turn % 2 :: 2] if len(references) > 8 else references


def _other_ways(world: World) -> Iterator[Ask]:
    """The same actions by GET, by form, and under the other addresses of the API."""
    for kind in ("never", "pending", "conditional", "suspended"):
        planted = world.datasets[kind]
        query = urlencode({"id": planted.id})
        yield Ask("package_show by GET", "GET", f"/api/3/action/package_show?{query}")
        yield Ask("package_show by GET", "GET", f"/api/action/package_show?{query}")
        yield Ask("package_show by GET", "GET", f"/api/3/action/package_show?{query}&callback=f")
        yield Ask(
            "package_show by form", "POST", "/api/3/action/package_show", form={"id": planted.id}
        )
        yield Ask("package_show by HEAD", "HEAD", f"/api/3/action/package_show?{query}")
        yield Ask(
            "method override",
            "POST",
            f"/dataset/{planted.id}",
            form={"_method": "GET"},
            headers=(("X-HTTP-Method-Override", "GET"),),
        )
        yield Ask("OPTIONS", "OPTIONS", f"/dataset/{planted.id}")
    for word in ("zqx", "旧", "题", "新"):
        text = quote(word)
        yield page(
            "api.dataset_autocomplete", f"/api/2/util/dataset/autocomplete?incomplete={text}"
        )
        yield page("api.tag_autocomplete", f"/api/2/util/tag/autocomplete?incomplete={text}")
        yield page(
            "api.format_autocomplete", f"/api/2/util/resource/format_autocomplete?incomplete={text}"
        )
        yield page("api.user_autocomplete", f"/api/2/util/user/autocomplete?q={text}")
        yield page(
            "api.organization_autocomplete", f"/api/2/util/organization/autocomplete?q={text}"
        )
        yield page("api.group_autocomplete", f"/api/2/util/group/autocomplete?q={text}")


# Actions that search and list


def _searches(world: World) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = [
        {},
        {"rows": 1000},
        {"rows": 1000, "include_private": True, "include_drafts": True, "include_deleted": True},
        {"rows": 1000, "use_default_schema": True},
        {"fq": "+state:(draft OR deleted OR active)", "rows": 1000, "include_private": True},
        {"fq": "capacity:private", "include_private": True, "rows": 1000},
        {"fq": f"owner_org:{world.department.id}", "rows": 1000},
        {"fq_list": ["state:*", "capacity:*"], "rows": 1000},
        {"fq": "dataset_type:harvest", "rows": 1000},
        {"q": "*:*", "rows": 1000, "start": 0, "sort": "title_string asc"},
        {"q": "题", "rows": 1000},
        {"q": "旧", "rows": 1000},
        {"q": "text:*", "rows": 1000},
        {"q": "staff_text:*", "rows": 1000},
        {"q": "title:题", "defType": "lucene"},
        {"q": "x", "qf": "staff_text^9 text"},
        {"q": "题", "bf": "if(exists(query({!v='name:x'})),1,0)"},
        {"q": "{!func}docfreq(text,'x')"},
        {"q": '_query_:"{!lucene}*:*"', "rows": 1000},
        {"fq": "{!join from=id to=id}*:*", "rows": 100},
        {"facet.field": '["res_url"]', "facet.mincount": 0, "facet.limit": -1},
        {"q": "题", "extras": {"ext_x": "y"}},
    ]
    for facet in _FACETS:
        asked.append({"facet.field": [facet], "facet.mincount": 0, "facet.limit": -1, "rows": 0})
        asked.append({"sort": f"{facet} asc", "rows": 1000})
    asked += [{"fl": returned, "rows": 1000} for returned in _RETURNED]
    asked += [{"sort": "if(docfreq(text,zqx),1,0) desc"}, {"sort": "termfreq(text,zqx) desc"}]
    return asked


def _in_organization(world: World) -> list[dict[str, Any]]:
    return [{"id": world.department.name, **more} for more in _ORGANIZATION] + [
        {"id": world.elsewhere, **more} for more in _ORGANIZATION
    ]


def _tags(world: World) -> list[dict[str, Any]]:
    names = [tag for planted in world.datasets.values() for tag in planted.tags]
    return [{"id": name, "include_datasets": True} for name in names]


def _words(*parameters: str) -> Any:
    def asked(world: World) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = [{}]
        for word in ("z", "zqx", "题", "旧", "a", ""):
            found += [{parameter: word, "limit": 100} for parameter in parameters]
        return found

    return asked


def _resources(world: World) -> list[dict[str, Any]]:
    return [
        {"query": f"{name}:{word}", "limit": 1000}
        for name in ("name", "url", "description", "format", "id", "hash", "source_url", "url_type")
        for word in ("zqx", "127.0.0.1", "")
    ] + [{"query": ["name:zqx", "url:zqx"]}, {"query": "name:zqx", "order_by": "url"}]


def _members(world: World) -> list[dict[str, Any]]:
    return [
        {"id": world.department.id, **more}
        for more in (
            {},
            {"object_type": "package"},
            {"object_type": "user"},
            {"object_type": "package", "capacity": "private"},
        )
    ]


def _people(world: World) -> list[dict[str, Any]]:
    return [
        {"q": "zqx"},
        {},
        {"q": "@example.com"},
        {"email": "x@example.com"},
        {"all_fields": False},
    ]


def _streams(world: World) -> list[dict[str, Any]]:
    place = world.department.name
    return [{}, {"limit": 100}, {"id": place, "limit": 100}, {"id": place, "offset": 3},
            {"id": place, "include_hidden_activity": True}]  # fmt: skip


def _grants(world: World) -> list[dict[str, Any]]:
    return [{"id": grant} for grant in world.grants]


SPECIAL: dict[str, Any] = {
    "package_search": _searches,
    "dcat_catalog_show": lambda world: [{}, {"format": "jsonld"}, {"q": "zqx"}, {"fq": "state:*"}],
    "dcat_catalog_search": lambda world: [{}, {"q": "题"}, {"fq": "capacity:private"}],
    "organization_show": _in_organization,
    "group_show": _in_organization,
    "group_package_show": lambda world: [{"id": world.department.id, "limit": 100}],
    "organization_list": lambda world: _LIST,
    "group_list": lambda world: _LIST,
    "tag_show": _tags,
    "tag_list": _words("query"),
    "tag_search": _words("query"),
    "tag_autocomplete": _words("query"),
    "format_autocomplete": _words("q"),
    "package_autocomplete": _words("q"),
    "user_autocomplete": _words("q"),
    "resource_search": _resources,
    "member_list": _members,
    "user_list": _people,
    "group_activity_list": _streams,
    "organization_activity_list": _streams,
    "recently_changed_packages_activity_list": _streams,
    "dashboard_activity_list": _streams,
    "govopen_grant_show": _grants,
    "govopen_grant_list": lambda world: [{}, {"package_id": world.datasets["conditional"].id}],
    "govopen_review_show": lambda world: [{"id": r} for r in world.references("dataset")],
    "govopen_review_list": lambda world: [
        {},
        {"state": "open,submitted,returned,approved,cancelled", "limit": 1000},
        {"organization": world.department.name},
    ],
    "harvest_source_list": lambda world: [{}, {"organization_id": world.department.id}],
    "harvest_object_list": lambda world: [{}, {"source_id": world.source}],
    "harvest_job_list": lambda world: [{}, {"source_id": world.source}],
    "current_package_list_with_resources": lambda world: [{}, {"limit": 100}],
    "package_list": lambda world: [{}, {"limit": 100, "offset": 1}],
    "datastore_search": lambda world: [
        {"resource_id": resource, **more}
        for number, resource in enumerate(world.references("resource"))
        for more in (FLAGS["datastore_search"][number % 4], {"limit": 5})
    ] + [{"resource_id": "_table_metadata", "limit": 1000}],
}  # fmt: skip


# Pages


def _path(template: str, **values: str) -> str:
    for name, value in values.items():
        template = template.replace(f"<{name}>", quote(value, safe=""))
    return template


def page_rows(world: World, whole: bool) -> list[Ask]:
    """Rows for every route of the URL map that is read."""
    rows: list[Ask] = []
    for rule in world.portal.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        surface = inventory().route(rule.endpoint)
        if rule.endpoint.endswith("static") or rule.endpoint in ("webassets.index", "api.action"):
            continue
        if rule.endpoint == "user.logout":
            continue
        takes = dict(surface.takes) if surface else {}
        for values in _values(world, rule.endpoint, rule.arguments, takes, whole):
            built = _build(rule, values)
            if built is not None:
                rows.append(page(rule.endpoint, built))
    return list({row.path: row for row in rows}.values())


def _build(rule: Any, values: dict[str, str]) -> str | None:
    numbers = {
        name: "1"
        for name, converter in rule._converters.items()
        if isinstance(converter, NumberConverter)
    }
    whole = {**dict.fromkeys(rule.arguments, "x"), **numbers, **values}
    found = rule.build(whole, append_unknown=False)
    return found[1] if found else None


_FIXED = {
    "ver": "3", "lang": "en", "logic_function": "status_show", "filename": "x.csv",
    "package_type": "dataset", "group_type": "organization", "_format": "rdf", "path": "x",
    "endpoint": "x", "token": "x", "jti": "x", "location": "x", "storage": "resources",
    "user": "x", "tag": "x", "page": "1", "fmt": "csv", "name": "dataset", "offset": "0",
    "domain": "x", "target": "x",
}  # fmt: skip


def _values(
    world: World, endpoint: str, arguments: set[str], takes: dict[str, str], whole: bool
) -> Iterator[dict[str, str]]:
    """Values for the arguments of a route: those of each planted dataset together, and mixed."""
    known = {**_FIXED, "source": world.source}
    fixed = {name: value for name, value in known.items() if name in arguments}
    kinds = {name: takes[name] for name in arguments if name in takes}
    if not kinds:
        if "id" in arguments:
            for reference in (world.department.name, world.datasets["never"].id, world.elsewhere):
                yield {**fixed, "id": reference}
            return
        yield fixed
        return
    if not set(kinds.values()) & {"dataset", "own", "resource", "view"}:
        for name, kind in kinds.items():
            for reference in world.references(kind):
                yield {**fixed, **dict.fromkeys(kinds, reference), name: reference}
        return
    decoy = world.datasets["open"]
    for number, planted in enumerate(world.datasets.values()):
        names = [planted.id, *planted.names]
        if not whole:
            names = [names[(number + len(endpoint)) % len(names)]]
        for reference in names:
            for key in planted.resources if "resource" in kinds.values() else ["file"]:
                yield {**fixed, **_of(planted, kinds, key, reference, world)}
        if "resource" in kinds.values() and "dataset" in kinds.values():
            # A dataset that may be seen, a resource that may not be.
            keys = list(planted.resources)
            for key in keys if whole else keys[-1:]:
                yield {**fixed, **_of(planted, kinds, key, decoy.id, world)}


def _of(
    planted: Planted, kinds: dict[str, str], key: str, reference: str, world: World
) -> dict[str, str]:
    values = {}
    for name, kind in kinds.items():
        if kind in ("dataset", "own"):
            values[name] = reference
        elif kind == "resource":
            values[name] = planted.resources.get(key, "x")
        elif kind == "view":
            values[name] = planted.views.get(key) or planted.views.get("file") or "x"
        else:
            references = world.references(kind)
            values[name] = references[0] if references else "x"
    return values


def other_pages(world: World) -> list[Ask]:
    """Pages that routes alone do not name: forms of a dataset, languages, slashes, searches."""
    rows: list[Ask] = []
    for planted in world.datasets.values():
        base = f"/dataset/{planted.id}"
        for ending in (".rdf", ".ttl", ".jsonld", ".xml", ".n3"):
            rows.append(page("dcat.read_dataset", base + ending))
        rows.append(page("content negotiation", base, Accept="text/turtle"))
        rows.append(page("content negotiation", base, Accept="application/ld+json"))
        rows.append(page("locale", f"/en{base}"))
        rows.append(page("locale", f"/zh_Hant_TW{base}"))
        rows.append(page("slash", f"{base}/"))
        rows.append(page("profiles", f"{base}.jsonld?profiles=schemaorg"))
        for resource in planted.resources.values():
            rows.append(page("locale", f"/en{base}/resource/{resource}"))
            for fmt in ("csv", "tsv", "json", "xml"):
                rows.append(page("datastore.dump", f"/datastore/dump/{resource}?format={fmt}"))
            rows.append(page("datastore.dump", f"/datastore/dump/{resource}?bom=true&limit=1"))
            rows.append(page("resource.download", f"{base}/resource/{resource}/download"))
            for view in planted.views.values():
                read = f"{base}/resource/{resource}?view_id={view}"
                rows.append(page("resource.read?view_id", read))
            config = json.dumps({"title": "x", "view_type": "text_view"})
            query = urlencode({"resource_view": config})
            rows.append(page("resource.view", f"{base}/resource/{resource}/view/?{query}"))
    for query in (
        "", "q=zqx", "q=题", "res_url=zqx", "tags=zqx", "ext_a=b", "organization=x",
        "sort=name+asc",
        "_theme_limit=0", "_tags_limit=0", "page=2", "open_class=non_open", "state=draft",
    ):  # fmt: skip
        rows.append(page("dataset.search", f"/dataset/?{query}"))
        rows.append(page("locale", f"/en/dataset/?{query}"))
    for ending in ("rdf", "ttl", "jsonld", "xml"):
        rows.append(page("dcat.read_catalog", f"/catalog.{ending}"))
        rows.append(page("dcat.read_catalog", f"/catalog.{ending}?page=2&q=zqx&fq=state:*"))
        rows.append(page("dcat.read_catalog", f"/catalog.{ending}?modified_since=2001-01-01"))
    place = world.department.name
    for path in (
        f"/organization/{place}?q=zqx", f"/organization/{place}?include_private=True",
        f"/feeds/organization/{place}.atom", "/feeds/dataset.atom", "/feeds/custom.atom?q=zqx",
        f"/feeds/tag/{world.datasets['never'].tags[0]}.atom", "/feeds/custom.atom?tags=zqx",
        "/open/list", "/open/list?format=csv", "/open/list?format=json", "/open/law", "/open/desk",
        "/open/list.csv", "/open/list.json", "/open/review?state=approved", "/open/duties",
        "/robots.txt", "/sitemap.xml", "/user", "/user/?q=zqx", "/dashboard/datasets",
    ):  # fmt: skip
        rows.append(page("page", path))
    return rows


def writes(world: World, planted: Sequence[Planted]) -> list[Ask]:
    """Writes by people who may not write: refused, and the refusal tells nothing."""
    rows: list[Ask] = []
    for each in planted:
        for name, data in {
            "package_patch": {"id": each.id, "title": "x"},
            "package_update": {"id": each.names[0], "name": each.names[0]},
            "package_delete": {"id": each.id},
            "package_revise": {"match": {"id": each.id}, "update": {"title": "x"}},
            "package_resource_reorder": {"id": each.id, "order": list(each.resources.values())},
            "resource_create": {"package_id": each.id, "url": "http://example.com"},
            "resource_patch": {"id": each.resources["file"], "name": "x"},
            "resource_delete": {"id": each.resources["file"]},
            "resource_view_create": {
                "resource_id": each.resources["file"], "view_type": "text_view", "title": "x",
            },
            "resource_view_update": {"id": each.views["file"], "title": "x"},
            "resource_view_delete": {"id": each.views["file"]},
            "datastore_upsert": {"resource_id": each.resources["file"], "records": []},
            "datastore_delete": {"resource_id": each.resources["file"]},
            "package_owner_org_update": {"id": each.id, "organization_id": world.elsewhere},
            "package_relationship_create": {
                "subject": each.id, "object": each.names[0], "type": "depends_on",
            },
            "bulk_update_public": {"org_id": world.department.id, "datasets": [each.id]},
            "govopen_dataset_suspend": {"id": each.id, "reason": "x"},
            "govopen_dataset_reclassify": {"id": each.id, "open_class": "non_open", "reason": "x"},
            "govopen_review_submit": {"id": each.id},
            "govopen_review_decide": {"id": each.id, "fingerprint": "x", "decision": "approve"},
        }.items():  # fmt: skip
            rows.append(action(name, data))
    return rows


# Existence

#: Ids that nothing has: a dataset's, a resource's and a view's.
NOTHING = tuple(str(uuid.uuid4()) for _ in range(3))


def twins(world: World, hidden: Sequence[str]) -> Iterator[tuple[Ask, Ask, dict[str, str]]]:
    """Pairs: a hidden thing, and the same question about nothing."""
    nothing, nobody = NOTHING[0], "zqnothingabc"
    for kind in hidden:
        planted = world.datasets[kind]
        for reference in (planted.id, planted.names[0]):
            other = nothing if reference == planted.id else nobody
            names = {reference: other}
            for surface in _taking(("dataset", "own")):
                for parameter in _parameters(surface, ("dataset", "own")):
                    yield (
                        action(surface.name, {parameter: reference}),
                        action(surface.name, {parameter: other}),
                        names,
                    )
            for path in (
                "/dataset/{}", "/dataset/{}.rdf", "/dataset/edit/{}", "/dataset/resources/{}",
                "/dataset/activity/{}", "/dataset/followers/{}", "/dataset/groups/{}",
                "/dataset/delete/{}", "/dataset/{}/resource/new", "/dataset/{}/resource/x",
                "/dataset/{}/history/x", "/dataset/collaborators/{}", "/dataset/harvest_object/{}",
                "/harvest/{}", "/open/review/{}", "/open/apply/{}", "/en/dataset/{}",
                "/dataset/{}/", "/dataset/{}/zip",
            ):  # fmt: skip
                yield (
                    page("twin", path.format(reference)),
                    page("twin", path.format(other)),
                    names,
                )
        for where, kinds in (("resources", ("resource",)), ("views", ("view",))):
            reference = getattr(planted, where)["file"]
            for surface in _taking(kinds):
                for parameter in _parameters(surface, kinds):
                    yield (
                        action(surface.name, {parameter: reference}),
                        action(surface.name, {parameter: nothing}),
                        {reference: nothing},
                    )
        resource, view = planted.resources["file"], planted.views["file"]
        for path in (
            "/dataset/{d}/resource/{r}", "/dataset/{d}/resource/{r}/download",
            "/dataset/{d}/resource/{r}/download/a.csv", "/datastore/dump/{r}",
            "/dataset/{d}/resource/{r}/view/{v}", "/dataset/{d}/dictionary/{r}",
            "/dataset/{d}/resource/{r}/edit", "/datatables/ajax/{v}",
            "/dataset/{d}/resources/{r}/history/x",
        ):  # fmt: skip
            open_id = world.datasets["open"].id
            for dataset in (planted.id, open_id):
                other_dataset = dataset if dataset == open_id else nothing
                others = {"d": other_dataset, "r": NOTHING[1], "v": NOTHING[2]}
                names = {resource: others["r"], view: others["v"]}
                if dataset != open_id:
                    names[dataset] = other_dataset
                yield (
                    page("twin", path.format(d=dataset, r=resource, v=view)),
                    page("twin", path.format(**others)),
                    names,
                )


def _taking(kinds: tuple[str, ...]) -> list[Surface]:
    return [
        surface
        for surface in inventory().loaded_actions().values()
        if set(surface.takes.values()) & set(kinds)
    ]


def _parameters(surface: Surface, kinds: tuple[str, ...]) -> list[str]:
    return [name for name, kind in surface.references.items() if kind in kinds]


def oracles(secret: Secret) -> list[tuple[Ask, Ask, dict[str, str]]]:
    """Questions that a secret word would answer otherwise than an unknown one."""
    unknown = "zqyunknownaa"  # as long as every marker
    names = {secret.text: unknown}
    pairs = []
    for data in (
        {"q": "{}"}, {"fq": "tags:{}"}, {"fq": "title:{}"}, {"q": "{}*"}, {"fq": "res_url:*{}*"},
        {"fq": "name:{}"}, {"q": "notes:{}"}, {"fq": "theme:{}"}, {"q": "staff_text:{}"},
    ):  # fmt: skip
        one = {key: value.format(secret.text) for key, value in data.items()}
        two = {key: value.format(unknown) for key, value in data.items()}
        pairs.append((action("package_search", one), action("package_search", two), names))
    for name, parameter in (
        ("tag_search", "query"), ("tag_show", "id"), ("package_autocomplete", "q"),
        ("format_autocomplete", "q"), ("tag_autocomplete", "query"), ("dcat_catalog_show", "q"),
    ):  # fmt: skip
        pairs.append(
            (action(name, {parameter: secret.text}), action(name, {parameter: unknown}), names)
        )
    for name in ("url", "name", "description", "format"):
        pairs.append(
            (
                action("resource_search", {"query": f"{name}:{secret.text}"}),
                action("resource_search", {"query": f"{name}:{unknown}"}),
                names,
            )
        )
    return pairs
