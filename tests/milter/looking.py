# SPDX-License-Identifier: Apache-2.0
"""Look-ups while mail waits: slow, silent and absent resolvers, many at once, floods of what nobody knows."""

import concurrent.futures
import os
import pathlib
import re
import select
import statistics
import threading
import time

import client as wire
from common import DEFAULT_REFUSAL, ZONE, equal, reference, starts
from daemon import Surehopd
from dns import DnsServer


def slow_dns(dns):
    """A slow look-up costs 451 within the deadline and goes on; the next try finds it known."""
    with Surehopd(dns, wait="200ms") as daemon, daemon.client() as mta:
        mta.mail()
        began = time.monotonic()
        starts(mta.rcpt("<a@slow.test>"), "451 4.4.3 Mail to slow.test ")
        took = time.monotonic() - began
        assert took < 0.6, f"took {took:.2f} s"
        deadline = time.monotonic() + 10
        while (reply := mta.rcpt("<a@slow.test>")) and time.monotonic() < deadline:
            starts(reply, "451 4.4.3 ")
        equal(reply, "")
        began = time.monotonic()
        equal(mta.rcpt("<b@slow.test>"), "")
        assert time.monotonic() - began < 0.2


def silent_dns_at_rcpt(dns):
    """A recipient whose look-up hangs does not hold up another session that is known."""
    with Surehopd(dns, wait="1s") as daemon, daemon.client() as waiting, daemon.client() as quick:
        quick.mail()
        equal(quick.rcpt("<a@dane.test>"), "")
        waiting.mail()
        waiting.send_rcpt("<a@silent.test>", wire.to_domain("a@silent.test"))
        time.sleep(0.05)
        took = []
        for _ in range(20):
            began = time.monotonic()
            equal(quick.rcpt("<a@dane.test>"), "")
            took.append(time.monotonic() - began)
        assert statistics.median(took) < 0.1, took
        starts(waiting.reply(), "451 4.4.3 ")


def replies_as_they_come(connections):
    """When each connection's reply came, and what it says."""
    waiting = {mta.sock: mta for mta in connections}
    replies = []
    while waiting:
        ready, _, _ = select.select(list(waiting), [], [], 15)
        assert ready, f"{len(waiting)} get no reply"
        replies += [(time.monotonic(), waiting.pop(sock).reply()) for sock in ready]
    return replies


def first_contact_is_bounded(dns):
    """Of one client at most 4 recipients wait for look-ups at once; the others are deferred without waiting."""
    expected = ["451 4.4.3"] * 4 + ["451 4.7.5"] * 6
    # libmilter may keep a session waiting behind another one's RCPT where the machine is busy, and it waits for its look-up
    # after the others: once more then. But never do five wait at once, or the fifth would come with the first.
    for attempt in range(3):
        with Surehopd(dns, wait="2s") as daemon:
            connections = [daemon.client() for _ in range(10)]
            for mta in connections:
                mta.mail()
            for number, mta in enumerate(connections):
                address = f"a@s{number}.silent.test"
                mta.send_rcpt(f"<{address}>", wire.to_domain(address))
            came = replies_as_they_come(connections)
            waited = [when for when, reply in came if reply.startswith(expected[0])]
            assert all(fifth - first > 0.5 for first, fifth in zip(waited, waited[4:])), came
            replies = sorted(reply for _, reply in came)
            for mta in connections:
                mta.quit()
        if [reply[:9] for reply in replies] == expected:
            break
    equal([reply[:9] for reply in replies], expected)
    assert "too many look-ups are waiting" in replies[-1]


def flood_of_invented_domains(dns):
    """A client that writes to invented domains which do not answer fills its own share; another one's first contact is looked up at once."""
    count, connections, first_of_all = int(os.environ.get("FLOOD", "150")), 6, time.monotonic()
    with Surehopd(dns, wait="100ms") as daemon:
        def flood(first):
            with daemon.client(client="192.0.2.66", timeout=30) as flooder:
                flooder.mail()
                for number in range(first, count, connections):
                    starts(flooder.rcpt(f"<a@f{number}.silent.test>"), "451 4.")
                    if number % max(50, count // 1000) == 49:
                        assert daemon.status()["look_ups"] <= 32

        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            for done in [pool.submit(flood, first) for first in range(connections)]:
                done.result()
        took = []
        with daemon.client(client="192.0.2.1") as mta:
            mta.mail()
            for domain in ("dane.test", "none.test", "nullmx.test", "nx.test"):
                began = time.monotonic()
                assert not mta.rcpt(f"<a@{domain}>").startswith("4")
                took.append(time.monotonic() - began)
        assert statistics.median(took) < 0.2, took
        rows = daemon.sql("SELECT count(*) FROM ledger")[0][0]
        peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text())[1]) // 1024
        most = 210 * (1 + (time.monotonic() - first_of_all) // 60)  # 200 a minute are kept, the others counted
        assert rows < most and peak < 200, (rows, most, peak)
        return f"{count} domains, {peak} MiB at most, {rows} rows"


def flood_of_domains_that_do_not_exist(dns):
    """A client that writes to invented domains which the DNS denies at once: each is learnt, memory and store grow by little, and what is
    known stays known."""
    count, connections = int(os.environ.get("FLOOD", "300")), 6
    with Surehopd(dns, wait="2s") as daemon:
        with daemon.client() as mta:
            mta.mail()
            equal(mta.rcpt("<a@dane.test>"), "")

        def flood(first):
            with daemon.client(client="192.0.2.66", timeout=30) as flooder:
                flooder.mail()
                for number in range(first, count, connections):
                    starts(flooder.rcpt(f"<a@f{number}.nx.test>"), ("550 5.1.2 ", "451 4."))

        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            for done in [pool.submit(flood, first) for first in range(connections)]:
                done.result()
        learnt = daemon.sql("SELECT count(*) FROM facts")[0][0]
        with daemon.client(client="192.0.2.1") as mta:
            mta.mail()
            began = time.monotonic()
            equal(mta.rcpt("<a@dane.test>"), "")
            assert time.monotonic() - began < 0.2
        peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text())[1]) // 1024
        daemon.stop()  # all of the store is in one file then
        octets = daemon.store.stat().st_size / max(learnt, 1)
        assert peak < 200 and octets < 2000, (peak, octets)
        assert learnt > min(count, 1000) / 3, (learnt, "were learnt")
        return f"{count} domains, {learnt} learnt, {peak} MiB at most, {octets:.0f} octets of the store each"


