# SPDX-License-Identifier: Apache-2.0
"""Ways past the gate that only the lock sees."""

from loopnet.story import expect, expect_match, expect_reply, expect_true, note, story

from stories.steps import reload, still_waits, taken_and_waiting


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


@story("DANE withdrawn between RCPT and retry: the promise holds the mail back, and the ledger says so", fresh=True)
def dane_withdrawn(world):
    sent = taken_and_waiting(world, "danewrong.test")
    world.change_zone("danewrong.test", "_25._tcp.mx", "_26._tcp.mx")
    try:
        said = world.surehop.cli("facts", "refresh", "danewrong.test")
        expect("TLSA records now", said.json["facts"]["mx"]["hosts"][0]["tlsa"]["state"], "absent")
        reload(world, minimum="none")
        expect_match("the lock", world.ask_lock("danewrong.test"), "^TEMP ")
        still_waits(world, sent)
        rows = [row for row in world.surehop.cli("trace", "danewrong.test").json["rows"] if row["kind"] == "lock"]
        expect_true("the ledger has what the lock held back", rows, rows)
        expect_match("and why", rows[-1]["detail"], "promised")
        note(rows[-1]["detail"])
    finally:
        world.change_zone("danewrong.test")
        world.surehop.cli("facts", "refresh", "danewrong.test")
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
