# SPDX-License-Identifier: Apache-2.0
"""The name servers: NSD with all zones, a broken one for some names, and a validating Unbound in front that trusts our root
and nothing else."""

import pathlib
import shutil
import signal
import socketserver
import threading

from .process import Server, run, wait_until
from .query import answers_at_all, ask
from .zones import NAME_SERVER

RESOLVER = "127.0.0.1"
BROKEN = "127.0.10.2"

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


class Broken(socketserver.ThreadingUDPServer):
    """A name server that answers SERVFAIL, and to questions with one of the words in `silent` nothing at all."""

    daemon_threads = True

    def __init__(self):
        super().__init__((BROKEN, 53), _Servfail)
        self.silent = set()


class _Servfail(socketserver.BaseRequestHandler):
    def handle(self):
        question, connection = self.request
        if not any(word.encode() in question for word in self.server.silent):
            # The same packet as a response without recursion, RCODE 2 (RFC 1035 §4.1.1).
            connection.sendto(question[:2] + b"\x80\x02" + question[4:], self.client_address)


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
        self.broken = Broken()
        self.name_server = Server("nsd", ["nsd", "-d", "-c", self.folder / "nsd.conf"], self.folder / "nsd.log")
        self.resolver = Server(
            "unbound", [unbound, "-d", "-c", self.folder / "unbound.conf"], self.folder / "unbound.log"
        )

    def start(self):
        run("nsd-checkconf", self.folder / "nsd.conf")
        run("unbound-checkconf", self.folder / "unbound.conf")
        self.name_server.start()
        threading.Thread(target=self.broken.serve_forever, args=(0.1,), daemon=True, name="broken").start()
        self.name_server.wait_ready(lambda: answers_at_all(NAME_SERVER))
        self.start_resolver()

    def start_resolver(self):
        self.resolver.start()
        self.resolver.wait_ready(lambda: answers_at_all(RESOLVER))

    def stop_resolver(self):
        self.resolver.stop()

    def reload(self, new_name):
        """Read the zone files again, in one of which this name with a TXT record is new. The resolver is started anew, since
        it may have cached what has changed."""
        self.name_server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ask(NAME_SERVER, new_name, "TXT").answers, f"{new_name} to be there")
        self.resolver.stop()
        self.start_resolver()

    def stop(self):
        self.resolver.stop()
        self.name_server.stop()
        self.broken.shutdown()
        self.broken.server_close()

    def ask(self, name, kind):
        return ask(RESOLVER, name, kind)
