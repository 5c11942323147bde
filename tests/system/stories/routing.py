# SPDX-License-Identifier: Apache-2.0
"""Mail that does not go where its recipient's domain says: what counts is where Postfix will connect."""

from loopnet.story import expect, expect_match, expect_reply, story

WARD = """
[[rule]]
name = "patient data"
sender = ["ward@local.test"]
minimum = "dane"
"""


def fate_of(world, recipient, final, status):
    """Send to `recipient`, which is taken; what became of it where it really went, under the name `final`."""
    sent = world.send(recipient)
    expect_reply(f"RCPT {recipient}", sent.reply(), 250)
    fate = world.postfix.fate(sent.queue_id, final)
    expect(f"status of {final} ({fate.text})", fate.status, status)
    return fate


@story("A route to a host with DANE is judged by that host, and bound to it")
def routed_to_dane(world):
    recipient = world.someone("routed.test")
    fate_of(world, recipient, recipient, "sent")
    (record,) = world.sinks.delivered(recipient)
    expect("server and TLS", (record["sink"], record["tls"]), ("mx.dane.test", True))
    expect("the lock", world.postfix.ask_lock("[mx.dane.test]"), "dane-only")
    explained = world.surehop.explain("bob@dane.test", "--from", "alice@local.test").json
    expect("kind of next hop without a route", explained["next_hop"]["kind"], "domain")


@story("A route to a host that offers nothing is refused, whatever the recipient's domain publishes")
def routed_to_nothing(world):
    reply = world.send(world.someone("detour.test")).reply()
    expect_reply("RCPT at detour.test", reply, 550, "5.7.10")
    expect_match("the refusal names the way", reply, r"mx\.none\.test")


@story("A route to an address of this machine is internal: not judged, and not bound")
def routed_inside(world):
    recipient = world.someone("inside.test")
    fate_of(world, recipient, recipient, "sent")
    expect("the lock", world.postfix.ask_lock("[127.0.30.3]"), None)


@story("What an alias sends to a destination that offers nothing is stopped by the lock")
def alias_stopped(world):
    fate_of(world, "team@local.test", "team@none.test", "deferred")
    expect("messages to team@none.test", world.sinks.delivered("team@none.test"), [])


@story("A virtual alias domain hides where mail goes: the lock lets through what meets the floor, and stops the rest")
def alias_domain(world):
    fate_of(world, "good@alias.test", "good@dane.test", "sent")
    fate_of(world, "bad@alias.test", "bad@none.test", "deferred")
    expect("messages to bad@none.test", world.sinks.delivered("bad@none.test"), [])


@story("Where more is asked than the lock's floor, a hidden next hop is refused", rules=WARD)
def hidden_refused(world):
    expect_reply("ward to an alias", world.send("good@alias.test", sender="ward@local.test").reply(), 550, "5.7.1")
    expect_reply("alice to it", world.send("good@alias.test").reply(), 250)


@story("An internationalised domain is the same in both its forms, at the gate and at the lock")
def idn(world):
    ascii_form = world.someone("xn--bcher-kva.test")
    utf8_form = world.someone("bücher.test")
    for recipient, options in ((ascii_form, ()), (utf8_form, ("SMTPUTF8",))):
        sent = world.send(recipient, options=options)
        expect_reply(f"RCPT {recipient}", sent.reply(), 250)
        expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")
        (record,) = world.sinks.delivered(recipient)
        expect("TLS", record["tls"], True)
    for key in ("bücher.test", "BÜCHER.test", "xn--bcher-kva.test"):
        expect(f"the lock for {key}", world.postfix.ask_lock(key), "dane-only")
