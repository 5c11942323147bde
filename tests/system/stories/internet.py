# SPDX-License-Identifier: Apache-2.0
"""The loopback internet itself is as we say it is: otherwise the other stories prove nothing."""

import ssl
import urllib.request

from loopnet.destinations import BOGUS, DESTINATIONS, NO_SUCH_DOMAIN, SIGNED
from loopnet.story import expect, story


@story("The resolver validates: signed zones with AD, unsigned ones without, the bogus one not at all", gated=False)
def dnssec(world):
    expect("root", (world.dns.ask(".", "SOA").rcode, world.dns.ask(".", "SOA").authentic), ("NOERROR", True))
    for destination in DESTINATIONS:
        answer = world.dns.ask(destination.domain, "SOA")
        wanted = ("SERVFAIL", False) if destination.dnssec == BOGUS else ("NOERROR", destination.dnssec == SIGNED)
        expect(destination.domain, (answer.rcode, answer.authentic), wanted)
    answer = world.dns.ask(NO_SUCH_DOMAIN, "MX")
    expect(NO_SUCH_DOMAIN, (answer.rcode, answer.authentic), ("NXDOMAIN", True))


@story("Every policy host answers for its domain with the certificate that the table says", gated=False)
def policy_hosts(world):
    trust = ssl.create_default_context(cafile=str(world.ca.root))
    trust.hostname_checks_common_name = False  # RFC 8461 §3.3
    for destination in DESTINATIONS:
        if not destination.policy:
            continue
        url = f"https://mta-sts.{destination.domain}/.well-known/mta-sts.txt"
        try:
            with urllib.request.urlopen(url, context=trust, timeout=5) as answer:
                seen = answer.read().decode().split("\r\n")[1]
        except OSError as failure:
            seen = "certificate verify failed" if "CERTIFICATE_VERIFY_FAILED" in str(failure) else str(failure)
        good = destination.policy_certificate == "ca"
        expect(url, seen, f"mode: {destination.policy[0]}" if good else "certificate verify failed")
