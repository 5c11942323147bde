# SPDX-License-Identifier: Apache-2.0
"""The sending site's Postfix, with its own configuration, queue and data under the work folder.

Its main.cf says what surehop's README asks an administrator to write; the rest keeps it inside the loopback internet.
"""

import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import time

from .destinations import BY_DOMAIN
from .mta import ADDRESS, Fate, MailServer
from .process import Failed, run, wait_until

PROGRAMS = ("postfix", "postconf", "postqueue", "postsuper", "postmap", "postcat", "sendmail")

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}/log
myhostname = gate.local.test
mydomain = local.test
myorigin = local.test
mydestination = gate.local.test
mynetworks = 127.0.0.0/8
inet_interfaces = {address}
inet_protocols = ipv4
smtputf8_enable = yes
enable_long_queue_ids = yes
alias_maps = inline:{{ {{ moved = moved@none.test }}, {{ here = here@dane.test }} }}
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_recipient_restrictions =
smtpd_relay_restrictions = permit_mynetworks, reject

# Mail for this site itself ends in these mailboxes.
virtual_mailbox_domains = local.test
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {{ alice@local.test = alice/ }}, {{ bob@local.test = bob/ }} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_alias_domains = alias.test
virtual_alias_maps = inline:{{
    {{ team@local.test = team@none.test }}, {{ good@alias.test = good@dane.test }}, {{ bad@alias.test = bad@none.test }},
    {past_the_gate} }}
transport_maps = inline:{{
    {{ routed.test = smtp:[mx.dane.test] }}, {{ detour.test = smtp:[mx.none.test] }},
    {{ inside.test = smtp:[127.0.30.3] }},
    {{ peer@txtfail.test = peer: }}, {{ peer@deep.test = peer: }}, {{ peer@cross.test = peer: }},
    {{ peer@both.test = peer: }} }}

# Delivery, as a site that takes DANE and MTA-STS seriously has it.
smtp_tls_security_level = dane
smtp_dns_support_level = dnssec
smtp_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1
smtp_tls_CAfile = {ca}
smtp_tls_loglevel = 1
smtp_tls_connection_reuse = no
smtp_connection_cache_on_demand = no
smtp_connect_timeout = 5s
smtp_helo_timeout = 10s

# Stories have more recipients refused in one connection than people do.
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000

