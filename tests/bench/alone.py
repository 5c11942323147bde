# SPDX-License-Identifier: Apache-2.0
"""surehopd by itself, beside floors that do nothing."""

import itertools
import os
import statistics
import subprocess
import tempfile
import time

from measure import BUILD, DOMAINS, Daemon, Figure, Floor, load, many_exceptions, many_rules, ratio, rounds

def rcpt(options, results, dns):
    """RCPT for known next hops"""
    folder = tempfile.mkdtemp(prefix="surehop-bench-")
    with Floor("floor_milter", f"unix:{folder}/floor.sock") as floor, Daemon(dns) as plain, \
            Daemon(dns, domains=1_000_000, rules=many_rules(1000)) as large:
        many_exceptions(large, 100_000)
        servers = {"floor": (floor.socket, floor.pid, DOMAINS), "surehopd": (plain.listen, plain.pid, DOMAINS),
                   "surehopd, large": (large.listen, large.pid, 1_000_000)}
        asked = itertools.count(1)

        def full(name, first=0):
            socket, pid, domains = servers[name]
            said = load("load_milter", socket=socket, pid=pid, domains=domains, first=first, connections=10, messages=8000, rcpts=5,
                        end="abort")
            return {"RCPT/s": said["rcpts_per_s"], "p50 us": said["rcpt_us"]["p50"], "p99 us": said["rcpt_us"]["p99"],
                    "CPU us": said["cpu_us_per_rcpt"]}

        def paced(name):
            socket, pid, domains = servers[name]
            said = load("load_milter", socket=socket, pid=pid, domains=domains, connections=50, messages=1500, rcpts=3,
                        end="abort", rate=200)
            return {"p50 us": said["rcpt_us"]["p50"], "p99 us": said["rcpt_us"]["p99"], "p99.9 us": said["rcpt_us"]["p999"],
                    "max us": said["rcpt_us"]["max"]}

        for name in servers:
            full(name)
        figures = rounds(options.n, {name: lambda name=name: paced(name) for name in servers})
        results.section("Known next hops, 200 messages a second",
                        "50 connections, 3 recipients a message. Large: 1 000 rules, 100 000 exceptions, 1 000 000 known next hops.", figures)
        p50, p99 = ratio(figures, "surehopd", "floor", "p50 us"), ratio(figures, "surehopd", "floor", "p99 us")
        results.target("p50 at most 1.25 of the floor", p50, p50.median <= 1.25)
        results.target("p99 at most 1.15 of the floor", p99, p99.median <= 1.15)
        results.end()
        figures = rounds(options.n, {name: lambda name=name: full(name) for name in servers})
        results.section("Known next hops, as fast as they go",
                        "10 connections, 5 recipients a message, closed loop. Large: 40 000 next hops of the million, asked before.", figures)
        speed = ratio(figures, "surehopd", "floor", "RCPT/s")
        results.target("at least 0.85 of the floor's RCPT/s", speed, speed.median >= 0.85)
        cpu = Figure([a - b for a, b in zip(figures["surehopd"]["CPU us"].values, figures["floor"]["CPU us"].values)])
        results.target("at most 20 us CPU a RCPT above the floor", cpu, cpu.median <= 20)
        growth = ratio(figures, "surehopd", "surehopd, large", "RCPT/s")
        results.target("large at most 1.2 times the cost", growth, growth.median <= 1.2)
        results.end()
        figures = rounds(options.n, {"surehopd": lambda: full("surehopd"),
                                     "large, from disk": lambda: full("surehopd, large", first=next(asked) * 40_000)})
        results.section("Known next hops that are not in memory", "As above; in each round 40 000 others of the million.", figures)
        disk = ratio(figures, "surehopd", "large, from disk", "RCPT/s")
        results.note(f"There is no target: {disk} times the cost of one that is in memory.")
        results.end()


def content(options, results, dns):
    """Whole messages, and a header added at their end"""
    folder = tempfile.mkdtemp(prefix="surehop-bench-")
    tagging = 'minimum = "dane"\nfalls_short = "tag"\nunknown = "tag"'
    with Floor("floor_milter", f"unix:{folder}/floor.sock") as floor, Daemon(dns) as plain, \
            Daemon(dns, policy=tagging) as unix, Daemon(dns, policy=tagging, listen="inet:19461@127.0.0.1") as tcp:
        def whole(socket, pid, pattern="d%d.example", connections=20, messages=2000):
            said = load("load_milter", socket=socket, pid=pid, connections=connections, messages=messages, pattern=pattern,
                        domains=DOMAINS)
            return {"messages/s": said["messages_per_s"], "end p50 us": said["end_us"]["p50"], "end p99 us": said["end_us"]["p99"]}

        def disk():
            """What one commit of SQLite's write-ahead log costs: a few pages, and fdatasync."""
            took = []
            with tempfile.TemporaryFile(dir=plain.folder) as file:
                for _ in range(300):
                    began = time.perf_counter()
                    file.write(bytes(12_288))
                    file.flush()
                    os.fdatasync(file.fileno())
                    took.append((time.perf_counter() - began) * 1e6)
            took.sort()
            return {"messages/s": 1e6 / statistics.mean(took), "end p50 us": took[150], "end p99 us": took[297]}

        figures = rounds(options.n, {
            "the disk alone: 12 kB and fdatasync": disk,
            "floor, 20 sessions": lambda: whole(floor.socket, floor.pid),
            "surehopd, 20 sessions": lambda: whole(plain.listen, plain.pid),
            "surehopd tags, UNIX socket, 1 session": lambda: whole(unix.listen, unix.pid, "[192.0.2.1]", 1, 300),
            "surehopd tags, TCP, 1 session": lambda: whole(tcp.listen, tcp.pid, "[192.0.2.1]", 1, 300)})
        results.section("Whole messages", "One recipient, six header fields, 2 kB. surehopd has each decision on disk before it "
                        "answers: with one session that is an fsync a message.", figures)
        for name in ("UNIX socket", "TCP"):
            p99 = figures[f"surehopd tags, {name}, 1 session"]["end p99 us"]
            results.target(f"header added, {name}: p99 below 1 ms", p99, p99.median < 1000)
        results.end()


