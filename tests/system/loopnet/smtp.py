# SPDX-License-Identifier: Apache-2.0
"""The sender: hands messages to the mail server and keeps every reply, since the replies are what surehop says to people."""

import dataclasses
import re
import smtplib

from .mta import ADDRESS

SENDER = "alice@local.test"
LIMIT = 60


@dataclasses.dataclass(frozen=True)
class Reply:
    code: int
    text: str

    @property
    def status(self):
        """The enhanced status code, or an empty string (RFC 3463)."""
        match = re.match(r"\d\.\d{1,3}\.\d{1,3}", self.text)
        return match.group() if match else ""

    def __str__(self):
        return f"{self.code} {self.text}"


@dataclasses.dataclass
class Submission:
    """What the mail server answered to one message. `data` is None when every recipient was refused."""

    mail: Reply
    recipients: dict
    data: Reply | None = None

    @property
    def queue_id(self):
        match = re.search(r"queued as (\w+)|2\.0\.0 (\w+) Message accepted", self.data.text) if self.data else None
        return match.group(1) or match.group(2) if match else None

    def reply(self):
        """The reply to the only recipient."""
        (only,) = self.recipients.values()
        return only


class Session:
    """One SMTP connection that may carry several messages."""

    def __init__(self):
        self.client = smtplib.SMTP(ADDRESS, 25, local_hostname="desk.local.test", timeout=LIMIT)
        self.client.ehlo()
        self.client.command_encoding = "utf-8"  # RFC 6531

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def send(self, *recipients, sender=SENDER, headers=(), body="Hello.", options=()):
        mail = _reply(self.client.mail(sender, options))
        submission = Submission(mail, {})
        if mail.code != 250:
            self.client.rset()
            return submission
        for recipient in recipients:
            submission.recipients[recipient] = _reply(self.client.rcpt(recipient))
        if any(reply.code == 250 for reply in submission.recipients.values()):
            lines = [f"From: <{sender or SENDER}>", "To: undisclosed-recipients:;", "Subject: test", *headers, "", body]
            submission.data = _reply(self.client.data("\r\n".join(lines)))
        else:
            self.client.rset()
        return submission


def send(*recipients, **options):
    """One message over a connection of its own."""
    with Session() as session:
        return session.send(*recipients, **options)


def _reply(answer):
    code, text = answer
    return Reply(code, text.decode("utf-8", "replace").replace("\n", " "))
