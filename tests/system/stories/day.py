# SPDX-License-Identifier: Apache-2.0
"""A day at a site that must not leak: what was decided, what is on record, what is reported and what left agree.

What ought to happen is worked out here, from the table below and the rules, by code that shares nothing with surehop.
"""

import collections
import dataclasses
import datetime
import itertools
import json
import random

from loopnet.story import expect, expect_true, story

RULES = """
[[rule]]
name = "newsletter"
recipient = ["starttls.test"]
falls_short = "tag"

[[rule]]
name = "secret"
header = { "X-Classification" = "(?i)secret" }
minimum = "dane"

[[rule]]
name = "ward"
sender = ["ward@local.test"]
minimum = "dane"
falls_short = "quarantine"
"""

# What each destination offers; `None` is nothing. Delivery to strip.test then fails: its STARTTLS is taken away.
OFFERS = {
    "dane.test": "dane", "partner.example": "dane", "sts.test": "authenticated", "oldtls.test": "authenticated",
    "strip.test": "authenticated", "starttls.test": None, "none.test": None, "ststesting.test": None,
    "bogus.test": "unknown", "nullmx.test": "no mail",
}  # fmt: skip
LEVELS = ("none", "encrypted", "verified", "authenticated", "dane")
SENDERS = ("alice@local.test", "bob@local.test", "ward@local.test")
LABELS = ((), (), (), ("X-Classification: Secret",), ("X-Classification: public",))
MESSAGES = 100


@dataclasses.dataclass
class Wanted:
    """What the ledger must say of one recipient."""

    rule: str
    outcome: str
    action: str
    would: str
    at_rcpt: bool  # refused there
    queue_id: str | None = None


def judge(rule, minimum, short, domain, excepted, audit):
    """One recipient under one rule."""
    offer = OFFERS[domain]
    if offer == "no mail":
        outcome, would = "no-mail", "reject"
    elif domain in excepted:
        outcome, would = "meets", "accept"
    elif offer == "unknown":
        outcome, would = "unknown", "defer"
    elif offer and LEVELS.index(offer) >= LEVELS.index(minimum):
        outcome, would = "meets", "accept"
    else:
        outcome, would = "falls-short", short
    action = "accept" if audit else would
    return Wanted(rule, outcome, action, would, action in ("reject", "defer"))


def work_out(sender, labelled, domains, excepted, audit):
    """Each recipient of a message, and whether the whole of it is refused when its header is over."""
    wanted = []
    for domain in domains:
        verdict = {
            "newsletter": lambda d=domain: judge("newsletter", "authenticated", "tag", d, excepted, audit),
            "secret": lambda d=domain: judge("secret", "dane", "reject", d, excepted, audit),
            "ward": lambda d=domain: judge("ward", "dane", "quarantine", d, excepted, audit),
            "default": lambda d=domain: judge("default", "authenticated", "reject", d, excepted, audit),
        }
        if domain == "starttls.test":
            wanted.append(verdict["newsletter"]())
            continue
        unlabelled = "ward" if sender == "ward@local.test" else "default"
        candidates = [verdict["secret"](), verdict[unlabelled]()]
        if all(one.at_rcpt for one in candidates):
            wanted.append(candidates[-1])  # the milder, or of equal ones the last, since the label is still to come
        else:
            decided = candidates[0] if labelled else candidates[1]
            decided.at_rcpt = False
            wanted.append(decided)
    whole = any(one.action in ("reject", "defer") for one in wanted if not one.at_rcpt)
    if whole:
        for one in wanted:
            if not one.at_rcpt:
                one.action = "reject"
    return wanted, whole


