# SPDX-License-Identifier: Apache-2.0
"""The same gate and the same lock with a real Sendmail, which asks its STS map before it delivers (FEATURE(`sts')).

Its names for recipients in the log are those after aliases and virtusertable, as the milter gets them.
"""

import dataclasses

from loopnet.cases import CASES
from loopnet.policyhost import Policy, policy_text
from loopnet.socketmap import Impostor
from loopnet.story import expect, expect_match, expect_reply, expect_true, story


def taken(world, *recipients):
    sent = world.send(*recipients)
    for recipient in recipients:
        expect_reply(f"RCPT {recipient}", sent.recipients[recipient], 250)
    expect_true(f"a queue id for {recipients}", sent.queue_id, sent.data)
    return sent


def delivered_verified(world, domain, host):
    recipient = world.someone(domain)
    sent = taken(world, recipient)
    fate = world.mta.fate(sent.queue_id, recipient)
    expect(f"status of {recipient} ({fate.text})", fate.status, "sent")
    (record,) = world.sinks.delivered(recipient)
    expect("server, TLS and SNI", (record["sink"], record["tls"], record["sni"]), (host, True, host))
    lines = world.mta.log_lines(f"STARTTLS=client, relay={host}")
    expect_true("Sendmail verified it", any("verify=OK" in line for line in lines), lines)


def never_sent(world, recipient, final=None, sent=None):
    """The message is taken and waits in the queue; no byte of it reaches a server. What Sendmail says."""
    sent = sent or taken(world, recipient)
    final = final or recipient
    fate = world.mta.fate(sent.queue_id, final)
    expect(f"status of {final} ({fate.text})", fate.status, "deferred")
    expect(f"message bytes that reached {final}", world.sinks.delivered(final), [])
    expect_true("the message waits in the queue", world.mta.queued(sent.queue_id))
    return fate.text


@story("Sendmail: a destination with MTA-STS enforce gets its mail over verified TLS, with the name of the host as SNI")
def sts_delivered(world):
    delivered_verified(world, "sts.test", "mx.sts.test")


@story("Sendmail: a domain without MX record is its own mail server, and its MTA-STS policy is kept")
def sts_implicit(world):
    delivered_verified(world, "implicit.test", "implicit.test")


@story("Sendmail: what offers nothing is refused at RCPT, in words; the other recipients of the message go on")
def refused(world):
    good, bad = world.someone("sts.test"), world.someone("none.test")
    sent = world.send(good, bad)
    expect_reply(f"RCPT {good}", sent.recipients[good], 250)
    expect_reply(f"RCPT {bad}", sent.recipients[bad], 550, "5.7.10")
    expect_match("the refusal", sent.recipients[bad], r"none\.test.*Ref ")
    expect(f"status of {good}", world.mta.fate(sent.queue_id, good).status, "sent")
    expect(f"messages to {bad}", world.sinks.delivered(bad), [])


@story("Sendmail: DANE alone is refused, since this lock cannot say it, and the refusal tells so")
def dane_cannot_be_said(world):
    reply = world.send(world.someone("dane.test")).reply()
    expect_reply("RCPT at dane.test", reply, 550, "5.7.10")
    said = world.surehop.explain("bob@dane.test")
    expect("exit status of explain", said.status, 1)
    expect("reason", said.json["verdict"]["reason"], "lock-cannot-say")


@story("Sendmail: what is unknown is deferred at RCPT")
def unknown(world):
    for domain in ("bogus.test", "stsdown.test"):
        expect_reply(f"RCPT at {domain}", world.send(world.someone(domain)).reply(), 451)


# What only DANE could guarantee, this lock cannot say.
DANE_ALONE = ("dane.test", "partner.example", "mixed.test", "danewrong.test", "partial.test")


def as_sendmail_has_it(case):
    return dataclasses.replace(case, gate=550, sent_to=None) if case.domain in DANE_ALONE else case


def outcome(world, sent, final, case):
    if case.domain == "bogus.test":  # whose name Sendmail cannot look up either, and keeps without a word in its log
        world.wait(lambda: world.mta.queued(sent.queue_id), f"the message to {final} in the queue")
        expect(f"messages that reached {final}: {case.why}", world.sinks.delivered(final), [])
        return
    fate = world.mta.fate(sent.queue_id, final)
    if case.sent_to is None:
        expect(f"status of {final}: {case.why} ({fate.text})", fate.status, "deferred")
        expect(f"messages that reached {final}: {case.why}", world.sinks.delivered(final), [])
        return
    expect(f"status of {final}: {case.why} ({fate.text})", fate.status, "sent")
    (record,) = world.sinks.delivered(final)
    expect(f"server and TLS of {final}", (record["sink"], record["tls"]), (case.sent_to, True))


@story("Sendmail: each case gets the same verdict at the gate, from explain and at delivery; what is bad never gets a byte",
       fresh=True)  # fmt: skip
