# SPDX-License-Identifier: Apache-2.0
"""The sending site's Sendmail, out of another Debian's root folder, with its own queue and configuration: the lines of
contrib/sendmail as they stand there, and what keeps it inside the loopback internet.

Sendmail trusts nothing below a folder that everybody may write, as the work folder is: sockets and authorities are where
they would be on a real site, here and in its root folder.
"""

import contextlib
import itertools
import pathlib
import pwd
import re
import shutil
import socket
import threading

from .destinations import BY_DOMAIN
from .mta import ADDRESS, Fate, MailServer
from .process import Failed, Server, run, wait_until

PROGRAMS = ("sendmail", "m4", "makemap")
CONTRIB = pathlib.Path(__file__).resolve().parents[3] / "contrib/sendmail/surehop.mc"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # where that file looks for them

SITE = """divert(-1)
divert(0)dnl
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
VERSIONID(`loopnet')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `gate.local.test')dnl
define(`confPID_FILE', `{folder}/sendmail.pid')dnl
define(`QUEUE_DIR', `{folder}/mqueue')dnl
define(`STATUS_FILE', `')dnl
define(`HELP_FILE', `{folder}/helpfile')dnl
define(`ALIAS_FILE', `text:-k0 -v1 -z: {folder}/config/aliases')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,GroupWritableAliasFile,MapInUnsafeDirPath')dnl
define(`confLOG_LEVEL', `14')dnl
define(`confTO_IDENT', `0')dnl
define(`confTO_CONNECT', `5s')dnl
define(`confTO_ICONNECT', `5s')dnl
define(`confTO_RESOLVER_RETRANS', `2s')dnl
define(`confTO_RESOLVER_RETRY', `1')dnl
define(`confTO_QUEUERETURN', `5d')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
FEATURE(`nouucp', `reject')dnl
FEATURE(`virtusertable', `text -o -k0 -v1 {folder}/config/virtusertable')dnl
FEATURE(`accept_unresolvable_domains')dnl
VIRTUSER_DOMAIN(`alias.test')dnl
DAEMON_OPTIONS(`Name=MTA, Addr={address}, Port=25')dnl
"""

MAILERS = """
MAILER(`local')dnl
MAILER(`smtp')dnl
"""


