"""No question tells an outsider whether a hidden dataset holds a word, against a real Solr.

Every trick is asked twice: once while hidden datasets hold a marker word in every field, once while
they hold another. Whatever differs between the two answers would be an oracle.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from ckan import model
from ckan.lib import plugins as lib_plugins
from ckan.lib.search import SearchError
from ckan.logic import ValidationError
from ckan.logic.action.get import package_search

from ckanext.govopen.access.policy import Person
from ckanext.govopen.search import query
from ckanext.govopen.search.fields import FACET_FIELDS, HIDDEN_FORM, RETURN_FIELDS, SORT_FIELDS
from ckanext.govopen.search.shape import document
from ckanext.govopen.tests.search.conftest import (
    ANYBODY,
    MEMBER,
    SITE,
    Index,
    Labels,
    Search,
    dataset,
    hidden,
    release,
)

MARKER, OTHER = "zhujixq", "qitavvw"
OUTSIDERS = [ANYBODY, Person(user_id="u3", memberships={"org-fire": "admin"})]

_FIELDS = (
    *("staff_text", "staff_title", "text", "title", "notes", "tags", "name", "title_string"),
    *("permission_labels", "data_dict", "validated_data_dict", "res_url", "extras_secret", "id"),
    *("organization", "govopen_form", "_version_", "tags_part", "title_part", "name_ngram"),
)
_NAMES = (
    *("staff\\_text", "staff\\u005ftext", "staff\\_\\t\\e\\x\\t", "staff*", "*_text", "st?ff_text"),
    *("(staff_text)", '"staff_text"', "staff_text ", "staff_text/**/", "staff_text\u3000", "*"),
    *("STAFF_TEXT", "ｓtaff_text", "+staff_text", "staff_text\t", "staff_text\n", "%73taff_text"),
)
_SHAPES = (
    "{field}:{word}",
    "{field}:*{word}*",
    "{field}:[{word} TO {word}z]",
    "{field}:/.*{word}.*/",
    "-{field}:{word}",
    "NOT {field}:{word}",
    "*:* AND NOT {field}:{word}",
    "title:(公開 OR {field}:{word})",
    "filter({field}:{word})",
    "({field}:{word})^=99 OR 公開",
    "公開 {field}:{word}^1000",
    "{field}:{word}~2",
    'a\\" OR {field}:{word} OR \\"b',
    '"a" OR {field}:"{word}',
    ")) OR (({field}:{word}",
    "/* x */ {field}:{word} /* y */",
    "{{!lucene}}{field}:{word}",
    "{{!term f={field}}}{word}",
    "{{!field f={field} v={word}}}",
    "{{!edismax qf={field} uf=*}}{word}",
    "{{!join from=organization to=organization}}{field}:{word}",
    "{{!frange l=1}}docfreq({field},{word})",
    "{{!func}}docfreq({field},{word})",
    "{{!parent which='*:*'}}{field}:{word}",
    "{{!prefix f={field}}}{word}",
    "{{!xmlparser}}<TermQuery fieldName='{field}'>{word}</TermQuery>",
    "{{!surround}}{field}:{word}",
    "{{!complexphrase inOrder=true}}{field}:{word}",
    "{{!bool should='{field}:{word}'}}",
    "\\{{!term f={field}}}{word}",
    "公開 {{!term f={field}}}{word}",
    '公開 _query_:"{{!term f={field}}}{word}"',
    '_val_:"docfreq({field},{word})"',
    '\\_query\\_:"{field}:{word}"',
    "公開 AND _query_ :{field}",
)


def _tricks(word: str) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []
    for shape in _SHAPES:
        for field in ("staff_text", "title", "permission_labels"):
            text = shape.format(field=field, word=word)
            asked += [{"q": text}, {"fq": text}, {"fq_list": [text]}, {"q": "公開", "fq": text}]
    for field in (*_FIELDS, *_NAMES):
        text = f"{field}:{word}"
        asked += [{"q": text}, {"fq": text}, {"fq": f"+{text} +state:(active OR draft)"}]
    for function in (
        *("docfreq(title,{0})", "docfreq(staff_text,{0})", "totaltermfreq(text,{0})"),
        *("idf(text,{0})", "if(docfreq(text,{0}),1,0)", "query({{!term f=staff_text v={0}}})"),
        *("x:docfreq(title,{0})", "[docid]", "[explain]", "[subquery]", "score", "staff_text"),
        *(
            "termfreq(staff_text,{0})",
            "numdocs()",
            "maxdoc()",
            "$q",
            "permission_labels",
            "*,score",
        ),
    ):
        text = function.format(word)
        asked += [
            {"fl": f"id,{text}"},
            {"fl": [text]},
            {"fl": json.dumps(["id", text])},
            {"sort": f"{text} desc"},
            {"sort": f"title_string asc, {text} asc"},
            {"facet.field": [text]},
            {"facet.field": json.dumps([text])},
            {"bf": text},
            {"boost": text},
            {"q": "公開", "bf": text, "defType": "edismax"},
        ]
    for field in sorted(FACET_FIELDS | {*_FIELDS, "fingerprint", "*", "{!ex=x}tags", "staff*"}):
        asked += [
            {"facet.field": [field], "facet.mincount": 0, "facet.limit": -1},
            {"facet.field": f'["{field}"]', "facet.mincount": "-1"},
        ]
    for field in sorted(SORT_FIELDS | {"staff_text", "permission_labels", "_version_"}):
        asked.append({"sort": f"{field} desc"})
    for name, value in {
        "qf": f"staff_text^{9}",
        "pf": "staff_text",
        "uf": "*",
        "df": "staff_text",
        "defType": "lucene",
        "mm": "0",
        "tie": "1",
        "bq": f"staff_text:{word}",
        "hl": "true",
        "hl.fl": "staff_text",
        "stats": "true",
        "stats.field": "staff_title",
        "group": "true",
        "group.field": "staff_title",
        "spellcheck": "true",
        "terms": "true",
        "terms.fl": "staff_text",
        "debug": "all",
        "debugQuery": "true",
        "facet.query": f"staff_text:{word}",
        "facet.prefix": word,
        "facet.contains": word,
        "f.tags.facet.mincount": "0",
        "facet.method": "enum",
        "facet.exists": "true",
        "facet.pivot": "staff_title",
        "json.facet": "{x:{type:terms,field:staff_text,mincount:0}}",
        "json": f'{{"query":"staff_text:{word}"}}',
        "rq": "{!rerank}",
        "qt": "/terms",
        "shards": "localhost",
        "stream.body": "x",
        "cursorMark": "*",
        "expand": "true",
        "mlt": "true",
        "collapse": "x",
        "wt": "xml",
        "q.op": "OR",
        "sow": "true",
        "fq": ["staff_text:x"],
        "q": ["staff_text:x"],
        "rows": -1,
        "start": 10**12,
        "facet.limit": "many",
        "sort": "title_string",
    }.items():
        asked += [{"q": word, name: value}, {name: value}]
    asked += [
        {"q": word},
        {"q": f'"{word}"'},
        {"q": f"{word}*"},
        {"q": word[:4] + "*"},
        {"q": f"公開 OR {word}"},
        {"q": "公開", "include_private": True, "include_drafts": True, "include_deleted": True},
        {"q": word, "include_private": True, "include_drafts": True},
        {"fq": "+state:draft"},
        {"fq": f"capacity:private +name:*{word}*", "include_private": "true"},
        {"fl": "*"},
        {"fl": ",".join(sorted(RETURN_FIELDS))},
        {"fl": "extras_*"},
        {"fl": "ta*"},
    ]
    return asked


Outcome = tuple[str, str]
#: Without it the open documents would differ by the time of writing.
_WRITTEN = {"indexed_ts": "2020-01-01T00:00:00Z"}


@pytest.fixture
def outcome(search: Search) -> Callable[[dict[str, Any], Person], Outcome]:
    def ask(params: dict[str, Any], person: Person) -> Outcome:
        try:
            return "answer", json.dumps(search(dict(params), person), sort_keys=True)
        except ValidationError as error:
            return "refused", json.dumps(error.error_dict, sort_keys=True)
        except SearchError as error:
            return "error", str(query.told(error))

    return ask


def _fill(index: Index, word: str, form: str) -> None:
    index.clear()
    index.add(
        {**release("open-1", "公開 資料一", tags=["公開"], notes="甲"), **_WRITTEN},
        {**release("open-2", "公開 資料二", notes="乙", open_class="conditional"), **_WRITTEN},
    )
    everywhere: dict[str, Any] = {
        "notes": f"{word} {word}",
        "tags": [word, "公開"],
        "secret": word,
        "theme": word,
        "resource_code": word,
        "resources": [{"name": word, "format": word, "url": f"http://x.test/{word}"}],
    }
    for number, labels in enumerate((["member-org-water"], ["govopen-oversight"])):
        for state in ("active", "draft"):
            found = dataset(
                f"{word}-{number}-{state}", f"公開 {word}", id=f"h-{number}-{state}", state=state,
                **everywhere,
            )  # fmt: skip
            made = document(found, found, hidden=form == "staff", labels=labels, site_id=SITE)
            index.add({**made, "capacity": "private"})
    index.add(hidden(f"source-{word}", word, id="h-source", type="harvest", owner_org="org-water"))
    index.solr.optimize()


@pytest.mark.parametrize("form", ["staff", "ckan"])
def test_no_answer_depends_on_hidden_words(
    index: Index, outcome: Callable[[dict[str, Any], Person], Outcome], form: str
) -> None:
    """``ckan``: the fence alone, with CKAN's own documents of private datasets behind it."""
    answers: list[list[Outcome]] = []
    pairs = list(zip(_tricks(MARKER), itertools.cycle(OUTSIDERS), strict=False))
    for word in (MARKER, OTHER):
        _fill(index, word, form)
        answers.append([outcome(params, person) for params, person in pairs])
    leaks = [
        params
        for (params, _), first, second in zip(pairs, *answers, strict=True)
        if first != second or OTHER in "".join(second)
    ]
    assert leaks == []
    told = [text for answer in answers for kind, text in answer if kind == "error"]
    assert not [text for text in told if "permission_labels" in text or "member-" in text]
    assert len({kind for answer in answers for kind, _ in answer}) >= 2  # some pass, some do not


