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

COLUMNS = (("recipient", 20), ("what the destination offers", 30), ("verdict", 24), ("what Postfix did", 42))


def told(world, sender, recipient):
    """The verdict of `surehop explain`, in words."""
    verdict = world.surehop.explain(recipient, "--from", sender).json["verdict"]
    level = verdict.get("level")
    words = f"{verdict['outcome']} ({level})" if verdict["outcome"] == "meets" and level else verdict["outcome"]
    action = "" if verdict["action"] in ("", "accept") else f" -> {verdict['action']}"
    return words.replace("-", " ", 1).replace(" >", "->") + action


def became(world, sent, recipient):
    """What Postfix did with this recipient of a message, in words."""
    reply = sent.recipients[recipient]
    if reply.code != 250:
        return f"refused at RCPT: {reply.code} {reply.status}"
    queued = world.postfix.queued(sent.queue_id)
    if queued and queued["queue_name"] == "hold":
        return "took it, and put it into the hold queue"
    fate = world.postfix.fate(sent.queue_id, recipient)
    if fate.status != "sent":
        return f"took it, but {fate.status} delivery ({fate.dsn} {fate.text}); the server got no message"
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


def line(mark="-"):
    print("  ".join(mark * width for _, width in COLUMNS))


def table(world, sender, *domains):
    """Send one message to somebody at each domain, and print a row for each."""
    recipients = [f"bob@{domain}" for domain in domains]
    verdicts = [told(world, sender, recipient) for recipient in recipients]
    sent = world.send(*recipients, sender=sender)
    for recipient, verdict in zip(recipients, verdicts):
        row(recipient, offers(recipient.partition("@")[2]), verdict, became(world, sent, recipient))
        line(" ")
    return sent


def show(world):
    print("\nA Postfix that asks surehopd, minimum = \"authenticated\". alice@local.test writes to ten people at once:\n")
    row(*(name for name, _ in COLUMNS))
    line()
    sent = table(
        world, "alice@local.test",
        "dane.test", "sts.test", "none.test", "strip.test", "wrongname.test", "bogus.test", "nullmx.test", "nx.test",
        "starttls.test", "local.test",
    )  # fmt: skip
    refused = sent.recipients["bob@none.test"]

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
What to do next
  surehop explain somebody@your-partner.example --json   the same judgement with all facts, on your own resolver
  surehop doctor                                         does your resolver validate DNSSEC, is the rest in order?
  README.md                                              the four lines for Postfix's main.cf
  contrib/surehop.toml                                   a configuration to begin with: audit mode refuses nothing
  man/surehop.toml.5                                     every setting; mandoc -a man/surehop.toml.5 shows it
  tests/system/run --list                                the stories that are told with this loopback internet
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
