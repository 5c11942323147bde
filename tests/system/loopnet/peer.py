# SPDX-License-Identifier: Apache-2.0
"""postfix-mta-sts-resolver, Debian's other policy server for MTA-STS, in the same loopback internet as surehopd: it asks
the same resolver, trusts the same CA, and is asked by Postfix in the same way.

Configured as Debian ships it, but for two things: it listens at an address of its own, and looks whether a policy is still
the one that it has at each question (`cache_grace`) instead of once a minute, so that no story has to wait.
"""

import os
import pathlib
import pwd
import shutil
import signal

from . import socketmap
from .process import Failed, Server, run
from .surehop import USER as UNPRIVILEGED

PACKAGE = "postfix-mta-sts-resolver"
ADDRESS = ("127.0.50.1", 8461)
USER = "peer"  # to recipients of this name Postfix delivers as the peer says (postfix.py)

CONFIG = """
host: {address}
port: {port}
cache_grace: 0
cache:
  type: sqlite
  options:
    filename: "{folder}/cache.db"
"""


class Peer:
    def __init__(self, folder, ca):
        self.folder, self.ca = pathlib.Path(folder), ca
        self.server = None

    def start(self, fresh=False):
        """Start it anew, with `fresh` with nothing cached."""
        daemon = shutil.which("mta-sts-daemon")
        if not daemon:
            raise Failed(f"{PACKAGE} is not installed: contrib/packages test")
        self.stop()
        if fresh and self.folder.exists():
            shutil.rmtree(self.folder)
        user = pwd.getpwnam(UNPRIVILEGED)
        self.folder.mkdir(exist_ok=True)
        os.chown(self.folder, user.pw_uid, -1)
        config = self.folder / "mta-sts-daemon.yml"
        config.write_text(CONFIG.format(folder=self.folder, address=ADDRESS[0], port=ADDRESS[1]))
        self.server = Server(
            PACKAGE, [daemon, "-c", config], self.folder / "log", user=user.pw_uid, group=user.pw_gid, extra_groups=[],
            cwd=self.folder, env={"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(self.ca.root)},
        )  # fmt: skip
        self.server.start()
        self.server.wait_ready(self._answers)

    def stop(self):
        if self.server:
            self.server.stop(signal.SIGKILL)  # it would take a second to say goodbye

    def ask(self, key):
        return socketmap.ask(ADDRESS, key)

    @staticmethod
    def version():
        return run("dpkg-query", "-W", "-f", "${Version}", PACKAGE).stdout

    @staticmethod
    def _answers():
        try:
            return socketmap.ask(ADDRESS, ".test")  # costs no look-up
        except OSError:
            return False
