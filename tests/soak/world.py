# SPDX-License-Identifier: Apache-2.0
"""The destinations of the soak, so made that the right answer for each is known at any time."""

import contextlib
import pathlib
import random
import socket
import tempfile
import threading

from daemon import Surehopd
from dns import DnsServer, Zone, wire_data
from loopnet.ca import CertificateAuthority
from loopnet.policyhost import ADDRESS, Policy, PolicyHost, policy_text

TLSA = "3 1 1 " + "ab" * 32
SILENT_HOST = "127.0.20.2"  # a policy host that takes connections and says nothing
ENFORCE, TESTING = "enforce", "testing"

# How a recipient may be answered, beside 4xx, which faults allow at any time.
PASSES = ("",)
FALLS_SHORT = ("550 5.7.10 ",)
NEVER = ()  # only ever deferred

# What each domain must be answered with. Those in SWITCHED pass or fall short as they are set; see Switch.
STEADY = {
    "dane.test": PASSES, "sts.test": PASSES, "slow.test": PASSES, "none.test": FALLS_SHORT, "testing.test": FALLS_SHORT,
    "nullmx.test": ("556 5.1.10 ",), "nx.test": ("550 5.1.2 ",), "bogus.test": NEVER, "black.test": NEVER,
    "badcert.test": NEVER, "gone.test": NEVER, "hang.test": NEVER,
}  # fmt: skip
SWITCHED = ("tlsa.test", "policy.test", "exception.test", "rule.test")
# Domains that nobody has written to before: anything.dane.cold and so on.
COLD = {"dane": PASSES, "sts": PASSES, "none": FALLS_SHORT, "broken": NEVER, "black": NEVER}
# What the lock may say, beside TEMP, while mail there passes; dane-only lets nothing out where there is no mail.
LOCK = {domain: "OK dane-only" for domain in ("dane.test", "slow.test", "tlsa.test", "nx.test", "nullmx.test")} | {
    domain: f"OK secure match=mx.{domain}" for domain in ("sts.test", "policy.test", "rule.test")
} | {"exception.test": "NOTFOUND"}  # fmt: skip

ZONE = f"""
    dane.test                 MX   10 mx.dane.test
    mx.dane.test              A    127.0.30.1
    _25._tcp.mx.dane.test     TLSA {TLSA}
    slow.test                 MX   10 mx.slow.test
    mx.slow.test              A    127.0.30.4
    _25._tcp.mx.slow.test     TLSA {TLSA}
    slow                      slow.test 0.1
    ttl                       slow.test 5
    none.test                 MX   10 mx.none.test
    mx.none.test              A    127.0.30.2
    nullmx.test               MX   0 .
    bogus.test                MX   10 mx.bogus.test
    bogus                     bogus.test
    silent                    black.test
    tlsa.test                 MX   10 mx.tlsa.test
    mx.tlsa.test              A    127.0.30.5
    _25._tcp.mx.tlsa.test     TLSA {TLSA}
    exception.test            MX   10 mx.exception.test
    mx.exception.test         A    127.0.30.6
    unsigned                  sts.cold
    unsigned                  broken.cold
    silent                    black.cold
"""
# Domains with a policy: its mode, its certificate, whether there is one at all.
POLICIES = {
    "sts.test": Policy(policy_text(ENFORCE, ("mx.sts.test",))),
    "rule.test": Policy(policy_text(ENFORCE, ("mx.rule.test",))),
    "policy.test": Policy(policy_text(ENFORCE, ("mx.policy.test",))),
    "testing.test": Policy(policy_text(TESTING, ("mx.testing.test",))),
    "badcert.test": Policy(policy_text(ENFORCE, ("mx.badcert.test",)), "wrong"),
    "gone.test": None,
    "hang.test": None,
}


def with_policy(domain):
    host = SILENT_HOST if domain == "hang.test" else ADDRESS
    return f"""
        unsigned            {domain}
        {domain}            MX   10 mx.{domain}
        mx.{domain}         A    127.0.30.7
        _mta-sts.{domain}   TXT  v=STSv1; id=1;
        mta-sts.{domain}    A    {host}
    """


def cold_records(name):
    """Of NAME.FAMILY.cold and what lies below it."""
    labels = name.split(".")
    domain, family = ".".join(labels[-3:]), labels[-2] if len(labels) > 2 else ""
    records = {"": ("MX", f"10 mx.{domain}"), "mx": ("A", "127.0.30.9")}
    if family == "dane":
        records["_25._tcp.mx"] = ("TLSA", TLSA)
    if family in ("sts", "broken"):
        records |= {"_mta-sts": ("TXT", "v=STSv1; id=1;"), "mta-sts": ("A", ADDRESS)}
    found = records.get(".".join(labels[:-3])) if family in COLD else None
    return [(found[0], wire_data(found[0], found[1].split()))] if found else []