def flood_of_refusals(dns):
    """A client that is refused very often is counted, and each reply names a reference that can be traced."""
    with Surehopd(dns) as daemon:
        with daemon.client() as mta:
            mta.mail()
            replies = [mta.rcpt(f"<b{number}@none.test>") for number in range(100)]
        for reply in replies:
            starts(reply, DEFAULT_REFUSAL)
        equal(len(daemon.settled_rows(20)), 20)
        equal(len({reference(reply) for reply in replies}), 21)
        counted = reference(replies[-1])
        assert "is refused very often" in daemon.cli("trace", counted).stdout
        daemon.stop()
        assert "was refused 80 more times" in daemon.cli("--offline", "trace", counted).stdout
        equal(daemon.log.read_text().count("is refused very often"), 1)


def kept_fresh(dns):
    """A next hop in use is looked up again before its facts run out, and by nobody who waits for it."""
    with Surehopd(dns, wait="2s") as daemon, daemon.client() as mta:
        mta.mail()
        equal(mta.rcpt("<a@brief.test>"), "")
        equal(mta.rcpt("<b@brief.test>"), "")
        first = dns.asked.count(("brief.test", 15))
        deadline = time.monotonic() + 10
        while dns.asked.count(("brief.test", 15)) == first and time.monotonic() < deadline:
            time.sleep(0.1)
        equal(dns.asked.count(("brief.test", 15)), first + 1)
        time.sleep(2)  # the facts of the first look-up have run out by now
        asked = len(dns.asked)
        equal(mta.rcpt("<c@brief.test>"), "")
        equal(len(dns.asked), asked)
        equal(daemon.status()["incidents"], [])


def resolver_gone(dns):
    """The resolver is gone: what is known goes on, what is not is deferred, one incident is told, and all is well when it is back."""
    own = DnsServer(ZONE)
    try:
        with Surehopd(own, policy='unknown = "reject"', wait="200ms") as daemon, daemon.client() as mta:
            mta.mail()
            equal(mta.rcpt("<a@dane.test>"), "")
            equal(daemon.cli("status").returncode, 0)
            own.stop()
            assert "failed   incident" in daemon.cli("doctor").stdout
            said = daemon.cli("status")
            assert said.returncode == 1 and "no DNS resolver answers" in said.stdout, said
            equal(mta.rcpt("<a@dane.test>"), "")
            starts(mta.rcpt("<a@none.test>"), "451 4.4.3 ")
            starts(mta.rcpt("<a@bogus.test>"), "451 4.4.3 ")
            equal([i["part"] for i in daemon.status()["incidents"]], ["dns"])
            back = DnsServer(ZONE, own.port)
            try:
                deadline = time.monotonic() + 20
                while daemon.status()["incidents"] and time.monotonic() < deadline:
                    time.sleep(0.2)
                equal(daemon.status()["incidents"], [])
                equal([daemon.sql("SELECT count(*) FROM ledger WHERE kind = ?", kind)[0][0]
                       for kind in ("incident", "incident-over")], [1, 1])
                equal(daemon.log.read_text().count("no DNS resolver answers"), 2)
            finally:
                back.stop()
    finally:
        own.stop()


def twenty_at_once(dns):
    """Twenty connections at once, each with ten messages; every row is there."""
    with Surehopd(dns) as daemon:
        with daemon.client() as mta:
            mta.mail()
            mta.rcpt("<a@dane.test>")
            mta.rcpt("<b@none.test>")
        failures = []

        def connection(number):
            try:
                with daemon.client(timeout=30, client=f"192.0.2.{number + 2}") as mta:
                    for message in range(10):
                        mta.mail()
                        equal(mta.rcpt("<a@dane.test>"), "")
                        starts(mta.rcpt("<b@none.test>"), DEFAULT_REFUSAL)
                        equal(mta.end(f"4Q{number}X{message}"), ([], ""))
                    mta.quit()
            except Exception as failure:  # told below, in the main thread
                failures.append(f"{type(failure).__name__}: {failure}")

        threads = [threading.Thread(target=connection, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(failures, [])
        equal(len(daemon.rows("queue_id <> ''")), 200)
        rows = daemon.settled_rows(401)
        equal(len({row["reference"] for row in rows}), 401)


STORIES = [
    slow_dns, silent_dns_at_rcpt, first_contact_is_bounded, flood_of_invented_domains, flood_of_domains_that_do_not_exist, flood_of_refusals, kept_fresh,
    resolver_gone, twenty_at_once,
]
