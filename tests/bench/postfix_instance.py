# SPDX-License-Identifier: Apache-2.0
"""A Postfix of its own, with one smtpd for each filter; what comes in goes to a smtp-sink. Needs root, and leaves the
machine's Postfix alone."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ADDRESS, SINK = "127.0.40.1", 19480

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}/log
myhostname = gate.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
default_process_limit = 100
default_destination_concurrency_limit = 50
local_recipient_maps =
alias_maps =
alias_database =
milter_default_action = tempfail
in_flow_delay = 0
queue_minfree = 0
"""
# The filters see where the recipient's domain leads; a content filter, which Postfix has first, takes it to the sink.
SMTPD = "{address}:{port} inet n - n - - smtpd -o smtpd_milters={milter} -o content_filter=smtp:[{address}]:{sink}\n"
REST = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """filters: name -> socket of a milter, "" for none."""

    def __init__(self, filters):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="surehop-bench-postfix-"))
        self.folder.chmod(0o755)
        self.config = self.folder / "config"
        for name in ("config", "queue", "data", "log"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        for file in pathlib.Path("/etc/postfix").glob("dynamicmaps.cf*"):
            (shutil.copytree if file.is_dir() else shutil.copy)(file, self.config / file.name)
        for name in ("postfix-files", "postfix-files.d"):
            file = pathlib.Path("/etc/postfix") / name
            if file.exists():
                (shutil.copytree if file.is_dir() else shutil.copy)(file, self.config / name)
        (self.config / "main.cf").write_text(MAIN.format(folder=self.folder))
        self.ports = {name: 19481 + place for place, name in enumerate(filters)}
        (self.config / "master.cf").write_text("".join(
            SMTPD.format(address=ADDRESS, port=self.ports[name], milter=self.words(socket), sink=SINK)
            for name, socket in filters.items()) + REST)

    @staticmethod
    def words(socket):
        """As Postfix says it: inet:HOST:PORT."""
        if not socket:
            return ""
        port, _, host = socket.removeprefix("inet:").partition("@")
        return f"inet:{host}:{port}"

    def __enter__(self):
        self.sink = subprocess.Popen(["smtp-sink", "-u", "postfix", "-c", f"{ADDRESS}:{SINK}", "1000"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = subprocess.run(["postfix", "-c", self.config, "start"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"Postfix does not start: {done.stdout}{done.stderr}")
        return self

    def __exit__(self, *_):
        subprocess.run(["postfix", "-c", self.config, "stop"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.sink.kill()
        self.sink.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def queued(self):
        return sum(len(files) for queue in ("maildrop", "incoming", "active", "deferred")
                   for _, _, files in os.walk(self.folder / "queue" / queue))

    def send(self, name, to, messages, sessions):
        began = time.monotonic()
        done = subprocess.run(["smtp-source", "-s", str(sessions), "-m", str(messages), "-l", "2048", "-f", "sender@origin.example", "-t", to,
                               f"{ADDRESS}:{self.ports[name]}"], capture_output=True, text=True, check=False)
        taken = time.monotonic() - began
        if done.returncode != 0:
            raise SystemExit(f"smtp-source through {name}: {done.stderr[-300:]}\n{(self.folder / 'log/mail.log').read_text()[-2000:]}")
        while self.queued():
            time.sleep(0.01)
            if time.monotonic() - began > 120:
                raise SystemExit(f"{name}: {self.queued()} messages stay in the queue")
        return {"taken/s": messages / taken, "delivered/s": messages / (time.monotonic() - began)}
