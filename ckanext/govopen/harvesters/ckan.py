"""``govopen_ckan``: the public datasets of another CKAN portal, through its action API."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import ckan.plugins as p
from ckanext.harvest.interfaces import IHarvester

from ckanext.govopen.domain.catalogue.ckan import code_of, to_record
from ckanext.govopen.harvesters import config as configuration
from ckanext.govopen.harvesters import sealing, source
from ckanext.govopen.harvesters.asked import JobLike
from ckanext.govopen.harvesters.base import CatalogueHarvester
from ckanext.govopen.harvesters.fetch import Auth, Client
from ckanext.govopen.harvesters.reading import Entry, Reading, SourceError
from ckanext.govopen.logic.told import told as _

#: Most datasets of one portal.
MOST_DATASETS = 1_000_000
#: What a portal answers when it has no such dataset, or not for everybody.
GONE = frozenset({403, 404, 410})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class CkanHarvester(CatalogueHarvester, p.SingletonPlugin):
    """The harvest source type."""

    p.implements(IHarvester)
    p.implements(p.IActions)
    p.implements(p.IPackageController, inherit=True)

    NAME = configuration.CKAN

    def info(self) -> dict[str, str]:
        return {
            "name": self.NAME,
            "title": p.toolkit._("CKAN portal (classified)"),
            "description": p.toolkit._(
                "The public datasets of another CKAN portal, under the classes of this one; "
                "another portal with this extension keeps its own."
            ),
            "form_config_interface": "Text",
        }

    @contextmanager
    def reading(self, job: JobLike, config: configuration.Config) -> Iterator[Reading]:
        """Reads all public datasets, in an order that changes do not disturb."""
        url = job.source.url.strip().rstrip("/")
        configuration.address(url, self.NAME)
        private = source.private_places(url, config, source.given(job.source))
        plain = sealing.opened(dict(config.auth), url)
        auth = Auth(plain.get("bearer", ""))
        client = Client(auth, allow_private=private, **source.limits(job.source))
        yield Portal(client, url, config).reading


class Portal:
    """One reading of another portal."""

    def __init__(self, client: Client, url: str, config: configuration.Config) -> None:
        self._client = client
        self._url = url
        self._config = config
        self.reading = Reading(
            self._entries(config.page),
            self._look,
            # Smaller pages: what lay at the end of one lies within another.
            again=lambda: self._entries(max(1, config.page * 2 // 3)),
        )

    def _entries(self, limit: int) -> Iterator[Entry]:
        start, most = 0, 0
        seen: set[int] = set()
        while True:
            result = self._search(start, limit)
            packages = result.get("results")
            count = result.get("count")
            if not isinstance(packages, list):
                raise SourceError(_no_portal())
            for package in packages:
                if not isinstance(package, Mapping) or not code_of(package):
                    yield Entry(record=package if isinstance(package, dict) else None)
                    continue
                seen.add(hash(code_of(package)))
                yield Entry(record=to_record(package, self._config.defaults))
            if isinstance(count, int):
                most = max(most, count)
                self.reading.announced = most
            start += len(packages)
            if not packages or (isinstance(count, int) and start >= count):
                return
            if len(seen) * 2 < start or start > MOST_DATASETS:
                raise SourceError(
                    _(
                        "The portal sends the same datasets over and over. What was read before "
                        "is kept."
                    )
                )

    def _search(self, start: int, limit: int) -> Mapping[str, Any]:
        query: dict[str, Any] = {
            "q": "*:*", "rows": limit, "start": start, "sort": "id asc",
        }  # fmt: skip
        if self._config.fq:
            query["fq"] = self._config.fq
        found = self._ask("package_search", query)
        if not isinstance(found, Mapping):
            raise SourceError(_no_portal())
        return found

    def _look(self, code: str) -> Any:
        """A dataset that did not come: by its id, or by its resource code where it has one."""
        if _UUID.fullmatch(code):
            package = self._ask("package_show", {"id": code}, GONE)
        else:
            quoted = code.replace("\\", "\\\\").replace('"', '\\"')
            found = self._ask("package_search", {"fq": f'resource_code:"{quoted}"', "rows": 1})
            results = found.get("results") if isinstance(found, Mapping) else None
            package = results[0] if isinstance(results, list) and results else None
        return to_record(package, self._config.defaults) if isinstance(package, Mapping) else None

    def _ask(self, action: str, query: Mapping[str, Any], gone: Container[int] = ()) -> Any:
        """The result of an action; None when the portal says that it is gone."""
        url = f"{self._url}/api/3/action/{action}?{urlencode(query)}"
        answer = self._client.get(url, gone=gone)
        if answer.status != 200:
            return None
        content = answer.content
        if not isinstance(content, Mapping) or content.get("success") is not True:
            raise SourceError(_no_portal())
        return content.get("result")


def _no_portal() -> str:
    return _("The answer is none of a CKAN portal. Check the address: it is that before /api/3.")
