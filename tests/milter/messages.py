# SPDX-License-Identifier: Apache-2.0
"""Messages as the mail server tells them, and what is answered, marked and held."""

import json

import client as wire
from common import DEFAULT_REFUSAL, FALLS_SHORT, equal, starts
from daemon import Surehopd


def refused_word_for_word(dns):
    """A recipient that falls short is refused with words that help, and its reference is in the ledger."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        equal(mta.mail(), "")
        reply = mta.rcpt("<b@none.test>")
        starts(reply, DEFAULT_REFUSAL)
        row = daemon.settled_rows(1)[0]
        equal(DEFAULT_REFUSAL + row["reference"], reply)
        equal((row["sender"], row["recipient"], row["action"], row["outcome"], row["reason"], row["rule"]),
              ("s@clinic.example", "b@none.test", "reject", "falls-short", "nothing-published", "default"))


def each_recipient_for_itself(dns):
    """One message, six recipients, six answers; the good ones go on, and are in the ledger when it is accepted."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        mta.mail()
        equal(mta.rcpt("<a@dane.test>"), "")
        starts(mta.rcpt("<b@none.test>"), "550 5.7.10 ")
        starts(mta.rcpt("<c@nullmx.test>"), "556 5.1.10 Mail to nullmx.test cannot be delivered: this domain accepts no mail")
        starts(mta.rcpt("<d@nx.test>"), "550 5.1.2 Mail to nx.test cannot be delivered: this domain does not exist")
        starts(mta.rcpt("<e@bogus.test>"), "451 4.4.3 Mail to bogus.test ")
        equal(mta.rcpt("<f@dane.test>"), "")
        equal(mta.end("4ABC"), ([], ""))
        rows = daemon.rows("queue_id = ?", "4ABC")
        equal([row["recipient"] for row in rows], ["a@dane.test", "f@dane.test"])
        equal({row["level"] for row in rows}, {"dane"})
        daemon.settled_rows(6)


def several_messages(dns):
    """Several messages on one connection, and a connection that the MTA uses for another client."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        for number in range(3):
            mta.mail()
            equal(mta.rcpt("<a@dane.test>"), "")
            equal(mta.end(f"4A{number}"), ([], ""))
        mta.quit_new_connection()
        mta.mail()
        starts(mta.rcpt("<b@none.test>"), "550 ")
        equal(mta.rcpt("<a@dane.test>"), "")
        equal(mta.end("4B"), ([], ""))
        mta.quit()
        equal(len(daemon.rows("queue_id <> ''")), 4)


def aborted(dns):
    """An aborted message leaves nothing behind, neither in the next message nor in the ledger."""
    with Surehopd(dns, FALLS_SHORT.format("quarantine")) as daemon, daemon.client() as mta:
        mta.mail()
        equal(mta.rcpt("<b@none.test>"), "")
        mta.header("X-Surehop", "forged")
        mta.abort()
        mta.mail()
        equal(mta.rcpt("<a@dane.test>"), "")
        equal(mta.end(), ([], ""))
        equal([row["recipient"] for row in daemon.rows()], ["a@dane.test"])


def many_recipients(dns):
    """1000 recipients, duplicates among them, cost one look-up and one row each."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        mta.mail()
        dns.asked.clear()
        for number in range(1000):
            equal(mta.rcpt(f"<u{number % 600}@dane.test>"), "")
        equal(mta.end("4MANY"), ([], ""))
        equal(len(daemon.rows("queue_id = ?", "4MANY")), 1000)
        equal(sum(1 for name, kind in dns.asked if name == "dane.test" and kind == 15), 1)


def tagged(dns):
    """A `tag` rule adds one header and removes all forged ones, in any case and spelling."""
    with Surehopd(dns, FALLS_SHORT.format("tag")) as daemon, daemon.client() as mta:
        mta.mail()
        equal(mta.rcpt("<b@none.test>"), "")
        equal(mta.rcpt("<c@other.test>"), "")
        actions, reply = mta.end(headers=[("X-SUREHOP", "meets"), ("Subject", "x"), ("x-surehop ", "meets")])
        equal(reply, "")
        equal(actions[:2], [("change", 2, "X-Surehop", ""), ("change", 1, "X-Surehop", "")])
        equal(actions[2:], [("add", "X-Surehop", f'falls-short; rule="default"; ref={daemon.rows()[0]["reference"]}')])
        assert not any("none.test" in str(action) for action in actions)


