# SPDX-License-Identifier: Apache-2.0
"""Which of several MX hosts takes the mail. The binding leaves the order to the MTA, and holds at every host."""

from loopnet.story import expect, expect_true, story

from stories.delivery import accepted_but_never_sent
from stories.steps import delivered_verified

MESSAGES = 20  # that all go to one of two hosts by chance: once in half a million runs


def passed_over(world, domain, failing, taking, unused, tried=1):
    """Mail is offered to `failing` (unless `tried` says 0), which gets nothing; `taking` gets it under the same binding;
    `unused` is left alone."""
    before = {host: len(world.sinks.connections(host)) for host in (failing, unused)}
    delivered_verified(world, domain, taking)
    after = {host: len(world.sinks.connections(host)) for host in (failing, unused)}
    expect(f"new connections to {failing} and {unused}", (after[failing] - before[failing], after[unused]), (tried, 0))
    sent = sum(record["data"] for record in world.sinks.connections(failing) if domain in str(record["recipients"]))
    expect(f"message bytes that reached {failing}", sent, 0)


@story("MTA-STS: an MX host that the policy does not name is passed over, and the next one in order takes the mail")
def policy_order(world):
    # From 3.10.5 on Postfix compares the names first, and does not even connect.
    tried = 0 if world.postfix.lock == "postfix310" else 1
    passed_over(world, "order.test", "mx.sts.test", "mx2.order.test", "mx3.order.test", tried)


@story("DANE: an MX host that shows another certificate is passed over, and the next one in order takes the mail")
def dane_order(world):
    passed_over(world, "daneorder.test", "mx1.daneorder.test", "mx2.daneorder.test", "mx3.daneorder.test")


@story("Where nobody asks for DANE, TLSA records of a later MX host do not draw the mail away from the first", minimum="none",
       fresh=True)  # fmt: skip
def tlsa_is_no_preference(world):
    expect("the lock", world.postfix.ask_lock("latedane.test"), None)
    recipient = world.someone("latedane.test")
    sent = world.send(recipient)
    expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")
    (record,) = world.sinks.delivered(recipient)
    expect("server and TLS", (record["sink"], record["tls"]), ("mx1.latedane.test", True))


@story("Where a minimum asks for it, the MX host with DANE takes the mail, however late it comes")
def dane_comes_late(world):
    before = len(world.sinks.connections("mx1.latedane.test"))
    delivered_verified(world, "latedane.test", "mx2.latedane.test")
    expect("connections to mx1.latedane.test", len(world.sinks.connections("mx1.latedane.test")) - before, 0)


@story("MX hosts of one preference share the mail; one that comes after this site gets none")
def equal_preference(world):
    recipients = [world.someone("equal.test") for _ in range(MESSAGES)]
    with world.session() as session:
        queue_ids = {recipient: session.send(recipient).queue_id for recipient in recipients}
    for recipient, queue_id in queue_ids.items():
        expect(f"status of {recipient}", world.postfix.fate(queue_id, recipient).status, "sent")
    took = {record["sink"] for recipient in recipients for record in world.sinks.delivered(recipient)}
    expect("servers that took mail for equal.test", took, {"mx1.equal.test", "mx2.equal.test"})


@story("Mail waits rather than going to an MX host beyond this site, even to one that would meet the policy")
def beyond_this_site(world):
    accepted_but_never_sent(world, "beyond.test", "4.7.4")
    expect_true("mx1 was asked", world.sinks.connections("mx1.beyond.test"))
    expect("connections to mx3.beyond.test", world.sinks.connections("mx3.beyond.test"), [])