def test_the_tricks_have_teeth(
    index: Index, monkeypatch: pytest.MonkeyPatch, search: Search
) -> None:
    """The same tricks against stock documents and without the fence: some tell."""
    asked = _tricks(MARKER)
    monkeypatch.setattr(query, "sanitise", lambda params, person, extra=None: params)
    monkeypatch.setattr(query, "search_defaults", lambda params, person: params)
    answers = []
    for word in (MARKER, OTHER):
        _fill(index, word, "ckan")
        given = []
        for params in asked:
            try:
                given.append(json.dumps(search(dict(params)), sort_keys=True))
            except Exception as error:
                given.append(type(error).__name__)
        answers.append(given)
    telling = [p for p, first, second in zip(asked, *answers, strict=True) if first != second]
    assert any(params.get("facet.mincount") == 0 for params in telling)
    assert any("docfreq(title" in str(params.get("fl")) for params in telling)


def test_its_department_finds_it(index: Index, search: Search) -> None:
    _fill(index, MARKER, "staff")
    context = {"include_private": True, "rows": 100, "include_drafts": True}
    found = search({"q": MARKER, **context}, MEMBER)
    names = {hit["name"] for hit in found["results"]}  # a loaded harvest plugin hides sources
    assert names == {
        f"{MARKER}-0-active",
        f"{MARKER}-0-draft",
    } | ({f"source-{MARKER}"} & names)
    sources = search({"q": MARKER, "fq": "+dataset_type:harvest", **context}, MEMBER)
    assert [hit["name"] for hit in sources["results"]] == [f"source-{MARKER}"]
    assert search({"q": MARKER, **context}, ANYBODY)["count"] == 0
    other = Person(user_id="u3", memberships={"org-fire": "admin"})
    assert search({"q": MARKER, **context}, other)["count"] == 0


