# SPDX-License-Identifier: Apache-2.0
"""What breaks around surehopd: its store, its descriptors, its peers. In each: no mail passes below its minimum, nothing that
was recorded is lost, it recovers by itself where it can, and one clear line says what happened."""

import os
import resource
import socket
import sqlite3
import time

from daemon import Surehopd
from stories import equal, starts


def accepted(daemon, queue_id):
    """What the end of a message to a good recipient is answered with."""
    with daemon.client(timeout=30) as mta:
        mta.mail()
        equal(mta.rcpt("<a@dane.test>"), "")
        return mta.end(queue_id)[1]


def stopped_with_a_row(dns):
    daemon = Surehopd(dns)
    equal(accepted(daemon, "4BEFORE"), "")
    daemon.stop()
    for part in ("-wal", "-shm"):
        assert not daemon.store.with_name(daemon.store.name + part).exists(), "the store was not closed"
    daemon.log.write_text("")
    return daemon


def overwritten(octets):
    return os.urandom(len(octets))


def head_overwritten(octets):
    return b"x" * 16 + octets[16:]


def pages_overwritten(octets):
    damaged = bytearray(octets)
    for place in range(2 * 4096, len(octets), 4096):
        damaged[place:place + 600] = os.urandom(600)
    return bytes(damaged)


def truncated(octets):
    return octets[:len(octets) // 2]


def store_damaged(dns):
    """A store that is damaged is not used: surehopd does not start, and says which file, and what to do; the file stays as it is."""
    for damage, said in ((overwritten, "is not an SQLite database"), (head_overwritten, "is not an SQLite database"),
                         (pages_overwritten, "is damaged"), (truncated, "is damaged")):
        with stopped_with_a_row(dns) as daemon:
            damaged = damage(daemon.store.read_bytes())
            daemon.store.write_bytes(damaged)
            equal(daemon.start(expect_failure=True), 69)
            lines = [line for line in daemon.log.read_text().splitlines() if "error" in line]
            equal(len(lines), 1)
            assert f"{daemon.store} {said}" in lines[0] and "restore it from a backup" in lines[0], lines
            equal(daemon.store.read_bytes(), damaged)


def store_locked(dns):
    """While another program holds the store, mail that needs a record is deferred, refusals go on; afterwards all is well."""
    with Surehopd(dns) as daemon:
        equal(accepted(daemon, "4BEFORE"), "")
        holder = sqlite3.connect(daemon.store, timeout=10, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        starts(accepted(daemon, "4HELD"), "451 4.3.0 This cannot be accepted now: its record cannot be written")
        with daemon.client() as mta:
            mta.mail()
            starts(mta.rcpt("<a@none.test>"), "550 5.7.10 ")
        holder.execute("ROLLBACK")
        holder.close()
        equal(accepted(daemon, "4AFTER"), "")
        equal([row["queue_id"] for row in daemon.rows("queue_id <> ''")], ["4BEFORE", "4AFTER"])
        text = daemon.log.read_text()
        equal((text.count("is locked by another program"), text.count("recording decisions works again")), (1, 1))


def store_full(dns):
    """On a full disk mail is deferred, and what was recorded before is there; with room again it goes on by itself."""
    with Surehopd(dns, sandbox=ignore_too_large) as daemon:
        equal(accepted(daemon, "4BEFORE"), "")
        whole = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        starts(accepted(daemon, "4FULL"), "451 4.3.0 ")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, whole)
        equal(accepted(daemon, "4AFTER"), "")
        equal([row["queue_id"] for row in daemon.rows("queue_id <> ''")], ["4BEFORE", "4AFTER"])
        daemon.stop()
        said = daemon.cli("ledger", "verify")
        equal((said.returncode, "BROKEN" in said.stdout), (0, False))


def ignore_too_large():
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def no_descriptors_left(dns):
    """Without descriptors nothing passes unjudged; who is served already goes on, and others are when there are some again."""
    with Surehopd(dns, wait="200ms") as daemon, daemon.client() as mta:
        mta.mail()
        equal(mta.rcpt("<a@dane.test>"), "")
        open_now = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        soft, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (open_now + 5, hard))
        peers = []
        for _ in range(20):  # the kernel takes them all; surehopd accepts what it can
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(str(daemon.folder / "socketmap.sock"))
            peers.append(peer)
        deadline = time.monotonic() + 10
        while len(os.listdir(f"/proc/{daemon.process.pid}/fd")) < open_now + 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        equal(mta.rcpt("<b@dane.test>"), "")
        starts(mta.rcpt("<c@none.test>"), "451 4.")  # which a look-up would have refused for good
        for peer in peers:
            peer.close()
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        deadline = time.monotonic() + 20
        for number in range(1000):  # each time another: what has just failed is left alone for a while
            reply = mta.rcpt(f"<d@unknown{number}.test>")
            if not reply.startswith("451 4.") or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        starts(reply, "550 5.1.2 ")
        equal(mta.end("4AFTER")[1], "")
        equal(accepted(daemon, "4OTHER"), "")


def lock_peers_misbehave(dns):
    """Peers of the lock that send garbage, half a question or nothing are no trouble to the others."""
    with Surehopd(dns) as daemon:
        equal(accepted(daemon, "4LEARN"), "")

        def connected():
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(10)
            peer.connect(str(daemon.folder / "socketmap.sock"))
            return peer

        silent = [connected() for _ in range(50)]
        for number, octets in enumerate((b"garbage", b"99999999999:x", b"-1:,", b"5:hello!", b"\0" * 10_000, b"17:postfix")):
            bad = connected()
            bad.sendall(octets)
            if number < 4:
                equal(bad.recv(100), b"")  # hung up on
            silent.append(bad)
        good = connected()
        for _ in range(100):
            good.sendall(b"17:postfix dane.test,")
            equal(good.recv(100), b"12:OK dane-only,")
        for peer in [*silent, good]:
            peer.close()
        equal(accepted(daemon, "4AFTER"), "")


STORIES = [store_damaged, store_locked, store_full, no_descriptors_left, lock_peers_misbehave]
