# SPDX-License-Identifier: Apache-2.0
"""surehopd and its command line, configured for the loopback internet.

The daemon runs as an unprivileged user with Postfix's group, in a folder of Postfix's queue, as the manual asks.
"""

import dataclasses
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket

from . import socketmap
from .process import Failed, Server, run

USER = "nobody"

CONFIG = """
[mta]
lock = "{lock}"
queue_lifetime = "5d"
final_domains = ["local.test"]

[policy]
minimum = "{minimum}"
falls_short = "{falls_short}"
unknown = "{unknown}"
mode = "{mode}"
help = "postmaster@local.test"

{rules}

[listen]
milter = "unix:{sockets}/milter.sock"
socketmap = ["unix:{sockets}/socketmap.sock"]
control = "{sockets}/control.sock"

[store]
path = "{state}/surehop.db"

[resolver]
servers = ["127.0.0.1:53"]
bogus_names = ["bogus.test"]
retest = "{retest}"

[https]
ca_file = "{ca}"
allow_private = ["127.0.20.0/24"]
timeout = "5s"
"""

DEFAULTS = {
    "minimum": "authenticated", "falls_short": "reject", "unknown": "defer", "mode": "enforce", "rules": "",
    "retest": "60s",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Said:
    """What a run of the command line printed. `json` is None when the output is none."""

    status: int
    out: str
    err: str
    json: object = None


def find_program(name, tree):
    """The program that the environment names (SUREHOPD, SUREHOP), else the newest one built in this tree."""
    named = os.environ.get(name.upper())
    if named:
        return pathlib.Path(named)
    built = sorted(pathlib.Path(tree).glob(f"build/*/{name}"), key=lambda path: path.stat().st_mtime)
    if not built:
        raise Failed(f"{name} has not been built: run make, or say {name.upper()}=PATH")
    return built[-1]


class Surehop:
    def __init__(self, folder, tree, mta, ca):
        self.folder, self.ca, self.lock = pathlib.Path(folder), ca, mta.lock
        self.sockets, self.state = mta.queue / "surehop", self.folder / "state"
        self.config_file, self.settings = self.folder / "surehop.toml", None
        self.state.mkdir(parents=True)
        self.sockets.mkdir()
        uid = pwd.getpwnam(USER).pw_uid
        os.chown(self.state, uid, -1)
        os.chown(self.sockets, uid, mta.user.pw_gid)
        self.sockets.chmod(0o2750)
        # Copies, since the tree may lie in a home folder that the daemon's user cannot enter.
        self.programs = {}
        for name in ("surehopd", "surehop"):
            self.programs[name] = self.folder / name
            shutil.copy(find_program(name, tree), self.programs[name])
        self.server = Server(
            "surehopd", [self.programs["surehopd"], "--config", self.config_file], self.folder / "surehopd.log",
            user=uid, group=mta.user.pw_gid, extra_groups=[], umask=0o007, cwd=self.state,
        )  # fmt: skip

    def configuration(self, **settings):
        """The text of surehop.toml with these settings instead of the usual ones (see DEFAULTS)."""
        values = {**DEFAULTS, **settings}
        return CONFIG.format(sockets=self.sockets, state=self.state, ca=self.ca.root, lock=self.lock, **values)

    def write(self, text):
        self.config_file.write_text(text)
        self.config_file.chmod(0o644)
        self.settings = None

    def use(self, fresh=False, **settings):
        """Have surehopd running with exactly these settings; with `fresh`, with an empty store too."""
        if self.server.running() and settings == self.settings and not fresh:
            return
        self.stop()
        if fresh:
            for path in self.state.iterdir():
                path.unlink()
        self.write(self.configuration(**settings))
        self.start()
        self.settings = settings

    def start(self):
        self.server.start()
        self.server.wait_ready(lambda: all(_answers(self.sockets / f"{name}.sock") for name in SOCKETS))

    def start_refused(self, limit=15):
        """Start it with a configuration that it must refuse, and return what it said."""
        command = [self.programs["surehopd"], "--config", self.config_file]
        options = {key: self.server.options[key] for key in ("user", "group", "extra_groups", "cwd")}
        done = run(*command, limit=limit, ok=None, **options)
        return Said(done.returncode, done.stdout, done.stderr)

    def stop(self):
        return self.server.stop()

    def kill(self):
        self.server.stop(signal.SIGKILL)

    def signal(self, sig):
        self.server.process.send_signal(sig)

    def cli(self, *words, as_json=True, limit=30):
        """Run `surehop WORD...` as root."""
        options = ("--config", self.config_file, *(("--json",) if as_json else ()))
        done = run(self.programs["surehop"], *options, *words, limit=limit, ok=None)
        try:
            parsed = json.loads(done.stdout)
        except ValueError:
            parsed = None
        return Said(done.returncode, done.stdout, done.stderr, parsed)

    def ask(self, key, name="postfix"):
        """What the lock answers for this next hop, asked under this map's name, as it stands on the wire."""
        return socketmap.ask(self.sockets / "socketmap.sock", key, name)

    def explain(self, recipient, *options):
        said = self.cli("explain", recipient, *options)
        if said.json is None:
            raise Failed(f"explain {recipient}: exit {said.status}, no JSON: {said.out}{said.err}")
        return said


SOCKETS = ("milter", "socketmap", "control")


def _answers(path):
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            return True
    except OSError:
        return False
