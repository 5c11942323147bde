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


LABEL = """
[[rule]]
name = "secret"
header = { "X-Classification" = "(?i)confidential|secret" }
minimum = "dane"
"""


@story("A label decides when Postfix has the whole header: the message is refused to all, and names who falls short",
       minimum="encrypted", rules=LABEL)
def labelled(world):
    weak, strong = world.someone("sts.test"), world.someone("dane.test")
    sent = world.send(weak, strong, headers=("X-Classification: top secret",))
    for recipient in (weak, strong):
        expect_reply(f"RCPT {recipient}", sent.recipients[recipient], 250)
    expect_reply("end of message", sent.data, 550, "5.7.10")
    expect_match("the words", sent.data.text, r"Mail to sts\.test must leave over a connection authenticated by DANE")
    expect("message bytes that left", (world.sinks.delivered(weak), world.sinks.delivered(strong)), ([], []))
    for recipient in (weak, strong):
        world.wait(lambda to=recipient: world.surehop.cli("trace", to).status == 0, f"a trace of {recipient}")
        told = world.surehop.cli("trace", recipient).json["rows"][0]
        expect(f"the row of {recipient}", (told["rule"], told["action"]), ("secret", "reject"))


@story("The same mail without the label, and labelled mail to a DANE destination, go out", minimum="encrypted", rules=LABEL)
def labelled_only_where_asked(world):
    for domain, headers in (("sts.test", ("X-Classification: public",)), ("sts.test", ()), ("dane.test", ("X-CLASSIFICATION: Secret",))):
        recipient = world.someone(domain)
        sent = world.send(recipient, headers=headers)
        expect_reply("end of message", sent.data, 250)
        expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")


@story("A version of TLS is held at delivery: a host that speaks an older one gets nothing, others do",
       rules='[[rule]]\nname = "new TLS"\nrecipient = ["oldtls.test", "sts.test", "dane.test"]\nleast_tls = "1.3"\n')
def least_tls(world):
    recipient = world.someone("oldtls.test")
    sent = world.send(recipient)
    expect_reply(f"RCPT {recipient}", sent.reply(), 250)
    fate = world.postfix.fate(sent.queue_id, recipient)
    expect(f"outcome ({fate.text})", (fate.status, fate.dsn), ("deferred", "4.7.5"))
    expect("message bytes that reached oldtls.test", world.sinks.data_bytes("oldtls.test"), 0)
    for domain in ("sts.test", "dane.test"):
        recipient = world.someone(domain)
        fate = world.postfix.fate(world.send(recipient).queue_id, recipient)
        expect(f"status of {recipient} ({fate.text})", fate.status, "sent")
        (record,) = world.sinks.delivered(recipient)
        expect(f"TLS that {domain} saw", record["version"], "TLSv1.3")


@story("Without that rule the same host gets its mail over TLS 1.2")
def older_tls(world):
    recipient = world.someone("oldtls.test")
    fate = world.postfix.fate(world.send(recipient).queue_id, recipient)
    expect(f"status of {recipient} ({fate.text})", fate.status, "sent")
    (record,) = world.sinks.delivered(recipient)
    expect("TLS that oldtls.test saw", record["version"], "TLSv1.2")
