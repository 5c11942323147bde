# SPDX-License-Identifier: Apache-2.0
"""Steps that stories share, with either mail server."""

from loopnet.story import expect, expect_reply, expect_true


def taken(world, *recipients, **options):
    """A message that the gate lets pass for each of these."""
    sent = world.send(*recipients, **options)
    for recipient in recipients:
        expect_reply(f"RCPT {recipient}", sent.recipients[recipient], 250)
    expect_true(f"a queue id of the message to {recipients}", sent.queue_id, sent.data)
    return sent


def arrived(world, queue_id, recipient, host, why=""):
    """The message is with `host`, over TLS under the name by which the mail server has verified it."""
    fate = world.mta.fate(queue_id, recipient)
    expect(f"status of {recipient} {why} ({fate.text})", fate.status, "sent")
    (record,) = world.sinks.delivered(recipient)
    # RFC 7671 §10.2 and RFC 8461 §7.1: the client must name the host that it wants.
    expect(f"server, TLS and SNI of {recipient} {why}", (record["sink"], record["tls"], record["sni"]), (host, True, host))
    expect(f"who was verified for {recipient} {why}", world.mta.verified_host(queue_id, recipient), host)


def waits(world, queue_id, recipient, why=""):
    """The message is in the queue, and nobody has got any of it. Its fate so far."""
    fate = world.mta.fate(queue_id, recipient)
    expect(f"status of {recipient} {why} ({fate.text})", fate.status, "deferred")
    expect(f"messages that reached {recipient} {why}", world.sinks.delivered(recipient), [])
    expect_true(f"the message to {recipient} {why} is in the queue", world.mta.queued(queue_id))
    return fate


def delivered_verified(world, domain, host):
    """Send to somebody at `domain`; the message must arrive at `host`, which has proved who it is."""
    recipient = world.someone(domain)
    arrived(world, taken(world, recipient).queue_id, recipient, host)


def taken_and_waiting(world, domain):
    """A message that could not be delivered yet."""
    recipient = world.someone(domain)
    sent = taken(world, recipient)
    waits(world, sent.queue_id, recipient)
    return sent


def still_waits(world, sent):
    """The message is tried again, and nobody gets any of it."""
    (recipient,) = sent.recipients
    before = len(world.mta.attempts(sent.queue_id, recipient))
    world.mta.flush()
    world.wait(lambda: len(world.mta.attempts(sent.queue_id, recipient)) > before, "another attempt")
    waits(world, sent.queue_id, recipient)


def goes(world, sent):
    """The message is tried again, and arrives."""
    (recipient,) = sent.recipients
    world.mta.flush()
    world.wait(lambda: world.mta.attempts(sent.queue_id, recipient)[-1].status == "sent", f"the message to {recipient} to go")
    expect(f"messages to {recipient}", len(world.sinks.delivered(recipient)), 1)


def reload(world, **settings):
    """Have surehopd read a configuration with these settings, while it runs."""
    world.surehop.write(world.surehop.configuration(**settings))
    said = world.surehop.cli("reload")
    expect(f"exit status of reload ({said.err})", said.status, 0)
