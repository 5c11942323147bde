# SPDX-License-Identifier: Apache-2.0
"""A name server for tests, on 127.0.0.1 over UDP and TCP, with a port of its own.

It answers from a zone literal, one record a line, as a validating resolver would:

    dane.test              MX    10 mx.dane.test
    _25._tcp.mx.dane.test  TLSA  3 1 1 abab...

A domain is signed (answers carry AD) unless the literal says `unsigned DOMAIN`; `bogus DOMAIN` gives
SERVFAIL unless the CD bit is set; `slow DOMAIN SECONDS` delays each answer; `silent DOMAIN` gives none;
`ttl DOMAIN SECONDS` is that of its records (else an hour).
"""

import contextlib
import socket
import socketserver
import struct
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52}
AD, CD, DO = 0x20, 0x10, 0x8000
SERVFAIL, NXDOMAIN = 2, 3


def wire_name(name):
    labels = [label for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def wire_data(kind, words):
    if kind == "A":
        return socket.inet_aton(words[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if kind == "MX":
        return struct.pack("!H", int(words[0])) + wire_name(words[1])
    if kind == "CNAME":
        return wire_name(words[0])
    if kind == "TXT":
        text = " ".join(words).encode()
        return bytes([len(text)]) + text
    if kind == "TLSA":
        return bytes(int(word) for word in words[:3]) + bytes.fromhex(words[3])
    raise ValueError(kind)


SOA = wire_name("ns.test") + wire_name("hostmaster.test") + struct.pack("!5I", 1, 3600, 600, 86400, 300)


class Zone:
    def __init__(self, literal):
        self.records, self.traits = {}, {}
        self.add(literal)

    def add(self, literal):
        for line in literal.splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] in ("unsigned", "bogus", "slow", "silent", "ttl"):
                self.traits.setdefault(words[0], {})[words[1]] = words[2] if len(words) > 2 else True
            else:
                name, kind = words[0].lower(), words[1]
                self.records.setdefault(name, []).append((kind, wire_data(kind, words[2:])))

    def trait(self, which, name):
        for domain, value in self.traits.get(which, {}).items():
            if name == domain or name.endswith("." + domain):
                return value
        return None

    def exists(self, name):
        return any(owner == name or owner.endswith("." + name) for owner in self.records)


class DnsServer:
    def __init__(self, zone, port=0):
        self.zone = zone if isinstance(zone, Zone) else Zone(zone)  # or the literal of one
        self.asked = []  # (name, type) of every question
        answer = self.answer

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                packet, sock = self.request
                reply = answer(packet)
                if reply:
                    with contextlib.suppress(OSError):  # of a server that has been stopped meanwhile
                        sock.sendto(reply, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                while len(size := self.rfile.read(2)) == 2:
                    reply = answer(self.rfile.read(struct.unpack("!H", size)[0]))
                    if reply:
                        self.wfile.write(struct.pack("!H", len(reply)) + reply)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        socketserver.ThreadingUDPServer.allow_reuse_address = True
        self.udp = socketserver.ThreadingUDPServer(("127.0.0.1", port), Udp)
        self.port = self.udp.server_address[1]
        self.tcp = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), Tcp)
        for server in (self.udp, self.tcp):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        for server in (self.udp, self.tcp):
            server.shutdown()
            server.server_close()

    def answer(self, packet):
        if len(packet) < 17:
            return None
        number, flags, questions, _, _, additional = struct.unpack("!6H", packet[:12])
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
            at += 1 + packet[at]
        name = ".".join(labels).lower()
        kind = struct.unpack("!H", packet[at + 1:at + 3])[0]
        question = packet[12:at + 5]
        self.asked.append((name, kind))

        if self.zone.trait("silent", name):
            return None
        if delay := self.zone.trait("slow", name):
            time.sleep(float(delay))
        bogus = bool(self.zone.trait("bogus", name))
        if bogus and not flags & CD:
            return self.packet(number, SERVFAIL, False, question, [], False)
        authentic = not bogus and not self.zone.trait("unsigned", name) and bool(flags & AD)
        if name == "" and kind == TYPES["SOA"]:
            return self.packet(number, 0, authentic, question, [(name, kind, SOA)], False)
        found = [(name, TYPES[k], data) for k, data in self.zone.records.get(name, []) if TYPES[k] == kind]
        status = 0 if found or self.zone.exists(name) else NXDOMAIN
        return self.packet(number, status, authentic, question, found, not found, int(self.zone.trait("ttl", name) or 3600))

    @staticmethod
    def packet(number, status, authentic, question, records, denial, ttl=3600):
        flags = 0x8180 | status | (AD if authentic else 0)
        out = struct.pack("!6H", number, flags, 1, len(records), 1 if denial else 0, 0) + question
        for name, kind, data in records:
            out += wire_name(name) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
        if denial:
            out += wire_name("") + struct.pack("!HHIH", TYPES["SOA"], 1, 300, len(SOA)) + SOA
        return out