def forged_headers_go(dns):
    """A forged header does not pass with a message that meets everything, either."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        mta.mail()
        mta.rcpt("<a@dane.test>")
        equal(mta.end(headers=[("X-Surehop", "meets")]), ([("change", 1, "X-Surehop", "")], ""))


def flood_of_forged_headers(dns):
    """A message full of forged headers is refused: to remove each would keep the MTA busy."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        mta.mail()
        mta.rcpt("<a@dane.test>")
        actions, reply = mta.end(headers=[("X-Surehop", "meets")] * 5000)
        equal(actions, [])
        starts(reply, "550 5.6.0 This message holds 5000 fields named X-Surehop")


def waiver(dns):
    """A sender who writes "TLS-Required: No" is refused: the mail server would send without asking the lock."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        mta.mail()
        mta.rcpt("<a@dane.test>")
        actions, reply = mta.end(headers=[("Subject", "x"), ("TLS-required", "\n no")])
        equal(actions, [])
        starts(reply, '550 5.7.10 This message says "TLS-Required: No", which would lift the protection ')
        equal([row["action"] for row in daemon.settled_rows(1)], ["reject"])


def quarantined(dns):
    """A `quarantine` rule holds the message once; the postmaster reads who caused it, recipients do not."""
    rules = '[[rule]]\nname = "patient data"\nrecipient = ["none.test"]\nfalls_short = "quarantine"\n'
    with Surehopd(dns, rules=rules) as daemon, daemon.client() as mta:
        mta.mail()
        equal(mta.rcpt("<a@dane.test>"), "")
        equal(mta.rcpt("<b@none.test>"), "")
        equal(mta.rcpt("<c@none.test>"), "")
        actions, reply = mta.end()
        equal(reply, "")
        ref = daemon.rows("recipient = 'b@none.test'")[0]["reference"]
        equal(actions, [("add", "X-Surehop", f'falls-short; held; rule="patient data"; ref={ref}'),
                        ("quarantine", f'surehop: falls-short for b@none.test, c@none.test, rule "patient data", ref {ref}')])


def audit(dns):
    """Audit mode refuses nothing and records everything with what enforce would have done."""
    with Surehopd(dns, 'mode = "audit"') as daemon, daemon.client() as mta:
        mta.mail()
        for name in ("none.test", "nullmx.test", "nx.test", "bogus.test", "dane.test"):
            equal(mta.rcpt(f"<a@{name}>"), "")
        equal(mta.rcpt('<"open@none.test>', {"{rcpt_mailer}": "smtp", "{rcpt_host}": "none.test"}), "")
        equal(mta.end("4AUDIT"), ([], ""))
        rows = daemon.rows("queue_id = '4AUDIT'")
        equal([row["would"] for row in rows], ["reject", "reject", "reject", "defer", "accept", "reject"])
        equal({row["action"] for row in rows}, {"accept"})


def null_sender(dns):
    """A bounce (null sender) is judged as anybody's mail."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        equal(mta.mail("<>", {"{mail_addr}": ""}), "")
        starts(mta.rcpt("<b@none.test>"), "550 5.7.10 ")
        equal(mta.rcpt("<a@dane.test>"), "")
        equal(mta.end(), ([], ""))


def unreadable_addresses(dns):
    """An address that cannot be read is refused, an invalid IDN with its own code."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        mta.mail()
        told = {"{rcpt_mailer}": "smtp", "{rcpt_host}": "none.test"}
        starts(mta.rcpt('<"open@none.test>', told), "501 5.1.3 The recipient's address cannot be read: ")
        starts(mta.rcpt("<a@xn--0.test>", told), "553 5.1.3 ")
        starts(mta.rcpt("<>", told), "501 5.1.3 ")
        starts(mta.rcpt("<" + "x" * 5000 + "@none.test>", told), "501 5.1.3 ")
        starts(mta.rcpt("<a@\xe9\xff.test>", told), "5")
        equal(mta.rcpt("<@relay.test:A@Dane.Test>", told | {"{rcpt_host}": "dane.test"}), "")
        equal(mta.end(), ([], ""))
    with Surehopd(dns) as daemon, daemon.client() as mta:
        starts(mta.mail('<"open@clinic.example>', {}), "501 5.1.7 ")
        equal(mta.mail('<"open"@clinic.example>', {}), "")


def not_over_smtp(dns):
    """Mail by sendmail(1) cannot be refused recipient by recipient: the whole message is decided at its end."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        equal(mta.mail("s@clinic.example", {"i": "CQID"}), "")
        equal(mta.rcpt("a@dane.test", {"i": "CQID", "{rcpt_addr}": "a@dane.test"}), "")
        equal(mta.rcpt("b@none.test", {"i": "CQID", "{rcpt_addr}": "b@none.test"}), "")
        actions, reply = mta.end("CQID")
        equal(actions, [])
        starts(reply, "550 5.7.10 Nothing was sent. Mail to none.test must leave over ")
        rows = daemon.settled_rows(2, "queue_id = 'CQID'")
        equal({row["action"] for row in rows}, {"reject"})
        mta.mail("s@clinic.example", {})
        mta.rcpt("b@none.test", {})
        mta.rcpt("c@bogus.test", {})
        starts(mta.end("CQID2")[1], "451 4.4.3 Nothing was sent, since mail to none.test, bogus.test is not accepted now")
        mta.mail("s@clinic.example", {})
        equal(mta.rcpt("a@dane.test", {}), "")
        equal(mta.end("CQID3"), ([], ""))


