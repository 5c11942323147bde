# SPDX-License-Identifier: Apache-2.0
"""The quarantine desk, over mail that a real Postfix really holds."""

from loopnet.story import expect, expect_match, expect_reply, expect_true, story

RULES = """
[[rule]]
name = "patient data"
sender = ["ward@local.test"]
minimum = "dane"
falls_short = "quarantine"
unknown = "quarantine"
"""
WARD = "ward@local.test"


def desk(world, verb, *words, **options):
    return world.surehop.cli("quarantine", "--postfix-config", world.postfix.config, verb, *words, **options)


def hold(world, *recipients, **options):
    """A message of the ward that Postfix holds; its queue id."""
    sent = world.send(*recipients, sender=WARD, **options)
    expect_reply("end of message", sent.data, 250)
    held = world.wait(lambda: world.postfix.queued(sent.queue_id), "the message in the queue")
    expect("queue that holds the message", held["queue_name"], "hold")
    return sent.queue_id


def kinds(world, queue_id):
    """What the ledger has of this message, oldest first, without its decisions."""
    rows = world.surehop.cli("trace", queue_id).json["rows"]
    return [row["kind"] for row in reversed(rows) if row["kind"] != "decision"]


def promises(world):
    return {row["next_hop"]: row["until"] for row in world.surehop.cli("promise", "list").json["promises"]}


def queue_of(world, queue_id):
    queued = world.postfix.queued(queue_id)
    return queued and queued["queue_name"]


@story("The desk lists what Postfix holds for surehop with its reasons, and counts what others hold", fresh=True, rules=RULES)
def quarantine_list(world):
    world.postfix.empty_queue()
    short, good = world.someone("sts.test"), world.someone("dane.test")
    queue_id = hold(world, short, good)
    other = world.send(world.someone("strip.test")).queue_id  # stays in the queue, and somebody holds it by hand
    world.wait(lambda: queue_of(world, other) == "deferred", "a deferred message")
    world.postfix.hold(other)
    said = desk(world, "list")
    expect(f"exit status ({said.err})", said.status, 0)
    (message,) = said.json["messages"]
    expect("message and sender", (message["queue_id"], message["sender"]), (queue_id, WARD))
    expect("its recipients", sorted(message["recipients"]), sorted([short, good]))
    (cause,) = message["held_for"]
    expect("who caused it", (cause["recipient"], cause["rule"], cause["minimum"]), (short, "patient data", "dane"))
    expect("held by others", said.json["others"], 1)
    text = desk(world, "list", as_json=False).out
    expect_match("the list", text, rf'{queue_id} since .* from {WARD}')
    expect_match("the list", text, rf'{short}: rule "patient data" requires dane: .+ \({cause["reference"]}\)')
    expect_match("the list", text, "1 more message is held, not by surehop")
    for verb in (("recheck", other), ("release", other), ("discard", other, "--reason", "x")):
        refused = desk(world, *verb)
        expect_true(f"{verb[0]} does not touch it", refused.status >= 64, refused)
        expect_match("the error", refused.err, f"no message {other} that surehop has had held")
    expect("queue of the other", queue_of(world, other), "hold")
    world.postfix.empty_queue()


