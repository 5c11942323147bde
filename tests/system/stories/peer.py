# SPDX-License-Identifier: Apache-2.0
"""surehop side by side with postfix-mta-sts-resolver. What both answer stands in tests/system/PEERS.md; here both are
asked, and Postfix delivers as each of them says."""

import pathlib
import threading

from loopnet.peer import USER as PEER_USER
from loopnet.story import expect, note, story

TABLES = pathlib.Path(__file__).parents[1] / "PEERS.md"

# What every `secure` answer says alike, and what surehop alone adds to each: no TLS below 1.2.
ALIKE = (" servername=hostname", " protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1")

LINE = "{:<16} {:<15} {:<49} {:<32} {}"  # of what -v shows


def table(columns):
    """The rows of the table in PEERS.md with this number of columns, without its head."""
    lines = TABLES.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in rows if len(row) == columns][2:]


def short(server, next_hop):
    """What a server answers for this next hop, as PEERS.md writes it."""
    answer = server.ask(next_hop)
    if not answer.startswith("OK "):
        return answer.split(" ")[0]
    for words in ALIKE:
        answer = answer.replace(words, "")
    before, match, names = answer.partition("match=")
    names, blank, more = names.partition(" ")
    return before + match + ":".join(sorted(names.split(":"))) + blank + more


def reload(world, **settings):
    world.surehop.write(world.surehop.configuration(**settings))
    expect("exit status of reload", world.surehop.cli("reload").status, 0)


def answers(world, next_hops):
    """For each (peer, surehop where nothing is demanded, surehop with a minimum), the first two asked at the same time."""
    said = {}
    reload(world, minimum="none")
    for next_hop in next_hops:
        theirs = []
        other = threading.Thread(target=lambda: theirs.append(short(world.peer, next_hop)))
        other.start()
        ours = short(world.surehop, next_hop)
        other.join()
        said[next_hop] = [*theirs, ours]
    reload(world, minimum="authenticated")
    for next_hop in next_hops:
        said[next_hop].append(short(world.surehop, next_hop))
    return said


def compare(world, when):
    """Ask both for all rows of this event, then say all that is not as PEERS.md has it."""
    wanted = {row[1]: row[3:] for row in table(6) if row[0] == when}
    seen = answers(world, wanted)
    for next_hop, said in seen.items():
        note(LINE.format(when, next_hop, *said))
    expect(f"answers, {when}", seen, wanted)


def begin(world):
    """Both with nothing learnt yet. A peer that is not installed fails the story."""
    world.peer.start(fresh=True)
    note(LINE.format("when", "next hop", f"peer {world.peer.version()}", "surehop, no minimum", "surehop, authenticated"))


@story("Asked for the same next hops, surehop and its peer answer as PEERS.md says", fresh=True)
def as_it_is(world):
    begin(world)
    compare(world, "as it is")


@story("surehop and its peer both keep a policy whose record has gone", fresh=True)
def record_gone(world):
    begin(world)
    answers(world, ["sts.test"])
    world.change_zone("sts.test", '_mta-sts      TXT   "v=STSv1; id=20260101"')
    try:
        expect("the record", world.dns.ask("_mta-sts.sts.test", "TXT").answers, 0)
        expect("exit status of facts refresh", world.surehop.cli("facts", "refresh", "sts.test").status, 0)
        compare(world, "record gone")
    finally:
        world.change_zone("sts.test")


@story("With the policy host gone, surehop and its peer answer as PEERS.md says", fresh=True)
def policy_host_gone(world):
    begin(world)
    answers(world, ["sts.test"])
    world.policy_host.stop()
    try:
        world.surehop.cli("facts", "refresh", "sts.test")  # the peer looks at each question (loopnet/peer.py)
        compare(world, "policy host gone")
    finally:
        world.policy_host.start()


@story("surehop and its peer both keep a policy through a restart without a resolver", fresh=True)
def resolver_gone(world):
    begin(world)
    answers(world, ["sts.test"])
    world.surehop.stop()
    world.dns.stop_resolver()
    try:
        world.peer.start()
        world.surehop.start()
        compare(world, "resolver gone")
    finally:
        world.dns.start_resolver()
        world.surehop.stop()  # the next story starts it with a resolver that answers


@story("When nobody answers for the policy record, surehop and its peer answer as PEERS.md says", fresh=True)
def record_silent(world):
    begin(world)
    world.dns.broken.silent.add("txtsilent")
    try:
        compare(world, "record silent")
    finally:
        world.dns.broken.silent.clear()


@story("Mail that Postfix sends or keeps as surehop or its peer says fares as in PEERS.md", fresh=True)
def mail(world):
    begin(world)
    rows = table(3)
    ours = {domain: fate_of(world, world.someone(domain)) for domain, _, _ in rows}
    reload(world, mode="audit")  # the gate lets everything pass, the peer has no gate
    theirs = {domain: fate_of(world, f"{PEER_USER}@{domain}") for domain, _, _ in rows}
    for domain in ours:
        note(LINE.format("mail to", domain, theirs[domain], "", ours[domain]))
    expect("fate of mail", [[domain, theirs[domain], ours[domain]] for domain in ours], rows)


def fate_of(world, recipient):
    """What becomes of a message, as PEERS.md writes it."""
    sent = world.send(recipient)
    if sent.reply().code != 250:
        return f"refused, {sent.reply().code}"
    fate = world.postfix.fate(sent.queue_id, recipient)
    if fate.status != "sent":
        return f"{fate.status}, {fate.dsn}"
    (record,) = world.sinks.delivered(recipient)
    return "sent over TLS" if record["tls"] else "sent in clear"
