# SPDX-License-Identifier: Apache-2.0
"""Audit mode: everything is recorded, nothing is refused."""

from loopnet.story import expect, expect_match, expect_reply, story

REFUSED_IN_ENFORCE = ("none.test", "starttls.test", "ststesting.test", "bogus.test", "stsdown.test", "nullmx.test", "nx.test")


@story("Audit mode refuses no recipient, and trace tells for each what enforce would have done", mode="audit", fresh=True)
def audit_refuses_nothing(world):
    recipients = {domain: world.someone(domain) for domain in REFUSED_IN_ENFORCE}
    sent = world.send(*recipients.values())
    for domain, recipient in recipients.items():
        expect_reply(f"RCPT {recipient}", sent.recipients[recipient], 250)
        said = world.surehop.cli("trace", recipient)
        expect(f"exit status of trace {recipient} ({said.err})", said.status, 0)
        expect_match(f"trace {recipient}", said.out, r'"would": *"(reject|defer)"')
    traced = world.surehop.cli("trace", sent.queue_id)
    expect(f"exit status of trace {sent.queue_id} ({traced.err})", traced.status, 0)
    for recipient in recipients.values():
        expect_match(f"trace {sent.queue_id}", traced.out, recipient)


@story("In audit mode the lock keeps to published policies, and holds nobody to a floor", mode="audit")
def audit_lock(world):
    expect("none.test", world.postfix.ask_lock("none.test"), None)
    expect("dane.test", world.postfix.ask_lock("dane.test"), "dane-only")
    expect_match("sts.test", world.postfix.ask_lock("sts.test"), "^secure match=mx.sts.test")


@story("In audit mode mail to a destination that offers nothing arrives", mode="audit")
def audit_delivers(world):
    recipient = world.someone("none.test")
    sent = world.send(recipient)
    expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")
