# SPDX-License-Identifier: Apache-2.0
"""What breaks around surehopd: its store, its descriptors, its peers. In each: no mail passes below its minimum, nothing that
was recorded is lost, it recovers by itself where it can, and one clear line says what happened."""

import ctypes
import os
import pathlib
import re
import resource
import socket
import sqlite3
import time

from common import ZONE, equal, starts
from daemon import Surehopd
from dns import DnsServer


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


def emptied(octets):
    return b""


def store_damaged(dns):
    """A store that is damaged, cut or empty is not used: surehopd does not start, and says which file, and what to do; the file stays as it is."""
    for damage, said in ((overwritten, "is not an SQLite database"), (head_overwritten, "is not an SQLite database"),
                         (pages_overwritten, "is damaged"), (truncated, "is damaged"), (emptied, "is empty")):
        with stopped_with_a_row(dns) as daemon:
            damaged = damage(daemon.store.read_bytes())
            daemon.store.write_bytes(damaged)
            equal(daemon.start(expect_failure=True), 69)
            lines = [line for line in daemon.log.read_text().splitlines() if "error" in line]
            equal(len(lines), 1)
            assert f"{daemon.store} {said}" in lines[0] and "restore it from a backup" in lines[0], lines
            equal(daemon.store.read_bytes(), damaged)


def store_gone(dns):
    """A store that is not there is a new one, and a line says so: it may have been there before."""
    with stopped_with_a_row(dns) as daemon:
        daemon.start()
        equal(daemon.log.read_text().count("is a new store"), 0)
        daemon.stop()
        daemon.store.unlink()
        daemon.log.write_text("")
        daemon.start()
        equal(daemon.log.read_text().count(f"{daemon.store} is a new store: no exceptions, no promises"), 1)
        equal(accepted(daemon, "4NEW"), "")