class Sendmail(MailServer):
    ATTEMPT = (
        r"\[(?P<process>\d+)\]: {queue_id}: to=(?:[^ ]*,)?<?{recipient}>?,(?:.*? relay=(?P<relay>[^,]+),)?"
        r".*? dsn=(?P<dsn>[\d.]+),.*? stat=(?P<text>.*)$"
    )
    CONNECTED = r"STARTTLS=client, relay=(?P<host>[^,]+?)\.?, .*verify=(?P<trust>\w+)"
    VERIFIED = "OK"
    lock, map = "sendmail", "sts"

    def __init__(self, folder, root, ca):
        self.folder, self.root = pathlib.Path(folder), root
        self.config, self.log, self.queue = self.folder / "config", self.folder / "mail.log", pathlib.Path("/run")
        self.user = pwd.getpwnam("mail")
        for name in ("config", "mqueue"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "mqueue").chmod(0o700)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "loopnet-run", "/run")
        root.mount("/run", "/run")

        past = "".join(f"{self.past_the_gate(name).partition('@')[0]}: past@{name}\n" for name in BY_DOMAIN)
        (self.config / "aliases").write_text("postmaster: root\nteam: team@none.test\n" + past)
        (self.config / "virtusertable").write_text("good@alias.test rcpt@sts.test\nbad@alias.test rcpt@none.test\n")
        access = "Connect:127.0.40.1 RELAY\n"
        mail = pathlib.Path("/etc/mail")
        mail.mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "loopnet-mail", mail)
        root.mount(mail, mail)
        (mail / "access").write_text(access)
        run("makemap", "-C", "/dev/null", "hash", mail / "access", input=access)
        authorities = root.folder / AUTHORITIES.lstrip("/")
        authorities.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ca.root, authorities)

        before, after = CONTRIB.read_text().split("dnl After MAILER().", 1)
        after = "dnl " + after
        site, self.file = self.config / "sendmail.mc", self.config / "sendmail.cf"
        site.write_text(SITE.format(folder=self.folder, address=ADDRESS) + before + MAILERS + after)
        self.file.write_text(run("m4", site).stdout)
        self.server = Server("sendmail", ["sendmail", "-C", self.file, "-bD"], self.folder / "sendmail.out")
        self.syslog, self.marks = None, itertools.count(1)

    def start(self):
        """With a syslog of its own, since Sendmail has no other log."""
        self.syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.syslog.bind(str(self.folder / "syslog"))
        threading.Thread(target=self._keep_log, daemon=True).start()
        run("ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo")
        self.server.start()
        self.server.wait_ready(_answers)

    def _keep_log(self):
        while True:
            line = self.syslog.recv(65536).decode("utf-8", "replace")
            with open(self.log, "a", encoding="utf-8") as log:
                log.write(re.sub(r"^<\d+>", "", line).strip("\0\n") + "\n")

    def stop(self):
        self.server.stop()

    @staticmethod
    def past_the_gate(domain):
        """Mail to this address goes on to past@DOMAIN, whom the gate does not see."""
        return f"past-{domain}@gate.local.test"

    @staticmethod
    def ungated():
        """With nobody at the gate for what the method `sendmail` hands in, as it is."""
        return contextlib.nullcontext()

    @staticmethod
    def _fate(line):
        # Not by the code alone: there may be dsn=2.0.0 beside "Deferred".
        if line["text"].startswith("Sent"):
            status = "sent"
        elif line["text"].startswith("Deferred") or line["dsn"].startswith("4"):
            status = "deferred"
        else:
            status = "bounced"
        return Fate(status, line["dsn"], line["relay"], line["text"])

    def fate(self, queue_id, recipient, limit=30.0):
        """What stands there when the process that tried has ended: before, it may go on to the next MX host. Of a name that
        cannot be looked up it says nothing, and keeps the message."""
        tried = re.compile(rf"\[(\d+)\]: {queue_id}: (?:to=|alias )")

        def over():
            processes = tried.findall(self.log_text())
            return processes and not pathlib.Path("/proc", processes[-1]).exists()

        wait_until(over, f"the end of an attempt to deliver to {recipient}", limit)
        self._catch_up()
        found = self.attempts(queue_id, recipient)
        if not found and not self.queued(queue_id):
            raise Failed(f"the message to {recipient} is gone, and the log does not say where")
        return found[-1] if found else Fate("deferred", "", "", "")

    def _catch_up(self):
        """Wait until all that has been said is in the log."""
        mark = f"mark {next(self.marks)}."
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
            syslog.sendto(mark.encode(), str(self.folder / "syslog"))
        wait_until(lambda: mark in self.log_text(), "the log")

    def variant(self, *changes):
        """A sendmail.cf that has these changes, pairs of what is there and what is not, for `sendmail` and `flush`."""
        text = self.file.read_text()
        for old, new in changes:
            if old not in text:
                raise Failed(f"{self.file} has no {old}")
            text = text.replace(old, new)
        path = self.config / "variant.cf"
        path.write_text(text)
        return path

    def sendmail(self, *recipients, sender="alice@local.test", body="Hello.", file=None):
        """Submission without SMTP, straight into the queue that is delivered from. Returns the queue id."""
        marker = len(self.log_text())
        message = f"From: {sender}\nSubject: test\n\n{body}\n"
        run("sendmail", "-Am", "-C", file or self.file, "-f", sender, *recipients, input=message)
        pattern = re.compile(rf"(\w+): from={re.escape(sender)},")
        return wait_until(lambda: pattern.search(self.log_text()[marker:]), "the message in the log").group(1)

    def queued(self, queue_id):
        return (self.folder / "mqueue" / f"qf{queue_id}").exists()

    def flush(self, file=None):
        """Try all that is queued, and wait for the end of that. Sendmail ends with 0 for mail that goes on waiting, too;
        otherwise it could not do its work, for instance because there was no lock to ask."""
        run("sendmail", "-C", file or self.file, "-qf", limit=60)

    def empty_queue(self):
        for path in (self.folder / "mqueue").iterdir():
            path.unlink(missing_ok=True)


def _answers():
    try:
        with socket.create_connection((ADDRESS, 25), timeout=1):
            return True
    except OSError:
        return False
