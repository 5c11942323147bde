# SPDX-License-Identifier: Apache-2.0
"""What Postfix is told when it is about to deliver, asked with postmap as an administrator would."""

from loopnet.story import expect, expect_match, story

EXEMPT = """
[[rule]]
name = "exempt"
recipient = ["none.test"]
minimum = "none"
"""


@story("DANE destinations are bound to dane-only, MTA-STS ones to the MX names that the policy allows")
def published(world):
    expect("dane.test", world.postfix.ask_lock("dane.test"), "dane-only")
    expect("mixed.test", world.postfix.ask_lock("mixed.test"), "dane-only")
    expect_match("sts.test", world.postfix.ask_lock("sts.test"), r"^secure match=mx\.sts\.test( |$)")
    expect_match("TLS floor", world.postfix.ask_lock("sts.test"), r"protocols=\S*!TLSv1\.1|protocols=>=TLSv1\.2")


@story("The key's case and form do not matter")
def key_forms(world):
    expect("DANE.Test", world.postfix.ask_lock("DANE.Test"), "dane-only")
    expect("dane.test:25", world.postfix.ask_lock("dane.test:25"), "dane-only")


@story("What is unknown under a minimum is a temporary error, never a weaker answer")
def unknown(world):
    for domain in ("bogus.test", "stsdown.test", "stsnomatch.test"):
        expect(domain, world.postfix.ask_lock(domain), "query error")


@story("A destination below the floor is a temporary error too")
def floor(world):
    expect("none.test", world.postfix.ask_lock("none.test"), "query error")
    expect("[192.0.2.1]", world.postfix.ask_lock("[192.0.2.1]"), "query error")


@story("A parent domain, as Postfix asks for it with a leading dot, is not there")
def parent_domain(world):
    expect(".test", world.postfix.ask_lock(".test"), None)


@story("An exempt destination that publishes nothing is left to the MTA", rules=EXEMPT)
def exempt(world):
    expect("none.test", world.postfix.ask_lock("none.test"), None)
    recipient = world.someone("none.test")
    sent = world.send(recipient)
    expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")


@story("Without a minimum only what is published binds", minimum="none")
def no_minimum(world):
    expect("none.test", world.postfix.ask_lock("none.test"), None)
    expect("dane.test", world.postfix.ask_lock("dane.test"), "dane-only")
    # RFC 8461 §3.3: a policy that cannot be had, and never was, is as if there were none.
    expect("stsdown.test", world.postfix.ask_lock("stsdown.test"), None)
