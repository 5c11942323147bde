# SPDX-License-Identifier: Apache-2.0
"""What rules do other than refuse."""

from loopnet.story import expect, expect_match, expect_reply, expect_true, story

QUARANTINE = """
[[rule]]
name = "patient data"
sender = ["ward@local.test"]
minimum = "dane"
falls_short = "quarantine"
"""

TAG = """
[[rule]]
name = "newsletter"
recipient = ["none.test"]
falls_short = "tag"
"""


def tags(record):
    return [line for line in record["headers"] if line.lower().startswith("x-surehop")]


@story("A rule that quarantines puts the message into Postfix's hold queue", rules=QUARANTINE)
def quarantine(world):
    recipient = world.someone("sts.test")
    sent = world.send(recipient, sender="ward@local.test")
    expect_reply(f"RCPT {recipient}", sent.reply(), 250)
    expect_reply("end of message", sent.data, 250)
    held = world.wait(lambda: world.postfix.queued(sent.queue_id), "the message in the queue")
    expect("queue that holds the message", held["queue_name"], "hold")
    expect(f"messages to {recipient}", world.sinks.delivered(recipient), [])


@story("What was promised of held mail stands until it is released; held mail stops nobody else's", rules=QUARANTINE, fresh=True)
def quarantine_released(world):
    short, good = world.someone("sts.test"), world.someone("dane.test")
    sent = world.send(short, good, sender="ward@local.test")
    promises = world.surehop.cli("promise", "list", as_json=False).out
    expect_match("promise list", promises, r"dane\.test +dane +until released")
    expect_true("nothing is promised of who falls short", "sts.test" not in promises, promises)
    other = world.send(world.someone("sts.test"))
    expect_reply("RCPT at sts.test of somebody else", other.reply(), 250)
    said = world.surehop.cli("promise", "release", "dane.test", "--reason", f"{sent.queue_id} will be deleted")
    expect(f"exit status of promise release ({said.err})", said.status, 0)
    expect("promise list afterwards", "dane.test" in world.surehop.cli("promise", "list", as_json=False).out, False)


@story("The same mail from somebody else, and the same sender's mail to a DANE destination, go out", rules=QUARANTINE, fresh=True)
def quarantine_only_where_asked(world):
    for sender, domain in (("alice@local.test", "sts.test"), ("ward@local.test", "dane.test")):
        recipient = world.someone(domain)
        sent = world.send(recipient, sender=sender)
        expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")


@story("A rule that tags lets the message pass with its header, and forged ones are removed", rules=TAG)
def tag(world):
    recipient = world.someone("none.test")
    forged = ("X-Surehop: all is well", "x-surehop: forged twice")
    sent = world.send(recipient, headers=forged)
    expect_reply(f"RCPT {recipient}", sent.reply(), 250)
    expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")
    (record,) = world.sinks.delivered(recipient)
    expect("number of tags", len(tags(record)), 1)
    expect_match("the tag", tags(record)[0], r"^X-Surehop: ")
    expect_true("the forged tags are gone", "forged" not in tags(record)[0] and "well" not in tags(record)[0], record)
    expect_true("the tag names no recipient", recipient not in tags(record)[0], tags(record)[0])


@story("A message that earns no tag loses a forged one too", rules=TAG)
def forged_tag(world):
    recipient = world.someone("dane.test")
    sent = world.send(recipient, headers=("X-Surehop: all is well",))
    expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")
    (record,) = world.sinks.delivered(recipient)
    expect("tags", tags(record), [])