def without_roots_right():
    """For the process to come: permissions count for it, even where this is root (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; without root there is none to drop


def store_without_permission(dns):
    """Store and folder lose their write permission: what runs goes on; a start says which file, and works when it is given back."""
    with Surehopd(dns, sandbox=without_roots_right) as daemon:
        own = daemon.folder / "state"
        own.mkdir()
        daemon.stop()
        daemon.config.write_text(daemon.config.read_text().replace(f'path = "{daemon.store}"', f'path = "{own}/surehop.db"'))
        daemon.store = own / "surehop.db"
        daemon.start()
        equal(accepted(daemon, "4BEFORE"), "")
        parts = [daemon.store, *own.glob("surehop.db-*")]
        equal(len(parts), 3)
        try:
            for path in parts:
                path.chmod(0o440)
            own.chmod(0o550)
            equal(accepted(daemon, "4WHILE"), "")
            equal(daemon.stop()[1], 0)
            daemon.log.write_text("")
            equal(daemon.start(expect_failure=True), 69)
            (line,) = [line for line in daemon.log.read_text().splitlines() if "error" in line]
            assert f"the store {daemon.store} cannot be written; the file" in line, line
            assert f"the folder {own} must belong to the user that surehopd runs as" in line, line
        finally:
            own.chmod(0o750)
            for path in own.iterdir():
                path.chmod(0o640)
        daemon.start()
        equal(accepted(daemon, "4AFTER"), "")
        equal([row["queue_id"] for row in daemon.rows("queue_id <> ''")], ["4BEFORE", "4WHILE", "4AFTER"])


def says_that_the_store_cannot_be_written(daemon, why):
    said = daemon.cli("status")
    equal(said.returncode, 1)
    assert re.search("the store cannot be written, so what is enforced is deferred: .*" + why, said.stdout), said.stdout
    said = daemon.status()["store"]
    equal((said["writable"], why in said["text"]), (False, True))


def store_locked(dns):
    """While another program holds the store, mail that needs a record is deferred, refusals go on; afterwards all is well."""
    with Surehopd(dns) as daemon:
        equal(accepted(daemon, "4BEFORE"), "")
        holder = sqlite3.connect(daemon.store, timeout=10, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        starts(accepted(daemon, "4HELD"), "451 4.3.0 This cannot be accepted now: its record cannot be written")
        says_that_the_store_cannot_be_written(daemon, "is locked by another program")
        with daemon.client() as mta:
            mta.mail()
            starts(mta.rcpt("<a@none.test>"), "550 5.7.10 ")
        holder.execute("ROLLBACK")
        holder.close()
        for _ in range(200):  # by itself, though there is no mail
            if daemon.status()["store"]["writable"]:
                break
            time.sleep(0.1)
        equal(daemon.cli("status").returncode, 0)
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
        says_that_the_store_cannot_be_written(daemon, "")
        equal(daemon.log.read_text().count("recording decisions fails: "), 1)
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
        for _ in range(100):
            if "takes no connection now: " in daemon.log.read_text():
                break
            time.sleep(0.05)
        equal(len(re.findall(r"socketmap.sock takes no connection now: .*open files", daemon.log.read_text())), 1)
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


def resolver_flaps(dns):
    """The resolver comes and goes every moment: what is known passes, nobody is refused for good, and what is said of it ends."""
    own = DnsServer(ZONE)
    with Surehopd(own, policy='unknown = "reject"', wait="200ms") as daemon, daemon.client() as mta:
        mta.mail()
        equal(mta.rcpt("<a@dane.test>"), "")
        for number in range(8):
            own.stop()
            equal(mta.rcpt("<b@dane.test>"), "")
            starts(mta.rcpt(f"<c@s{number}.silent.test>"), "451 4.")
            starts(mta.rcpt("<d@slow.test>") or "451 4.", "451 4.")
            own = DnsServer(ZONE, own.port)
            starts(mta.rcpt(f"<e@s{number}.silent.test>"), "451 4.")
            starts(mta.rcpt("<f@slow.test>") or "451 4.", "451 4.")
        deadline = time.monotonic() + 60
        while (daemon.status()["incidents"] or mta.rcpt("<g@slow.test>")) and time.monotonic() < deadline:
            time.sleep(0.2)
        equal((daemon.status()["incidents"], mta.rcpt("<g@slow.test>")), ([], ""))
        starts(mta.rcpt("<h@none.test>"), "550 5.7.10 ")
        begun, over = (daemon.sql("SELECT count(*) FROM ledger WHERE kind = ?", kind)[0][0] for kind in ("incident", "incident-over"))
        assert begun == over <= 8, (begun, over)
        equal(daemon.log.read_text().count("no DNS resolver answers"), begun + over)
        own.stop()


LEAVES = (b"", b"M", b"R", b"T", b"L", b"N", b"E")  # what the mail server still sends, in this order


def send_up_to(mta, last, queue_id):
    """A message whose last packet is this one, the reply to which nobody waits for."""
    steps = [
        (b"M", lambda: mta.mail()),
        (b"R", lambda: mta.rcpt("<a@dane.test>")),
        (b"T", lambda: (mta.macro(b"T", {"i": queue_id}), mta.send(b"T"), mta.expect_continue())),
        (b"L", lambda: [mta.header("Subject", "x" * 900) for _ in range(20)]),
        (b"N", lambda: (mta.macro(b"N", {"i": queue_id}), mta.send(b"N"))),
        (b"E", lambda: (mta.macro(b"E", {"i": queue_id}), mta.send(b"E"))),
    ]
    for command, step in steps[:LEAVES.index(last)]:
        if command != b"N" or last == b"N":
            step()


def mta_gone_at_each_stage(dns):
    """A mail server that goes away in the middle of a message, wherever that is: nothing is recorded as accepted but what it was told, or was about to be."""
    with Surehopd(dns) as daemon:
        equal(accepted(daemon, "4BEFORE"), "")
        descriptors = pathlib.Path(f"/proc/{daemon.process.pid}/fd")
        before = len(list(descriptors.iterdir()))
        for how in ("closed", "reset"):
            for last in LEAVES:
                with daemon.client() as mta:
                    send_up_to(mta, last, f"4GONE{how}{last.decode()}")
                    if how == "reset":  # half a packet first
                        mta.sock.sendall(b"\0\0\1")
        deadline = time.monotonic() + 20
        while len(list(descriptors.iterdir())) > before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(list(descriptors.iterdir())) <= before, "connections are left"
        equal(accepted(daemon, "4AFTER"), "")
        ids = [row["queue_id"] for row in daemon.rows("action = 'accept'")]
        equal([one for one in ids if not one.startswith("4GONE")], ["4BEFORE", "4AFTER"])
        # At the end of the message the row comes before the reply: that nobody heard it only means that the message comes again.
        assert {one for one in ids if one.startswith("4GONE")} <= {"4GONEclosedE", "4GONEresetE"}, ids


STORIES = [store_damaged, store_gone, store_without_permission, store_locked, store_full, no_descriptors_left, lock_peers_misbehave,
           resolver_flaps, mta_gone_at_each_stage]