def gate_and_delivery_agree(world):
    for case in map(as_sendmail_has_it, CASES):
        recipient = world.someone(case.domain)
        sent = world.send(recipient)
        expect_reply(f"RCPT {recipient}: {case.why}", sent.reply(), case.gate)
        status = {250: 0, 550: 1, 451: 2}[case.gate]
        expect(f"exit status of explain for {case.domain}", world.surehop.explain(recipient).status, status)
        if sent.queue_id:
            outcome(world, sent, recipient, case)
    world.mta.empty_queue()


@story("Sendmail: past the gate, where an alias hides the destination, the lock holds each case to the floor")
def past_the_gate(world):
    for case in map(as_sendmail_has_it, CASES):
        sent = taken(world, f"past-{case.domain}@gate.local.test")
        outcome(world, sent, f"past@{case.domain}", case)
    world.mta.empty_queue()


@story("Sendmail: an MX host that the policy does not name gets nothing, though its certificate is valid")
def policy_order(world):
    recipient = world.someone("order.test")
    sent = taken(world, recipient)
    fate = world.mta.fate(sent.queue_id, recipient)
    for record in world.sinks.delivered(recipient):
        expect("server that took the mail", record["sink"] in ("mx2.order.test", "mx3.order.test"), True)
    expect_true("sent to a host that is named, or waiting", fate.status in ("sent", "deferred"), fate)


@story("Sendmail: the wrong host with a certificate for the right name gets nothing")
def crossed(world):
    expect_reply("RCPT at cross.test", world.send(world.someone("cross.test")).reply(), 550, "5.7.10")


@story("Sendmail: what the virtusertable sends elsewhere is judged by where it goes")
def virtual_users(world):
    sent = taken(world, "good@alias.test")
    expect("status of good@alias.test", world.mta.fate(sent.queue_id, "good@alias.test").status, "sent")
    expect_reply("RCPT bad@alias.test", world.send("bad@alias.test").reply(), 550, "5.7.10")


@story("Sendmail: what an alias sends to a destination that offers nothing is stopped by the lock")
def alias_stopped(world):
    text = never_sent(world, "team@gate.local.test", "team@none.test")
    expect_match("what Sendmail says", text, "STS lookup temp fail")


@story("Sendmail: mail that never passed the gate is under the lock's floor")
def from_this_machine(world):
    queue_id = world.mta.sendmail("cron@none.test")
    fate = world.mta.fate(queue_id, "cron@none.test")
    expect(f"status ({fate.text})", fate.status, "deferred")
    expect("messages to cron@none.test", world.sinks.delivered("cron@none.test"), [])
    queue_id = world.mta.sendmail("cron@sts.test")
    expect("status of cron@sts.test", world.mta.fate(queue_id, "cron@sts.test").status, "sent")
    world.mta.empty_queue()


@story("Sendmail: an exception opens its destination at the gate and at the lock, until it ends", fresh=True)
def exception(world):
    recipient = world.someone("none.test")
    said = world.surehop.cli("allow", "add", "@none.test", "--lowest", "none", "--reason", "their new server comes in May",
                             "--owner", "ciso@local.test", "--until", "+1d")  # fmt: skip
    expect(f"exit status of allow add ({said.err})", said.status, 0)
    sent = taken(world, recipient)
    expect("status", world.mta.fate(sent.queue_id, recipient).status, "sent")
    ended = world.surehop.cli("allow", "remove", str(said.json["id"]), "--reason", "their new server is there")
    expect(f"exit status of allow remove ({ended.err})", ended.status, 0)
    expect_reply("RCPT afterwards", world.send(world.someone("none.test")).reply(), 550)
    expect_match("the lock afterwards", world.surehop.ask("none.test", "sts"), "^TEMP ")


@story("Sendmail: a connection that is good enough for one recipient carries no other who shares its MX host", fresh=True)
def neighbours(world):
    """In one message, and in two that are delivered in one run of the queue."""
    said = world.surehop.cli("allow", "add", "@neighbour.test", "--lowest", "none", "--reason", "a test of neighbours",
                             "--owner", "ciso@local.test", "--until", "+1d")  # fmt: skip
    expect(f"exit status of allow add ({said.err})", said.status, 0)
    for number in range(4):  # Sendmail orders them as it likes
        strict, lax = world.someone("selfsigned.test"), world.someone("neighbour.test")
        sent = taken(world, *((strict, lax) if number % 2 else (lax, strict)))
        expect(f"status of {lax}", world.mta.fate(sent.queue_id, lax).status, "sent")
        expect(f"status of {strict}", world.mta.fate(sent.queue_id, strict).status, "deferred")
        expect(f"messages to {strict}", world.sinks.delivered(strict), [])
    world.mta.flush()
    expect("messages to selfsigned.test", world.sinks.data_bytes("selfsigned.test"), 0)
    world.mta.empty_queue()