# Nothing is tried again unless a story asks.
minimal_backoff_time = 1h
maximal_backoff_time = 1h
queue_run_delay = 1h
default_destination_concurrency_failed_cohort_limit = 0
transport_retry_time = 1s
"""

SUREHOP = """
smtpd_milters = unix:surehop/milter.sock
non_smtpd_milters = unix:surehop/milter.sock
milter_default_action = tempfail
smtp_tls_policy_maps = socketmap:unix:surehop/socketmap.sock:{lock}
"""

MASTER = """
{address}:smtp inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
peer unix - - n - - smtp -o smtp_tls_policy_maps=socketmap:inet:127.0.50.1:8461:postfix
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(MailServer):
    ATTEMPT = (
        r"\[(?P<process>\d+)\]: {queue_id}: to=<{recipient}>,.* relay=(?P<relay>[^,]+),.* dsn=(?P<dsn>[\d.]+), "
        r"status=(?P<status>\w+) \((?P<text>.*)\)$"
    )
    CONNECTED = r"(?P<trust>\w+) TLS connection established to (?P<host>[^[]+)\["
    VERIFIED = "Verified"

    def __init__(self, folder, ca, gated=True):
        self.folder = pathlib.Path(folder)
        self.config, self.queue, self.log = self.folder / "config", self.folder / "queue", self.folder / "log/mail.log"
        self.user = pwd.getpwnam("postfix")
        for name in ("config", "queue", "data", "log", "mail"):
            (self.folder / name).mkdir(parents=True)
        for name in ("data", "mail"):
            shutil.chown(self.folder / name, "postfix")
        self.lock = self.map = self._lock()
        main = MAIN + SUREHOP if gated else MAIN
        if self.lock == "postfix310":
            main += "tls_required_enable = no\n"
        fields = {"folder": self.folder, "address": ADDRESS, "ca": ca.root, "lock": self.lock}
        fields |= {"uid": self.user.pw_uid, "gid": self.user.pw_gid}
        fields["past_the_gate"] = ",\n    ".join(f"{{ {self.past_the_gate(name)} = past@{name} }}" for name in BY_DOMAIN)
        self._write("main.cf", main.format(**fields))
        self._write("master.cf", MASTER.format(address=ADDRESS))
        for name in ("dynamicmaps.cf", "dynamicmaps.cf.d"):
            packaged = pathlib.Path("/etc/postfix", name)
            if packaged.is_dir():
                shutil.copytree(packaged, self.config / name)
            elif packaged.exists():
                shutil.copy(packaged, self.config / name)

    @staticmethod
    def _lock():
        """Which socketmap this Postfix wants: the name of `[mta] lock`, by which it asks, too."""
        version = run("postconf", "-dh", "mail_version").stdout.strip()
        major, minor = (int(number) for number in version.split(".")[:2])
        return "postfix310" if (major, minor) >= (3, 10) else "postfix"

    @staticmethod
    def past_the_gate(domain):
        """Mail to this address goes on to past@DOMAIN, whom the gate does not see."""
        return f"{domain}@alias.test"

    def ungated(self):
        """With nobody at the gate until the end of the block."""
        return self.configured(smtpd_milters="", non_smtpd_milters="")

    def start(self):
        run("ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo")  # Postfix wants to see its address there
        run("postfix", "-c", self.config, "start")
        wait_until(lambda: "daemon started" in self.log_text(), "Postfix to start")

    @contextlib.contextmanager
    def configured(self, master="", **parameters):
        """With these parameters in main.cf, and these lines at the end of master.cf, until the end of the block."""
        before = {name: self.config.joinpath(name).read_text() for name in ("main.cf", "master.cf")}
        main = before["main.cf"]
        for name, value in parameters.items():
            # In place of the line that is there: Postfix warns of two, and so often that its logging may stand still.
            main = re.sub(rf"^{name} =.*\n(?:[ \t].*\n)*", "", main, flags=re.M) + f"{name} = {value}\n"
        self.reload({"main.cf": main, "master.cf": before["master.cf"] + master})
        try:
            yield
        finally:
            self.reload(before)

    def reload(self, files):
        for name, text in files.items():
            self._write(name, text)
        reloads = self.log_text().count("reload -- version")
        run("postfix", "-c", self.config, "reload")
        wait_until(lambda: self.log_text().count("reload -- version") > reloads, "Postfix to read main.cf again")

    def _write(self, name, text):
        """In one step: a daemon that starts meanwhile and reads half a file ends, and master(8) waits a minute then. As if a
        minute ago: Postfix does not read main.cf until it has been left alone for a while."""
        new = self.config / f"{name}.new"
        new.write_text(text)
        os.utime(new, (time.time() - 60, time.time() - 60))
        new.replace(self.config / name)

    def stop(self):
        run("postfix", "-c", self.config, "stop", limit=60)

    @staticmethod
    def _fate(line):
        return Fate(line["status"], line["dsn"], line["relay"], line["text"])

    def queued(self, queue_id=None):
        """The queue as `postqueue -j` lists it: all messages, or the one with this id (None when it is gone)."""
        lines = run("postqueue", "-c", self.config, "-j").stdout.splitlines()
        messages = [json.loads(line) for line in lines]
        if queue_id is None:
            return messages
        return next((message for message in messages if message["queue_id"] == queue_id), None)

    def flush(self):
        run("postqueue", "-c", self.config, "-f")

    def hold(self, queue_id):
        run("postsuper", "-c", self.config, "-h", queue_id)

    def release(self, queue_id):
        run("postsuper", "-c", self.config, "-H", queue_id)

    def empty_queue(self):
        run("postsuper", "-c", self.config, "-d", "ALL")

    def sendmail(self, *recipients, sender="alice@local.test", body="Hello."):
        """Submission without SMTP, as cron jobs and scripts do it. Returns the queue id that the log shows."""
        marker = len(self.log_text())
        message = f"From: {sender}\nSubject: test\n\n{body}\n"
        run("sendmail", "-C", self.config, "-f", sender, *recipients, input=message)
        pattern = re.compile(r"pickup\[\d+\]: (\w+): uid=")
        return wait_until(lambda: pattern.search(self.log_text()[marker:]), "pickup of the message").group(1)

    def mailbox(self, user):
        """The messages that were delivered to a user of this site."""
        return [path.read_text(errors="replace") for path in sorted((self.folder / "mail" / user / "new").glob("*"))]

    def ask_lock(self, key):
        """What the policy map answers for this next hop, asked as an administrator would: text, None, or "query error"."""
        socket = self.queue / "surehop/socketmap.sock"
        done = run("postmap", "-c", self.config, "-q", key, f"socketmap:unix:{socket}:{self.lock}", ok=(0, 1))
        if done.returncode == 0:
            return done.stdout.strip()
        if "error" in done.stderr:
            return "query error"
        if done.stderr.strip():
            raise Failed(done.stderr)
        return None
