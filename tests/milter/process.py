# SPDX-License-Identifier: Apache-2.0
"""surehopd as a process: sockets, signals, stops, hostile connections, its service's sandbox."""

import ctypes
import os
import pathlib
import select
import signal
import socket
import stat
import statistics
import struct
import time

import client as wire
import sandbox
from client import ProtocolError
from common import FALLS_SHORT, equal
from daemon import Surehopd


def out_of_order(dns):
    """RCPT without MAIL, headers without a message, end without anything: nothing is accepted, nothing breaks."""
    with Surehopd(dns) as daemon:
        for commands in ([(b"R", b"<a@dane.test>\0")], [(b"E", b"")], [(b"A", b"")], [(b"N", b""), (b"E", b"")],
                         [(b"M", b"")], [(b"R", b"")], [(b"M", b"no end")], [(b"C", b"x")], [(b"?", b"")],
                         [(b"L", b"X-Surehop\0\0")]):
            with daemon.client(timeout=0.3) as mta:
                for command, data in commands:
                    mta.send(command, data)
                try:
                    reply = mta.reply()
                    assert command not in (b"R", b"E") or reply, f"{command} was answered by continue"
                except (TimeoutError, ProtocolError, ConnectionError):
                    pass
        with daemon.client() as mta:
            mta.mail()
            equal(mta.rcpt("<a@dane.test>"), "")


def hostile_packets(dns):
    """Packets too long, cut off or made of noise end that connection and no other."""
    with Surehopd(dns) as daemon, daemon.client() as good:
        for noise in (b"\xff\xff\xff\xffM", b"\0\0\0\0", b"\0\0\1", b"GET / HTTP/1.0\r\n\r\n", os.urandom(3000),
                      struct.pack("!I", 13) + b"O" + b"\xff" * 12, struct.pack("!I", 5) + b"O" + b"\0" * 4):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(daemon.where)
            sock.sendall(noise)
            sock.close()
        good.mail()
        equal(good.rcpt("<a@dane.test>"), "")
        equal(good.end(), ([], ""))


def slow_peers(dns):
    """Peers that stop in the middle of a packet, or never read what they are told, are hung up on after five seconds, and hold up others for
    no longer than that each; who is only silent between packets is left in peace."""
    with Surehopd(dns) as daemon:
        negotiation = struct.pack("!IcIII", 13, b"O", 6, wire.ALL_ACTIONS, wire.ALL_STEPS)
        silent = [daemon.client(timeout=60) for _ in range(20)]
        for mta in silent:
            mta.mail()
        began = time.monotonic()
        slow = [socket.socket(socket.AF_UNIX) for _ in range(6)]
        for number, peer in enumerate(slow, 1):
            peer.connect(daemon.where)
            peer.sendall(negotiation[:number])
        deaf = daemon.client(timeout=60)
        deaf.mail()
        deaf.sock.settimeout(0.3)
        recipient, sent = b"<a@none.test>\0", 0
        try:
            while sent < 100_000:  # until nobody takes the next one, since the answers to the others lie there
                deaf.sock.sendall(struct.pack("!I", len(recipient) + 1) + b"R" + recipient)
                sent += 1
        except TimeoutError:
            pass
        assert 100 < sent < 100_000, sent
        with daemon.client(timeout=60) as good:
            for number in range(50):
                good.mail()
                equal(good.rcpt("<a@dane.test>"), "")
                equal(good.end(f"4GOOD{number}"), ([], ""))
        took = time.monotonic() - began
        assert took < 30, took  # libmilter may have two threads, and begins more as it likes
        for peer in slow:
            peer.settimeout(40)
            try:
                equal(peer.recv(100), b"")
            except ConnectionResetError:
                pass
        hung_up = select.poll()
        hung_up.register(deaf.sock, 0)
        assert hung_up.poll(40_000), "who never reads is kept"
        assert time.monotonic() - began > 4.5, "they were given no time"
        for mta in silent:
            equal(mta.rcpt("<a@dane.test>"), "")
        for peer in (*slow, deaf.sock, *(mta.sock for mta in silent)):
            peer.close()
        return f"fifty messages beside them took {took:.1f} s"


