"""Solr 9.10 without its distribution: the jars, Java out of a wheel, Jetty's own XML.

One server with two cores, ``ckan`` and ``ckan_test``, on the loopback address behind a password.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from xml.sax.saxutils import escape

from . import jars, ports, process
from .environment import Environment
from .home import REPOSITORY, Home
from .say import StackError, step

USER = "ckan"
CORES = ("ckan", "ckan_test")
CONFIGURATION = Path(
    os.environ.get("GOVOPEN_SOLR_CONF") or REPOSITORY / "ckanext/govopen/search/solr/conf"
)

JETTY = """\
<?xml version="1.0"?>
<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "configure_10_0.dtd">
<Configure id="Server" class="org.eclipse.jetty.server.Server">
  <Arg name="threadpool">
    <New class="org.eclipse.jetty.util.thread.QueuedThreadPool">
      <Set name="minThreads">4</Set>
      <Set name="maxThreads">200</Set>
    </New>
  </Arg>
  <Call name="addConnector">
    <Arg>
      <New class="org.eclipse.jetty.server.ServerConnector">
        <Arg name="server"><Ref refid="Server"/></Arg>
        <Arg name="acceptors" type="int">1</Arg>
        <Arg name="selectors" type="int">1</Arg>
        <Arg name="factories">
          <Array type="org.eclipse.jetty.server.ConnectionFactory">
            <Item>
              <New class="org.eclipse.jetty.server.HttpConnectionFactory">
                <Arg name="config">
                  <New class="org.eclipse.jetty.server.HttpConfiguration">
                    <Set name="sendServerVersion">false</Set>
                    <Set name="requestHeaderSize">65536</Set>
                  </New>
                </Arg>
              </New>
            </Item>
          </Array>
        </Arg>
        <Set name="host">{host}</Set>
        <Set name="port">{port}</Set>
      </New>
    </Arg>
  </Call>
  <Set name="handler">
    <New class="org.eclipse.jetty.webapp.WebAppContext">
      <Set name="contextPath">/solr</Set>
      <Set name="resourceBase">{web}</Set>
      <Set name="parentLoaderPriority">true</Set>
      <Set name="throwUnavailableOnStartupException">true</Set>
    </New>
  </Set>
  <Set name="stopAtShutdown">true</Set>
  <Set name="stopTimeout">5000</Set>
