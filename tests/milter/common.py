# SPDX-License-Identifier: Apache-2.0
"""What stories share: destinations, and what they expect."""

ZONE = f"""
    dane.test                MX    10 mx.dane.test
    mx.dane.test             A     127.0.30.1
    _25._tcp.mx.dane.test    TLSA  3 1 1 {"ab" * 32}
    none.test                MX    10 mx.none.test
    mx.none.test             A     127.0.30.2
    other.test               MX    10 mx.other.test
    mx.other.test            A     127.0.30.3
    nullmx.test              MX    0 .
    bogus.test               MX    10 mx.bogus.test
    bogus                    bogus.test
    slow.test                MX    10 mx.slow.test
    mx.slow.test             A     127.0.30.4
    _25._tcp.mx.slow.test    TLSA  3 1 1 {"ab" * 32}
    slow                     slow.test 0.4
    silent                   silent.test
    brief.test               MX    10 mx.brief.test
    mx.brief.test            A     127.0.30.5
    _25._tcp.mx.brief.test   TLSA  3 1 1 {"ab" * 32}
    ttl                      brief.test 6
"""


DEFAULT_REFUSAL = ('550 5.7.10 Mail to none.test must leave over an authenticated connection (rule "default"), '
                   "but it publishes neither DANE nor MTA-STS. Ask postmaster@clinic.example for an exception. Ref ")


# For recipients whose rules are asked to do something else than refuse.
FALLS_SHORT = 'falls_short = "{}"'


def equal(seen, expected):
    assert seen == expected, f"expected {expected!r}, saw {seen!r}"


def starts(seen, expected):
    assert seen.startswith(expected), f"expected {expected!r}..., saw {seen!r}"


def reference(reply):
    return reply.rsplit(" ", 1)[1]
