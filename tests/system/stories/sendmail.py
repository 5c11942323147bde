# SPDX-License-Identifier: Apache-2.0
"""The same gate and the same lock with a real Sendmail, which asks its STS map before it delivers (FEATURE(`sts')).

Its names for recipients in the log are those after aliases and virtusertable, as the milter gets them.
"""

from loopnet.story import expect, expect_match, expect_reply, expect_true, story

from stories.steps import arrived, delivered_verified, taken, waits


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


@story("Sendmail: an MX host that the policy does not name gets nothing, though its certificate is valid; the next in order does")
def policy_order(world):
    # tls_rcpt compares the names, before RCPT is sent; who fails at one MX host for now is tried at the next.
    delivered_verified(world, "order.test", "mx2.order.test")
    told = [record for record in world.sinks.connections("mx.sts.test") if "order.test" in str(record["recipients"])]
    expect("what mx.sts.test heard of order.test", told, [])
    expect("connections to mx3.order.test", world.sinks.connections("mx3.order.test"), [])


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
    sent = taken(world, "team@gate.local.test")
    expect_match("what Sendmail says", waits(world, sent.queue_id, "team@none.test").text, "STS lookup temp fail")


@story("Sendmail: mail that never passed the gate is under the lock's floor")
def from_this_machine(world):
    queue_id = world.mta.sendmail("cron@none.test")
    waits(world, queue_id, "cron@none.test")
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
    expect_match("the lock afterwards", world.ask_lock("none.test"), "^TEMP ")


def neighbours_of_selfsigned(world):
    """Mail to neighbour.test, which has the MX host of selfsigned.test, may go to anybody."""
    said = world.surehop.cli("allow", "add", "@neighbour.test", "--lowest", "none", "--reason", "a test of neighbours",
                             "--owner", "ciso@local.test", "--until", "+1d")  # fmt: skip
    expect(f"exit status of allow add ({said.err})", said.status, 0)
    return world.someone("neighbour.test"), world.someone("selfsigned.test")


def in_one_run(world, lax, strict, file=None):
    """The queue id of a message to `strict`, which was tried in one run of the queue after one to `lax` had been sent."""
    with world.sinks.closed("mx.selfsigned.test"):
        first, second = taken(world, lax), taken(world, strict, body="Hello.\r\n" * 500)  # the larger one is the last
        for sent, recipient in ((first, lax), (second, strict)):
            waits(world, sent.queue_id, recipient)
    world.mta.flush(file)
    expect(f"status of {lax}", world.mta.fate(first.queue_id, lax).status, "sent")
    return second.queue_id


@story("Sendmail: a connection that is good enough for one recipient carries no other who shares its MX host", fresh=True)
def neighbours(world):
    """In one message, and in two that are delivered in one run of the queue."""
    for turn in (1, -1):
        lax, strict = neighbours_of_selfsigned(world)
        sent = taken(world, *(lax, strict)[::turn])
        expect(f"status of {lax}", world.mta.fate(sent.queue_id, lax).status, "sent")
        waits(world, sent.queue_id, strict)
    lax, strict = neighbours_of_selfsigned(world)
    waits(world, in_one_run(world, lax, strict), strict)
    world.mta.empty_queue()


# Without the rule of contrib/sendmail that looks at the certificate for each recipient; with a cache of connections.
UNSEEN = ('R$* secure $* $| $*\t$@ $>"TLS_connection" $&{verify} $| <TEMP+VERIFY:128>\n', "")
CACHED = ("O ConnectionCacheSize=0", "O ConnectionCacheSize=2")


@story("Sendmail: by itself it looks at the certificate once for each connection: a message, or a run of the queue", fresh=True)
def neighbours_unguarded(world):
    """Or else the story above could not fail."""
    lax, strict = neighbours_of_selfsigned(world)
    queue_id = world.mta.sendmail(lax, strict, file=world.mta.variant(UNSEEN))
    expect(f"status of {strict} in one message", world.mta.fate(queue_id, strict).status, "sent")
    lax, strict = neighbours_of_selfsigned(world)
    queue_id = in_one_run(world, lax, strict, world.mta.variant(UNSEEN, CACHED))
    expect(f"status of {strict} in one run", world.mta.fate(queue_id, strict).status, "sent")


@story("Sendmail: with surehopd stopped nothing is taken, nothing queued goes out, and afterwards all of it does", fresh=True)
def stopped(world):
    recipient = world.someone("sts.test")
    world.surehop.stop()
    with world.session() as session:
        expect("MAIL without a milter", session.send(recipient).mail.code, 451)
    queue_id = world.mta.sendmail("later@sts.test")
    waits(world, queue_id, "later@sts.test", "without a lock")
    world.surehop.start()
    world.mta.flush()
    arrived(world, queue_id, "later@sts.test", "mx.sts.test")


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
    for old, new, check in BROKEN:
        said = world.surehop.cli("doctor", "--mta", "sendmail", "--sendmail-cf", world.mta.variant((old, new)))
        found = [one["name"] for one in said.json["checks"] if one["state"] == "failed"]
        expect_true(f"doctor names {check} for {new}", check in found, found)
        expect(f"exit status for {new}", said.status, 1)
