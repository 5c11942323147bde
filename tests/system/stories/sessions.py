# SPDX-License-Identifier: Apache-2.0
"""Mail in all the ways that Postfix takes it."""

from loopnet.story import expect, expect_match, expect_reply, story


@story("Mail for this site itself is not judged")
def local_recipient(world):
    before = len(world.postfix.mailbox("bob"))
    sent = world.send("bob@local.test")
    expect_reply("RCPT bob@local.test", sent.reply(), 250)
    expect("status of bob@local.test", world.postfix.fate(sent.queue_id, "bob@local.test").status, "sent")
    expect("new messages in bob's mailbox", len(world.postfix.mailbox("bob")) - before, 1)


@story("Several messages over one connection, each with many recipients, every one answered for itself")
def many_in_one_session(world):
    answers = {"dane.test": 250, "none.test": 550, "sts.test": 250, "bogus.test": 451, "nullmx.test": 556, "nx.test": 550}
    with world.session() as session:
        for _ in range(3):
            recipients = [world.someone(domain) for domain in answers for _ in range(8)]
            sent = session.send(*recipients)
            for recipient in recipients:
                expect_reply(f"RCPT {recipient}", sent.recipients[recipient], answers[recipient.partition("@")[2]])
            for recipient in recipients:
                if sent.recipients[recipient].code == 250:
                    expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")
                    expect(f"messages to {recipient}", len(world.sinks.delivered(recipient)), 1)


@story("A message whose every recipient was refused leaves the connection as good as new")
def all_refused_then_good(world):
    good = world.someone("dane.test")
    with world.session() as session:
        refused = session.send(world.someone("none.test"), world.someone("nullmx.test"))
        expect("reply to DATA", refused.data, None)
        sent = session.send(good)
    expect_reply(f"RCPT {good}", sent.reply(), 250)
    expect(f"status of {good}", world.postfix.fate(sent.queue_id, good).status, "sent")


@story("sendmail(1): a message all of whose recipients meet the minimum is delivered")
def sendmail_good(world):
    recipients = [world.someone("dane.test"), world.someone("sts.test")]
    queue_id = world.postfix.sendmail(*recipients)
    for recipient in recipients:
        expect(f"status of {recipient}", world.postfix.fate(queue_id, recipient).status, "sent")


@story("sendmail(1): with one bad recipient the whole message is returned, since none can be refused alone")
def sendmail_bad(world):
    before = len(world.postfix.mailbox("alice"))
    good, bad = world.someone("dane.test"), world.someone("none.test")
    queue_id = world.postfix.sendmail(good, bad)
    world.wait(lambda: len(world.postfix.mailbox("alice")) > before, "the bounce in alice's mailbox")
    bounce = world.postfix.mailbox("alice")[-1]
    expect_match("the bounce", bounce, r"5\.7\.10")
    expect_match("the bounce", bounce, r"none\.test")
    expect("messages that arrived anyway", world.sinks.delivered(good) + world.sinks.delivered(bad), [])
    expect("what is left in the queue", world.postfix.queued(queue_id), None)


@story("sendmail(1): a recipient that cannot be judged now leaves the message waiting, not bounced and not sent")
def sendmail_unknown(world):
    before = len(world.postfix.mailbox("alice"))
    good, unknown = world.someone("dane.test"), world.someone("bogus.test")
    queue_id = world.postfix.sendmail(good, unknown)
    rejected = f"{queue_id}: milter-reject: END-OF-MESSAGE"
    try:
        lines = world.wait(lambda: world.postfix.log_lines(rejected), "Postfix to log the deferral")
        expect_match("the deferral", lines[-1], r": 4\.[74]\.\d")
        again = world.wait(lambda: len(world.postfix.log_lines(unknown)) > 1, "Postfix to try again by itself")
        expect("tried again", again, True)
        expect("messages that arrived anyway", world.sinks.delivered(good), [])
        expect("bounces", len(world.postfix.mailbox("alice")) - before, 0)
    finally:
        world.postfix.empty_queue()
