# SPDX-License-Identifier: Apache-2.0
"""The name servers: NSD with all zones, and a validating Unbound in front that trusts our root and nothing else."""

import pathlib
import shutil

from .process import Server, run
from .query import answers_at_all, ask
from .zones import NAME_SERVER

RESOLVER = "127.0.0.1"

NSD = """server:
  ip-address: {address}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  database: ""
  server-count: 1
  hide-version: yes
remote-control:
  control-enable: no
"""

UNBOUND = """server:
  interface: {address}
  access-control: 127.0.0.0/8 allow
  directory: "{folder}"
  username: ""
  chroot: ""
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  do-ip6: no
  num-threads: 1
  module-config: "validator iterator"
  trust-anchor-file: "{folder}/root.anchor"
  root-hints: "{folder}/root.hints"
  do-not-query-localhost: no      # our internet is here
  local-zone: "test." nodefault   # RFC 6761 §6.2: Unbound would answer for test. itself
  val-bogus-ttl: 1                # a story may mend a zone
  infra-keep-probing: yes
  val-log-level: 1
remote-control:
  control-enable: no
"""


class Dns:
    def __init__(self, folder, zones):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        nsd = NSD.format(folder=self.folder, address=NAME_SERVER)
        for zone in zones:
            nsd += f'zone:\n  name: "{zone.origin}"\n  zonefile: "{zone.file}"\n'
        (self.folder / "nsd.conf").write_text(nsd)
        (self.folder / "unbound.conf").write_text(UNBOUND.format(folder=self.folder, address=RESOLVER))
        (self.folder / "root.anchor").write_text(zones[-1].anchor)
        (self.folder / "root.hints").write_text(f". NS ns.test.\nns.test. A {NAME_SERVER}\n")

        # A copy, since a system's AppArmor profile for /usr/sbin/unbound would keep it out of the work folder.
        unbound = self.folder / "unbound"
        shutil.copy(shutil.which("unbound"), unbound)
        self.name_server = Server("nsd", ["nsd", "-d", "-c", self.folder / "nsd.conf"], self.folder / "nsd.log")
        self.resolver = Server(
            "unbound", [unbound, "-d", "-c", self.folder / "unbound.conf"], self.folder / "unbound.log"
        )

    def start(self):
        run("nsd-checkconf", self.folder / "nsd.conf")
        run("unbound-checkconf", self.folder / "unbound.conf")
        self.name_server.start()
        self.name_server.wait_ready(lambda: answers_at_all(NAME_SERVER))
        self.start_resolver()

    def start_resolver(self):
        self.resolver.start()
        self.resolver.wait_ready(lambda: answers_at_all(RESOLVER))

    def stop_resolver(self):
        self.resolver.stop()

    def stop(self):
        self.resolver.stop()
        self.name_server.stop()

    def ask(self, name, kind):
        return ask(RESOLVER, name, kind)
