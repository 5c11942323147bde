# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on the way, and what goes right: for each destination the verdict at the gate, under a minimum of
`authenticated`, and who takes the mail at delivery."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    domain: str
    why: str
    gate: int  # the reply to RCPT
    sent_to: str | None = None  # the server that takes the mail; None: nobody, and it waits
    dane_alone: bool = False  # nothing else would guarantee it, and Sendmail's lock cannot say it


CASES = (
    Case("dane.test", "DANE", 250, "mx.dane.test", dane_alone=True),
    Case("partner.example", "DANE by an authority", 250, "mx.partner.example", dane_alone=True),
    Case("mixed.test", "DANE on one of two MX hosts", 250, "mx1.mixed.test", dane_alone=True),
    Case("sts.test", "MTA-STS enforce", 250, "mx.sts.test"),
    Case("implicit.test", "MTA-STS enforce without MX record", 250, "implicit.test"),
    Case("pkix.test", "MTA-STS enforce beside TLSA records of no use", 250, "mx.pkix.test"),
    Case("none.test", "no STARTTLS, nothing published", 550),
    Case("starttls.test", "STARTTLS alone", 550),
    Case("ststesting.test", "a policy in testing mode", 550),
    Case("daneunsigned.test", "an unsigned MX into a zone with DANE, as whoever forges DNS would sign it", 550),
    Case("unusable.test", "TLSA records of no use alone", 550),
    Case("stsnomatch.test", "an enforce policy that allows none of the MX hosts", 550),
    Case("forged.test", "an unsigned MX forged into a zone with DANE, under an enforce policy", 550),
    Case("strip.test", "STARTTLS stripped", 250),
    Case("pkixstrip.test", "STARTTLS stripped beside TLSA records of no use", 250),
    Case("wrongname.test", "a certificate for another name", 250),
    Case("expired.test", "an expired certificate", 250),
    Case("selfsigned.test", "a certificate that nobody signed", 250),
    Case("danewrong.test", "a TLSA record that does not match", 250, dane_alone=True),
    Case("partial.test", "the host with DANE is down, the other stripped", 250, dane_alone=True),
    Case("flood.test", "STARTTLS stripped before twenty MX hosts with long names", 250),
    Case("tlsafail.test", "TLSA records that cannot be looked up", 451),
    Case("bogus.test", "a zone that does not validate", 451),
    Case("stsdown.test", "a policy that cannot be had", 451),
)  # fmt: skip


def cases_of(lock):
    """The cases as they are under this lock."""
    for case in CASES:
        cannot_say = lock == "sendmail" and case.dane_alone
        yield dataclasses.replace(case, gate=550, sent_to=None) if cannot_say else case
