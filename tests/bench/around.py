# SPDX-License-Identifier: Apache-2.0
"""surehopd among others: Postfix in front of it, resolvers and policy hosts behind it, and Debian's other policy server."""

import contextlib
import os
import pathlib

import shutil
import sqlite3
import subprocess
import tempfile
import time

import postfix_instance
from measure import BUILD, DOMAINS, Daemon, Figure, Floor, Surehopd, listens, load, ratio, rounds

PEER = "postfix-mta-sts-resolver"


class Rig:
    """One of the servers that surehopd asks. `asked()`: how often so far."""

    def __init__(self, program, *words):
        self.process = subprocess.Popen([BUILD / program, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "serves\n", f"{program} does not start"

    def asked(self):
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class RigDns(Rig):
    port = 19453

    def __init__(self, address="127.0.0.1", port=port):
        super().__init__("rig_dns", address, port, POLICY_HOST)


POLICY_HOST, PEER_AT, PEER_DNS = "127.0.30.2", "127.0.30.8", "127.0.30.53"


@contextlib.contextmanager
def mta_sts_resolver(ca=None, known=0):
    """Debian's mta-sts-resolver as Debian has it, but that it never looks whether what it knows is still so."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="surehop-bench-"))
    cache = sqlite3.connect(folder / "cache.db")
    cache.executescript("""
        PRAGMA journal_mode = WAL;
        CREATE TABLE proactive_fetch_ts (id integer primary key, last_fetch_ts integer);
        CREATE TABLE sts_policy_cache (domain text, ts integer, pol_id text, pol_body text);
        CREATE UNIQUE INDEX sts_policy_domain ON sts_policy_cache (domain);
        CREATE INDEX sts_policy_domain_ts ON sts_policy_cache (domain, ts)""")
    cache.executemany("INSERT INTO sts_policy_cache VALUES (?, ?, '1', ?)", (
        (f"d{i}.example", int(time.time()), f'{{"version": "STSv1", "mode": "enforce", "max_age": 8640000, "mx": ["mx.d{i}.example"]}}')
        for i in range(known)))
    cache.commit()
    cache.close()
    (folder / "resolv.conf").write_text(f"nameserver {PEER_DNS}\n")
    (folder / "peer.yml").write_text(f"host: {PEER_AT}\nport: 8461\ncache_grace: 864000\n"
                                     f"cache:\n  type: sqlite\n  options:\n    filename: {folder}/cache.db\n")
    script = 'mount --bind "$1/resolv.conf" /etc/resolv.conf && exec mta-sts-daemon -c "$1/peer.yml"'
    process = subprocess.Popen(["unshare", "--mount", "sh", "-c", script, "sh", folder], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, **({"SSL_CERT_FILE": str(ca)} if ca else {})})
    try:
        for _ in range(100):
            if listens(f"{PEER_AT}:8461"):
                break
            time.sleep(0.1)
        else:
            raise SystemExit("mta-sts-daemon does not start")
        yield f"inet:8461@{PEER_AT}"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def peer(options, results, dns):
    """The lock beside Debian's mta-sts-resolver"""
    with mta_sts_resolver(known=DOMAINS) as theirs, Daemon(dns) as plain:
        def ask(socket, lookups, expect):
            said = load("load_socketmap", socket=socket, connections=10, lookups=lookups, domains=DOMAINS, expect=expect)
            assert said["unexpected"] == 0, said
            return {"look-ups/s": said["lookups_per_s"], "p50 us": said["us"]["p50"], "p99 us": said["us"]["p99"]}

        cases = {"surehopd": lambda: ask(plain.lock, 100_000, "OK dane"), PEER: lambda: ask(theirs, 5000, "OK secure")}
        for case in cases.values():
            case()
        figures = rounds(options.n, cases)
        results.section("The lock beside Debian's mta-sts-resolver", "10 connections; 1 000 next hops known to both, to it in SQLite, its "
                        "default. surehopd serves a UNIX socket, the other TCP, as Debian has it.", figures)
        times = ratio(figures, "surehopd", PEER, "look-ups/s")
        results.target("at least 20 times as many", times, times.median >= 20)
        results.end()


def cold(options, results, _):
    """Next hops that nobody has asked for"""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="surehop-bench-"))
    ca, number = folder / "ca.pem", iter(range(1000))
    with Rig("rig_https", POLICY_HOST, 443, ca) as web, RigDns() as ours, RigDns(PEER_DNS, 53), mta_sts_resolver(ca) as theirs, \
            Surehopd(ours, policy='minimum = "none"',
                     rules=f'[https]\nca_file = "{ca}"\nallow_private = ["127.0.30.0/24"]\n') as surehopd:
        lock = f"unix:{surehopd.folder}/socketmap.sock"

        def ask(socket, letter, connections, lookups):
            said = load("load_socketmap", socket=socket, connections=connections, lookups=lookups, order="once",
                        pattern=f"{letter}%d.r{next(number)}.example", expect="OK secure" if letter == "d" else "NOTFOUND")
            assert said["unexpected"] == 0, said
            return {"look-ups/s": said["lookups_per_s"], "p50 ms": said["us"]["p50"] / 1000, "p99 ms": said["us"]["p99"] / 1000}

        cases = {}
        for what, letter, lookups in (("MTA-STS", "d", 600), ("nothing published", "n", 4000)):
            for connections in (1, 20, 100):
                count = lookups // 4 if connections == 1 else lookups
                cases[f"{what}, {connections}: surehopd"] = lambda letter=letter, c=connections, n=count: ask(lock, letter, c, n)
                cases[f"{what}, {connections}: {PEER}"] = lambda letter=letter, c=connections, n=count: ask(theirs, letter, c, n)
        figures = rounds(options.n, cases)

        before = ours.asked(), web.asked()
        ask(lock, "d", 1, 1)
        one = ours.asked() - before[0], web.asked() - before[1]
        before = ours.asked(), web.asked()
        load("load_socketmap", socket=lock, connections=100, lookups=100, pattern="dsame.example", expect="OK secure")
        all_ = ours.asked() - before[0], web.asked() - before[1]

    results.section("Next hops that nobody has asked for", "1, 20 and 100 in flight, over a resolver and a policy host of the rig without "
                    "delay, on the same two cores: MX, addresses, TLSA, TXT and where there is a policy its fetch with a full handshake. "
                    "Debian's resolver asks for the TXT record alone.", figures)
    for connections, target in ((20, 600), (100, 600)):
        speed = figures[f"MTA-STS, {connections}: surehopd"]["look-ups/s"]
        results.target(f"MTA-STS, {connections} in flight: at least {target}/s", speed, speed.median >= target)
    speed = figures["nothing published, 20: surehopd"]["look-ups/s"]
    results.target("nothing published, 20 in flight: at least 8 000/s", speed, speed.median >= 8000)
    results.target("100 ask for one at once: one fetch, the questions of one look-up",
                   f"{all_[1]} fetch, {all_[0]} questions; asked alone {one[1]} and {one[0]}", one == all_ and one[1] == 1)
    results.end()