def lock(options, results, dns):
    """The lock's answers"""
    folder = tempfile.mkdtemp(prefix="surehop-bench-")
    with Floor("floor_socketmap", f"unix:{folder}/floor.sock", "d%d.example", str(DOMAINS)) as floor, Daemon(dns) as plain:
        def ask(server, socket, connections):
            said = load("load_socketmap", socket=socket, pid=server.pid, connections=connections, lookups=200_000, domains=DOMAINS)
            return {"look-ups/s": said["lookups_per_s"], "p50 us": said["us"]["p50"], "p99 us": said["us"]["p99"], "CPU us": said["cpu_us"]}

        cases = {}
        for connections in (10, 100):
            cases[f"floor, {connections}"] = lambda c=connections: ask(floor, floor.socket, c)
            cases[f"surehopd, {connections}"] = lambda c=connections: ask(plain, plain.lock, c)
        for case in cases.values():
            case()
        figures = rounds(options.n, cases)
        results.section("The lock, known next hops", "10 and 100 connections, one question after the other on each.", figures)
        speed, share = figures["surehopd, 10"]["look-ups/s"], ratio(figures, "surehopd, 10", "floor, 10", "look-ups/s")
        results.target("10 connections: at least 90 000 look-ups/s, or 0.7 of the floor", f"{speed}; {share} of the floor",
                       speed.median >= 90_000 or share.median >= 0.7)
        p99 = figures["surehopd, 100"]["p99 us"]
        results.target("100 connections: p99 at most 2.5 ms", p99, p99.median <= 2500)
        results.end()


def memory(options, results, dns):
    """Memory and start"""
    def start(domains):
        with Daemon(dns, domains=domains) as daemon:
            time.sleep(0.5)
            at_start = daemon.resident()
            load("load_socketmap", socket=daemon.lock, connections=10, lookups=domains, domains=domains, order="once")
            return {"start s": daemon.started_in, "at start MB": at_start, "all asked once MB": daemon.resident()}

    def idle():
        with Daemon(dns) as daemon:
            before = daemon.resident()
            load_ = subprocess.Popen([BUILD / "load_milter", "--socket", daemon.listen, "--idle", "1000", "--messages", "40", "--rate", "10",
                                      "--domains", "10"], stdout=subprocess.DEVNULL)
            time.sleep(2)
            after = daemon.resident()
            load_.wait()
            return (after - before) * 1024 / 1000

    figures = {f"{count} next hops known": {key: Figure([value]) for key, value in start(count).items()}
               for count in (100, 100_000, 1_000_000)}
    results.section("Memory and start", "Once each. The start ends when surehopd serves, after the resolver's self-test.", figures)
    least, much, most = figures.values()
    results.target("at most 16 MB at the start", least["at start MB"], least["at start MB"].median <= 16)
    results.target("at most 35 MB with 100 000 next hops", much["all asked once MB"], much["all asked once MB"].median <= 35)
    each = (much["all asked once MB"].median - much["at start MB"].median) * 1024 * 1024 / 100_000
    results.target("at most 250 B each", f"{each:.0f} B", each <= 250)
    start_growth = most["start s"].median - least["start s"].median
    results.target("first answer less than 50 ms later with 1 000 000", f"{start_growth * 1000:.0f} ms", start_growth < 0.05)
    session = idle()
    results.target("1 000 idle sessions: at most 1 kB each", f"{session:.2f} kB", session <= 1)
    results.end()


def black_holes(options, results, dns):
    """Sessions that wait for domains which never answer"""
    with Daemon(dns, wait="2s") as daemon:
        def paced():
            said = load("load_milter", socket=daemon.listen, connections=20, messages=600, rcpts=3, end="abort", rate=100, domains=DOMAINS)
            return {"p50 us": said["rcpt_us"]["p50"], "p99 us": said["rcpt_us"]["p99"], "max us": said["rcpt_us"]["max"]}

        def beside():
            prefix = f"x{time.monotonic_ns()}"
            stuck = subprocess.Popen([BUILD / "load_milter", "--socket", daemon.listen, "--connections", "20", "--messages", "60", "--end", "abort",
                                      "--pattern", f"{prefix}-%d.black.example", "--domains", "1000", "--expect", "cy"], stdout=subprocess.DEVNULL)
            time.sleep(0.2)
            try:
                return paced()
            finally:
                stuck.kill()
                stuck.wait()

        paced()
        figures = rounds(options.n, {"alone": paced, "beside 20 stuck sessions": beside})
        results.section("Beside black holes", "20 sessions whose recipients' domains never answer, and 100 messages a second to known "
                        "next hops.", figures)
        p99 = ratio(figures, "beside 20 stuck sessions", "alone", "p99 us")
        results.target("p99 at most 1.5 times", p99, p99.median <= 1.5)
        results.end()