@story("Sendmail: what was promised binds the queue, even when destination and configuration have both become weaker", fresh=True)
def promise_kept(world):
    recipient = world.someone("strip.test")
    sent = taken(world, recipient)
    world.mta.fate(sent.queue_id, recipient)
    before = world.policy_host.policies["mta-sts.strip.test"]
    world.policy_host.publish("strip.test", Policy(policy_text("testing", ("mx.strip.test",))))
    try:
        said = world.surehop.cli("facts", "refresh", "strip.test")
        expect("mode of the policy now", said.json["facts"]["mta_sts"]["mode"], "testing")
        world.surehop.write(world.surehop.configuration(minimum="none"))
        expect("exit status of reload", world.surehop.cli("reload").status, 0)
        expect_match("the lock, with a promise", world.surehop.ask("strip.test", "sts"), "^TEMP ")
        expect("the lock, without one", world.surehop.ask("none.test", "sts"), "NOTFOUND ")
        attempts = len(world.mta.log_lines(sent.queue_id))
        world.mta.flush()
        world.wait(lambda: len(world.mta.log_lines(sent.queue_id)) > attempts, "another attempt")
        expect("message bytes that reached strip.test", world.sinks.data_bytes("strip.test"), 0)
    finally:
        world.policy_host.publish("strip.test", before)
        world.surehop.cli("facts", "refresh", "strip.test")
        world.mta.empty_queue()


@story("Sendmail: with surehopd stopped nothing is taken, nothing queued goes out, and afterwards all of it does", fresh=True)
def stopped(world):
    recipient = world.someone("sts.test")
    world.surehop.stop()
    with world.session() as session:
        expect("MAIL without a milter", session.send(recipient).mail.code, 451)
    queue_id = world.mta.sendmail("later@sts.test")
    text = world.mta.fate(queue_id, "later@sts.test").text
    expect_match("delivery without a lock", text, "^Deferred")
    expect("messages to later@sts.test", world.sinks.delivered("later@sts.test"), [])
    world.surehop.start()
    world.mta.flush()
    world.wait(lambda: world.sinks.delivered("later@sts.test"), "the message that waited")


GARBLED = (b"hello", b"9:NOTFOUND,", b"99999999:", b"7:MAYBE x,", b"-1:", b"")


@story("Sendmail: a garbled answer of the lock defers", gated=False)
def garbage(world):
    world.surehop.stop()
    for number, answer in enumerate(GARBLED):
        with Impostor(world.surehop.sockets / "socketmap.sock", answer):
            queue_id = world.mta.sendmail(f"g{number}@strip.test")
            fate = world.mta.fate(queue_id, f"g{number}@strip.test")
            expect(f"status with {answer!r} ({fate.text})", fate.status, "deferred")
    expect("messages to strip.test", world.sinks.data_bytes("strip.test"), 0)
    world.mta.empty_queue()


# What is taken away or changed in sendmail.cf, and the check that must say so.
BROKEN = (
    (", F=T,", ", F=,", "milter-default"),
    ("O InputMailFilters=surehop", "O InputMailFilters=", "milter"),
    ("S=local:/run/surehop/milter.sock", "S=local:/run/surehop/other.sock", "milter"),
    ("local:/run/surehop/socketmap.sock", "local:/run/surehop/other.sock", "sts-map"),
    ("Ksts socket -d5 -T<TMPF>", "Ksts socket -d5", "sts-map"),
    ("O ConnectionCacheSize=0", "O ConnectionCacheSize=2", "sts-recipients"),
    ("SLocal_tls_rcpt", "SNever_called", "sts-recipients"),
    ("O StrictTransportSecurity=true", "O StrictTransportSecurity=false", "sts"),
    ("O Timeout.queuereturn=5d", "O Timeout.queuereturn=30d", "queue-lifetime"),
    ("O CACertFile=", "#O CACertFile=", "certificates"),
    ("O CACertPath=", "#O CACertPath=", "certificates"),
)


@story("Sendmail: doctor finds nothing wrong with this site, and names each line of sendmail.cf that would undo the guarantee")
def doctor(world):
    said = world.surehop.cli("doctor", "--mta", "sendmail", "--sendmail-cf", world.mta.file)
    expect(f"exit status of doctor ({said.out}{said.err})", said.status, 0)
    text = world.mta.file.read_text()
    broken = world.mta.config / "broken.cf"
    for old, new, check in BROKEN:
        expect_true(f"{old} is in sendmail.cf", old in text)
        broken.write_text(text.replace(old, new))
        said = world.surehop.cli("doctor", "--mta", "sendmail", "--sendmail-cf", broken)
        found = [one["name"] for one in said.json["checks"] if one["state"] == "failed"]
        expect_true(f"doctor names {check} for {new}", check in found, found)
        expect(f"exit status for {new}", said.status, 1)
