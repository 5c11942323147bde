# SPDX-License-Identifier: Apache-2.0
"""How somebody sees from outside that all is well: metrics for Prometheus, and what systemd is told."""

import json
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from common import equal, starts
from daemon import TREE, Surehopd

PORT = 19469


def page():
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as reply:
        return reply.read().decode()


def value(text, name, **labels):
    """Of the one series with these labels, which must be there."""
    wanted = ",".join(f'{label}="{text}"' for label, text in labels.items())
    for line in text.splitlines():
        found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if found and (found[1] or "") == wanted:
            return float(found[2])
    raise AssertionError(f"there is no {name} with {labels}")


def named_in_contrib():
    """What alert rules and dashboard ask for; of a histogram its own name."""
    contrib = TREE / "contrib"
    text = (contrib / "prometheus/surehop.rules.yml").read_text() + (contrib / "grafana/surehop.json").read_text()
    names = set(re.findall(r"\b(?:surehop|process)_[a-z_]+", text))
    return {re.sub(r"_seconds_bucket$", "_seconds", name) for name in names}


def dashboard_and_alerts(dns):
    """The alert rules fire for what they are about and for nothing else (promtool), and the dashboard's queries are valid."""
    rules = TREE / "contrib/prometheus"
    for words in (["check", "rules", rules / "surehop.rules.yml"], ["test", "rules", rules / "surehop.test.yml"]):
        said = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
        equal((said.returncode, "SUCCESS" in said.stdout), (0, True))
    dashboard = json.loads((TREE / "contrib/grafana/surehop.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) > 15, queries
    # Whether promtool can read them: as rules, with Grafana's variables filled in.
    filled = [query.replace("$__rate_interval", "5m").replace("$instance", ".*") for query in queries]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        recorded = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(filled)]
        json.dump({"groups": [{"name": "dashboard", "rules": recorded}]}, file)  # JSON is YAML
        file.flush()
        said = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False)
        equal((said.returncode, said.stderr), (0, ""))


def metrics(dns):
    """Prometheus reads what was decided, looked up and answered; promtool finds nothing wrong with the page."""
    with Surehopd(dns, metrics=f"inet:{PORT}@127.0.0.1") as daemon, daemon.client() as mta:
        mta.mail()
        equal(mta.rcpt("<a@dane.test>"), "")
        equal(mta.rcpt("<b@dane.test>"), "")
        starts(mta.rcpt("<c@none.test>"), "550 5.7.10 ")
        starts(mta.rcpt("<d@bogus.test>"), "451 ")
        equal(mta.end("4METRICS")[1], "")
        lock = socket.socket(socket.AF_UNIX)
        lock.settimeout(10)
        lock.connect(str(daemon.folder / "socketmap.sock"))
        lock.sendall(b"17:postfix dane.test,17:postfix none.test,")
        answers = b""
        while b"TEMP" not in answers:
            answers += lock.recv(1000)
        lock.close()
        text = page()
        said = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        equal((said.returncode, said.stdout + said.stderr), (0, ""))
        default = {"rule": "default", "mode": "enforce"}
        equal(value(text, "surehop_decisions_total", outcome="meets", level="dane", action="accept", **default), 2)
        equal(value(text, "surehop_decisions_total", outcome="falls-short", level="verified", action="reject", **default), 1)
        equal(value(text, "surehop_decisions_total", outcome="unknown", level="none", action="defer", **default), 1)
        equal(value(text, "surehop_rcpt_seconds_count"), 4)
        equal(value(text, "surehop_end_of_message_seconds_count"), 1)
        equal(value(text, "surehop_store_writable"), 1)
        equal(value(text, "surehop_dns_queries_total", type="tlsa", result="answer"), 1)
        equal(value(text, "surehop_lock_answers_total", answer="policy"), 1)
        equal(value(text, "surehop_lock_answers_total", answer="deferred"), 1)
        equal(value(text, "surehop_lock_seconds_count"), 2)
        equal(value(text, "surehop_promises"), 1)
        equal(value(text, "surehop_resolver_validates"), 1)
        equal(value(text, "surehop_incident", part="dns"), 0)
        for name in named_in_contrib():
            assert f"# TYPE {name} " in text, f"{name} is not there to be watched"
        manual = (TREE / "man/surehopd.8").read_text()
        for name in re.findall(r"^# TYPE (\S+) ", text, re.M):
            assert re.search(rf"^\.It Li .*\b{name}\b", manual, re.M), f"{name} is not in the manual"
        assert value(text, "process_resident_memory_bytes") > 1e6, text
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=10)
            raise AssertionError("another page is there")
        except urllib.error.HTTPError as refused:
            equal(refused.code, 404)
        equal(daemon.stop()[1], 0)


def systemd_is_told(dns):
    """systemd hears when surehopd serves, every five seconds that it is alive, and that it stops."""
    with Surehopd(dns, start=False) as daemon:
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.settimeout(10)
        manager.bind(str(daemon.folder / "notify"))
        os.environ["NOTIFY_SOCKET"] = str(daemon.folder / "notify")
        try:
            daemon.start()
        finally:
            del os.environ["NOTIFY_SOCKET"]
        began = time.monotonic()
        heard = [manager.recv(100) for _ in range(3)]
        equal(sorted(heard), [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"])
        assert 3 < time.monotonic() - began < 8, "not every five seconds"
        daemon.stop()
        equal(manager.recv(100), b"STOPPING=1")
        manager.close()


def one_line_for_each_decision(dns):
    """Each decision is one line of the log, with the fields of its row in the ledger, and addresses as the ledger keeps them."""
    def lines(daemon):
        return [dict((field[0], (field[1] or field[2]).replace('\\"', '"')) for field in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', line))
                for line in daemon.log.read_text().splitlines() if " decision " in line]

    for form in ("full", "domain"):
        with Surehopd(dns, ledger=f'addresses = "{form}"') as daemon, daemon.client() as mta:
            mta.mail()
            mta.rcpt("<a@dane.test>")
            mta.rcpt("<b@none.test>")
            mta.end("4LINES")
            rows = daemon.settled_rows(2)
            said = lines(daemon)
            equal({line["recipient"] for line in said}, {"a@dane.test", "b@none.test"} if form == "full" else {"@dane.test", "@none.test"})
            equal([line.get("queue_id", "") for line in said], ["", "4LINES"])  # what is refused has none yet
            by_reference = {row["reference"]: row for row in rows}
            for line in said:
                row = by_reference[line["reference"]]
                for name in ("action", "would", "outcome", "level", "reason", "minimum", "mode", "rule", "next_hop", "sender",
                             "recipient", "offer", "facts", "detail"):
                    equal((name, line.get(name, "")), (name, row[name]))
            mta.mail()
            starts(mta.rcpt("<no address@>"), "501 5.1.3 ")
            last = lines(daemon)[2]
            equal((last["outcome"], last["action"]), ("no-mail", "reject"))
            assert last["detail"].startswith("address cannot be read"), last
            starts(mta.mail("<no address@>"), "501 5.1.7 ")
            assert lines(daemon)[3]["detail"].startswith("address cannot be read")
            equal(daemon.cli("allow", "add", "none.test", "--lowest", "none", "--reason", "r", "--owner", "o", "--until", "+1h").returncode, 0)
            mta.mail()
            equal(mta.rcpt("<c@none.test>"), "")
            mta.end("4EXCEPTION")
            equal((lines(daemon)[4]["exception"], lines(daemon)[4]["queue_id"]), ("1", "4EXCEPTION"))


STORIES = [one_line_for_each_decision, metrics, dashboard_and_alerts, systemd_is_told]