def quick_stop(dns):
    """TERM with idle sessions open: soon gone, status 0, and its socket with it or ready to be replaced."""
    with Surehopd(dns) as daemon:
        sessions = [daemon.client() for _ in range(10)]
        for mta in sessions[:5]:
            mta.mail()
            mta.rcpt("<a@dane.test>")
        took, status = daemon.stop()
        equal(status, 0)
        assert took < 4, f"took {took:.2f} s"
        for mta in sessions:
            mta.sock.close()
        daemon.log.unlink()
        daemon.start()
        with daemon.client() as mta:
            mta.mail()
            equal(mta.rcpt("<a@dane.test>"), "")


def stop_while_a_recipient_waits(dns):
    """TERM while a look-up is waited for: the recipient is not accepted, and the stop is clean."""
    with Surehopd(dns, wait="1s") as daemon, daemon.client() as mta:
        mta.mail()
        mta.send_rcpt("<a@silent.test>", wire.to_domain("a@silent.test"))
        time.sleep(0.2)
        took, status = daemon.stop()
        equal(status, 0)
        assert took < 5, f"took {took:.2f} s"
        try:
            assert mta.reply() != "", "accepted while stopping"
        except (ProtocolError, ConnectionError):
            pass  # the MTA then defers by itself


def many_stops(dns):
    """Ten starts and stops in a row take less than 2 s each, busy or not (libmilter alone: up to 5 s)."""
    with Surehopd(dns, start=False) as daemon:
        all_took = []
        for number in range(10):
            if daemon.log.exists():
                daemon.log.unlink()
            daemon.start()
            with daemon.client() as mta:
                if number % 2:
                    mta.mail()
                    mta.rcpt("<a@dane.test>")
                took, status = daemon.stop()
            equal(status, 0)
            all_took.append(took)
        # The median, since a machine may be busy with something else for a while.
        assert statistics.median(all_took) < 2, [f"{took:.2f}" for took in all_took]


def hangups(dns):
    """A storm of HUPs does not stop the daemon (libmilter would)."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        for _ in range(200):
            daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        mta.mail()
        equal(mta.rcpt("<a@dane.test>"), "")
        assert daemon.process.poll() is None


def signals_are_not_libmilters(dns):
    """A signal that comes to a thread of libmilter's first does not stop surehopd, now or later."""
    tgkill = 234 if os.uname().machine == "x86_64" else 131
    with Surehopd(dns) as daemon:
        pid = daemon.process.pid
        for thread in os.listdir(f"/proc/{pid}/task"):
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
                if int(thread) != pid:
                    equal(ctypes.CDLL(None).syscall(tgkill, pid, int(thread), number), 0)
        for _ in range(10):
            with daemon.client() as mta:
                mta.mail()
                equal(mta.rcpt("<a@dane.test>"), "")
            time.sleep(0.1)
        equal(daemon.stop()[1], 0)


def socket_in_use(dns):
    """A second daemon on the same socket does not start and says why; the first goes on undisturbed."""
    with Surehopd(dns) as first, Surehopd(dns, listen=first.listen, start=False) as second:
        assert second.start(expect_failure=True) != 0
        text = second.log.read_text()
        assert f"{first.socket} is in use" in text, text
        with first.client() as mta:
            mta.mail()
            equal(mta.rcpt("<a@dane.test>"), "")


def socket_file(dns):
    """The socket is open to the group and nobody else; a stale one is replaced, another file is not."""
    with Surehopd(dns) as daemon:
        equal(stat.S_IMODE(os.stat(daemon.socket).st_mode), 0o660)
        daemon.process.kill()
        daemon.process.wait()
        assert os.path.exists(daemon.socket), "kill -9 leaves a stale socket"
        daemon.log.unlink()
        daemon.start()
        daemon.stop()
        pathlib.Path(daemon.socket).unlink(missing_ok=True)
        pathlib.Path(daemon.socket).write_text("precious")
        assert daemon.start(expect_failure=True) != 0
        equal(pathlib.Path(daemon.socket).read_text(), "precious")
        assert "is not a socket" in daemon.log.read_text()


