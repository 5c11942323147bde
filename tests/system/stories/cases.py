# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on the way, each at the gate and past it, with either mail server: who is refused, who is not, and that no
byte of a message reaches a server that cannot prove itself. Past the gate is what an alias sends there, which only the lock
sees."""

from loopnet.cases import cases_of
from loopnet.socketmap import Impostor
from loopnet.story import expect, expect_reply, story

from stories.steps import arrived, taken, waits


def outcome(world, sent, final, case):
    """What became of a message that was taken, for `final`. The minimum asks of whoever gets it that he proves who he is."""
    if case.sent_to is None:
        waits(world, sent.queue_id, final, case.why)
    else:
        arrived(world, sent.queue_id, final, case.sent_to, case.why)


@story("Each case gets the same verdict at the gate, from explain and at delivery; what is bad never gets a byte", fresh=True)
def gate_and_delivery_agree(world):
    for case in cases_of(world.mta.lock):
        recipient = world.someone(case.domain)
        sent = world.send(recipient)
        expect_reply(f"RCPT {recipient}: {case.why}", sent.reply(), case.gate)
        status = {250: 0, 550: 1, 451: 2}[case.gate]
        expect(f"exit status of explain for {case.domain}", world.surehop.explain(recipient).status, status)
        if sent.queue_id:
            outcome(world, sent, recipient, case)
    world.mta.empty_queue()


@story("Past the gate, where an alias hides the destination, the lock holds each case to the floor")
def past_the_gate(world):
    for case in cases_of(world.mta.lock):
        sent = taken(world, world.mta.past_the_gate(case.domain))
        outcome(world, sent, f"past@{case.domain}", case)
    world.mta.empty_queue()


GARBLED = (b"hello", b"9:NOTFOUND,", b"99999999:", b"-1:", b"")
# Sendmail goes on without a policy when a whole answer is none that it knows. Not `2:OK,`: Postfix takes that for a policy
# that asks for nothing, which is why surehop never says OK without one.
GARBLED_TO_POSTFIX = (b"3:OK ,", b"7:MAYBE x,", b"5:PERM ,")


@story("A garbled answer of the lock, or none, defers; one that there is no policy does not", gated=False)
def garbled_answers(world):
    world.surehop.stop()
    lock = world.surehop.sockets / "socketmap.sock"
    with world.mta.ungated():
        for answer in GARBLED if world.mta.lock == "sendmail" else GARBLED + GARBLED_TO_POSTFIX:
            with Impostor(lock, answer):
                recipient = world.someone("strip.test")
                waits(world, world.mta.sendmail(recipient), recipient, f"with {answer!r}")
        recipient = world.someone("strip.test")
        waits(world, world.mta.sendmail(recipient), recipient, "without a socket")
        with Impostor(lock, b"9:NOTFOUND ,"):
            recipient = world.someone("none.test")
            expect("status without a policy", world.mta.fate(world.mta.sendmail(recipient), recipient).status, "sent")
    world.mta.empty_queue()
