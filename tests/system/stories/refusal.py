# SPDX-License-Identifier: Apache-2.0
"""Mail that may not go, and what the sender is told."""

from loopnet.story import expect, expect_match, expect_reply, expect_true, story


def refused(world, domain, code, status):
    recipient = world.someone(domain)
    sent = world.send(recipient)
    expect_reply(f"RCPT {recipient}", sent.reply(), code, status)
    expect(f"message bytes that reached {domain}", world.sinks.data_bytes(domain), 0)
    return sent.reply()


@story("Only the recipient that falls short is refused; another one of the same message goes on")
def refused_alone(world):
    bad, good = world.someone("none.test"), world.someone("dane.test")
    sent = world.send(bad, good)
    expect_reply(f"RCPT {bad}", sent.recipients[bad], 550, "5.7.10")
    expect_reply(f"RCPT {good}", sent.recipients[good], 250)
    expect(f"status of {good}", world.postfix.fate(sent.queue_id, good).status, "sent")
    expect(f"messages to {good}", len(world.sinks.delivered(good)), 1)
    expect("message bytes that reached none.test", world.sinks.data_bytes("none.test"), 0)


@story("A refusal says which domain, what was required, whom to ask, and a reference that trace understands")
def refusal_words(world):
    reply = refused(world, "none.test", 550, "5.7.10")
    for words in ("none.test", "authenticated", "postmaster@local.test"):
        expect_match("the refusal", reply, words)
    reference = reply.text.rstrip(".)]").split()[-1]
    # A refusal is written within moments, but nobody is made to wait for that.
    world.wait(lambda: world.surehop.cli("trace", reference).status == 0, f"a trace of {reference}")
    expect_match(f"trace {reference}", world.surehop.cli("trace", reference).out, "none.test")


@story("Destinations that guarantee nothing are refused: STARTTLS alone, testing mode, DANE behind an unsigned MX, unusable TLSA")
def falls_short(world):
    for domain in ("starttls.test", "ststesting.test", "daneunsigned.test", "unusable.test"):
        refused(world, domain, 550, "5.7.10")


@story("A bogus zone is no reason to send in clear, nor to bounce: try again later")
def bogus(world):
    reply = refused(world, "bogus.test", 451, None)
    expect_true("enhanced code 4.7.5 or 4.4.3", reply.status in ("4.7.5", "4.4.3"), reply)


@story("An MTA-STS record whose policy cannot be had is unknown, not absent: try again later")
def policy_unreachable(world):
    refused(world, "stsdown.test", 451, "4.7.5")


@story("A domain with a null MX takes no mail")
def null_mx(world):
    refused(world, "nullmx.test", 556, "5.1.10")


@story("A domain that does not exist takes no mail")
def no_such_domain(world):
    refused(world, "nx.test", 550, "5.1.2")


@story("The null sender gets no way around the gate")
def null_sender(world):
    bad, good = world.someone("none.test"), world.someone("dane.test")
    sent = world.send(bad, good, sender="")
    expect_reply(f"RCPT {bad} from <>", sent.recipients[bad], 550, "5.7.10")
    expect_reply(f"RCPT {good} from <>", sent.recipients[good], 250)
    expect(f"status of {good}", world.postfix.fate(sent.queue_id, good).status, "sent")


@story("Case, a trailing dot and quotes in an address change nothing")
def address_forms(world):
    for recipient, code in (
        ("Bob@NONE.Test", 550), ("bob@none.test.", 550), ('"bob b"@none.test', 550), ("<@relay.test:bob@none.test>", 550),
        ("Bob@DANE.Test", 250), ('"bob b"@dane.test', 250),
    ):  # fmt: skip
        expect_reply(f"RCPT {recipient}", world.send(recipient).reply(), code)
    expect("message bytes that reached none.test", world.sinks.data_bytes("none.test"), 0)


@story("A sender cannot waive the minimum by TLS-Required: No: Postfix from 3.10 on would not even ask the lock")
def waiver(world):
    good = world.someone("dane.test")
    sent = world.send(good, headers=["TLS-Required: No"])
    expect_reply("end of a message that says TLS-Required: No", sent.data, 550, "5.7.10")
    expect("message bytes that reached dane.test", len(world.sinks.delivered(good)), 0)


@story("An address literal offers nothing that could be promised")
def address_literal(world):
    expect_reply("RCPT bob@[192.0.2.1]", world.send("bob@[192.0.2.1]").reply(), 550, "5.7.10")