@story("A recheck releases what now meets, and delivery is bound to it; what still falls short stays", fresh=True, rules=RULES)
def quarantine_recheck(world):
    world.postfix.empty_queue()
    late, short, good = world.someone("none.test"), world.someone("sts.test"), world.someone("dane.test")
    queue_id, other = hold(world, late, good), hold(world, short)
    said = desk(world, "recheck")
    expect(f"exit status ({said.err})", said.status, 1)
    expect("results", {m["queue_id"]: m["result"] for m in said.json["messages"]}, {queue_id: "kept", other: "kept"})
    expect("promise of the held mail", promises(world), {"dane.test": None})

    # The rule of the morning asks less, and none.test is nobody's patient any more.
    eased = RULES.replace('minimum = "dane"', 'minimum = "dane"\nrecipient = ["sts.test", "dane.test"]')
    eased += '[[rule]]\nname = "plain"\nrecipient = ["none.test"]\nminimum = "none"\n'
    world.surehop.write(world.surehop.configuration(rules=eased))
    expect("exit status of reload", world.surehop.cli("reload").status, 0)
    dry = desk(world, "recheck", "--dry-run")
    expect("dry run", sorted(m["result"] for m in dry.json["messages"]), ["kept", "would-be-released"])
    expect("queue after the dry run", queue_of(world, queue_id), "hold")
    said = desk(world, "recheck")
    expect(f"exit status ({said.err})", said.status, 1)
    expect("results", {m["queue_id"]: m["result"] for m in said.json["messages"]}, {queue_id: "released", other: "kept"})
    world.postfix.flush()
    for recipient in (late, good):
        fate = world.postfix.fate(queue_id, recipient)
        expect(f"status of {recipient} ({fate.text})", fate.status, "sent")
        expect(f"messages to {recipient}", len(world.sinks.delivered(recipient)), 1)
    (record,) = world.sinks.delivered(good)
    expect("TLS and server of the one that meets", (record["tls"], record["sink"]), (True, "mx.dane.test"))
    expect("queue of the other", queue_of(world, other), "hold")
    expect(f"messages to {short}", world.sinks.delivered(short), [])
    expect("steps in the ledger", kinds(world, queue_id), ["quarantine-hold", "quarantine-release", "quarantine-release"])
    expect_true("the promise of what was held has an end", promises(world)["dane.test"], promises(world))
    world.surehop.settings = None
    world.postfix.empty_queue()


@story("Release of what falls short needs an exception, which gate and lock honour: the mail arrives", fresh=True, rules=RULES)
def quarantine_release(world):
    world.postfix.empty_queue()
    short = world.someone("none.test")
    queue_id = hold(world, short)
    refused = desk(world, "release", queue_id, as_json=False)
    expect(f"exit status ({refused.err})", refused.status, 1)
    expect_match("what it says", refused.out, rf'{short}: rule "patient data" requires dane: ')
    expect_match("what it says", refused.out, rf"surehop quarantine release {queue_id} --exception-until \+7d --reason WHY --owner WHO")
    expect("queue", queue_of(world, queue_id), "hold")
    expect_match("the lock", world.ask_lock("none.test"), "^TEMP ")
    for missing in (("--reason", "r"), ("--owner", "o")):
        said = desk(world, "release", queue_id, "--exception-until", "+1h", *missing)
        expect(f"exit status with {missing[0]} alone", said.status, 64)
    too_long = desk(world, "release", queue_id, "--exception-until", "+999d", "--reason", "r", "--owner", "o")
    expect_true("an exception that is too long", too_long.status >= 64, too_long)
    expect_match("the error", too_long.err, "longest")
    expect("queue", queue_of(world, queue_id), "hold")

    said = desk(
        world, "release", queue_id, "--exception-until", "+1h", "--reason", "agreed by phone", "--owner", "dpo@local.test",
        "--ticket", "T-7", "--lowest", "none",
    )  # fmt: skip
    expect(f"exit status ({said.err}{said.out})", said.status, 0)
    (message,) = said.json["messages"]
    (made,) = message["exceptions"]
    expect("the exception", (made["recipient"], made["sender"], made["lowest"], made["ticket"]), (short, WARD, "none", "T-7"))
    expect_match("what it opens", str(made["notes"]), "at delivery, the whole next hop none.test is open")
    expect("the lock with the exception", world.postfix.ask_lock("none.test"), None)
    world.postfix.flush()
    fate = world.postfix.fate(queue_id, short)
    expect(f"status of {short} ({fate.text})", fate.status, "sent")
    expect(f"messages to {short}", len(world.sinks.delivered(short)), 1)
    expect("steps in the ledger", kinds(world, queue_id), ["quarantine-hold", *3 * ["quarantine-kept"], "quarantine-release"])
    row = world.surehop.cli("trace", short).json["rows"][0]
    expect("the last step", (row["kind"], row["exception"]), ("quarantine-release", made["id"]))
    expect_match("who and why", row["detail"], r"by uid 0 \(root\); release: agreed by phone")
    expect("the chain", world.surehop.cli("ledger", "verify").status, 0)


@story("An exception that names no level asks for TLS at least: a host without it gets nothing, one that has it gets the mail",
       fresh=True, rules=RULES)