</Configure>
"""

WEB = """\
<?xml version="1.0" encoding="UTF-8"?>
<web-app xmlns="http://xmlns.jcp.org/xml/ns/javaee" version="4.0" metadata-complete="true">
  <listener>
    <listener-class>org.apache.solr.servlet.CoreContainerProvider</listener-class>
  </listener>
  <filter>
    <filter-name>SolrRequestFilter</filter-name>
    <filter-class>org.apache.solr.servlet.SolrDispatchFilter</filter-class>
  </filter>
  <filter-mapping>
    <filter-name>SolrRequestFilter</filter-name>
    <url-pattern>/*</url-pattern>
  </filter-mapping>
</web-app>
"""

LOGGING = """\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders>
    <Console name="err" target="SYSTEM_ERR">
      <PatternLayout pattern="%d{yyyy-MM-dd HH:mm:ss.SSS} %-5p %c{1} %m%n"/>
    </Console>
  </Appenders>
  <Loggers>
    <Root level="WARN"><AppenderRef ref="err"/></Root>
  </Loggers>
</Configuration>
"""

# Stands in while the project's own configuration is not in the tree (a partial checkout).
PLAIN_CONFIGURATION = """\
<?xml version="1.0" encoding="UTF-8"?>
<config>
  <luceneMatchVersion>9.12.3</luceneMatchVersion>
  <schemaFactory class="ClassicIndexSchemaFactory"/>
  <directoryFactory name="DirectoryFactory" class="solr.NRTCachingDirectoryFactory"/>
  <updateHandler class="solr.DirectUpdateHandler2"><updateLog/></updateHandler>
  <requestHandler name="/select" class="solr.SearchHandler"/>
</config>
"""


def password_hash(password: str, salt: bytes) -> str:
    """Solr's form of a stored password: both parts Base64, hashed twice with the salt before."""
    inner = hashlib.sha256(salt + password.encode()).digest()
    outer = hashlib.sha256(inner).digest()
    return f"{base64.b64encode(outer).decode()} {base64.b64encode(salt).decode()}"


def security(password: str) -> str:
    """The text of ``security.json``: nobody without the password gets anything."""
    return json.dumps(
        {
            "authentication": {
                "class": "solr.BasicAuthPlugin",
                "blockUnknown": True,
                "credentials": {USER: password_hash(password, secrets.token_bytes(32))},
            },
            "authorization": {
                "class": "solr.RuleBasedAuthorizationPlugin",
                "user-role": {USER: "admin"},
                "permissions": [{"name": "all", "role": "admin"}],
            },
        },
        indent=1,
    )


class Solr:
    """The server of one home."""

    name = "solr"

    def __init__(self, home: Home, environment: Environment) -> None:
        self.home = home
        self.environment = environment
        self.top = home.root / "solr"

    @property
    def base(self) -> str:
        """The server's address without core and password."""
        return f"http://{ports.LOOPBACK}:{self.home.state()['ports'][self.name]}/solr"

    def url(self, core: str) -> str:
        """The address of a core, without the password."""
        return f"{self.base}/{core}"

    def configuration(self) -> dict[str, bytes]:
        """The files of a core's ``conf`` folder by relative path: the project's, or CKAN's own."""
        if (CONFIGURATION / "schema.xml").exists() or (CONFIGURATION / "managed-schema").exists():
            return {
                str(path.relative_to(CONFIGURATION)): path.read_bytes()
                for path in sorted(CONFIGURATION.rglob("*"))
                if path.is_file()
            }
        schema = self.environment.packages / "ckan/config/solr/schema.xml"
        return {
            "schema.xml": schema.read_bytes(),
            "solrconfig.xml": PLAIN_CONFIGURATION.encode(),
            "protwords.txt": b"",
            "synonyms.txt": b"",
        }

    def digest(self) -> str:
        """What the current configuration is, to notice a change."""
        whole = hashlib.sha256()
        for name, content in self.configuration().items():
            whole.update(f"{name}\0{len(content)}\0".encode() + content)
        return whole.hexdigest()

    def is_current(self) -> bool:
        """Whether the cores were made with the configuration that is in the tree now."""
        return self.home.state().get("solr_configuration") == self.digest()

    def launch(self, port: int) -> None:
        """Start the server on the given port, with cores of the current configuration.

        A changed configuration empties the cores; ``state.json`` then says that the index has
        to be built again.

        :raises StackError: when it does not come up
        """
        library = jars.ensure(self.environment, self.top / "lib")
        self._write(port)
        step(f"Starting Solr on port {port}")
        heap = os.environ.get("GOVOPEN_SOLR_HEAP", "384m")
        process.spawn(
            self.home.register,
            self.name,
            [
                str(self.environment.java),
                "-Xms96m", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
                "--enable-native-access=ALL-UNNAMED", "-Djava.awt.headless=true",
                f"-Dsolr.solr.home={self.top / 'home'}",
                f"-Dsolr.install.dir={self.top}",
                f"-Dsolr.log.dir={self.home.logs}",
                f"-Djava.io.tmpdir={self.top / 'tmp'}",
                f"-Dlog4j2.configurationFile={self.top / 'log4j2.xml'}",
                "-Dlog4j2.formatMsgNoLookups=true",
                "-Dsolr.disableFingerprint=true",
                "-cp", f"{library}/*",
                "org.eclipse.jetty.xml.XmlConfiguration", str(self.top / "jetty.xml"),
            ],
            log=self.home.log(self.name),
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"},
            cwd=self.top,
            port=port,
        )  # fmt: skip
        self.home.remember(solr_configuration=self.digest())

    def stop(self) -> bool:
        """End the server; it commits what is open."""
        record = self.home.register.read(self.name)
        if record is None:
            return False
        done = process.stop(record)
        self.home.register.forget(self.name)
        return done

    def _write(self, port: int) -> None:
        top = self.top
        for folder in (top / "home", top / "tmp", top / "web/WEB-INF"):
            folder.mkdir(parents=True, exist_ok=True)
        (top / "jetty.xml").write_text(
            JETTY.format(host=ports.LOOPBACK, port=port, web=escape(str(top / "web")))
        )
        (top / "web/WEB-INF/web.xml").write_text(WEB)
        (top / "log4j2.xml").write_text(LOGGING)
        (top / "home/solr.xml").write_text("<solr/>\n")
        self.home.write_private(top / "home/security.json", security(self.home.secrets()["solr"]))
        current = self.is_current()
        for core in CORES:
            folder = top / "home" / core
            if current and (folder / "core.properties").exists():
                continue
            shutil.rmtree(folder, ignore_errors=True)
            for name, content in self.configuration().items():
                path = folder / "conf" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            (folder / "core.properties").write_text(f"name={core}\n")
            if core == "ckan":
                self.home.remember(index_stale=True)

    def get(self, path: str) -> dict[str, object]:
        """Ask the server for JSON.

        :param path: below ``/solr``, e.g. ``/admin/cores?action=STATUS``
        :raises OSError: when it does not answer
        """
        token = base64.b64encode(f"{USER}:{self.home.secrets()['solr']}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310
            self.base + path, headers={"Authorization": f"Basic {token}"}
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=10) as answer:
            return json.load(answer)

    def ready(self) -> None:
        """Wait for the server and its cores.

        :raises StackError: when it does not come up or does not take its configuration
        """
        until = time.monotonic() + 90.0
        while time.monotonic() < until:
            process.reap()
            if not self.home.register.alive(self.name):
                break
            try:
                status = self.get("/admin/cores?action=STATUS&indexInfo=false&wt=json")
            except (OSError, ValueError):
                time.sleep(0.1)
                continue
            self._check_cores(status)
            return
        raise StackError("Solr does not start:\n  " + "\n  ".join(self._tail()), self._see_log())

    def _check_cores(self, status: dict[str, object]) -> None:
        failures = status.get("initFailures") or {}
        if isinstance(failures, dict) and failures:
            self.home.remember(solr_configuration="")
            told = "\n  ".join(f"{core}: {reason}" for core, reason in failures.items())
            self.stop()
            raise StackError(f"Solr does not take its configuration:\n  {told}", self._see_log())

    def _tail(self) -> list[str]:
        log: Path = self.home.log(self.name)
        return log.read_text(errors="replace").splitlines()[-8:]

    def _see_log(self) -> str:
        return f"More in {self.home.log(self.name)}"
