# SPDX-License-Identifier: Apache-2.0
"""The mail servers of the soak: messages of all kinds over the milter protocol, good peers and bad ones."""

import os
import random
import socket
import struct
import time

from client import ProtocolError, to_domain
from world import SWITCHED

PATIENCE = 30
ENDED = (OSError, ProtocolError)  # TimeoutError is an OSError
QUICK = ("dane.test", "sts.test", "none.test")  # known at any time


class Sender:
    """One mail server: message after message, a few on each connection."""

    def __init__(self, soak, number):
        self.soak, self.number, self.messages = soak, number, 0

    def run(self):
        while self.soak.goes_on():
            began = time.monotonic()
            try:
                self.connection()
            except ENDED as failure:
                if self.soak.quiet.since(began) and self.soak.goes_on():
                    self.soak.findings.fail("peers", f"{type(failure).__name__}: {failure}")
                time.sleep(0.3)

    def connection(self):
        with self.soak.world.daemon.client(timeout=PATIENCE, client=f"192.0.2.{random.randrange(1, 250)}") as mta:
            self.soak.findings.did("connections over TCP" if mta.sock.family != socket.AF_UNIX else "connections over UNIX")
            for _ in range(random.randrange(1, 6)):
                self.soak.pace()
                if not self.soak.goes_on():
                    return
                if not self.message(mta):
                    return
                if random.random() < 0.1:
                    mta.quit_new_connection()
            mta.quit()

    def message(self, mta):
        """False: the connection cannot be used any more."""
        self.messages += 1
        self.soak.findings.did("messages")
        end = random.choices(("end", "abort", "gone after MAIL", "gone after RCPT", "gone in the header", "gone before the reply"),
                             weights=(84, 6, 2, 3, 3, 2))[0]  # fmt: skip
        asked = {domain: self.soak.world.expected(domain) for domain in SWITCHED}  # a message keeps the rules that it began with
        mta.mail()
        if end == "gone after MAIL":
            return False
        accepted = []
        for _ in range(random.choice((1, 1, 2, 3))):
            domain = self.soak.world.somewhere()
            recipient = f"u{random.randrange(10**6)}@{domain}"
            if self.recipient(mta, recipient, domain, asked.get(domain) or self.soak.world.expected(domain)):
                accepted.append(recipient)
        if not accepted or end == "abort":
            mta.abort()
            self.soak.findings.did("aborted")
            return True
        if end != "end":
            self.leave(mta, end)
            self.soak.findings.did("left unfinished")
            return False
        queue_id = f"4S{os.getpid()}N{self.number}M{self.messages}"
        began = time.monotonic()
        reply = mta.end(queue_id)[1]
        if reply == "":
            self.soak.rows.accepted(queue_id, accepted)
            self.soak.findings.did("accepted")
        elif self.soak.quiet.since(began - 2):
            self.soak.findings.fail("answers", f"end of message: {reply}")
        return True

    def recipient(self, mta, recipient, domain, asked):
        expected, mark = asked
        began = time.monotonic()
        reply = mta.rcpt(f"<{recipient}>")
        took, quiet = time.monotonic() - began, self.soak.quiet.since(began - 2)
        if quiet and domain in QUICK:
            self.soak.latency.add("gate", took)
        self.soak.findings.did("recipients")
        if domain.endswith("sts.cold") and reply == "":
            self.soak.findings.did("policies fetched for the first contact")
        if expected is None or self.soak.world.expected(domain)[1] != mark:
            return reply == ""  # changed meanwhile
        if reply == "" and "" not in expected:
            self.soak.findings.fail("minimum", f"{recipient} is accepted")
        elif not deferred(reply) and not (reply == "" or any(text and reply.startswith(text) for text in expected)):
            self.soak.findings.fail("answers", f"{recipient}: {reply}")
        if "" in expected and quiet:
            self.soak.findings.did("could pass")
            if reply != "":
                self.soak.findings.did("deferred although it could pass")
        return reply == ""

    @staticmethod
    def leave(mta, how):
        if how == "gone after RCPT":
            return
        mta.macro(b"T", {"i": "4GONE"})
        mta.send(b"T")
        mta.expect_continue()
        mta.header("Subject", "half")
        if how == "gone before the reply":
            mta.macro(b"E", {"i": "4GONE"})
            mta.send(b"E")


def deferred(reply):
    """tempfail: without words, by a surehopd that is about to stop."""
    return reply.startswith("4") or reply == "tempfail"


def noise():
    return random.choice((
        b"\xff\xff\xff\xffM", b"\0\0\0\0", b"\0\0\1", b"GET / HTTP/1.0\r\n\r\n", os.urandom(3000), b"",
        struct.pack("!I", 13) + b"O" + b"\xff" * 12, struct.pack("!I", 5) + b"O" + b"\0" * 4, b"99999999999:x", b"-1:,",
        b"5:hello!", b"17:postfix", b"17:postfix dane.test;", b"{" * 60_000, b'{"do": ', b"\n", b'{"do": "status"}',
    ))  # fmt: skip


def misbehave(soak):
    """Peers that send noise, half a question or nothing; some stay for a while."""
    staying = []
    while soak.goes_on():
        place = random.choice(soak.places())
        try:
            sock = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
            sock.settimeout(5)
            sock.connect(place)
            sock.sendall(noise())
            staying.append(sock)
        except OSError:
            sock.close()
        soak.findings.did("peers that misbehave")
        while len(staying) > 6:
            staying.pop(0).close()
        soak.sleep(1)
    for sock in staying:
        sock.close()


def first_contact(world, soak):
    """One message to a domain that is known and one that is not, as a mail server would send it; what it is answered."""
    with world.daemon.client(timeout=PATIENCE) as mta:
        mta.mail()
        world.cold += 1
        cold = f"r{world.cold}x{random.randrange(10**6)}.dane.cold"
        replies = [mta.rcpt("<probe@dane.test>"), mta.rcpt(f"<probe@{cold}>", to_domain(f"probe@{cold}"))]
        if "" not in replies:
            return replies
        queue_id = f"4P{os.getpid()}N{world.cold}"
        replies.append(mta.end(queue_id)[1])
        if replies[-1] == "":
            soak.rows.accepted(queue_id, [name for name, reply in zip(("probe@dane.test", f"probe@{cold}"), replies) if reply == ""])
        return replies
