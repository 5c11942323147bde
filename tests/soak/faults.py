# SPDX-License-Identifier: Apache-2.0
"""What breaks around surehopd during the soak, one thing after the other. After each, mail must pass again by itself."""

import random
import signal
import sqlite3
import time

from client import ProtocolError
from dns import DnsServer
from senders import first_contact

RECOVERED_WITHIN = 60


class Faults:
    def __init__(self, soak):
        self.soak, self.world = soak, soak.world
        self.lasting = min(12.0, max(2.0, soak.seconds / 100))
        self.between = min(25.0, max(4.0, soak.seconds / 60))

    def run(self):
        ends = (self.restart, self.kill)
        others = (self.resolver_gone, self.resolver_flaps, self.resolver_silent, self.store_locked, self.policy_host_gone,
                  self.broken_configuration)  # fmt: skip
        first = True
        while self.soak.goes_on():
            # Memory is compared within the second half: there, surehopd runs through.
            plan = [*others, *(ends if self.soak.elapsed() < 0.4 else ())]
            if first:
                plan = [*ends, *others]
            else:
                random.shuffle(plan)
            first = False
            for fault in plan:
                if fault in ends and self.soak.elapsed() > 0.5:
                    continue
                self.soak.sleep(self.between)
                if not self.soak.goes_on():
                    return
                with self.soak.quiet:
                    fault()
                    self.recovered(fault.__name__)
                self.soak.findings.did(f"fault: {fault.__name__}")

    def recovered(self, fault):
        """Mail to a known and to an unknown next hop passes."""
        deadline, seen = time.monotonic() + RECOVERED_WITHIN, None
        while time.monotonic() < deadline:
            try:
                seen = first_contact(self.world, self.soak)
                if seen == ["", "", ""]:
                    return
            except (OSError, ProtocolError) as failure:
                seen = f"{type(failure).__name__}: {failure}"
            time.sleep(0.5)
        self.soak.findings.fail("recovery", f"{RECOVERED_WITHIN} s after {fault}: {seen}")

    def lasts(self):
        self.soak.sleep(self.lasting * random.uniform(0.5, 1))

    # ---- the ends of surehopd

    def begin(self):
        """Starts it, at the other kind of socket."""
        self.soak.over_tcp = not self.soak.over_tcp
        daemon = self.world.daemon
        listen = f"inet:{self.world.ports['milter']}@127.0.0.1" if self.soak.over_tcp else f"unix:{daemon.socket}"
        daemon.where = daemon._where(listen)
        daemon.config.write_text(self.world.configuration(self.soak.over_tcp, self.soak.commands.strict))
        try:
            daemon.start()
        except AssertionError as failure:
            self.soak.findings.fail("stops", str(failure)[-3000:])
            self.soak.give_up()

    def restart(self):
        with self.world.one_hand:
            self.end()
            self.begin()

    def end(self):
        try:
            took, status = self.world.daemon.stop(within=60)
        except Exception as failure:  # told as what it is: it did not stop
            self.soak.findings.fail("stops", f"told to stop: {failure}")
            self.world.daemon.process.kill()
            self.world.daemon.process.wait()
            return
        self.soak.findings.require(status == 0, "stops", f"told to stop: status {status} after {took:.1f} s")

    def kill(self):
        with self.world.one_hand:
            self.world.daemon.process.send_signal(signal.SIGKILL)
            status = self.world.daemon.process.wait()
            self.soak.findings.require(status == -signal.SIGKILL, "stops", f"killed: status {status}")
            for domain in ("policy.test", "tlsa.test"):  # what was learnt a moment ago may not be on disk
                self.world.switches[domain].set(None)
            self.begin()

    # ---- the world around it

    def resolver_gone(self):
        self.world.resolver.stop()
        self.lasts()
        self.world.resolver_back()

    def resolver_flaps(self):
        for _ in range(8):
            self.world.resolver.stop()
            time.sleep(random.uniform(0.05, 0.5))
            self.world.resolver_back()
            time.sleep(random.uniform(0.05, 0.5))

    def resolver_silent(self):
        answer, DnsServer.answer = DnsServer.answer, lambda *_: None
        try:
            self.world.resolver.stop()
            self.world.resolver_back()
            self.lasts()
        finally:
            DnsServer.answer = answer
            self.world.resolver.stop()
            self.world.resolver_back()

    def store_locked(self):
        holder = sqlite3.connect(self.world.daemon.store, timeout=30, isolation_level=None)
        try:
            holder.execute("BEGIN EXCLUSIVE")
            time.sleep(random.uniform(3, 8))
            holder.execute("ROLLBACK")
        finally:
            holder.close()

    def policy_host_gone(self):
        self.world.policy_host.stop()
        self.lasts()
        self.world.policy_host.start()

    def broken_configuration(self):
        """Read again by SIGHUP while it is broken, and then whole."""
        daemon = self.world.daemon
        with self.world.one_hand:
            good = daemon.config.read_text()
            for text, said in ((random.choice((good[:len(good) // 2] + "]]", good.replace('"enforce"', '"enforced"'), "")),
                                "the old configuration stays in force"), (good, "configuration read again by signal")):  # fmt: skip
                before = daemon.log.read_text(errors="replace").count(said)
                daemon.config.write_text(text)
                daemon.process.send_signal(signal.SIGHUP)
                deadline = time.monotonic() + 20
                while daemon.log.read_text(errors="replace").count(said) == before and time.monotonic() < deadline:
                    time.sleep(0.1)
                self.soak.findings.require(daemon.log.read_text(errors="replace").count(said) > before, "recovery",
                                           f"after SIGHUP no line says: {said}")
