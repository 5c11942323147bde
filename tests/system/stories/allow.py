# SPDX-License-Identifier: Apache-2.0
"""Exceptions: in force at once, and gone the second they expire."""

import datetime
import time

from loopnet.story import expect, expect_match, expect_reply, expect_true, story


def soon(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def allow(world, who, seconds, *options):
    until = soon(seconds)
    return world.surehop.cli(
        "allow", "add", who, "--lowest", "none", "--reason", "legacy lab", "--owner", "dpo@local.test", "--until", until,
        *options,
    )  # fmt: skip


@story("An exception lets the refused recipient pass at once, and its expiry ends that", fresh=True)
def exception_and_expiry(world):
    recipient = world.someone("none.test")
    expect_reply("before the exception", world.send(recipient).reply(), 550, "5.7.10")
    began = time.monotonic()
    said = allow(world, "none.test", 4)
    expect(f"exit status of allow add ({said.err})", said.status, 0)
    sent = world.send(recipient)
    expect_reply("with the exception", sent.reply(), 250)
    expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")
    expect(f"messages to {recipient}", len(world.sinks.delivered(recipient)), 1)
    time.sleep(max(0, 4.5 - (time.monotonic() - began)))
    expect_reply("after its end", world.send(recipient).reply(), 550, "5.7.10")
    expect_match("the lock after its end", world.ask_lock("none.test"), "^TEMP ")


@story("An exception can be listed, shown and removed, and removal is in force at once", fresh=True)
def exception_removed(world):
    said = allow(world, "starttls.test", 3600, "--ticket", "T-42")
    expect(f"exit status of allow add ({said.err})", said.status, 0)
    identity = str(said.json["id"])
    expect_match("allow list", world.surehop.cli("allow", "list").out, r"starttls\.test")
    expect_match("allow show", world.surehop.cli("allow", "show", identity).out, "T-42")
    expect_reply("with the exception", world.send(world.someone("starttls.test")).reply(), 250)
    removed = world.surehop.cli("allow", "remove", identity, "--reason", "done")
    expect(f"exit status of allow remove ({removed.err})", removed.status, 0)
    expect_reply("after removal", world.send(world.someone("starttls.test")).reply(), 550, "5.7.10")


@story("An exception for one recipient, or from one sender, helps nobody else", fresh=True)
def exception_is_narrow(world):
    expect("exit status of allow add", allow(world, "lab@none.test", 3600).status, 0)
    expect("exit status of allow add", allow(world, "starttls.test", 3600, "--from", "ward@local.test").status, 0)
    expect_reply("lab@none.test", world.send("lab@none.test").reply(), 250)
    expect_reply("another one there", world.send("other@none.test").reply(), 550, "5.7.10")
    expect_reply("ward to starttls.test", world.send("x@starttls.test", sender="ward@local.test").reply(), 250)
    expect_reply("alice to starttls.test", world.send("x@starttls.test").reply(), 550, "5.7.10")


@story("An exception needs a reason, an owner and an end that lies ahead")
def exception_needs_all(world):
    whole = {"--lowest": "none", "--reason": "r", "--owner": "o", "--until": soon(3600)}
    for missing in ("--reason", "--owner", "--until"):
        words = [word for key, value in whole.items() if key != missing for word in (key, value)]
        said = world.surehop.cli("allow", "add", "none.test", *words)
        expect_true(f"allow add without {missing} is refused", said.status >= 64, f"{said.status} {said.out}")
    said = allow(world, "none.test", -60)
    expect_true("allow add with an end in the past is refused", said.status >= 64, f"{said.status} {said.out}")


@story("An exception survives a restart", fresh=True)
def exception_survives(world):
    expect("exit status of allow add", allow(world, "none.test", 3600).status, 0)
    world.surehop.kill()
    world.surehop.start()
    expect_reply("with the exception", world.send(world.someone("none.test")).reply(), 250)