def macros_missing(dns):
    """Where the MTA says nothing of the next hop, the recipient's domain counts."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        mta.mail("<s@clinic.example>", {})
        equal(mta.rcpt("<a@dane.test>", {}), "")
        starts(mta.rcpt("<b@none.test>", {}), "550 5.7.10 ")
        equal(mta.rcpt("<postmaster>", {}), "")
        equal(mta.end(""), ([], ""))


def next_hop_of_the_mta(dns):
    """Judged is where the MTA goes: a relay host in place of the domain, final domains not at all."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        equal(mta.macros_wanted[3], ["{rcpt_mailer}", "{rcpt_host}", "{rcpt_addr}"])
        mta.mail()
        relayed = {"{rcpt_mailer}": "smtp", "{rcpt_host}": "other.test", "{rcpt_addr}": "a@dane.test"}
        starts(mta.rcpt("<a@dane.test>", relayed),
               "550 5.7.10 Mail to dane.test goes by way of other.test and must leave over ")
        local = {"{rcpt_mailer}": "local", "{rcpt_host}": "mail.local.test", "{rcpt_addr}": "root@local.test"}
        equal(mta.rcpt("<root>", local), "")
        own = {"{rcpt_mailer}": "smtp", "{rcpt_host}": "[127.0.0.1]:10025", "{rcpt_addr}": "x@none.test"}
        equal(mta.rcpt("<x@none.test>", own), "")


def percent_signs(dns):
    """A % in the words of an answer arrives as one."""
    with Surehopd(dns, 'help = "https://help.example/?a%20b%s"') as daemon, daemon.client() as mta:
        mta.mail()
        assert "Ask https://help.example/?a%20b%s for an exception." in mta.rcpt("<b@none.test>")


def old_mta(dns):
    """An MTA of protocol version 2 that offers the oldest steps only is served, too."""
    with Surehopd(dns, FALLS_SHORT.format("tag")) as daemon:
        with daemon.client(actions=0x3F, steps=0x7F, version=2) as mta:
            equal((mta.steps & ~0x7F, mta.actions & ~0x3F), (0, 0))
            mta.mail()
            equal(mta.rcpt("<b@none.test>"), "")
            actions, reply = mta.end()
            equal((len(actions), reply), (1, ""))