def no_folder(dns):
    """A socket in a folder that does not exist is an error that names it."""
    with Surehopd(dns, listen="unix:/nonexistent/surehop/milter.sock", start=False) as daemon:
        assert daemon.start(expect_failure=True) != 0
        assert "/nonexistent/surehop" in daemon.log.read_text(), daemon.log.read_text()


def free_port(host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


def over_tcp(dns):
    """Over TCP, too, a message that is marked does not wait 40 ms longer than another (Nagle)."""
    for host in ("127.0.0.1", "::1"):
        with Surehopd(dns, FALLS_SHORT.format("tag"), listen=f"inet:{free_port(host)}@{host}") as daemon:
            took = {"none.test": [], "dane.test": []}
            with daemon.client() as mta:
                for number in range(40):
                    for name, times in took.items():
                        mta.mail()
                        equal(mta.rcpt(f"<b@{name}>"), "")
                        began = time.monotonic()
                        actions, reply = mta.end(f"4T{number}")
                        times.append(time.monotonic() - began)
                        equal((len(actions), reply), (1 if name == "none.test" else 0, ""))
            # Without the first (the kernel acknowledges them at once), the fastest quarter: a stall
            # would be in all of them, a busy machine is not.
            marked, plain = (statistics.quantiles(times[10:])[0] * 1000 for times in took.values())
            assert marked < plain + 25, f"marked {marked:.1f} ms, plain {plain:.1f} ms"
            equal(daemon.stop()[1], 0)


def in_the_services_sandbox(dns):
    """Nothing that surehopd does needs a system call that its service is denied, doctor's questions neither."""
    with Surehopd(dns, sandbox=sandbox.enter) as daemon, daemon.client() as mta:
        mta.mail()
        equal(mta.rcpt("<a@dane.test>"), "")
        equal(mta.end(), ([], ""))
        for words in (["doctor"], ["explain", "a@dane.test"], ["facts", "refresh", "none.test"], ["reload"], ["status"]):
            said = daemon.cli(*words)
            assert said.returncode in (0, 1) and said.stdout, f"{words}: {said.returncode} {said.stdout}{said.stderr}"
        equal([line.split()[:2] for line in daemon.cli("doctor").stdout.splitlines() if " clock " in line][0][1], "clock")
        equal(daemon.stop()[1], 0)


def from_enforce_to_audit(dns):
    """Who turns enforcement off is told so loudly, also when surehopd was stopped meanwhile, or by one rule alone."""
    alarm = "changed from enforce to audit"
    with Surehopd(dns) as daemon:
        enforcing = daemon.config.read_text()
        equal(daemon.stop()[1], 0)
        daemon.config.write_text(enforcing.replace('mode = "enforce"', 'mode = "audit"'))
        daemon.start()
        equal(daemon.log.read_text().count(alarm), 1)
        daemon.config.write_text(enforcing)
        equal(daemon.cli("reload").returncode, 0)
        equal(daemon.log.read_text().count(alarm), 1)
        everybody = '[[rule]]\nname = "all"\nmode = "audit"\n\n[listen]'
        daemon.config.write_text(enforcing.replace("[listen]", everybody))
        assert "the mode " + alarm in daemon.cli("reload").stdout
        assert "audit" in daemon.cli("status").stdout
        daemon.config.write_text(enforcing.replace("[listen]", everybody.replace("audit", "enforce")))
        equal(daemon.cli("reload").returncode, 0)
        daemon.config.write_text(enforcing.replace("[listen]", everybody))
        assert 'rule "all" ' + alarm in daemon.cli("reload").stdout


STORIES = [
    in_the_services_sandbox, from_enforce_to_audit, out_of_order, hostile_packets, slow_peers, quick_stop,
    stop_while_a_recipient_waits, many_stops, hangups, signals_are_not_libmilters, socket_in_use, socket_file,
    no_folder, over_tcp,
]