def postfix(options, results, dns):
    """Whole messages through Postfix"""
    # Postfix's daemons must reach the filters, and theirs is another user: over TCP.
    floor, sockets = "inet:19471@127.0.0.1", {"surehopd": "inet:19472@127.0.0.1", "surehopd, its store in memory": "inet:19473@127.0.0.1"}
    in_memory = tempfile.mkdtemp(prefix="surehop-bench-", dir="/dev/shm")
    with Floor("floor_milter", floor), Daemon(dns, listen=sockets["surehopd"]), \
            Daemon(dns, listen=sockets["surehopd, its store in memory"], folder=in_memory), \
            postfix_instance.Postfix({"no filter": "", "floor": floor, **sockets}) as mta:
        figures = rounds(options.n, {name: lambda name=name: mta.send(name, "user@d1.example", 800, 20)
                                     for name in ("no filter", "floor", *sockets)})
    shutil.rmtree(in_memory, ignore_errors=True)
    results.section("Whole messages through Postfix", "800 messages of 2 kB over 20 sessions to a server that takes them all; until Postfix "
                    "has taken them, and until its queue is empty.", figures)

    def more(case, than, key):
        pairs = zip(figures[case][key].values, figures[than][key].values)
        return Figure([1000 / a - 1000 / b for a, b in pairs])

    extra = more("surehopd", "floor", "delivered/s")
    results.target("at most 0.2 ms a message above the floor", f"{extra} ms", extra.median <= 0.2)
    cost = Figure([1 - a / b for a, b in zip(figures["surehopd"]["delivered/s"].values,
                                             figures["surehopd, its store in memory"]["delivered/s"].values)])
    results.target("a ledger that is on disk costs at most a tenth", cost, cost.median <= 0.1)
    results.end()
