# SPDX-License-Identifier: Apache-2.0
"""What the sending site's mail servers have in common: a log, which says what became of each recipient."""

import dataclasses
import re

from .process import wait_until

ADDRESS = "127.0.40.1"


@dataclasses.dataclass(frozen=True)
class Fate:
    """What the log says that became of one recipient of one message."""

    status: str
    dsn: str
    relay: str
    text: str


class MailServer:
    """`log` is its file. ATTEMPT finds the line about an attempt to deliver, CONNECTED that about TLS with a host, and VERIFIED
    is what stands there as its trust once the host has proved who it is."""

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_lines(self, text):
        return [line for line in self.log_text().splitlines() if text in line]

    def attempts(self, queue_id, recipient):
        """The Fate of each attempt to deliver to this recipient so far."""
        return [self._fate(line) for line in self._attempts(self.log_text(), queue_id, recipient)]

    def fate(self, queue_id, recipient, limit=30.0):
        """Wait for the outcome of the latest attempt."""
        return wait_until(lambda: self.attempts(queue_id, recipient), f"a delivery status of {recipient}", limit)[-1]

    def verified_host(self, queue_id, recipient):
        """The host that had proved who it is when the latest attempt began to speak of mail; None if it had not."""
        text = self.log_text()
        *_, attempt = self._attempts(text, queue_id, recipient)
        own = [line for line in text[: attempt.start()].splitlines() if f"[{attempt['process']}]: " in line]
        for line in reversed(own):
            if connected := re.search(self.CONNECTED, line):
                return connected["host"] if connected["trust"] == self.VERIFIED else None
            if ": to=" in line and queue_id not in line:
                return None  # what that process said before was about another connection
        return None

    def _attempts(self, text, queue_id, recipient):
        pattern = self.ATTEMPT.format(queue_id=queue_id, recipient=re.escape(recipient))
        return list(re.finditer(pattern, text, re.M))
