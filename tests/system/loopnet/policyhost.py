# SPDX-License-Identifier: Apache-2.0
"""The HTTPS host of every MTA-STS policy (RFC 8461 §3.3): one address, one certificate and one policy per domain.

Policies can be changed, withdrawn, or the whole host stopped while stories run.
"""

import dataclasses
import http.server
import socket
import ssl
import threading

ADDRESS = "127.0.20.1"


@dataclasses.dataclass
class Policy:
    body: str
    certificate: str = "ca"
    status: int = 200
    media_type: str = "text/plain"


def policy_text(mode, mx, max_age=604800):
    """A policy as RFC 8461 §3.2 writes it."""
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {name}" for name in mx), f"max_age: {max_age}"]
    return "".join(f"{line}\r\n" for line in lines)


class PolicyHost:
    def __init__(self, ca, port=443):
        self.ca, self.port, self.policies, self.requests, self.contexts, self.server = ca, port, {}, [], {}, None

    def publish(self, domain, policy):
        self.policies[f"mta-sts.{domain}"] = policy

    def withdraw(self, domain):
        del self.policies[f"mta-sts.{domain}"]

    def fetches(self, domain):
        """How often the policy of this domain has been asked for."""
        return self.requests.count(f"mta-sts.{domain}")

    def start(self):
        first = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        first.load_cert_chain(self.ca.certificate("no-sni.test"))
        first.sni_callback = self._choose
        self.server = _Server((ADDRESS, self.port), _Request)
        self.server.host, self.server.tls = self, first
        threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True, name="policy host").start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def _choose(self, connection, name, _context):
        policy = self.policies.get(name)
        if policy is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        key = (name, policy.certificate)
        if key not in self.contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca.certificate(*key))
            self.contexts[key] = context
        connection.context = self.contexts[key]
        return None


class _Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def finish_request(self, request, client_address):
        # Here, in the connection's own thread, so that one slow handshake does not hold up the others.
        request.settimeout(10)
        with self.tls.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)
            try:
                connection.unwrap()
            except (OSError, ssl.SSLError, socket.timeout):
                pass

    def handle_error(self, request, client_address):
        pass  # clients that refuse our certificate are part of the plan


class _Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802 (the base class names it)
        host = self.headers.get("Host", "").lower().partition(":")[0]
        self.server.host.requests.append(host)
        policy = self.server.host.policies.get(host)
        if policy is None or self.path != "/.well-known/mta-sts.txt":
            return self._answer(404, "text/plain", b"nothing here\n")
        self._answer(policy.status, policy.media_type, policy.body.encode())

    def _answer(self, status, media_type, body):
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
