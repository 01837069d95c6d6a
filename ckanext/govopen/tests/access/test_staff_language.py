"""The pages that staff meet, CKAN's own among them, are in the reader's language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from bs4.element import NavigableString
from ckan import model
from ckan.common import config

from ckanext.govopen.tests.harvesters.conftest import DEFAULTS
from ckanext.govopen.tests.portal import Browser, Department, Portal, User, unique

#: What is written in Latin letters in every language.
KNOWN = frozenset(
    re.findall(
        r"\w+",
        """
        affairs api arcgis authorization bearer by bytes cc civil ckan cn com cst csv csw
        curl datastore dcat doc email english example excel gb geojson gfdl github hans
        hant html http https id iso json jsonl kb mailto manual markdown mb nc net oauth
        odbl odc ogl openid org pddl pdf postgresql python rdf readme rest sa sha solr sql
        test token tsv tw txt unicode upload uri url utf waf wfs wms www xls xlsx xml zh
        zip
        """,
    )
)
#: Addresses, names of parameters, paths, digests.
CODES = re.compile(r"https?://\S+|\S+@\S+|[\w./-]*_[\w./-]*|/\S+|[0-9a-f-]{32,}")
WORDS = re.compile(r"[A-Za-z][A-Za-z’']{2,}(?:[ ,.:-]+[A-Za-z’']+)*")


def english(page: str, own: set[str]) -> list[str]:
    """Runs of English words that a reader sees or hears."""
    soup = BeautifulSoup(page, "html.parser")
    for tag in soup(["script", "style", "code", "pre", "svg", "template", "noscript"]):
        tag.decompose()
    for tag in soup.select("[lang]:not(html), [data-own]"):
        tag.decompose()
    texts = [str(text) for text in soup.find_all(string=lambda text: type(text) is NavigableString)]
    for name in ("title", "alt", "placeholder", "aria-label", "data-module-content", "label"):
        texts += [str(tag[name]) for tag in soup.select(f"[{name}]")]
    texts += [
        str(tag["value"]) for tag in soup.select("input[type=submit][value], button[value]")
        if tag.name == "input"
    ]  # fmt: skip
    found = []
    names = sorted(own, key=len, reverse=True)
    for text in texts:
        # Other tests of a whole run leave thousands of names: most do not stand in a text.
        for name in (name for name in names if name in text):
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", " ", text)
        for hit in WORDS.findall(CODES.sub(" ", text)):
            words = [one.lower() for one in re.findall(r"[A-Za-z’']{3,}", hit)]
            if any(one not in KNOWN for one in words):
                found.append(hit.strip())
    return found


class Place:
    """A department with a dataset, a resource and a source, and who meets its pages."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.department: Department = portal.department()
        #: What the people and departments of the tests are called by chance.
        self.own = {title for (title,) in model.Session.query(model.Group.title) if title}
        portal.call(
            "organization_patch",
            portal.operator,
            id=self.department.id,
            title="交通运输局",
            description="负责交通运输",
        )
        self.keeper = self.person("admin")
        self.dataset = portal.released(self.department, title="公共停车场")
        self.resource = portal.upload(
            self.department.editor, "编号\n1\n", package_id=self.dataset["id"], name="停车场.csv"
        )
        name = unique("source")
        self.source = portal.call(
            "harvest_source_create",
            portal.operator,
            name=name,
            title="共享交换平台目录",
            url=f"upload:{name}",
            source_type="govopen_spreadsheet",
            owner_org=self.department.id,
            frequency="MANUAL",
            config=json.dumps({"defaults": DEFAULTS}),
        )
        self.own |= {
            portal.operator.name,
            portal.operator.fullname,
            portal.operator.email,
            self.dataset["name"],
            self.dataset["resource_code"],
            name,
            self.department.name,
            config["ckan.site_id"],
            "The portal starts.",
            "data.csv",
            "text/csv",
            f"upload:{name}",
            *DEFAULTS,
            *DEFAULTS.values(),
            "defaults",
        }
        for account in model.Session.query(model.User):
            said = (account.about, account.fullname, account.name)
            # Long names are cut short by CKAN; short ones are part of other words.
            said += (str(account.fullname).rpartition("-")[0],)
            self.own |= {text for text in said if text and len(text) > 5}
        sources = model.Session.query(model.Package).filter_by(type="harvest")
        self.own |= {text for one in sources for text in (one.title, one.name, one.notes) if text}
        for user in (self.keeper, *vars(self.department).values()):
            if isinstance(user, User):
                self.own |= {user.name, user.fullname, user.email}

    def person(self, capacity: str) -> User:
        made = User.make()
        self.portal.call(
            "organization_member_create",
            self.portal.operator,
            id=self.department.id,
            username=made.name,
            role=capacity,
        )
        return made

    def pages(self) -> dict[str, list[str]]:
        """Addresses by who opens them."""
        place, dataset, source = self.department.name, self.dataset["name"], self.source["name"]
        user = self.keeper.name
        return {
            "keeper": [
                "/open/desk",
                "/open/review",
                "/open/review?state=open",
                f"/open/review/{dataset}",
                "/open/ledger?part=staff",
                "/open/duties",
                "/dashboard/",
                "/dashboard/datasets",
                "/dashboard/organizations",
                f"/user/{user}",
                f"/user/edit/{user}",
                f"/user/{user}/api-tokens",
                f"/user/activity/{user}",
                f"/organization/{place}",
                f"/organization/edit/{place}",
                f"/organization/members/{place}",
                f"/organization/member_new/{place}",
                f"/organization/bulk_process/{place}",
                f"/organization/activity/{place}",
                f"/organization/about/{place}",
                f"/dataset/{dataset}",
                f"/dataset/resources/{dataset}",
                f"/dataset/activity/{dataset}",
                f"/dataset/{dataset}/resource/{self.resource['id']}",
                f"/dataset/{dataset}/resource/{self.resource['id']}/views",
                "/user/reset",
            ],
            "operator": [
                "/harvest",
                "/harvest/new",
                f"/harvest/{source}",
                f"/harvest/about/{source}",
                f"/harvest/admin/{source}",
                f"/harvest/edit/{source}",
                f"/harvest/{source}/job",
                f"/open/source/{source}",
                "/organization/new",
            ],
        }


@pytest.fixture(scope="module")
def place(_one_portal: Portal) -> Iterator[Place]:
    _one_portal.ready()
    yield Place(_one_portal)
    _one_portal.rest()


def pages(place: Place) -> Iterator[tuple[str, str]]:
    for who, addresses in place.pages().items():
        user = place.keeper if who == "keeper" else place.portal.operator
        browser: Browser = place.portal.signed_in(user)
        for address in addresses:
            answer = browser.get(address, base_url=config["ckan.site_url"])
            while answer.status_code in (301, 302, 308):
                answer = browser.get(answer.headers["Location"], base_url=config["ckan.site_url"])
            yield (
                address,
                answer.get_data(as_text=True)
                if answer.status_code == 200
                else str(answer.status_code),
            )


def test_no_english_on_the_pages_of_staff(place: Place) -> None:
    wrong = {}
    for address, page in pages(place):
        if len(page) < 4:
            wrong[address] = [page]
            continue
        found = english(page, place.own)
        if found:
            wrong[address] = sorted(set(found))
    assert not wrong, "\n".join(f"{address}: {found}" for address, found in wrong.items())


def test_the_words_are_found() -> None:
    page = "<p>数据集 <a title='Manage it'>my-name</a> CSV</p><script>let it be</script>"
    assert english(page, {"my-name"}) == ["Manage it"]
