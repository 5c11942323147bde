# SPDX-License-Identifier: Apache-2.0
"""Starts a real surehopd in a folder of its own, and stops it."""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from client import Milter

TREE = pathlib.Path(__file__).resolve().parents[2]


def program(name="surehopd"):
    if named := os.environ.get(name.upper()):
        return named
    found = sorted(TREE.glob(f"build/*/{name}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise SystemExit(f"no {name}: build it, or name it in {name.upper()}")
    return str(found[-1])


class Surehopd:
    """Policy: lines of [policy]. Rules: text that follows. Listen: a socket; default a UNIX one of its own. Ledger: lines of [ledger].
    Metrics: a socket, for those."""

    def __init__(self, dns, policy="", rules="", listen="", wait="1s", folder=None, ledger="", start=True, sandbox=None, metrics=""):
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="surehop-milter-"))
        self.socket = str(self.folder / "milter.sock")
        self.store = self.folder / "surehop.db"
        self.config = self.folder / "surehop.toml"
        self.log = self.folder / "log"
        self.listen = listen or f"unix:{self.socket}"
        self.where = self._where(self.listen)
        settings = {"minimum": '"authenticated"', "mode": '"enforce"', "help": '"postmaster@clinic.example"'}
        for line in policy.splitlines():
            if line.strip():
                key, value = line.split("=", 1)
                settings[key.strip()] = value.strip()
        self.config.write_text(f"""
[mta]
lock = "postfix"
final_domains = ["local.test"]

[policy]
{chr(10).join(f"{k} = {v}" for k, v in settings.items())}
{rules}

[listen]
milter = "{self.listen}"
socketmap = ["unix:{self.folder}/socketmap.sock"]
control = "{self.folder}/control.sock"
metrics = "{metrics}"

[store]
path = "{self.store}"

[ledger]
key_file = "{self.folder}/ledger.key"
{ledger}

[resolver]
servers = ["127.0.0.1:{dns.port}"]

[gate]
wait = "{wait}"
""")
        self.process = None
        self.sandbox = sandbox  # called in the new process, before surehopd is
        if start:
            self.start()

    @staticmethod
    def _where(text):
        scheme, _, rest = text.partition(":")
        if scheme == "unix":
            return rest
        port, _, host = rest.partition("@")
        return host, int(port)

    def start(self, expect_failure=False):
        serves = b"surehopd serves"
        before = self.log.read_bytes().count(serves) if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([program(), "--config", str(self.config)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, preexec_fn=self.sandbox)
        if expect_failure:
            return self.process.wait(timeout=10)
        deadline = time.monotonic() + 20
        while self.log.read_bytes().count(serves) == before:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"surehopd does not start: {self.log.read_text()}")
            time.sleep(0.01)
        return None

    def status(self):
        return json.loads(self.cli("status", "--json").stdout)

    def cli(self, *words):
        return subprocess.run([program("surehop"), "--config", str(self.config), *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)

    def client(self, **how):
        return Milter(self.where, **how)

    def rows(self, where="1", *values):
        """Rows of the ledger, in order."""
        database = sqlite3.connect(self.store, timeout=5)
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in
                    database.execute(f"SELECT * FROM ledger WHERE kind = 'decision' AND {where} ORDER BY id", values)]
        finally:
            database.close()

    def settled_rows(self, count, where="1", *values):
        """Refusals are written soon after the reply: waits until there are `count`."""
        deadline = time.monotonic() + 5
        while len(rows := self.rows(where, *values)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(rows) == count, f"{count} rows expected, {len(rows)} found"
        return rows

    def sql(self, statement, *values):
        database = sqlite3.connect(self.store, timeout=5)
        try:
            rows = database.execute(statement, values).fetchall()
            database.commit()
            return rows
        finally:
            database.close()

    def stop(self, number=signal.SIGTERM, within=10):
        """Seconds that it took, exit status."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(timeout=within)
        return time.monotonic() - began, status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