def negotiation(dns):
    """Asked for is only what is needed; recipients that the MTA refuses anyway are not."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        equal(mta.actions, wire.ADDHDRS | wire.CHGHDRS | wire.QUARANTINE | wire.SETSYMLIST)
        assert mta.steps & wire.NOBODY and mta.steps & wire.NR_HDR and not mta.steps & wire.RCPT_REJ
        # Without an answer to DATA Postfix's header comes 40 ms late over TCP: its macros alone wait for no answer.
        assert not mta.steps & wire.NODATA


LABEL = """
[[rule]]
name = "secret"
header = { "X-Classification" = "(?i)confidential|secret", "Subject" = "." }
minimum = "dane"
"""


def label(dns):
    """A label decides when the header is over; explain says the same, before and after the message has spoken."""
    with Surehopd(dns, 'minimum = "encrypted"\nmode = "enforce"', rules=LABEL) as daemon, daemon.client() as mta:
        def send(*headers):
            mta.mail()
            equal(mta.rcpt("<a@none.test>"), "")
            equal(mta.rcpt("<b@dane.test>"), "")
            return mta.end(headers=headers)
        assert not mta.steps & wire.NOEOH and mta.steps & wire.NOBODY
        equal(send(("X-Classification", "public"), ("Subject", "x")), ([], ""))
        subject = ("Subject", "=?utf-8?Q?=C3=9Cbergabe?=")
        actions, reply = send(("X-Classification", "=?utf-8?B?Q29uZmlk?=\n =?utf-8?B?ZW50aWFs?="), subject)
        starts(reply, "550 5.7.10 Nothing was sent. Mail to none.test must leave over a connection authenticated by DANE "
                      '(rule "secret"), but ')
        rows = daemon.settled_rows(4)
        equal([(row["rule"], row["action"]) for row in rows[-2:]], [("secret", "reject")] * 2)
        told = json.loads(daemon.cli("explain", "a@none.test", "--json").stdout)
        equal((told["open"], told["verdict"]["action"]), (["secret", "default"], "accept"))
        told = daemon.cli("explain", "a@none.test", "--header", "X-Classification: SECRET", "--header", "Subject: x")
        equal(told.returncode, 1)
        assert 'by rule "secret"' in told.stdout


def size_and_reload(dns):
    """Where a rule asks for the size the body is read; a connection from before the rule counts as too large."""
    with Surehopd(dns, 'minimum = "encrypted"\nmode = "enforce"') as daemon, daemon.client() as before:
        assert before.steps & wire.NOBODY
        text = daemon.config.read_text()
        rule = '[[rule]]\nname = "big"\nlarger_than = 1000\nminimum = "dane"\n\n[listen]'
        daemon.config.write_text(text.replace("[listen]", rule))
        equal(daemon.cli("reload").returncode, 0)
        with daemon.client() as after:
            assert not after.steps & wire.NOBODY and after.steps & wire.NR_BODY
            for mta, body, refused in ((after, b"x" * 900, False), (after, b"x" * 1000, True), (before, b"x", True)):
                mta.mail()
                equal(mta.rcpt("<a@none.test>"), "")
                reply = mta.end(body=body)[1]
                equal(reply[:10], "550 5.7.10" if refused else "")


def user_and_listener(dns):
    """Who has authenticated, and at which door: as the mail server tells it."""
    rules = '[[rule]]\nname = "doctors"\nuser = ["house"]\nlistener = ["submission"]\nminimum = "dane"\n'
    with Surehopd(dns, 'minimum = "encrypted"\nmode = "enforce"', rules=rules) as daemon, daemon.client() as mta:
        equal(set(mta.macros_wanted[2]), {"{mail_addr}", "{auth_authen}", "{daemon_name}"})
        for user, door, refused in (("house", "submission", True), ("House", "submission", True),
                                    ("wilson", "submission", False), ("house", "smtp", False), ("", "submission", False)):
            macros = {"{mail_addr}": "s@clinic.example", "{daemon_name}": door}
            mta.mail(macros=macros | ({"{auth_authen}": user} if user else {}))
            equal(mta.rcpt("<a@none.test>")[:10], "550 5.7.10" if refused else "")
            mta.abort()


def requiretls(dns):
    """MAIL FROM with REQUIRETLS: nothing below authenticated, though the rules ask for less."""
    with Surehopd(dns, 'minimum = "none"\nmode = "enforce"') as daemon, daemon.client() as mta:
        equal(mta.mail("<s@clinic.example>", None, "SIZE=1000", "REQUIRETLS"), "")
        starts(mta.rcpt("<a@none.test>"), "550 5.7.10 Mail to none.test must leave over an authenticated connection "
                                          "(asked for by the sender, REQUIRETLS), but ")
        equal(mta.rcpt("<a@dane.test>"), "")
        equal(mta.end(), ([], ""))
        mta.mail()
        equal(mta.rcpt("<a@none.test>"), "")


def no_quarantine_offered(dns):
    """Where the MTA cannot hold a message, it is not accepted instead."""
    with Surehopd(dns, FALLS_SHORT.format("quarantine")) as daemon:
        with daemon.client(actions=wire.ALL_ACTIONS & ~wire.QUARANTINE) as mta:
            mta.mail()
            mta.rcpt("<b@none.test>")
            _, reply = mta.end("4NOHOLD")
            starts(reply, "451 4.3.0 This cannot be accepted now: it cannot be held.")
            equal(daemon.rows("queue_id = '4NOHOLD'"), [])


STORIES = [
    refused_word_for_word, each_recipient_for_itself, several_messages, aborted, many_recipients, tagged,
    forged_headers_go, flood_of_forged_headers, waiver, quarantined, audit, null_sender, unreadable_addresses,
    not_over_smtp, macros_missing, next_hop_of_the_mta, percent_signs, old_mta, negotiation, no_quarantine_offered,
    label, size_and_reload, user_and_listener, requiretls,
]
