"""Two sites side by side: stock CKAN and CKAN with this extension, each with its own servers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ckanext.govopen.stack import jars, ports, process, settings
from ckanext.govopen.stack.environment import Environment
from ckanext.govopen.stack.home import REPOSITORY, Home
from ckanext.govopen.stack.programs import WEB, Programs
from ckanext.govopen.stack.say import StackError, step
from ckanext.govopen.stack.services import Services
from ckanext.govopen.stack.solr import PLAIN_CONFIGURATION, Solr

STOCK, OURS = "stock", "govopen"
KINDS = (STOCK, OURS)
CATALOGUE = REPOSITORY / "ckanext/govopen/demo/catalogue.csv"
HERE = Path(__file__).resolve().parent
HEADER = "Settings of a site for measuring, made by ./portal bench pages."
# The caches of the configuration that comes with Solr: stock CKAN runs with them.
CACHES = """\
  <query>
    <filterCache class="solr.CaffeineCache" size="512" initialSize="512" autowarmCount="0"/>
    <queryResultCache class="solr.CaffeineCache" size="512" initialSize="512" autowarmCount="0"/>
    <documentCache class="solr.CaffeineCache" size="512" initialSize="512" autowarmCount="0"/>
    <enableLazyFieldLoading>true</enableLazyFieldLoading>
    <queryResultWindowSize>20</queryResultWindowSize>
    <queryResultMaxDocsCached>200</queryResultMaxDocsCached>
  </query>
</config>
"""


class StockSolr(Solr):
    """The same server with CKAN's pristine schema."""

    def configuration(self) -> dict[str, bytes]:
        schema = self.environment.packages / "ckan/config/solr/schema.xml"
        return {
            "schema.xml": schema.read_bytes(),
            "solrconfig.xml": PLAIN_CONFIGURATION.replace("</config>\n", CACHES).encode(),
            "protwords.txt": b"",
            "synonyms.txt": b"",
        }


class Web(Programs):
    """The web server alone: what runs beside it would only disturb the measurement."""

    def missing(self) -> list[str]:
        return [] if self.home.register.alive(WEB) else [WEB]


class Site:
    """One of the two sites, with a home of its own below the portal's.

    :param kind: `STOCK` or `OURS`
    """

    def __init__(self, portal: Home, environment: Environment, kind: str) -> None:
        self.kind = kind
        self.portal = portal
        self.environment = environment
        self.home = Home(portal.root / f"bench-{kind}")
        self.services = Services(self.home, environment, {})
        if kind == STOCK:
            self.services.solr = StockSolr(self.home, environment)
        self.port = 0

    @property
    def facts(self) -> dict[str, Any]:
        """What the loader noted: addresses of the dataset and the files that are measured."""
        return json.loads((self.home.root / "bench.json").read_text())

    @property
    def web(self) -> Web:
        """The site's web server."""
        return Web(self.home, self.environment, ports.LOOPBACK, self.port)

    def up(self, *, fresh: bool) -> None:
        """Servers, data and web server; data are loaded once and kept.

        :param fresh: load them again
        :raises StackError: saying what did not work
        """
        self.home.prepare()
        jars.share(self.home.root, self.portal.root)
        # A run that was killed left its web server behind, on a port that is not this run's.
        self.web.stop()
        self.services.start()
        known = self.home.state().get("bench_port")
        self.port = ports.choose(known, frozenset())
        self.home.remember(bench_port=self.port)
        self.home.write_private(self.home.ini, settings.render(self._options(), HEADER))
        if fresh or self.home.state().get("bench_loaded") != self._digest():
            self._load()
        elif self.home.state().get("index_stale"):
            self._index()
        self.web.start()

    def down(self) -> None:
        """End the web server and the servers; the data stay."""
        self.web.stop()
        self.services.stop()

    def workers(self) -> list[int]:
        """Process numbers of the web server's workers."""
        record = self.home.register.alive(WEB)
        return process.children(record.pid) if record else []

    def script(self, name: str, *arguments: str) -> str:
        """Run one of the scripts beside this file on the site; what it prints.

        :raises StackError: with the end of its messages
        """
        done = subprocess.run(
            [str(self.environment.python), str(HERE / name), *arguments],
            cwd=REPOSITORY, env=self.web.variables(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            told = "\n  ".join(done.stderr.strip().splitlines()[-12:])
            raise StackError(f"{name} failed on the {self.kind} site:\n  {told}")
        return done.stdout

    def _options(self) -> dict[str, str]:
        site = settings.Site(
            url=f"http://{ports.LOOPBACK}:{self.port}",
            storage=str(self.home.storage),
            secrets=self.home.secrets(),
            addresses=self.services.variables(),
        )
        found = settings.common(site)
        if self.kind == STOCK:
            found = {
                key: value
                for key, value in found.items()
                if not key.startswith(("ckanext.govopen.", "scheming."))
            }
            plain = [name for name in settings.PLUGINS if not name.startswith("govopen")]
            found["ckan.plugins"] = " ".join(plain)
            found["scheming.dataset_schemas"] = "ckanext.scheming:ckan_dataset.yaml"
            found["scheming.organization_schemas"] = "ckanext.scheming:org_with_dept_id.json"
        return found

    def _digest(self) -> str:
        whole = hashlib.sha256(CATALOGUE.read_bytes() + (HERE / "_load.py").read_bytes())
        for path in sorted(REPOSITORY.glob("ckanext/govopen/migration/govopen/versions/*.py")):
            whole.update(path.read_bytes())
        return whole.hexdigest()

    def _load(self) -> None:
        step(f"Loading 1,429 datasets into the {self.kind} site (once; --fresh does it again)")
        self.web.stop()
        self.home.remember(bench_loaded="")
        for database in ("ckan", "datastore"):
            self.services.postgres.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.services.postgres.ready()
        shutil.rmtree(self.home.storage, ignore_errors=True)
        self.home.prepare()
        self.web.quietly("load", "db", "upgrade")
        if self.kind == OURS:
            self.web.quietly("load", "govopen", "init")
        self.web.quietly("load", "search-index", "clear")
        self.script("_load.py", self.kind, str(CATALOGUE), str(self.home.root / "bench.json"))
        self._index()
        self.home.remember(bench_loaded=self._digest())

    def _index(self) -> None:
        step(f"Building the search index of the {self.kind} site")
        self.web.quietly("load", "search-index", "rebuild")
        self.home.remember(index_stale=False)


#: What a line of a script begins with that holds a result.
MARK = "found: "


def portal_home() -> Home:
    """The home that the launcher names.

    :raises StackError: when it names none
    """
    root = os.environ.get("GOVOPEN_HOME")
    if not root:
        raise StackError("GOVOPEN_HOME is not set.", "Run ./portal bench pages.")
    return Home(Path(root))
