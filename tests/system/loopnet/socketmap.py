# SPDX-License-Identifier: Apache-2.0
"""A question to a socketmap server (socketmap_table(5)), and its answer as it came: "OK POLICY", "NOTFOUND ", "TEMP WHY"."""

import contextlib
import os
import socket
import threading

LIMIT = 20  # seconds; nobody's Postfix waits longer


def ask(where, key, name="postfix", source=None):
    """`where`: the path of a UNIX socket, or (address, port), asked from the address `source`."""
    family = socket.AF_INET if isinstance(where, tuple) else socket.AF_UNIX
    question = f"{name} {key}".encode()
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(LIMIT)
        if source:
            connection.bind((source, 0))
        connection.connect(where if isinstance(where, tuple) else str(where))
        connection.sendall(b"%d:%s," % (len(question), question))
        with connection.makefile("rb") as reader:
            digits = b""
            while (octet := reader.read(1)).isdigit():
                digits += octet
            if not octet:
                raise ConnectionError(f"hung up when asked for {key}")
            if octet != b":":
                raise OSError(f"no netstring: {digits + octet!r}")
            answer = reader.read(int(digits))
            if reader.read(1) != b",":
                raise OSError(f"no end of the netstring after {answer!r}")
    return answer.decode("utf-8", "replace")


class Impostor:
    """Somebody else in the place of surehopd's socket, who answers every question with the same octets, and hangs up after
    them where they are no netstring, since whoever has asked may wait for the rest."""

    def __init__(self, path, answer):
        self.path, self.answer = str(path), answer
        length, _, rest = answer.partition(b":")
        self.whole = length.isdigit() and len(rest) == int(length) + 1

    def __enter__(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener, self.connections = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), []
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        for each in (self.listener, *self.connections):
            with contextlib.suppress(OSError):  # of those that are closed
                each.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(LIMIT)
            while connection.recv(4096):
                connection.sendall(self.answer)
                if not self.whole:
                    break
