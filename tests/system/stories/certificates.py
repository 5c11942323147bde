# SPDX-License-Identifier: Apache-2.0
"""What a certificate must be under DANE. The binding leaves it to the MTA (`dane-only`); here real certificates are shown
to a real one. Each case is a row of FORMS in loopnet/destinations.py."""

from loopnet.story import expect, expect_true, story

from stories.delivery import accepted_but_never_sent
from stories.steps import delivered_verified


def host_of(form):
    return f"one.mx.{form}.forms.test"


def delivered(world, *names):
    for form in names:
        delivered_verified(world, f"{form}.forms.test", host_of(form))


def never_sent(world, why, *names):
    """Nothing is sent, and Postfix's log says that it is for this reason."""
    for form in names:
        expect("the lock", world.postfix.ask_lock(f"{form}.forms.test"), "dane-only")
        accepted_but_never_sent(world, f"{form}.forms.test", "4.7.5")
        lines = world.postfix.log_lines(host_of(form))
        expect_true(f"{form}: {why}", any("verification failed" in line and why in line for line in lines), lines)


@story("DANE-EE: with the key that the record names, neither the names nor the dates of a certificate matter")
def dane_ee(world):
    delivered(world, "stale")


@story("DANE-TA: the anchor is named by its key or whole; the name may be the host's or the mail domain's")
def dane_ta(world):
    delivered(world, "key", "whole", "nexthop")


@story("DANE-TA: a certificate for another host is worth nothing, however good its chain")
def dane_ta_name(world):
    never_sent(world, "hostname mismatch", "wrong", "wrongwhole")


@story("DANE-TA: a star is one whole label; the common name counts only where there is no DNS-ID")
def dane_ta_form_of_name(world):
    delivered(world, "star", "cn")
    never_sent(world, "hostname mismatch", "deepstar", "partstar", "cnbeside")


@story("DANE-TA: an expired certificate, an anchor that is not shown, and one that has not signed are worth nothing")
def dane_ta_chain(world):
    never_sent(world, "certificate has expired", "expired")
    # `alone`: the anchor is even in Postfix's own CAfile, which does not count.
    never_sent(world, "no matching DANE TLSA records", "alone", "forged")


@story("DANE-TA: what the anchor's certificate forbids, a chain too long or foreign names, is not accepted")
def dane_ta_constraints(world):
    delivered(world, "short")
    never_sent(world, "path length constraint exceeded", "below")
    never_sent(world, "permitted subtree violation", "narrow")
