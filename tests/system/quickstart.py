# SPDX-License-Identifier: Apache-2.0
"""Sends real mails through Postfix and surehopd on the loopback internet, and shows what became of them.

Everything in the table is taken from what happened: the verdict from `surehop explain`, the reply from Postfix's SMTP
server, the outcome from its log and queue, the TLS version from the mail server that took the message. Started by
contrib/quickstart, inside the namespaces that `enter` makes.
"""

import datetime
import os
import sys
import textwrap

from loopnet.destinations import BY_DOMAIN
from loopnet.process import Failed
from loopnet.world import World

RULES = """
[[rule]]
name = "newsletter"
recipient = ["starttls.test"]
falls_short = "tag"

[[rule]]
name = "patient data"
sender = ["ward@local.test"]
minimum = "dane"
falls_short = "quarantine"
"""

COLUMNS = (("recipient", 18), ("what the destination offers", 30), ("verdict", 22), ("what Postfix did", 44))


def told(world, sender, recipient):
    """The verdict of `surehop explain`, in words."""
    explained = world.surehop.explain(recipient, "--from", sender).json
    verdict = explained["verdict"]
    if explained["next_hop"]["kind"] == "internal":
        return "not judged: stays here"
    if explained["exception"]:
        return f"allowed by exception {explained['exception']['id']}"
    if verdict["outcome"] == "meets":
        return f"meets ({verdict['level']})"
    return f"{verdict['outcome'].replace('-', ' ')} -> {verdict['action']}"


def became(world, sent, recipient):
    """What Postfix did with this recipient of a message, in words."""
    reply = sent.recipients[recipient]
    if reply.code != 250:
        return f"{'refused' if reply.code >= 500 else 'put off'} at RCPT: {reply.code} {reply.status}"
    queued = world.postfix.queued(sent.queue_id)
    if queued and queued["queue_name"] == "hold":
        return "took it, and put it into the hold queue"
    fate = world.postfix.fate(sent.queue_id, recipient)
    if fate.status != "sent":
        seen = world.sinks.data_bytes(recipient.partition("@")[2])
        return f"took it, but {fate.status} delivery ({fate.dsn} {fate.text}); the server saw {seen} bytes of it"
    taken = world.sinks.delivered(recipient)
    if not taken:
        return "delivered it to a mailbox here"
    host = taken[0]["sink"]
    verified = world.postfix.log_lines(f"Verified TLS connection established to {host}")
    tags = [line for line in taken[0]["headers"] if line.startswith("X-Surehop:")]
    how = f"over verified {taken[0]['version']}" if verified else "over TLS, unverified" if taken[0]["tls"] else "in clear"
    return f"delivered it {how}" + (f", with the header {tags[0]}" if tags else "")


def offers(domain):
    return BY_DOMAIN[domain].offers if domain in BY_DOMAIN else "(there is no such domain)"


def row(*cells):
    wrapped = [textwrap.wrap(cell, width) or [""] for cell, (_, width) in zip(cells, COLUMNS)]
    for index in range(max(map(len, wrapped))):
        parts = (lines[index] if index < len(lines) else "" for lines in wrapped)
        print("  ".join(part.ljust(width) for part, (_, width) in zip(parts, COLUMNS)).rstrip())


def table(world, sender, *domains):
    """Send one message to somebody at each domain, and print a row for each."""
    recipients = [f"bob@{domain}" for domain in domains]
    verdicts = [told(world, sender, recipient) for recipient in recipients]
    sent = world.send(*recipients, sender=sender)
    for recipient, verdict in zip(recipients, verdicts):
        row(recipient, offers(recipient.partition("@")[2]), verdict, became(world, sent, recipient))
        print()
    return sent


def show(world):
    print('\nA Postfix that asks surehopd, minimum = "authenticated". alice@local.test writes one message to nine people:\n')
    row(*(name for name, _ in COLUMNS))
    row(*("-" * width for _, width in COLUMNS))
    sent = table(
        world, "alice@local.test",
        "dane.test", "sts.test", "none.test", "strip.test", "wrongname.test", "bogus.test", "nullmx.test", "nx.test",
        "local.test",
    )  # fmt: skip
    refused = sent.recipients["bob@none.test"]

    print('The rule "newsletter" lets mail to starttls.test go, marked. alice writes:\n')
    table(world, "alice@local.test", "starttls.test")

    print('The rule "patient data" asks for dane from ward@local.test, and holds what falls short. ward writes:\n')
    table(world, "ward@local.test", "sts.test")

    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = ("allow", "add", "none.test", "--lowest", "none", "--reason", "legacy lab", "--owner", "dpo", "--until", until)
    said = world.surehop.cli(*words)
    if said.status != 0:
        raise Failed(f"surehop {' '.join(words)}: {said.err}")
    print("An exception, with a reason, an owner and an end:")
    print(f'  surehop allow add none.test --lowest none --reason "legacy lab" --owner dpo --until {until}\n')
    table(world, "alice@local.test", "none.test")

    print("This is what alice's mail program was told about bob@none.test before the exception:\n")
    print(textwrap.fill(str(refused), 118, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))


NEXT = """
What to do next, on a machine with a Postfix of its own
  sudo make -C build/quickstart install     the programs, manuals, a service and /etc/surehop/surehop.toml
  README.md                                 the user and folder it needs, and the lines for Postfix's main.cf
  /etc/surehop/surehop.toml                 begins in audit mode: it records what it would do, and refuses nothing
  surehop doctor                            does your resolver validate DNSSEC, is the rest in order?
  surehop explain somebody@partner.example  what your mail to a partner would meet, and why
  surehop trace somebody@partner.example    what was decided about real mail; then set mode = "enforce"
  tests/system/run --list                   more stories that are told with this loopback internet
"""


def main():
    world = World(os.environ["LOOPNET_WORK"])
    world.start()
    world.surehop.use(rules=RULES)
    show(world)
    world.stop()
    print(NEXT)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        print(f"quickstart: {failure}", file=sys.stderr)
        sys.exit(1)
