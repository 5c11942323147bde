# SPDX-License-Identifier: Apache-2.0
"""The destinations of the loopback internet: what each domain publishes, and how its mail servers behave.

This table is the one place to read or to add a destination. A zone is written as in a zone file, relative to the
domain; `spki(HOST)` stands for the digest of the key in the certificate that HOST shows, `spki(HOST,KIND)` for another
kind (see ca.py), `spki(CA)` for the CA's own, and `cert(...)` for the digest of the whole certificate. The DNSSEC switch
is the third field:

    SIGNED     signed, with a DS record in the parent
    UNSIGNED   not signed; the parent proves that there is no DS
    BOGUS      signed by another key than the parent's DS record names: a validating resolver answers SERVFAIL

A domain that publishes MTA-STS gives its policy as (mode, MX patterns), with max_age in seconds as a third where it matters.
"""

import dataclasses

SIGNED, UNSIGNED, BOGUS = "signed", "unsigned", "bogus"


@dataclasses.dataclass(frozen=True)
class Sink:
    """One mail server: it offers STARTTLS only when it has a kind of certificate, and then up to this version of TLS."""

    address: str
    host: str
    certificate: str | None = "ca"
    newest_tls: str = "TLSv1_3"


@dataclasses.dataclass(frozen=True)
class Destination:
    domain: str
    offers: str
    dnssec: str
    zone: str
    sinks: tuple[Sink, ...] = ()
    policy: tuple | None = None
    policy_certificate: str = "ca"


STS = """
    _mta-sts      TXT   "v=STSv1; id=20260101"
    mta-sts       A     127.0.20.1
"""
# Each is a subdomain of forms.test, whose MX host shows a certificate of this kind (see ca.py) under this TLSA record.
FORMS = (
    ("stale", "stale", "3 1 1 spki({host},stale)"),
    ("key", "ca", "2 1 1 spki(CA)"),
    ("whole", "ca", "2 0 1 cert(CA)"),
    ("nexthop", "domain", "2 1 1 spki(CA)"),
    ("star", "star", "2 1 1 spki(CA)"),
    ("cn", "cn", "2 1 1 spki(CA)"),
    ("wrong", "wrong", "2 1 1 spki(CA)"),
    ("wrongwhole", "wrong", "2 0 1 cert(CA)"),
    ("cnbeside", "cnbeside", "2 1 1 spki(CA)"),
    ("deepstar", "deepstar", "2 1 1 spki(CA)"),
    ("partstar", "partstar", "2 1 1 spki(CA)"),
    ("expired", "expired", "2 1 1 spki(CA)"),
    ("alone", "alone", "2 1 1 spki(CA)"),
    ("forged", "forged", "2 1 1 spki(CA)"),
    ("short", "short", "2 0 1 cert(SHORT)"),
    ("below", "below", "2 0 1 cert(SHORT)"),
    ("narrow", "narrow", "2 0 1 cert(NARROW)"),
)


LONG = "a" * 58  # of a label, with two digits more


def forms():
    """The zone of FORMS and its servers, `one.mx.SUBDOMAIN.forms.test`."""
    zone, sinks = "", []
    for number, (name, kind, tlsa) in enumerate(FORMS, 40):
        host, address = f"one.mx.{name}", f"127.0.30.{number}"
        zone += f"{name} MX 10 {host}\n{host} A {address}\n_25._tcp.{host} TLSA {tlsa.format(host=host + '.forms.test')}\n"
        sinks.append(Sink(address, f"{host}.forms.test", kind))
    return zone, tuple(sinks)