class Records(dict):
    def get(self, name, default=None):
        return cold_records(name) if name.endswith(".cold") else super().get(name, default)


class SoakZone(Zone):
    def __init__(self):
        super().__init__(ZONE + "".join(map(with_policy, POLICIES)))
        self.records = Records(self.records)

    def exists(self, name):
        return name.endswith(".cold") or super().exists(name)

    def put(self, name, *records):
        """All at once, since others are reading."""
        self.records[name] = [(kind, wire_data(kind, data.split())) for kind, data in records]


class ColdHost(PolicyHost):
    """Has a policy for whoever asks, without keeping what it made."""

    def _choose(self, connection, name, context):
        if name and name.endswith(".cold"):
            domain = name.partition(".")[2]
            bad = "wrong" if domain.endswith(".broken.cold") else "ca"
            self.policies[name] = Policy(policy_text(ENFORCE, (f"mx.{domain}",)), bad)
            refused = super()._choose(connection, name, context)
            self.contexts.pop((name, bad), None)
            return refused
        return super()._choose(connection, name, context)


class Switch:
    """Whether a domain passes now: True, False or, while it is being changed, None."""

    def __init__(self):
        self.state, self.count = None, 0
        self.lock = threading.Lock()

    def now(self):
        with self.lock:
            return self.state, self.count

    def set(self, state):
        with self.lock:
            self.state, self.count = state, self.count + 1


RULE = '\n[[rule]]\nname = "strict"\nrecipient = ["rule.test"]\nminimum = "dane"\n'


class World:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="surehop-soak-"))
        self.zone = SoakZone()
        self.ca = CertificateAuthority(self.folder / "ca")
        self.policy_host = ColdHost(self.ca, port=free_port(ADDRESS))
        for domain, policy in POLICIES.items():
            if policy:
                self.policy_host.publish(domain, policy)
        self.policy_host.start()
        self.silent_host = socket.create_server((SILENT_HOST, self.policy_host.port))
        self.dns_port = free_port("127.0.0.1")
        self.resolver_back()
        self.switches = {domain: Switch() for domain in SWITCHED}
        # Held by whoever writes the configuration or starts and stops surehopd.
        self.one_hand = threading.RLock()
        self.ports = {what: free_port("127.0.0.1") for what in ("milter", "socketmap", "metrics")}
        self.daemon = self._daemon()
        self.good = self.daemon.config.read_text()
        self.cold = 0

    def _daemon(self):
        rules = f"""
[https]
ca_file = "{self.ca.root}"
port = {self.policy_host.port}
allow_private = ["127.0.20.0/24"]
timeout = "2s"

[facts]
shortest = "5s"
longest = "2m"
"""
        daemon = Surehopd(self.resolver, rules=rules, start=False, folder=self.folder,
                          metrics=f"inet:{self.ports['metrics']}@127.0.0.1")
        text = daemon.config.read_text().replace('/socketmap.sock"]', f'/socketmap.sock", "inet:{self.ports["socketmap"]}@127.0.0.1"]')
        daemon.config.write_text(text.replace("[resolver]", '[resolver]\nretest = "5s"'))
        return daemon

    def configuration(self, over_tcp=False, strict=False):
        text = self.good
        if over_tcp:
            text = text.replace(f'milter = "unix:{self.daemon.socket}"', f'milter = "inet:{self.ports["milter"]}@127.0.0.1"')
        return text.replace("\n[https]", RULE + "\n[https]", 1) if strict else text

    def resolver_back(self):
        self.resolver = DnsServer(self.zone, self.dns_port)

    def expected(self, domain):
        """The answers that this domain may get now, 4xx aside, and a mark that changes with them; None: any answer."""
        if domain in self.switches:
            state, mark = self.switches[domain].now()
            return (None if state is None else PASSES if state else FALLS_SHORT), mark
        if domain.endswith(".cold"):
            return COLD[domain.split(".")[-2]], 0
        return STEADY[domain], 0

    def somewhere(self):
        """A domain to write to: mostly known ones."""
        if random.random() < 0.12:
            self.cold += 1
            families = random.choices(list(COLD), weights=(4, 5, 4, 1, 2))
            return f"c{self.cold}x{random.randrange(10**6)}.{families[0]}.cold"
        if random.random() < 0.3:
            return random.choice(SWITCHED)
        if random.random() < 0.5:
            return random.choice(("dane.test", "sts.test"))
        return random.choice(list(STEADY))

    def close(self):
        self.policy_host.stop()
        self.silent_host.close()
        self.resolver.stop()


def free_port(address):
    """Below those that the kernel gives to connections: it stays ours while nobody listens on it."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            tcp.bind((address, port))
            udp.bind((address, port))
            return port
