# SPDX-License-Identifier: Apache-2.0
"""A small internet on the loopback interface, for tests with real mail.

    127.0.0.1:53      a validating resolver (Unbound) that knows only our root      dns.py
    127.0.10.1:53     the authoritative name server (NSD) of every zone             dns.py, zones.py
    127.0.10.2:53     a name server that fails                                      dns.py
    127.0.20.1:443    the MTA-STS policy hosts, one certificate per name            policyhost.py
    127.0.30.N:25     the destinations' mail servers, in many postures of TLS       sink.py
    127.0.40.1:25     the sending site: Postfix or Sendmail, with surehopd          mta.py, postfix.py, sendmail.py, surehop.py
    127.0.50.1:8461   another policy server, for comparison                         peer.py

What each destination domain publishes and how its servers behave is one table: destinations.py. world.py puts the
pieces together. Everything runs inside the namespaces that `tests/system/enter` makes, and in its work folder.
"""
