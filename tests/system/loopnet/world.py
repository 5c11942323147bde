# SPDX-License-Identifier: Apache-2.0
"""The loopback internet as one thing: build it, start it, stop it."""

import itertools
import pathlib

from . import smtp
from .ca import CertificateAuthority
from .destinations import BY_DOMAIN, DESTINATIONS
from .dns import Dns
from .peer import Peer
from .policyhost import Policy, PolicyHost, policy_text
from .postfix import Postfix
from .process import wait_until
from .sink import Sinks
from .surehop import Surehop
from .zones import Zone, ZoneWriter

TREE = pathlib.Path(__file__).resolve().parents[3]


class World:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.counter = itertools.count(1)
        self.ca = CertificateAuthority(folder / "ca")
        self.zones = ZoneWriter(folder / "zones", self.ca)
        self.dns = Dns(folder / "dns", self.zones.write_all())
        self.sinks = Sinks([sink for d in DESTINATIONS for sink in d.sinks], self.ca, folder / "sinks.jsonl")
        self.policy_host = PolicyHost(self.ca)
        for destination in DESTINATIONS:
            if destination.policy:
                policy = Policy(policy_text(*destination.policy), destination.policy_certificate)
                self.policy_host.publish(destination.domain, policy)
        self.postfix = Postfix(folder / "postfix", self.ca)
        self.surehop = Surehop(folder / "surehop", TREE, self.postfix, self.ca)
        self.peer = Peer(folder / "peer", self.ca)  # started by the stories that ask it

    def start(self):
        self.dns.start()
        self.sinks.start()
        self.policy_host.start()
        self.postfix.start()

    def stop(self):
        self.postfix.stop()
        self.peer.stop()
        self.surehop.stop()
        self.policy_host.stop()
        self.sinks.stop()
        self.dns.stop()

    def change_zone(self, domain, old="", new=""):
        """Publish this domain's zone with `old` replaced by `new`, or as the table has it. Only for unsigned zones."""
        destination, mark = BY_DOMAIN[domain], f"change{next(self.counter)}"
        records = destination.zone.replace(old, new) + f"\n{mark} TXT ."  # tells when the name server has read it
        self.zones.write(Zone(domain, destination.dnssec, records))
        self.dns.reload(f"{mark}.{domain}")

    def someone(self, domain):
        """A recipient at this domain that no story has used before."""
        return f"r{next(self.counter)}@{domain}"

    def send(self, *recipients, **options):
        return smtp.send(*recipients, **options)

    def session(self):
        return smtp.Session()

    def wait(self, check, what, limit=20.0):
        return wait_until(check, what, limit)
