# SPDX-License-Identifier: Apache-2.0
"""The loopback internet as one thing: build it, start it, stop it."""

import itertools
import pathlib

from . import postfix, sendmail, smtp
from .ca import CertificateAuthority
from .destinations import BY_DOMAIN, DESTINATIONS
from .dns import Dns
from .peer import Peer
from .policyhost import Policy, PolicyHost, policy_text
from .process import wait_until
from .sink import Sinks
from .surehop import Surehop
from .zones import Zone, ZoneWriter

TREE = pathlib.Path(__file__).resolve().parents[3]


class World:
    """`root`: the Debian that the mail server comes out of, None for this machine's own Postfix. `mta` is that server."""

    def __init__(self, folder, root=None):
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
        self.mta = _mail_server(folder, root, self.ca)
        self.surehop = Surehop(folder / "surehop", TREE, self.mta, self.ca)
        self.peer = Peer(folder / "peer", self.ca)  # started by the stories that ask it

    @property
    def postfix(self):
        """The mail server, for stories that are told with Postfix alone."""
        if not isinstance(self.mta, postfix.Postfix):
            raise TypeError("this story is about Postfix")
        return self.mta

    def start(self):
        self.dns.start()
        self.sinks.start()
        self.policy_host.start()
        self.mta.start()

    def stop(self):
        self.mta.stop()
        self.peer.stop()
        self.surehop.stop()
        self.policy_host.stop()
        self.sinks.stop()
        self.dns.stop()

    def change_zone(self, domain, old="", new=""):
        """Publish this domain's zone with `old` replaced by `new`, or as the table has it."""
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

    def ask_lock(self, next_hop):
        """What the lock answers to this mail server, as it stands on the wire."""
        return self.surehop.ask(next_hop, self.mta.map)

    def wait(self, check, what, limit=20.0):
        return wait_until(check, what, limit)


def _mail_server(folder, root, ca):
    if root is None:
        return postfix.Postfix(folder / "postfix", ca)
    if root.mta == "sendmail":
        root.enter(folder, sendmail.PROGRAMS)
        return sendmail.Sendmail(folder / "sendmail", root, ca)
    root.enter(folder, postfix.PROGRAMS)
    return postfix.Postfix(folder / "postfix", ca)