def quarantine_release_over_tls(world):
    world.postfix.empty_queue()
    clear, tls = world.someone("none.test"), world.someone("starttls.test")
    queue_id = hold(world, clear, tls)
    said = desk(world, "release", queue_id, "--exception-until", "+1h", "--reason", "agreed", "--owner", "dpo@local.test")
    expect(f"exit status ({said.err}{said.out})", said.status, 0)
    expect("levels", [each["lowest"] for each in said.json["messages"][0]["exceptions"]], ["encrypted", "encrypted"])
    expect_match("the lock", world.postfix.ask_lock("starttls.test"), "^encrypt ")
    world.postfix.flush()
    fate = world.postfix.fate(queue_id, tls)
    expect(f"status of {tls} ({fate.text})", fate.status, "sent")
    (record,) = world.sinks.delivered(tls)
    expect("TLS that starttls.test saw", record["tls"], True)
    fate = world.postfix.fate(queue_id, clear)
    expect(f"outcome for {clear} ({fate.text})", (fate.status, fate.dsn), ("deferred", "4.7.4"))
    expect(f"messages to {clear}", world.sinks.delivered(clear), [])
    world.postfix.empty_queue()


@story("What is discarded is gone, for a reason that the ledger keeps; what rested on it ends", fresh=True, rules=RULES)
def quarantine_discard(world):
    world.postfix.empty_queue()
    short, good, third = world.someone("sts.test"), world.someone("dane.test"), world.someone("sts.test")
    queue_id, other = hold(world, short, good), hold(world, third, world.someone("dane.test"))
    expect_true("without a reason it is refused", desk(world, "discard", queue_id).status >= 64)
    expect("queue", queue_of(world, queue_id), "hold")
    said = desk(world, "discard", queue_id, "--reason", "sent by mistake")
    expect(f"exit status ({said.err})", said.status, 0)
    expect("what is left in the queue", world.postfix.queued(queue_id), None)
    expect("the other one's promise", promises(world), {"dane.test": None})
    expect("steps in the ledger", kinds(world, queue_id), ["quarantine-hold", "quarantine-discard", "quarantine-discard"])
    expect("exit status", desk(world, "discard", other, "--reason", "sent by mistake").status, 0)
    expect_true("nothing rests on it any more", promises(world)["dane.test"], promises(world))
    expect("messages that left", [r for to in (short, good, third) for r in world.sinks.delivered(to)], [])


@story("A message is judged as it came: by its header, its sender, and where an alias has led", fresh=True,
       rules='[[rule]]\nname = "label"\nsender = ["ward@local.test"]\nheader = { "X-Label" = "(?i)secret" }\n'
             'minimum = "dane"\nfalls_short = "quarantine"\n')
def quarantine_header(world):
    world.postfix.empty_queue()
    short = world.someone("sts.test")
    hostile = "X-Evil: \033[31mred\033]0;title\007"
    queue_id = hold(world, short, "team@local.test", headers=("X-Label: =?utf-8?B?c2VjcmV0?=", hostile))
    said = desk(world, "recheck", as_json=False)
    expect(f"exit status ({said.err})", said.status, 1)
    expect_match("what it says", said.out, rf'kept +{queue_id} from {WARD}\n +{short}: rule "label" requires dane, authenticated is offered')
    expect_match("what it says of the alias", said.out, r'team@none\.test: rule "label" requires dane: ')
    expect_true("nothing raw is printed", "\033" not in said.out + said.err, said.out)
    expect("queue", queue_of(world, queue_id), "hold")
    world.postfix.empty_queue()


@story("Where Postfix's programs fail, or no daemon runs, nothing is released and the error says what to do", fresh=True, rules=RULES)
def quarantine_trouble(world):
    world.postfix.empty_queue()
    queue_id = hold(world, world.someone("none.test"))
    bad = world.surehop.cli("quarantine", "--postfix-config", "/nonexistent", "list")
    expect_true("a configuration that is not there", bad.status == 69, bad)
    expect_match("the error", bad.err, "postqueue: .*/nonexistent")
    world.surehop.stop()
    down = desk(world, "recheck")
    expect("exit status without the daemon", down.status, 69)
    expect_match("the error", down.err, "cannot reach surehopd")
    offline = world.surehop.cli("--offline", "quarantine", "--postfix-config", world.postfix.config, "list")
    expect("found without the daemon", [m["queue_id"] for m in offline.json["messages"]], [queue_id])
    world.surehop.start()
    expect("queue", queue_of(world, queue_id), "hold")
    world.postfix.empty_queue()
