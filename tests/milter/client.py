# SPDX-License-Identifier: Apache-2.0
"""The MTA's side of the milter protocol (version 6), as far as a mail server uses it.

A packet is a length of four octets, a command letter and data. The client keeps to what the filter
negotiated, as Postfix does: steps that it does not want are not sent, and where it said that it does
not reply nobody waits for a reply.
"""

import socket
import struct

# Actions and steps as Postfix 3.7 offers them.
ALL_ACTIONS, ALL_STEPS = 0x1FF, 0x1FFFFF
ADDHDRS, CHGHDRS, QUARANTINE, SETSYMLIST = 0x1, 0x10, 0x20, 0x100
NOHELO, NOBODY, NOEOH, NR_HDR, NODATA, RCPT_REJ, NR_CONN = 0x2, 0x10, 0x40, 0x80, 0x200, 0x800, 0x1000
NR_BODY = 0x80000

# What Postfix tells of a recipient that it sends to the recipient's own domain.
def to_domain(address):
    return {"{rcpt_mailer}": "smtp", "{rcpt_host}": address.rsplit("@", 1)[1], "{rcpt_addr}": address}


class ProtocolError(Exception):
    pass


class Milter:
    def __init__(self, where, actions=ALL_ACTIONS, steps=ALL_STEPS, version=6, client="192.0.2.1", timeout=15):
        if isinstance(where, str):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            self.sock = socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET)
            # An MTA gathers what it sends; ours writes packet by packet and must not wait for that.
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(timeout)
        self.sock.connect(where)
        self.buffer = b""
        self.send(b"O", struct.pack("!III", version, actions, steps))
        command, data = self.receive()
        if command != b"O":
            raise ProtocolError(f"negotiation answered by {command!r}")
        self.version, self.actions, self.steps = struct.unpack("!III", data[:12])
        self.macros_wanted = self._symbols(data[12:])
        self.connect(client)

    @staticmethod
    def _symbols(data):
        out = {}
        while len(data) > 4:
            stage = struct.unpack("!I", data[:4])[0]
            text, _, data = data[4:].partition(b"\0")
            out[stage] = text.decode().split()
        return out

    def send(self, command, data=b""):
        self.sock.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def receive(self):
        while True:
            if len(self.buffer) >= 4:
                size = struct.unpack("!I", self.buffer[:4])[0]
                if len(self.buffer) >= 4 + size:
                    packet, self.buffer = self.buffer[4:4 + size], self.buffer[4 + size:]
                    return packet[:1], packet[1:]
            more = self.sock.recv(65536)
            if not more:
                raise ProtocolError("the filter has closed the connection")
            self.buffer += more

    def reply(self):
        """The reply as an SMTP client would see it: "" for continue."""
        command, data = self.receive()
        if command == b"y":
            text = data.rstrip(b"\0").decode()
            if "%" in text.replace("%%", ""):
                raise ProtocolError(f"a lone % in {text!r}: the MTA would swallow it")
            return text.replace("%%", "%")
        known = {b"c": "", b"a": "accept", b"d": "discard", b"r": "reject", b"t": "tempfail"}
        if command not in known:
            raise ProtocolError(f"unexpected answer {command!r}")
        return known[command]

    def macro(self, stage, macros):
        data = b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in macros.items())
        self.send(b"D", stage + data)

    def connect(self, address):
        self.macro(b"C", {"j": "mail.local.test", "{daemon_name}": "mail.local.test"})
        family = b"6" if ":" in address else b"4"
        self.send(b"C", b"client.test\0" + family + struct.pack("!H", 40000) + address.encode() + b"\0")
        if not self.steps & NR_CONN:
            self.expect_continue()
        if not self.steps & NOHELO:
            self.send(b"H", b"client.test\0")
            self.expect_continue()

    def expect_continue(self):
        if answer := self.reply():
            raise ProtocolError(f"expected continue, got {answer!r}")

    def mail(self, sender="<s@clinic.example>", macros=None, *arguments):
        if macros is None:
            address = sender.strip("<>")
            macros = {"{mail_addr}": address, "{mail_host}": "", "{mail_mailer}": "smtp"}
        self.macro(b"M", macros)
        self.send(b"M", b"".join(a.encode() + b"\0" for a in (sender, *arguments)))
        return self.reply()

    def rcpt(self, recipient, macros=None, *arguments):
        if macros is None:
            macros = to_domain(recipient.strip("<>"))
        self.send_rcpt(recipient, macros, *arguments)
        return self.reply()

    def send_rcpt(self, recipient, macros, *arguments):
        self.macro(b"R", macros)
        self.send(b"R", b"".join(a.encode() + b"\0" for a in (recipient, *arguments)))

    def header(self, name, value):
        self.send(b"L", name.encode() + b"\0" + value.encode() + b"\0")
        if not self.steps & NR_HDR:
            self.expect_continue()

    def end(self, queue_id="4QID", headers=(("From", "s@clinic.example"), ("Subject", "hello")),
            body=b"Hello\r\n"):
        """Sends headers and the end of the message; returns what is to be done to it, and the reply."""
        if not self.steps & NODATA:
            self.macro(b"T", {"i": queue_id})
            self.send(b"T")
            self.expect_continue()
        for name, value in headers:
            self.header(name, value)
        if not self.steps & NOEOH:
            self.macro(b"N", {"i": queue_id})
            self.send(b"N")
            if reply := self.reply():
                return [], reply
        if not self.steps & NOBODY:
            self.send(b"B", body)
            if not self.steps & NR_BODY:
                self.expect_continue()
        self.macro(b"E", {"i": queue_id})
        self.send(b"E")
        actions = []
        while True:
            command, data = self.receive()
            if command == b"h":
                name, value = data.rstrip(b"\0").split(b"\0")
                actions.append(("add", name.decode(), value.decode()))
            elif command == b"m":
                index = struct.unpack("!I", data[:4])[0]
                name, value = data[4:].split(b"\0")[:2]
                actions.append(("change", index, name.decode(), value.decode()))
            elif command == b"q":
                actions.append(("quarantine", data.rstrip(b"\0").decode()))
            elif command in b"yartcd":
                self.buffer = struct.pack("!I", len(data) + 1) + command + data + self.buffer
                return actions, self.reply()
            else:
                raise ProtocolError(f"unexpected action {command!r}")

    def abort(self):
        self.send(b"A")

    def quit_new_connection(self, client="192.0.2.2"):
        """The MTA keeps the connection for another SMTP client (SMFIC_QUIT_NC)."""
        self.send(b"K")
        self.connect(client)

    def quit(self):
        self.send(b"Q")
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