def test_a_hidden_document_holds_no_words_in_open_fields() -> None:
    made = hidden(
        "hidden-name",
        "標題",
        notes="說明",
        tags=["標籤"],
        share_class="unconditional",
        resources=[{"name": "檔案", "url": "http://x.test/", "format": "CSV", "source_url": "s"}],
    )
    assert set(made) <= HIDDEN_FORM
    searchable = {k: v for k, v in made.items() if not k.endswith("_dict")}
    for key, value in searchable.items():
        if not key.startswith("staff_"):
            assert "標" not in str(value) and "hidden-name" not in str(value).replace(
                "id-hidden-name", ""
            )
    stored = made["data_dict"] + made["validated_data_dict"]
    assert "share_class" not in stored and "source_url" not in stored


def test_the_operator_asks_as_he_likes(
    index: Index, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "ckan.site_id", SITE)
    monkeypatch.setattr(lib_plugins, "get_permission_labels", lambda: Labels(["public"]))
    _fill(index, MARKER, "staff")
    operator = Person(user_id="u0", sysadmin=True)
    asked = {
        "q": f"staff_text:{MARKER}",
        "fq": "+dataset_type:dataset",
        "include_private": True,
        "facet.mincount": 0,
    }
    asked = query.search_defaults(query.sanitise(asked, operator), operator)

    context: Any = {"ignore_auth": True, "user": "", "session": model.Session}
    assert package_search(context, asked)["count"] == 2
