# SPDX-License-Identifier: Apache-2.0
"""What Postfix is told when it is about to deliver, asked with postmap as an administrator would, or directly where it
is an error, after which postmap sleeps for a second."""

from loopnet import socketmap
from loopnet.process import run
from loopnet.story import expect, expect_match, expect_true, story

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
        expect_match(domain, world.ask_lock(domain), "^TEMP ")


@story("A destination below the floor is a temporary error too")
def floor(world):
    expect("none.test", world.postfix.ask_lock("none.test"), "query error")
    expect_match("[192.0.2.1]", world.ask_lock("[192.0.2.1]"), "^TEMP ")


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


@story("Over TCP this machine may ask, and who is named in [listen] peers; others are hung up on", gated=False)
def peers(world):
    stranger, named, here = "198.51.100.1", "198.51.100.2", "127.0.0.1"
    for address in (stranger, named):
        run("ip", "address", "replace", f"{address}/32", "dev", "lo")
    world.surehop.stop()
    text = world.surehop.configuration().replace("socketmap = [", f'socketmap = ["inet:8463@{named}", ')
    world.surehop.write(text.replace("control = ", f'peers = ["{named}"]\ncontrol = ', 1))
    world.surehop.start()
    for source in (named, here):
        expect(f"the lock to {source}", socketmap.ask((named, 8463), "dane.test", source=source), "OK dane-only")
    try:
        seen = socketmap.ask((named, 8463), "dane.test", source=stranger)
    except ConnectionError as hung_up:
        seen = hung_up
    expect_true("a stranger is hung up on", isinstance(seen, ConnectionError), seen)
    log = world.surehop.server.log.read_text()
    expect_true("the log says so", f"{stranger} is hung up on" in log, log[-500:])
    world.surehop.stop()
