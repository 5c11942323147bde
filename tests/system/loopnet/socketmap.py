# SPDX-License-Identifier: Apache-2.0
"""A question to a socketmap server (socketmap_table(5)), and its answer as it came: "OK POLICY", "NOTFOUND ", "TEMP WHY"."""

import socket

LIMIT = 20  # seconds; nobody's Postfix waits longer


def ask(where, key, name="postfix"):
    """`where`: the path of a UNIX socket, or (address, port)."""
    family = socket.AF_INET if isinstance(where, tuple) else socket.AF_UNIX
    question = f"{name} {key}".encode()
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(LIMIT)
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
