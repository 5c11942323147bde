# SPDX-License-Identifier: Apache-2.0
"""The sending site's Sendmail, out of another Debian's root folder, with its own queue and configuration: the lines of
contrib/sendmail as they stand there, and what keeps it inside the loopback internet.

Sendmail trusts nothing below a folder that everybody may write, as the work folder is: sockets and authorities are where
they would be on a real site, here and in its root folder.
"""

import pathlib
import pwd
import re
import shutil
import socket
import threading

from .destinations import BY_DOMAIN
from .postfix import ADDRESS, Fate
from .process import Server, run, wait_until

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

class Sendmail:
    lock = "sendmail"

    def __init__(self, folder, root, ca):
        self.folder, self.root = pathlib.Path(folder), root
        self.config, self.log, self.queue = self.folder / "config", self.folder / "mail.log", pathlib.Path("/run")
        self.user = pwd.getpwnam("mail")
        for name in ("config", "mqueue"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "mqueue").chmod(0o700)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "loopnet-run", "/run")
        root.mount("/run", "/run")

        # past-DOMAIN goes to somebody there whom the gate has not seen.
        past = "".join(f"past-{name}: past@{name}\n" for name in BY_DOMAIN)
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
        self.syslog = None

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

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_lines(self, text):
        return [line for line in self.log_text().splitlines() if text in line]

    def fate(self, queue_id, recipient, limit=30.0):
        """Wait for the outcome of the latest delivery attempt of this recipient."""
        pattern = re.compile(
            rf"{queue_id}: to=<?{re.escape(recipient)}>?,.*?(?: relay=([^,]+),)?(?:.*? dsn=([\d.]+),)? stat=(.*)$", re.M
        )
        found = wait_until(lambda: pattern.findall(self.log_text()), f"a delivery status of {recipient}", limit)
        relay, dsn, text = found[-1]
        status = {"2": "sent", "4": "deferred"}.get(dsn[:1], "bounced")
        return Fate(status, dsn, relay, text)

    def sendmail(self, *recipients, sender="alice@local.test", body="Hello."):
        """Submission without SMTP, straight into the queue that is delivered from. Returns the queue id."""
        marker = len(self.log_text())
        message = f"From: {sender}\nSubject: test\n\n{body}\n"
        run("sendmail", "-Am", "-C", self.file, "-f", sender, *recipients, input=message)
        pattern = re.compile(rf"(\w+): from={re.escape(sender)},")
        return wait_until(lambda: pattern.search(self.log_text()[marker:]), "the message in the log").group(1)

    def queued(self, queue_id):
        return (self.folder / "mqueue" / f"qf{queue_id}").exists()

    def flush(self):
        run("sendmail", "-C", self.file, "-q", ok=None, limit=60)

    def empty_queue(self):
        for path in (self.folder / "mqueue").iterdir():
            path.unlink(missing_ok=True)


def _answers():
    try:
        with socket.create_connection((ADDRESS, 25), timeout=1):
            return True
    except OSError:
        return False
