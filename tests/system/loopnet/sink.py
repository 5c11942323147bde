# SPDX-License-Identifier: Apache-2.0
"""Mail servers that take what they are given, and write down what they saw.

One record per message transaction, and one for a connection that began none:

    sink, address           which server
    helo, tls, version, cipher, sni    how the client introduced and protected itself (version, cipher, sni null in clear)
    mail_from, recipients   the envelope
    data                    how many bytes of message arrived; 0 when DATA was never sent
    headers                 the message's header lines

Records go to a file of JSON lines as they happen, and are kept for the stories to ask.
"""

import concurrent.futures
import contextlib
import json
import socketserver
import ssl
import threading

LIMIT = 30  # seconds that a client may be silent


class Sinks:
    """All the sinks of the destinations table."""

    def __init__(self, sinks, ca, log):
        self.log, self.records, self.lock = log, [], threading.Lock()
        self.busy = set()
        self.servers = [_Server(self, sink, ca) for sink in sinks]

    def start(self):
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True, name=server.sink.host).start()

    def stop(self):
        with concurrent.futures.ThreadPoolExecutor(len(self.servers)) as together:  # each may take until its next poll
            list(together.map(_Server.shutdown, self.servers))
        for server in self.servers:
            server.server_close()

    @contextlib.contextmanager
    def closed(self, *hosts):
        """Until the end of the block these have no time, and say so instead of a greeting."""
        self.busy |= set(hosts)
        try:
            yield
        finally:
            self.busy -= set(hosts)

    def record(self, entry):
        with self.lock:
            self.records.append(entry)
            with open(self.log, "a", encoding="utf-8") as log:
                log.write(json.dumps(entry) + "\n")

    def delivered(self, recipient):
        """The records of messages that arrived in whole for this recipient."""
        with self.lock:
            return [r for r in self.records if recipient in r["recipients"] and r["data"]]

    def connections(self, host):
        with self.lock:
            return [r for r in self.records if r["sink"] == host]

    def data_bytes(self, domain):
        """How much of any message reached any server for recipients in this domain."""
        with self.lock:
            return sum(r["data"] for r in self.records if any(x.endswith("@" + domain) for x in r["recipients"]))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, sinks, sink, ca):
        super().__init__((sink.address, 25), _Session)
        self.sinks, self.sink, self.tls = sinks, sink, None
        if sink.certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.maximum_version = ssl.TLSVersion[sink.newest_tls]
            self.tls.load_cert_chain(ca.certificate(sink.host, sink.certificate))
            self.tls.sni_callback = self._remember_sni

    @staticmethod
    def _remember_sni(connection, name, _context):
        connection.sni = name

    def handle_error(self, request, client_address):
        pass  # a client that hangs up or dislikes the certificate is what many stories are about


class _Session(socketserver.StreamRequestHandler):
    timeout = LIMIT

    def setup(self):
        super().setup()
        self.helo = self.mail_from = None
        self.tls = None
        self.recipients = []
        self.began = False

    def handle(self):
        if self.server.sink.host in self.server.sinks.busy:
            return self._say("421 4.3.2 no time")
        self._say(f"220 {self.server.sink.host} ESMTP sink")
        while line := self._line():
            verb, _, rest = line.partition(" ")
            answer = getattr(self, f"do_{verb.lower()}", None)
            if answer is None:
                self._say("502 5.5.1 no such command")
            elif answer(rest.strip()) == "end":
                return

    def finish(self):
        if self.mail_from is not None or not self.began:
            self._record(0, [])
        super().finish()

    def do_ehlo(self, name):
        self.helo = name
        lines = [self.server.sink.host, "8BITMIME", "SMTPUTF8"]
        if self.server.tls and not self.tls:
            lines.append("STARTTLS")
        for line in lines[:-1]:
            self._say(f"250-{line}")
        self._say(f"250 {lines[-1]}")

    def do_helo(self, name):
        self.helo = name
        self._say(f"250 {self.server.sink.host}")

    def do_starttls(self, _):
        if not self.server.tls or self.tls:
            return self._say("454 4.7.0 TLS is not here")
        self._say("220 2.0.0 go ahead")
        self.tls = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.tls.makefile("rb"), self.tls.makefile("wb", 0)

    def do_mail(self, rest):
        self.began, self.mail_from, self.recipients = True, _address(rest), []
        self._say("250 2.1.0 ok")

    def do_rcpt(self, rest):
        self.recipients.append(_address(rest))
        self._say("250 2.1.5 ok")

    def do_data(self, _):
        self._say("354 end with a dot")
        headers, size, in_headers = [], 0, True
        while (line := self.rfile.readline()) and line.rstrip(b"\r\n") != b".":
            size += len(line)
            text = line.rstrip(b"\r\n").decode("utf-8", "replace")
            in_headers = in_headers and text != ""
            if in_headers:
                headers.append(text)
        self._record(size, headers)
        self.mail_from, self.recipients = None, []
        self._say("250 2.0.0 taken")

    def do_rset(self, _):
        self.mail_from, self.recipients = None, []
        self._say("250 2.0.0 ok")

    def do_noop(self, _):
        self._say("250 2.0.0 ok")

    def do_quit(self, _):
        self._say("221 2.0.0 bye")
        return "end"

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def _line(self):
        return self.rfile.readline(4096).decode("utf-8", "replace").rstrip("\r\n")

    def _record(self, size, headers):
        version, cipher, sni = None, None, None
        if self.tls:
            version, cipher, sni = self.tls.version(), self.tls.cipher()[0], getattr(self.tls, "sni", None)
        self.server.sinks.record(
            {
                "sink": self.server.sink.host, "address": self.server.sink.address, "helo": self.helo,
                "tls": bool(self.tls), "version": version, "cipher": cipher, "sni": sni,
                "mail_from": self.mail_from, "recipients": self.recipients, "data": size, "headers": headers,
            }
        )  # fmt: skip


def _address(rest):
    """`FROM:<a@b> SIZE=1` → `a@b`."""
    return rest.partition("<")[2].partition(">")[0]
