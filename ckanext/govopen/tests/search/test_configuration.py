"""The Solr configuration keeps what CKAN relies on and answers nothing else."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import ckan
import pytest
import requests
from ckan.lib.search import check_solr_schema_version
from ckan.lib.search.common import make_connection

from ckanext.govopen import search
from ckanext.govopen.search import fields
from ckanext.govopen.search.fields import HIDDEN_FORM

CONF = Path(search.__file__).parent / "solr" / "conf"


def _root(path: Path) -> ET.Element:
    return ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314  (as above)


OURS = _root(CONF / "schema.xml")
CKANS = _root(Path(ckan.__file__).parent / "config" / "solr" / "schema.xml")

#: Differences from CKAN's schema: why.
CHANGED = {
    # Solr's own update log needs numbers here.
    "_version_": {"type": "plong", "indexed": "false", "stored": "false"},
}


def _named(root: ET.Element, kind: str) -> dict[str, dict[str, str]]:
    return {field.attrib["name"]: field.attrib for field in root.iter(kind)}


@pytest.mark.parametrize("kind", ["field", "dynamicField"])
def test_every_field_of_ckan_is_there_and_means_the_same(kind: str) -> None:
    ours = _named(OURS, kind)
    for name, wanted in _named(CKANS, kind).items():
        have = ours[name]
        for key in ("type", "indexed", "stored", "multiValued", "required", "default"):
            expected = CHANGED.get(name, {}).get(key, wanted.get(key))
            if key == "multiValued":
                assert have.get(key, "false") == (expected or "false"), name
            elif key in CHANGED.get(name, {}) or expected is not None:
                assert have.get(key) == expected, (name, key)


def test_every_type_and_copy_of_ckan_is_there() -> None:
    types = {kind.attrib["name"] for root in (OURS,) for kind in root.iter("fieldType")}
    wanted = {kind.attrib["name"] for tag in ("fieldType", "fieldtype") for kind in CKANS.iter(tag)}
    assert wanted <= types

    def copies(root: ET.Element) -> set[tuple[str, str]]:
        return {(copy.attrib["source"], copy.attrib["dest"]) for copy in root.iter("copyField")}

    assert copies(CKANS) - copies(OURS) == {
        ("text", "text"),  # copies nothing
        ("organization", "text"),  # hidden documents have it; provider_text brings it instead
    }
    assert OURS.attrib["name"] == CKANS.attrib["name"]


def test_nothing_flows_into_or_out_of_the_staff_fields() -> None:
    for copy in OURS.iter("copyField"):
        assert not copy.attrib["source"].startswith("staff")
        assert not copy.attrib["dest"].startswith("staff")
        assert copy.attrib["source"] not in HIDDEN_FORM | {"*"}
    staff = {name: field for name, field in _named(OURS, "field").items() if "staff" in name}
    assert set(staff) == {fields.STAFF_TITLE, fields.STAFF_TEXT}
    for field in staff.values():
        assert field["stored"] == "false"
        assert field["type"] == "text_staff"


def test_the_fence_in_solr_is_the_list_in_python() -> None:
    root = _root(CONF / "solrconfig.xml")
    fence = next(node.text or "" for node in root.iter("str") if node.get("name") == "uf").split()
    families = {"extras_*", "res_extras_*", "vocab_*"}
    assert set(fence) == fields.QUERY_FIELDS | families | {"-_query_", "-_val_"}


def test_the_weights_name_fields_of_the_schema() -> None:
    known = set(_named(OURS, "field"))
    assert {part.split("^")[0] for part in fields.STAFF_WEIGHTS.split()} <= known


def test_ckan_accepts_the_running_schema() -> None:
    assert check_solr_schema_version()


@pytest.mark.parametrize(
    "handler",
    [
        *("terms?terms.fl=staff_text", "export?q=*:*&fl=id&sort=id+asc", "get?id=x", "stream"),
        *("sql", "graph", "debug/dump", "admin/luke", "analysis/document", "replication", "config"),
        *("tasks/list", "spell?q=x", "mlt?q=x", "browse", "suggest", "config/overlay"),
    ],
)
def test_other_handlers_are_off(handler: str) -> None:
    assert requests.get(f"{_url()}/{handler}", timeout=10).status_code in (400, 404, 405, 500)


def test_the_configuration_cannot_be_edited() -> None:
    for path, body in (
        ("schema", '{"add-field": {"name": "x1", "type": "string"}}'),
        ("config", '{"set-user-property": {"x": "y"}}'),
    ):
        answer = requests.post(f"{_url()}/{path}", data=body, timeout=10)
        assert answer.status_code >= 400
    fields_now = requests.get(f"{_url()}/schema/fields?wt=json", timeout=10).json()["fields"]
    assert "x1" not in {field["name"] for field in fields_now}


def test_streams_from_elsewhere_are_refused() -> None:
    for parameter in (
        "stream.url=http://127.0.0.1:1/",
        "stream.file=/etc/hostname",
        "stream.body=x",
    ):
        answer = requests.post(f"{_url()}/update?{parameter}", timeout=10)
        assert answer.status_code >= 400


def test_components_that_read_statistics_do_nothing() -> None:
    answer = requests.get(
        f"{_url()}/select?q=*:*&rows=0&stats=true&stats.field=title_string&terms=true"
        "&terms.fl=staff_text&hl=true&debug=all&spellcheck=true&wt=json",
        timeout=10,
    ).json()
    assert set(answer) == {"responseHeader", "response"}


def _url() -> str:
    return make_connection().url.rstrip("/")
