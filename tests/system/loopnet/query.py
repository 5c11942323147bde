# SPDX-License-Identifier: Apache-2.0
"""A DNS question in one packet, for tests that ask the resolver what it thinks (RFC 1035 §4.1, RFC 6840 §5.7)."""

import dataclasses
import os
import socket
import struct

TYPES = {"A": 1, "SOA": 6, "MX": 15, "TXT": 16, "DS": 43, "TLSA": 52}
RCODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


@dataclasses.dataclass(frozen=True)
class Answer:
    rcode: str
    authentic: bool
    answers: int


def ask(server, name, kind, limit=5.0):
    """Ask with the AD bit set, so that the resolver says in the reply whether it has validated."""
    identity = os.urandom(2)
    labels = [label.encode("ascii") for label in name.strip(".").split(".") if label]
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", TYPES[kind], 1)
    query = identity + struct.pack("!HHHHH", 0x0120, 1, 0, 0, 0) + question  # RD and AD
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(limit)
        udp.connect((server, 53))
        udp.send(query)
        reply = udp.recv(4096)
    if reply[:2] != identity:
        raise OSError("answer to another question")
    flags, _, answers = struct.unpack("!HHH", reply[2:8])
    return Answer(RCODES.get(flags & 0x0F, str(flags & 0x0F)), bool(flags & 0x0020), answers)


def answers_at_all(server):
    """True when something at this address answers a question for the root."""
    try:
        return ask(server, ".", "SOA", limit=0.5).rcode == "NOERROR"
    except OSError:
        return False
