# SPDX-License-Identifier: Apache-2.0
"""Ways past the gate that only the lock sees, and what changes while mail is queued."""

from loopnet.story import expect, expect_match, expect_reply, expect_true, note, story


@story("What an alias of this machine forwards is held to the floor, too")
def forwarded(world):
    for alias, final, status in (("moved", "moved@none.test", "deferred"), ("here", "here@dane.test", "sent")):
        sent = world.send(f"{alias}@gate.local.test")
        expect_reply(f"RCPT {alias}", sent.reply(), 250)
        lines = world.wait(lambda to=final: world.postfix.log_lines(f"to=<{to}>"), f"the forwarded message to {final}")
        expect_true(f"{final} is {status}", f"status={status}" in lines[-1], lines)
    expect("messages to moved@none.test", world.sinks.delivered("moved@none.test"), [])
    world.postfix.empty_queue()


@story("A bounce goes to no sender whose domain is below the floor")
def bounced(world):
    sent = world.send("nullmx.test@alias.test", sender="author@none.test")
    expect_reply("RCPT nullmx.test@alias.test", sent.reply(), 250)
    expect("status of past@nullmx.test", world.postfix.fate(sent.queue_id, "past@nullmx.test").status, "bounced")
    lines = world.wait(lambda: [line for line in world.postfix.log_lines("to=<author@none.test>") if "status=" in line],
                       "the bounce to its sender")  # fmt: skip
    expect_true("it waits", "status=deferred" in lines[-1], lines)
    expect("bounces that reached author@none.test", world.sinks.delivered("author@none.test"), [])
    world.postfix.empty_queue()


@story("A sender who waives protection by TLS-Required: No gains nothing past the gate either, with tls_required_enable off")
def waived_past_the_gate(world):
    with world.postfix.configured(smtpd_milters=""):
        recipient = world.someone("strip.test")
        sent = world.send(recipient, headers=("TLS-Required: No",))
        expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "deferred")
        expect(f"messages to {recipient}", world.sinks.delivered(recipient), [])
    world.postfix.empty_queue()


def taken_and_waiting(world, domain):
    """A message that was promised its level, and could not be delivered yet."""
    recipient = world.someone(domain)
    sent = world.send(recipient)
    expect_reply(f"RCPT {recipient}", sent.reply(), 250)
    expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "deferred")
    return sent


def still_waits(world, sent):
    (recipient,) = sent.recipients
    attempts = len(world.postfix.log_lines(f"{sent.queue_id}: to="))
    world.postfix.flush()
    world.wait(lambda: len(world.postfix.log_lines(f"{sent.queue_id}: to=")) > attempts, "another attempt")
    expect(f"messages to {recipient}", world.sinks.delivered(recipient), [])
    expect_true("the message is still in the queue", world.postfix.queued(sent.queue_id))


@story("DANE withdrawn between RCPT and retry: the promise holds the mail back, and the ledger says so", fresh=True)
def dane_withdrawn(world):
    sent = taken_and_waiting(world, "danewrong.test")
    world.change_zone("danewrong.test", "_25._tcp.mx", "_26._tcp.mx")
    try:
        said = world.surehop.cli("facts", "refresh", "danewrong.test")
        expect("TLSA records now", said.json["facts"]["mx"]["hosts"][0]["tlsa"]["state"], "absent")
        world.surehop.write(world.surehop.configuration(minimum="none"))
        expect("exit status of reload", world.surehop.cli("reload").status, 0)
        expect("the lock", world.postfix.ask_lock("danewrong.test"), "query error")
        still_waits(world, sent)
        rows = [row for row in world.surehop.cli("trace", "danewrong.test").json["rows"] if row["kind"] == "lock"]
        expect_true("the ledger has what the lock held back", rows, rows)
        expect_match("and why", rows[-1]["detail"], "promised")
        note(rows[-1]["detail"])
    finally:
        world.change_zone("danewrong.test")
        world.surehop.cli("facts", "refresh", "danewrong.test")
        world.postfix.empty_queue()


@story("A policy host that is gone, and a TXT record that is gone, lift no policy that was fetched", fresh=True)
def policy_gone(world):
    sent = taken_and_waiting(world, "strip.test")
    policy = world.policy_host.policies.pop("mta-sts.strip.test")
    try:
        world.surehop.cli("facts", "refresh", "strip.test")
        expect_match("the lock without the policy host", world.postfix.ask_lock("strip.test"), "^secure match=mx.strip.test")
        still_waits(world, sent)
        world.change_zone("strip.test", "_mta-sts", "_was-sts")
        said = world.surehop.cli("facts", "refresh", "strip.test")
        expect("the policy without its record", said.json["facts"]["mta_sts"]["state"], "present")
        expect_match("the lock without the record", world.postfix.ask_lock("strip.test"), "^secure match=mx.strip.test")
        still_waits(world, sent)
    finally:
        world.policy_host.policies["mta-sts.strip.test"] = policy
        world.change_zone("strip.test")
        world.surehop.cli("facts", "refresh", "strip.test")
        world.postfix.empty_queue()


@story("A floor that is raised while mail is queued holds for that mail, too", minimum="none", fresh=True)
def floor_raised(world):
    recipient = world.someone("none.test")
    with world.postfix.configured(defer_transports="smtp"):
        sent = world.send(recipient)
        expect_reply(f"RCPT {recipient}", sent.reply(), 250)
        expect("status", world.postfix.fate(sent.queue_id, recipient).status, "deferred")
        world.surehop.write(world.surehop.configuration())
        expect("exit status of reload", world.surehop.cli("reload").status, 0)
    still_waits(world, sent)
    world.postfix.empty_queue()


@story("An exception for one recipient lets that one through, and nobody else at the same destination", fresh=True)
def exception_beside(world):
    excepted, other = world.someone("none.test"), world.someone("none.test")
    said = world.surehop.cli("allow", "add", excepted, "--lowest", "none", "--reason", "their server comes in May",
                             "--owner", "ciso@local.test", "--until", "+1d")  # fmt: skip
    expect(f"exit status of allow add ({said.err})", said.status, 0)
    sent = world.send(excepted, other)
    expect_reply(f"RCPT {excepted}", sent.recipients[excepted], 250)
    expect_reply(f"RCPT {other}", sent.recipients[other], 550, "5.7.10")
    expect("status", world.postfix.fate(sent.queue_id, excepted).status, "sent")
    (record,) = world.sinks.delivered(excepted)
    expect("recipients of the message", record["recipients"], [excepted])


LABEL = """
[[rule]]
name = "secret"
header = { "X-Classification" = "(?i)confidential|secret" }
minimum = "dane"
"""


@story("A labelled message to a virtual alias is refused, since nobody can tell where it goes; without the label the lock "
       "carries it", rules=LABEL)  # fmt: skip
def labelled_to_alias(world):
    sent = world.send("good@alias.test", headers=("X-Classification: secret",))
    expect_reply("RCPT good@alias.test", sent.reply(), 250)
    expect_reply("end of message", sent.data, 550, "5.7.1")
    expect("message in the queue", sent.queue_id, None)
    sent = world.send("good@alias.test")
    expect("status of good@dane.test", world.postfix.fate(sent.queue_id, "good@dane.test").status, "sent")