class Day:
    def __init__(self, world):
        self.world, self.dice = world, random.Random(20261122)
        self.excepted, self.audit = set(), True
        self.wanted = {}  # by recipient
        self.messages = collections.Counter()

    def messages_of(self, count):
        with self.world.session() as session:
            sent = [self.message(session) for _ in range(count)]
        # What the lock says when Postfix asks is what counts: before anything changes, all has been tried.
        for recipient, one in itertools.chain.from_iterable(sent):
            if one.fate in ("accepted", "tagged"):
                self.world.postfix.fate(one.queue_id, recipient)

    def message(self, session):
        sender, headers = self.dice.choice(SENDERS), self.dice.choice(LABELS)
        # While nothing is enforced, mail that must bounce would only make more mail.
        choice = [d for d in OFFERS if not (self.audit and OFFERS[d] == "no mail")]
        domains = self.dice.sample(choice, self.dice.choice((1, 1, 2, 3)))
        recipients = [self.world.someone(domain) for domain in domains]
        labelled = "X-Classification: Secret" in headers
        wanted, whole = work_out(sender, labelled, domains, self.excepted, self.audit)
        sent = session.send(*recipients, sender=sender, headers=headers)
        for recipient, one in zip(recipients, wanted):
            code = {"reject": (550, 556), "defer": (451,)}[one.action] if one.at_rcpt else (250,)
            reply = sent.recipients[recipient]
            expect_true(f"RCPT {recipient} is one of {code}, {one}", reply.code in code, reply)
            one.queue_id = sent.queue_id
            self.wanted[recipient] = one
        passed = [one for one in wanted if not one.at_rcpt]
        if not passed:
            expect("reply to DATA", sent.data, None)
            return []
        expect(f"reply to the message of {recipients}: {sent.data}, {wanted}", sent.data.code, 550 if whole else 250)
        actions = {one.action for one in passed}
        fate = "refused" if whole else "held" if "quarantine" in actions else "tagged" if "tag" in actions else "accepted"
        self.messages[fate] += 1
        for one in passed:
            one.fate = fate
        return [(recipient, one) for recipient, one in zip(recipients, wanted) if not one.at_rcpt]

    def mode(self, mode):
        self.audit = mode == "audit"
        self.world.surehop.write(self.world.surehop.configuration(rules=RULES, mode=mode))
        expect(f"exit status of reload to {mode}", self.world.surehop.cli("reload").status, 0)

    def rows(self):
        """The ledger as it stands in the store, without the daemon."""
        said = self.world.surehop.cli("ledger", "export", as_json=False)
        return [json.loads(line) for line in said.out.splitlines()[1:]]

    def agrees_with_ledger(self):
        rows = {}
        for row in self.rows():
            if row["kind"] == "decision":
                expect_true(f"one row only for {row['recipient']}", row["recipient"] not in rows, row)
                rows[row["recipient"]] = row
        expect("recipients in the ledger", sorted(rows), sorted(self.wanted))
        for recipient, one in self.wanted.items():
            row = rows[recipient]
            seen = tuple(row.get(name) for name in ("rule", "outcome", "action", "would"))
            expect(f"the row of {recipient}", seen, (one.rule, one.outcome, one.action, one.would))
            if not one.at_rcpt and one.fate != "refused":
                expect(f"the queue id of {recipient}", row["queue_id"], one.queue_id)
        return rows

    def agrees_with_deliveries(self):
        world = self.world
        for recipient, one in self.wanted.items():
            domain = recipient.partition("@")[2]
            if one.at_rcpt or one.fate == "refused":
                expect(f"{recipient}, refused, got", world.sinks.delivered(recipient), [])
            elif one.fate == "held":
                expect(f"queue of {recipient}", world.postfix.queued(one.queue_id)["queue_name"], "hold")
                expect(f"{recipient}, held, got", world.sinks.delivered(recipient), [])
            elif domain in ("strip.test", "bogus.test"):
                expect(f"status of {recipient}", world.postfix.fate(one.queue_id, recipient).status, "deferred")
                expect(f"{recipient} got", world.sinks.delivered(recipient), [])
            else:
                expect(f"status of {recipient}", world.postfix.fate(one.queue_id, recipient).status, "sent")
                (record,) = world.sinks.delivered(recipient)
                if one.would == "accept" and OFFERS[domain]:
                    expect(f"TLS to {recipient}", record["tls"], True)
                tags = [line for line in record["headers"] if line.startswith("X-Surehop:")]
                expect(f"tags to {recipient}", len(tags), 1 if one.fate == "tagged" else 0)

    def agrees_with_report(self, report, exception):
        def sums(name, keys):
            found = collections.Counter(getattr(one, name) for one in self.wanted.values())
            return {key: found[key] for key in keys}

        expect("messages", report["messages"], {f: self.messages[f] for f in ("accepted", "tagged", "held", "refused")})
        seen = report["recipients"]
        expect("recipients", seen["all"], len(self.wanted))
        expect("outcomes", seen["outcomes"], sums("outcome", ("meets", "falls-short", "unknown", "no-mail")))
        expect("actions", seen["actions"], sums("action", ("accept", "tag", "quarantine", "defer", "reject")))
        for rule in report["rules"]:
            of_rule = collections.Counter(one.outcome for one in self.wanted.values() if one.rule == rule["rule"])
            expect(f"rule {rule['rule']}", {k: v for k, v in rule["outcomes"].items() if v}, dict(of_rule))
        short = collections.Counter(r.partition("@")[2] for r, one in self.wanted.items() if one.outcome == "falls-short")
        expect("domains that fall short", {d["domain"]: d["recipients"] for d in report["falls_short"]["top"]}, dict(short))
        went = [one for one in self.wanted.values() if one.action in ("accept", "tag", "quarantine")]
        expect("recipients whose mail went on", report["went_on"]["recipients"], len(went))
        used = {one["id"]: one["recipients"] for one in report["exceptions"]["used"]}
        expect("exceptions used", used, {exception: self.excused})
        modes = [change["mode"] for change in report["mode_changes"]]
        expect("changes of the mode", modes, ["enforce", "audit", "enforce"])
        expect_true("no address in the report", "@local.test" not in json.dumps(report), "")


@story("A day of mail: replies, ledger, report and deliveries agree to the row", fresh=True, rules=RULES, mode="audit")
def data_leak_day(world):
    day = Day(world)
    day.messages_of(MESSAGES // 5)
    day.mode("enforce")
    day.messages_of(MESSAGES * 3 // 10)

    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    said = world.surehop.cli(
        "allow", "add", "none.test", "--lowest", "none", "--reason", "lab", "--owner", "dpo", "--until",
        until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )  # fmt: skip
    exception = said.json["id"]
    day.excepted.add("none.test")
    before = set(day.wanted)
    day.messages_of(MESSAGES // 5)
    day.excused = sum(r.endswith("@none.test") for r in set(day.wanted) - before)
    world.surehop.cli("allow", "remove", str(exception), "--reason", "done")
    day.excepted.clear()

    day.mode("audit")
    day.messages_of(MESSAGES // 10)
    day.mode("enforce")
    day.messages_of(MESSAGES // 5)
    for domain, offer in OFFERS.items():
        expect_true(f"the day had mail for {domain}", any(r.endswith("@" + domain) for r in day.wanted), offer)

    try:
        day.agrees_with_deliveries()
    finally:
        world.postfix.empty_queue()
    expect("exit status of surehopd", world.surehop.stop(), 0)
    day.agrees_with_ledger()
    report = world.surehop.cli("report", "--since", "1d").json
    day.agrees_with_report(report, exception)
    said = world.surehop.cli("ledger", "verify", "--head", report["ledger"]["head"])
    expect(f"ledger verify ({said.out})", (said.status, said.json["noted"]), (0, "found"))
