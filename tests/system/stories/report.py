# SPDX-License-Identifier: Apache-2.0
"""What is reported of mail that went, and what a survey says of mail before anything is enforced."""

import collections

from loopnet.story import expect, expect_match, expect_reply, expect_true, story

# What each minimum finds at these destinations: by level the strongest that they offer to this lock.
SURVEYED = {
    "dane.test": "dane", "sts.test": "authenticated", "none.test": "verified", "ststesting.test": "verified",
    "bogus.test": None, "nullmx.test": "none",
}  # fmt: skip


@story("A survey of a list says what each minimum would have done, and why", fresh=True, mode="audit")
def survey_list(world):
    path = world.surehop.folder / "partners.txt"
    path.write_text("# partners\n" + "".join(f"bob@{domain}\n" for domain in SURVEYED) + "dane.test\nno address at all\n")
    said = world.surehop.cli("survey", path, "--rate", "50")
    expect(f"exit status ({said.err})", said.status, 0)
    expect_match("the complaint", said.err, r"partners\.txt: line 9: 'no address at all' is neither an address nor a domain")
    expect("mails and domains", (said.json["mails"], said.json["domains"], said.json["not_read"]), (7, 6, 1))
    by_outcome = {
        minimum: {outcome: row["mails"] for outcome, row in rows.items() if row["mails"]}
        for minimum, rows in said.json["minimums"].items()
    }
    common = {"unknown": 1, "no-mail": 1}
    expect("encrypted", by_outcome["encrypted"], {"meets": 5, **common})
    expect("authenticated", by_outcome["authenticated"], {"meets": 3, "falls-short": 2, **common})
    expect("dane", by_outcome["dane"], {"meets": 2, "falls-short": 3, **common})
    expect("offers", {one["domain"]: one["offer"] for one in said.json["list"]}, SURVEYED)
    text = world.surehop.cli("survey", path, as_json=False).out
    expect_match("the text", text, r"ststesting\.test +1  its MTA-STS policy is in testing mode \(sts-mode-testing\)")


@story("What a survey of Postfix's log predicts is what the gate then does with the same mail", fresh=True, mode="audit",
       rules='[[rule]]\nname = "ward"\nsender = ["ward@local.test"]\nminimum = "dane"\n')  # fmt: skip
def survey_log(world):
    queue_ids = []
    for sender in ("alice@local.test", "ward@local.test"):
        for domain in ("dane.test", "sts.test", "none.test", "ststesting.test"):
            recipient = world.someone(domain)
            sent = world.send(recipient, sender=sender)
            expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")
            queue_ids.append(sent.queue_id)
    path = world.surehop.folder / "mail.log"
    path.write_text("\n".join(line for line in world.postfix.log_text().splitlines() if any(q in line for q in queue_ids)))
    report = world.surehop.cli("report").json
    expect("recipients", report["recipients"]["all"], 8)
    observed = {rule["rule"]: rule["outcomes"] for rule in report["rules"]}
    survey = world.surehop.cli("survey", path).json
    expect("mails", survey["mails"], 8)
    for rule, actions in survey["rules"].items():
        predicted = collections.Counter({"meets": actions.get("accept", 0), "falls-short": actions.get("reject", 0)})
        expect(f"rule {rule}", {k: v for k, v in observed[rule].items() if v}, dict(predicted))
    expect("rules", sorted(survey["rules"]), ["default", "ward"])
    expect("what enforce mode would have done", {k: v for k, v in report["recipients"]["audited"].items() if v}, {"reject": 5})


@story("A survey needs neither a running surehopd nor mail; one of a file that names nobody is an error")
def survey_alone(world):
    path = world.surehop.folder / "few.txt"
    path.write_text("sts.test\n")
    expect("exit status of surehopd", world.surehop.stop(), 0)
    try:
        said = world.surehop.cli("--offline", "survey", path)
        expect(f"offer ({said.err})", said.json["list"][0]["offer"], "authenticated")
    finally:
        world.surehop.start()
    expect("exit status without a file", world.surehop.cli("survey", path.with_suffix(".gone")).status, 66)
    path.write_text("these are\nno addresses\n")
    said = world.surehop.cli("survey", path)
    expect("exit status of one with nobody", said.status, 65)
    expect_match("what it says", said.err, "names nobody to whom mail was sent")
    path.write_text("sts.test\n")
    expect("exit status of a bad lock", world.surehop.cli("survey", path, "--lock", "qmail").status, 64)


@story("The report says what was refused and why, in text and CSV, and names recipients only on demand", fresh=True)
def report_forms(world):
    recipient = world.someone("none.test")
    expect_reply(f"RCPT {recipient}", world.send(recipient).reply(), 550)
    world.wait(lambda: world.surehop.cli("trace", recipient).status == 0, f"a trace of {recipient}")
    text = world.surehop.cli("report", as_json=False).out
    expect_match("the text", text, r"none\.test +1\n +it publishes neither DANE nor MTA-STS \(nothing-published\): 1")
    csv = world.surehop.cli("report", "--csv", as_json=False).out
    expect_true("the CSV counts it", "outcome,falls-short,,1\r\n" in csv or "outcome,falls-short,,1\n" in csv, csv)
    expect_true("no address", recipient not in text + csv, text)
    named = world.surehop.cli("report", "--addresses", as_json=False).out
    expect_match("the report on demand", named, rf"{recipient} +1")
    expect("exit status of a bad time", world.surehop.cli("report", "--since", "soon").status, 64)
    expect_match("a time without rows", world.surehop.cli("report", "--until", "2d", as_json=False).out, "no row of that time")