DESTINATIONS = (
    Destination(
        "dane.test", "DANE: signed zone, TLSA record of its own certificate", SIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.1
        _25._tcp.mx   TLSA  3 1 1 spki(mx.dane.test,self)
        """,
        (Sink("127.0.30.1", "mx.dane.test", "self"),),
    ),
    Destination(
        "sts.test", "MTA-STS enforce, valid certificate", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.2
        """ + STS,
        (Sink("127.0.30.2", "mx.sts.test"),),
        ("enforce", ("mx.sts.test",)),
    ),
    Destination(
        "none.test", "nothing, not even STARTTLS", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.3
        """,
        (Sink("127.0.30.3", "mx.none.test", None),),
    ),
    Destination(
        "starttls.test", "STARTTLS with a self-signed certificate, no policy", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.4
        """,
        (Sink("127.0.30.4", "mx.starttls.test", "self"),),
    ),
    Destination(
        "oldtls.test", "MTA-STS enforce, over no newer TLS than 1.2", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.70
        """ + STS,
        (Sink("127.0.30.70", "mx.oldtls.test", newest_tls="TLSv1_2"),),
        ("enforce", ("mx.oldtls.test",)),
    ),
    Destination(
        "strip.test", "MTA-STS enforce, but STARTTLS is stripped on the way", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.5
        """ + STS,
        (Sink("127.0.30.5", "mx.strip.test", None),),
        ("enforce", ("mx.strip.test",)),
    ),
    Destination(
        "wrongname.test", "MTA-STS enforce, but the certificate is another host's", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.6
        """ + STS,
        (Sink("127.0.30.6", "mx.wrongname.test", "wrong"),),
        ("enforce", ("mx.wrongname.test",)),
    ),
    Destination(
        "expired.test", "MTA-STS enforce, but the certificate has expired", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.7
        """ + STS,
        (Sink("127.0.30.7", "mx.expired.test", "expired"),),
        ("enforce", ("mx.expired.test",)),
    ),
    Destination(
        "ststesting.test", "MTA-STS in testing mode only", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.8
        """ + STS,
        (Sink("127.0.30.8", "mx.ststesting.test"),),
        ("testing", ("mx.ststesting.test",)),
    ),
    Destination(
        "stsnomatch.test", "MTA-STS enforce that does not allow its own MX host", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.9
        """ + STS,
        (Sink("127.0.30.9", "mx.stsnomatch.test"),),
        ("enforce", ("*.mail.stsnomatch.test",)),
    ),
    Destination(
        "stsdown.test", "MTA-STS record, but the policy host's certificate is wrong", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.10
        """ + STS,
        (Sink("127.0.30.10", "mx.stsdown.test"),),
        ("enforce", ("mx.stsdown.test",)),
        "wrong",
    ),
    Destination(
        "mixed.test", "DANE on the first of two MX hosts, nothing on the second", SIGNED, """
        @             MX    10 mx1
        @             MX    20 mx2
        mx1           A     127.0.30.11
        mx2           A     127.0.30.12
        _25._tcp.mx1  TLSA  3 1 1 spki(mx1.mixed.test)
        """,
        (Sink("127.0.30.11", "mx1.mixed.test"), Sink("127.0.30.12", "mx2.mixed.test", None)),
    ),
    Destination(
        "danewrong.test", "DANE, but the server shows another certificate", SIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.13
        _25._tcp.mx   TLSA  3 1 1 spki(mx.danewrong.test,self)
        """,
        (Sink("127.0.30.13", "mx.danewrong.test", "ca"),),
    ),
    Destination(
        "danehost.test", "nothing itself: a signed zone that hosts mail for others", SIGNED, """
        mx            A     127.0.30.14
        _25._tcp.mx   TLSA  3 1 1 spki(mx.danehost.test)
        """,
        (Sink("127.0.30.14", "mx.danehost.test"),),
    ),
    Destination(
        "daneunsigned.test", "an unsigned MX record that points to a host with DANE", UNSIGNED, """
        @             MX    10 mx.danehost.test.
        """,
    ),
    Destination(
        "unusable.test", "signed zone, but its TLSA records are of no use for mail", SIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.15
        _25._tcp.mx   TLSA  1 1 1 spki(mx.unusable.test)
        """,
        (Sink("127.0.30.15", "mx.unusable.test"),),
    ),
    Destination(
        "partner.example", "DANE: TLSA record of the authority that signs its certificates", SIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.16
        _25._tcp.mx   TLSA  2 1 1 spki(CA)
        """,
        (Sink("127.0.30.16", "mx.partner.example"),),
    ),
    Destination(
        "implicit.test", "MTA-STS enforce, no MX record: the domain is its own mail server", UNSIGNED, """
        @             A     127.0.30.17
        """ + STS,
        (Sink("127.0.30.17", "implicit.test"),),
        ("enforce", ("implicit.test",)),
    ),
    Destination(
        "xn--bcher-kva.test", "DANE, in a domain that people write as bücher.test", SIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.19
        _25._tcp.mx   TLSA  3 1 1 spki(mx.xn--bcher-kva.test,self)
        """,
        (Sink("127.0.30.19", "mx.xn--bcher-kva.test", "self"),),
    ),
    Destination(
        "bogus.test", "DNSSEC that does not validate, as after tampering", BOGUS, """
        @             MX    10 mx
        mx            A     127.0.30.18
        _25._tcp.mx   TLSA  3 1 1 spki(mx.bogus.test)
        """,
        (Sink("127.0.30.18", "mx.bogus.test"),),
    ),
    Destination(
        "order.test", "MTA-STS enforce; the policy leaves out the first MX host, whose certificate is valid", UNSIGNED, """
        @             MX    10 mx.sts.test.
        @             MX    20 mx2
        @             MX    30 mx3
        mx2           A     127.0.30.20
        mx3           A     127.0.30.21
        """ + STS,
        (Sink("127.0.30.20", "mx2.order.test"), Sink("127.0.30.21", "mx3.order.test")),
        ("enforce", ("*.order.test",)),
    ),
    Destination(
        "daneorder.test", "DANE on every MX host, but the first shows another certificate", SIGNED, """
        @             MX    10 mx1
        @             MX    20 mx2
        @             MX    30 mx3
        mx1           A     127.0.30.22
        mx2           A     127.0.30.23
        mx3           A     127.0.30.24
        _25._tcp.mx1  TLSA  3 1 1 spki(mx1.daneorder.test,self)
        _25._tcp.mx2  TLSA  3 1 1 spki(mx2.daneorder.test)
        _25._tcp.mx3  TLSA  3 1 1 spki(mx3.daneorder.test)
        """,
        (
            Sink("127.0.30.22", "mx1.daneorder.test"),
            Sink("127.0.30.23", "mx2.daneorder.test"),
            Sink("127.0.30.24", "mx3.daneorder.test"),
        ),
    ),
    Destination(
        "latedane.test", "DANE on the second of two MX hosts, nothing on the first", SIGNED, """
        @             MX    10 mx1
        @             MX    20 mx2
        mx1           A     127.0.30.25
        mx2           A     127.0.30.26
        _25._tcp.mx2  TLSA  3 1 1 spki(mx2.latedane.test)
        """,
        (Sink("127.0.30.25", "mx1.latedane.test", "self"), Sink("127.0.30.26", "mx2.latedane.test")),
    ),
    Destination(
        "equal.test", "DANE on two MX hosts of one preference and on a third, with this site in between", SIGNED, """
        @             MX    10 mx1
        @             MX    10 mx2
        @             MX    20 gate.local.test.
        @             MX    30 mx3
        mx1           A     127.0.30.27
        mx2           A     127.0.30.28
        mx3           A     127.0.30.29
        _25._tcp.mx1  TLSA  3 1 1 spki(mx1.equal.test)
        _25._tcp.mx2  TLSA  3 1 1 spki(mx2.equal.test)
        _25._tcp.mx3  TLSA  3 1 1 spki(mx3.equal.test)
        """,
        (
            Sink("127.0.30.27", "mx1.equal.test"),
            Sink("127.0.30.28", "mx2.equal.test"),
            Sink("127.0.30.29", "mx3.equal.test"),
        ),
    ),
    Destination(
        "beyond.test", "MTA-STS enforce; of the MX hosts that it names one is stripped, one is beyond this site", UNSIGNED, """
        @             MX    10 mx1
        @             MX    20 gate.local.test.
        @             MX    30 mx3
        mx1           A     127.0.30.30
        mx3           A     127.0.30.31
        """ + STS,
        (Sink("127.0.30.30", "mx1.beyond.test", None), Sink("127.0.30.31", "mx3.beyond.test")),
        ("enforce", ("*.beyond.test",)),
    ),
    Destination(
        "txtfail.test", "MTA-STS enforce, but its record cannot be looked up, and STARTTLS is stripped", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.60
        _mta-sts      NS    broken
        broken        A     127.0.10.2
        mta-sts       A     127.0.20.1
        """,
        (Sink("127.0.30.60", "mx.txtfail.test", None),),
        ("enforce", ("mx.txtfail.test",)),
    ),
    Destination(
        "txtsilent.test", "MTA-STS enforce; in some stories nobody answers for its record", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.69
        _mta-sts      NS    broken
        broken        A     127.0.10.2
        mta-sts       A     127.0.20.1
        """,
        (Sink("127.0.30.69", "mx.txtsilent.test"),),
        ("enforce", ("mx.txtsilent.test",)),
    ),
    Destination(
        "cnpolicy.test", "MTA-STS enforce, but the policy host's certificate has a common name only", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.61
        """ + STS,
        (Sink("127.0.30.61", "mx.cnpolicy.test"),),
        ("enforce", ("mx.cnpolicy.test",)),
        "cn",
    ),
    Destination(
        "deep.test", "MTA-STS enforce for *.deep.test, but the MX host is two labels down", UNSIGNED, """
        @             MX    10 one.mx
        one.mx        A     127.0.30.62
        """ + STS,
        (Sink("127.0.30.62", "one.mx.deep.test"),),
        ("enforce", ("*.deep.test",)),
    ),
    Destination(
        "cross.test", "MTA-STS enforce; the MX host is not the one named, but shows its certificate", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.63
        """ + STS,
        (Sink("127.0.30.63", "mx.cross.test", "mail"),),
        ("enforce", ("mail.cross.test",)),
    ),
    Destination(
        "inject.test", "MTA-STS enforce, with more than a name in the name of the MX host", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.64
        """ + STS,
        (Sink("127.0.30.64", "mx.inject.test"),),
        ("enforce", ("mx.inject.test protocols=SSLv3",)),
    ),
    Destination(
        "longage.test", "MTA-STS enforce for longer than the standard allows", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.65
        """ + STS,
        (Sink("127.0.30.65", "mx.longage.test"),),
        ("enforce", ("mx.longage.test",), 99999999),
    ),
    Destination(
        "both.test", "DANE and MTA-STS enforce, but the server shows another certificate than DANE asks for", SIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.66
        _25._tcp.mx   TLSA  3 1 1 spki(mx.both.test,self)
        """ + STS,
        (Sink("127.0.30.66", "mx.both.test"),),
        ("enforce", ("mx.both.test",)),
    ),
    Destination(
        "half.test", "MTA-STS enforce for both MX hosts, DANE for the first, whose TLSA record does not match", SIGNED, """
        @             MX    10 mx1
        @             MX    20 mx2
        mx1           A     127.0.30.67
        mx2           A     127.0.30.68
        _25._tcp.mx1  TLSA  3 1 1 spki(mx1.half.test,self)
        """ + STS,
        (Sink("127.0.30.67", "mx1.half.test"), Sink("127.0.30.68", "mx2.half.test")),
        ("enforce", ("*.half.test",)),
    ),
    Destination(
        "selfsigned.test", "MTA-STS enforce, but the certificate is signed by nobody", UNSIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.71
        """ + STS,
        (Sink("127.0.30.71", "mx.selfsigned.test", "self"),),
        ("enforce", ("mx.selfsigned.test",)),
    ),
    Destination(
        "tlsafail.test", "signed zone, but the TLSA records of its MX host cannot be looked up", SIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.72
        _tcp.mx       NS    broken
        broken        A     127.0.10.2
        """,
        (Sink("127.0.30.72", "mx.tlsafail.test"),),
    ),
    Destination(
        "partial.test", "DANE on the first of two MX hosts, which is down; the second has no STARTTLS", SIGNED, """
        @             MX    10 mx1
        @             MX    20 mx2
        mx1           A     127.0.30.73
        mx2           A     127.0.30.74
        _25._tcp.mx1  TLSA  3 1 1 spki(mx1.partial.test)
        """,
        (Sink("127.0.30.74", "mx2.partial.test", None),),
    ),
    Destination(
        "pkix.test", "MTA-STS enforce beside TLSA records that are of no use for mail", SIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.75
        _25._tcp.mx   TLSA  1 1 1 spki(mx.pkix.test)
        """ + STS,
        (Sink("127.0.30.75", "mx.pkix.test"),),
        ("enforce", ("mx.pkix.test",)),
    ),
    Destination(
        "pkixstrip.test", "the same, but STARTTLS is stripped on the way", SIGNED, """
        @             MX    10 mx
        mx            A     127.0.30.76
        _25._tcp.mx   TLSA  1 1 1 spki(mx.pkixstrip.test)
        """ + STS,
        (Sink("127.0.30.76", "mx.pkixstrip.test", None),),
        ("enforce", ("mx.pkixstrip.test",)),
    ),
    Destination(
        "neighbour.test", "nothing; its MX host is that of selfsigned.test", UNSIGNED, """
        @             MX    10 mx.selfsigned.test.
        """,
    ),
    Destination(
        "forged.test", "MTA-STS enforce; its unsigned MX record was forged into a zone with DANE", UNSIGNED, """
        @             MX    10 mx.danehost.test.
        """ + STS,
        (),
        ("enforce", ("mx.forged.test",)),
    ),
    Destination(
        "flood.test", "MTA-STS enforce, twenty MX hosts with long names, STARTTLS stripped", UNSIGNED,
        "".join(f"@ MX {10 + n} {LONG}{n:02}\n{LONG}{n:02} A 127.0.30.77\n" for n in range(20)) + STS,
        (Sink("127.0.30.77", f"{LONG}00.flood.test", None),),
        ("enforce", ("*.flood.test",)),
    ),
    Destination("forms.test", "DANE in many forms, one in each subdomain", SIGNED, *forms()),
    Destination(
        "nullmx.test", "null MX: the domain takes no mail", SIGNED, """
        @             MX    0 .
        """,
    ),
    Destination(
        "noaddr.test", "an MX host without an address", SIGNED, """
        @             MX    10 mx
        mx            TXT   "moved away"
        """,
    ),
    Destination(
        "local.test", "this site itself", UNSIGNED, """
        @             MX    10 gate
        gate          A     127.0.40.1
        """,
    ),
)

BY_DOMAIN = {destination.domain: destination for destination in DESTINATIONS}

# A name that is not there: `test` is signed and proves it.
NO_SUCH_DOMAIN = "nx.test"
