# SPDX-License-Identifier: Apache-2.0
"""Mail that may go, and what delivery is bound to."""

from loopnet.story import expect, expect_true, story

from stories.steps import delivered_verified, still_waits, taken, taken_and_waiting, waits


def accepted_but_never_sent(world, domain, dsn):
    """The policy looks good at RCPT, so the message is taken; but delivery is bound, and no DATA may reach a server."""
    recipient = world.someone(domain)
    sent = taken(world, recipient)
    fate = waits(world, sent.queue_id, recipient)
    expect(f"why {recipient} waits ({fate.text})", fate.dsn, dsn)
    expect(f"message bytes that reached {domain}", world.sinks.data_bytes(domain), 0)


@story("A destination with DANE gets its mail over verified TLS")
def dane_delivered(world):
    delivered_verified(world, "dane.test", "mx.dane.test")
    delivered_verified(world, "partner.example", "mx.partner.example")


@story("With DANE on one of two MX hosts, mail goes to that host only")
def dane_on_one_host(world):
    delivered_verified(world, "mixed.test", "mx1.mixed.test")
    expect("connections to mx2.mixed.test", world.sinks.connections("mx2.mixed.test"), [])


@story("A destination with MTA-STS enforce gets its mail over verified TLS")
def mta_sts_delivered(world):
    delivered_verified(world, "sts.test", "mx.sts.test")


@story("A domain without MX record is its own mail server, and its MTA-STS policy is kept")
def implicit_mx_delivered(world):
    delivered_verified(world, "implicit.test", "implicit.test")


@story("An MTA-STS destination whose STARTTLS is stripped never receives DATA")
def stripped(world):
    accepted_but_never_sent(world, "strip.test", "4.7.4")


@story("An MTA-STS destination with a certificate for another name never receives DATA")
def wrong_name(world):
    accepted_but_never_sent(world, "wrongname.test", "4.7.5")


@story("An MTA-STS destination with an expired certificate never receives DATA")
def expired(world):
    accepted_but_never_sent(world, "expired.test", "4.7.5")


@story("A DANE destination that shows another certificate never receives DATA")
def dane_mismatch(world):
    accepted_but_never_sent(world, "danewrong.test", "4.7.5")


@story("A later queue run is bound just as the first attempt")
def queue_run(world):
    sent = taken_and_waiting(world, "strip.test")
    attempts = len(world.sinks.connections("mx.strip.test"))
    still_waits(world, sent)
    expect_true("mx.strip.test is asked again", len(world.sinks.connections("mx.strip.test")) > attempts)
