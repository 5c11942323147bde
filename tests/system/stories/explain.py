# SPDX-License-Identifier: Apache-2.0
"""surehop explain: the same spine, so the same verdict, with its reasons."""

from loopnet.destinations import DESTINATIONS, NO_SUCH_DOMAIN
from loopnet.story import expect, expect_match, expect_true, story

OUTCOME = {
    "dane.test": "meets", "sts.test": "meets", "mixed.test": "meets", "partner.example": "meets", "implicit.test": "meets",
    "xn--bcher-kva.test": "meets",
    "strip.test": "meets", "wrongname.test": "meets", "expired.test": "meets", "danewrong.test": "meets",
    "none.test": "falls-short", "starttls.test": "falls-short", "ststesting.test": "falls-short",
    "daneunsigned.test": "falls-short", "unusable.test": "falls-short", "danehost.test": "falls-short",
    "bogus.test": "unknown", "stsdown.test": "unknown", "nullmx.test": "no-mail", "nx.test": "no-mail",
}  # fmt: skip
STATUS = {"meets": 0, "falls-short": 1, "no-mail": 1, "unknown": 2}


@story("For every destination explain gives the verdict that the milter gives, and the reply it would send")
def same_as_milter(world):
    for domain in [d.domain for d in DESTINATIONS] + [NO_SUCH_DOMAIN]:
        recipient = "bob@local.test" if domain == "local.test" else world.someone(domain)
        said = world.surehop.explain(recipient, "--from", "alice@local.test")
        verdict = said.json["verdict"]
        reply = world.send(recipient).reply()
        told = int(verdict["reply"].split()[0]) if verdict["reply"] else 250
        expect(f"code for {domain}: explain's against the milter's ({reply})", told, reply.code)
        expect(f"exit status of explain for {domain}", said.status, STATUS[verdict["outcome"]])
        if domain in OUTCOME:
            expect(f"outcome for {domain} ({verdict})", verdict["outcome"], OUTCOME[domain])
        if verdict["outcome"] != "meets":
            expect_true(f"a reason for {domain}", verdict["reason"], verdict)


@story("explain shows facts and offers: DNSSEC, MX hosts, TLSA records, policy, bindings")
def facts_and_offers(world):
    dane = world.surehop.explain("bob@dane.test").json
    expect("next hop", dane["next_hop"]["name"], "dane.test")
    expect("MX of dane.test is signed", dane["facts"]["mx"]["secure"], True)
    (host,) = dane["facts"]["mx"]["hosts"]
    expect("MX host", (host["name"], host["preference"]), ("mx.dane.test", 10))
    expect("usable TLSA records", host["tlsa"]["usable"], 1)
    expect("offer", (dane["offers"][0]["level"], dane["offers"][0]["hosts"]), ("dane", ["mx.dane.test"]))
    expect("binding", dane["offers"][0]["binding"]["postfix"], "dane-only")

    sts = world.surehop.explain("bob@sts.test").json
    expect("MX of sts.test is signed", sts["facts"]["mx"]["secure"], False)
    policy = sts["facts"]["mta_sts"]
    expect("policy", (policy["state"], policy["mode"], policy["mx"]), ("present", "enforce", ["mx.sts.test"]))
    expect("offer", sts["offers"][0]["level"], "authenticated")
    expect_match("binding", sts["offers"][0]["binding"]["postfix"], r"^secure match=mx\.sts\.test")

    bogus = world.surehop.explain("bob@bogus.test").json
    expect("state of bogus.test", bogus["facts"]["mx"]["state"], "unknown")


@story("facts show, list, refresh and forget tell and change what is known of a next hop")
def facts_commands(world):
    world.surehop.explain("bob@sts.test")
    shown = world.surehop.cli("facts", "show", "sts.test")
    expect(f"exit status of facts show ({shown.err})", shown.status, 0)
    expect("mode", shown.json["facts"]["mta_sts"]["mode"], "enforce")
    expect_match("facts list", world.surehop.cli("facts", "list").out, r"sts\.test")
    fetched = world.policy_host.fetches("sts.test")
    expect("exit status of facts refresh", world.surehop.cli("facts", "refresh", "sts.test").status, 0)
    expect_true("refresh fetched the policy again", world.policy_host.fetches("sts.test") > fetched, fetched)
    expect("exit status of facts forget", world.surehop.cli("facts", "forget", "sts.test").status, 0)


@story("doctor finds nothing wrong with this site")
def doctor(world):
    said = world.surehop.cli("doctor")
    expect(f"exit status of doctor ({said.out}{said.err})", said.status, 0)


@story("status answers, and says the mode")
def status(world):
    said = world.surehop.cli("status")
    expect(f"exit status of status ({said.err})", said.status, 0)
    expect_match("status", said.out, "enforce")
