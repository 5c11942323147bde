# SPDX-License-Identifier: Apache-2.0
"""What changes while mail is queued, with either mail server: what was promised holds, and so does what is asked now."""

import contextlib

from loopnet.policyhost import Policy, policy_text
from loopnet.story import expect, expect_match, story

from stories.steps import goes, reload, still_waits, taken_and_waiting

RULE = """
[[rule]]
name = "contract"
recipient = ["{}"]
minimum = "authenticated"
"""


def waiting(world, domain):
    """A message that waits because its server has no time now."""
    with world.sinks.closed(f"mx.{domain}"):
        return taken_and_waiting(world, domain)


@contextlib.contextmanager
def only_testing(world, domain):
    """Until the end of the block the policy of this domain is in testing mode."""
    before = world.policy_host.policies[f"mta-sts.{domain}"]
    world.policy_host.publish(domain, Policy(policy_text("testing", (f"mx.{domain}",))))
    try:
        said = world.surehop.cli("facts", "refresh", domain)
        expect("mode of the policy now", said.json["facts"]["mta_sts"]["mode"], "testing")
        yield
    finally:
        world.policy_host.publish(domain, before)
        world.surehop.cli("facts", "refresh", domain)
        world.mta.empty_queue()


@story("What was promised binds the queue, even when destination and configuration have both become weaker", fresh=True)
def promise_kept(world):
    sent = taken_and_waiting(world, "strip.test")
    with only_testing(world, "strip.test"):
        reload(world, minimum="none")
        expect_match("the lock, with a promise", world.ask_lock("strip.test"), "^TEMP ")
        expect("the lock, without one", world.ask_lock("none.test"), "NOTFOUND ")
        still_waits(world, sent)


@story("A promise outlives the rule that it was made under, until it is released; then the mail goes", minimum="none",
       rules=RULE.format("strip.test"), fresh=True)  # fmt: skip
def rule_taken_away(world):
    sent = taken_and_waiting(world, "strip.test")
    with only_testing(world, "strip.test"):
        reload(world, minimum="none")
        still_waits(world, sent)
        said = world.surehop.cli("promise", "release", "strip.test", "--reason", "the contract has ended")
        expect(f"exit status of promise release ({said.err})", said.status, 0)
        goes(world, sent)


@story("A rule that is added while mail is queued holds that of its domain, and no other; without it all goes", minimum="none",
       fresh=True)  # fmt: skip
def rule_added(world):
    held, free = waiting(world, "none.test"), waiting(world, "starttls.test")
    reload(world, minimum="none", rules=RULE.format("none.test"))
    still_waits(world, held)
    goes(world, free)
    reload(world, minimum="none")
    goes(world, held)


@story("A floor that is raised while mail is queued holds for that mail, too; lowered again, it lets it go", minimum="none",
       fresh=True)  # fmt: skip
def floor_raised(world):
    sent = waiting(world, "none.test")
    reload(world)
    still_waits(world, sent)
    reload(world, minimum="none")
    goes(world, sent)


@story("A policy host that is gone, and a TXT record that is gone, lift no policy that was fetched", fresh=True)
def policy_gone(world):
    sent = taken_and_waiting(world, "strip.test")
    policy = world.policy_host.policies.pop("mta-sts.strip.test")
    try:
        world.surehop.cli("facts", "refresh", "strip.test")
        expect_match("the lock without the policy host", world.ask_lock("strip.test"), "^OK secure match=mx.strip.test")
        still_waits(world, sent)
        world.change_zone("strip.test", "_mta-sts", "_was-sts")
        said = world.surehop.cli("facts", "refresh", "strip.test")
        expect("the policy without its record", said.json["facts"]["mta_sts"]["state"], "present")
        expect_match("the lock without the record", world.ask_lock("strip.test"), "^OK secure match=mx.strip.test")
        still_waits(world, sent)
    finally:
        world.policy_host.policies["mta-sts.strip.test"] = policy
        world.change_zone("strip.test")
        world.surehop.cli("facts", "refresh", "strip.test")
        world.mta.empty_queue()
