# SPDX-License-Identifier: Apache-2.0
"""Who asks surehopd other things than mail servers do: the lock's peers, people at the command line, Prometheus."""

import json
import random
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

from loopnet.policyhost import Policy, policy_text
from watch import REPORT
from world import ENFORCE, LOCK, STEADY, SWITCHED, TESTING, TLSA

PATIENCE = 30
INCIDENT = re.compile(r"since 20\d\d-\d\d-\d\dT")  # among what `surehop status` is troubled by


def ask(sock, key):
    text = f"postfix {key}".encode()
    sock.sendall(b"%d:%s," % (len(text), text))
    octets = b""
    while b":" not in octets or len(octets) < len(octets.partition(b":")[0]) + 2 + int(octets.partition(b":")[0]):
        more = sock.recv(4096)
        if not more:
            raise ConnectionError("the lock has closed the connection")
        octets += more
    return octets.partition(b":")[2][:-1].decode()


def ask_the_lock(soak, place):
    """The next hops that mail goes to, as an MTA asks about them at delivery."""
    while soak.goes_on():
        began = time.monotonic()
        try:
            with socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET) as sock:
                sock.settimeout(PATIENCE)
                sock.connect(place)
                for _ in range(random.randrange(1, 40)):
                    if not soak.goes_on():
                        return
                    began = time.monotonic()
                    question(soak, sock, random.choice((*STEADY, *SWITCHED, "dane.test", "sts.test")), began)
                    soak.sleep(random.uniform(0.1, 0.5))
        except (OSError, ValueError) as failure:
            if soak.quiet.since(began - 2) and soak.goes_on():
                soak.findings.fail("peers", f"the lock: {type(failure).__name__}: {failure}")
            soak.sleep(0.5)


def question(soak, sock, key, began):
    expected, mark = soak.world.expected(key)
    answer = ask(sock, key)
    quiet, known = soak.quiet.since(began - 2), key in ("dane.test", "sts.test")
    soak.findings.did("look-ups by the lock")
    if quiet and known:
        soak.latency.add("lock", time.monotonic() - began)
        soak.findings.did("could pass")
        if answer.startswith("TEMP "):
            soak.findings.did("deferred although it could pass")
    if expected is None or soak.world.expected(key)[1] != mark:
        return  # changed meanwhile
    may = LOCK.get(key) if "" in expected or key not in SWITCHED else None
    if not answer.startswith("TEMP ") and (may is None or not answer.startswith(may)):
        soak.findings.fail("lock", f"{key}: {answer}")


def scrape(soak):
    busy = 0  # times in a row that surehopd had no time within 2 s, as a long list may take it under a sanitizer
    while soak.goes_on():
        began = time.monotonic()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{soak.world.ports['metrics']}/metrics", timeout=PATIENCE) as page:
                text = page.read().decode()
            soak.findings.require("surehop_decisions_total" in text, "metrics", text[:200])
            soak.findings.did("scrapes")
            busy = 0
        except (OSError, ValueError) as failure:
            busy += 1
            told = isinstance(failure, urllib.error.HTTPError) and failure.code == 503 and busy == 1
            if soak.quiet.since(began - 2) and soak.goes_on() and not told:
                soak.findings.fail("metrics", f"{type(failure).__name__}: {failure}")
        soak.sleep(5)


class Commands:
    """Somebody at the command line: asks all the time, and changes what may pass."""

    def __init__(self, soak):
        self.soak, self.world, self.heads, self.strict = soak, soak.world, [], False

    def run(self):
        asked = self.questions()
        while self.soak.goes_on():
            self.do(*next(asked))
            if random.random() < 0.5:
                with self.world.one_hand:
                    random.choice((self.exception, self.policy, self.tlsa, self.rule))()
            self.soak.sleep(1)

    def do(self, *words, fine=(0,)):
        """What a command printed, or None where it failed, which a fault may make it do."""
        began = time.monotonic()
        try:
            said = self.world.daemon.cli(*words)
        except subprocess.TimeoutExpired:
            self.soak.findings.fail("commands", f"{' '.join(words)}: no answer")
            return None
        self.soak.findings.did("commands")
        if found := REPORT.search(said.stderr):
            self.soak.findings.fail("sanitizers", f"surehop {' '.join(words)}: {said.stderr[found.start():][:6000]}")
        if said.returncode in fine:
            return said.stdout
        if "status" in words and said.returncode == 1 and INCIDENT.search(said.stdout):
            return said.stdout  # an incident outlasts its fault, until something works again
        if self.soak.quiet.since(began - 2):
            self.soak.findings.fail("commands", f"{' '.join(words)}: {said.returncode} {said.stdout[-300:]}{said.stderr[-300:]}")
        return None

    def questions(self):
        folder = self.world.folder
        survey = folder / "survey"
        survey.write_text("a@dane.test\nb@none.test\nsts.test\n")
        while True:
            for words in (
                ("status",), ("--json", "status"), ("facts", "list"), ("facts", "show", "sts.test"), ("promise", "list"),
                ("allow", "list", "--all"), ("allow", "export"), ("report",), ("--json", "report"), ("config", "check"),
                ("config", "show"), ("allow", "list", "--ending", "2h"), ("ledger", "export"),
            ):  # fmt: skip
                yield words
            self.explain_and_trace(survey)
            self.ledger()
            self.list_of_exceptions()

    def explain_and_trace(self, survey):
        for domain in random.sample((*STEADY, *SWITCHED), 4):
            self.do("--json", "explain", f"x@{domain}", fine=(0, 1, 2))
        self.do("trace", "dane.test", fine=(0, 1))
        self.do("trace", f"u{random.randrange(10**6)}@none.test", fine=(0, 1))
        self.do("doctor", fine=(0, 1))
        self.do("survey", str(survey), fine=(0, 1, 2))
        self.do("facts", "forget", "slow.test")
        self.do("facts", "refresh", "dane.test")

    def ledger(self):
        with self.world.one_hand:
            said = self.do("ledger", "verify", *(("--head", random.choice(self.heads)) if self.heads else ()), fine=(0, 1))
            if said is not None and "BROKEN" in said or said is not None and "are as they were written" not in said:
                self.soak.findings.fail("chain", said)
            if head := self.do("ledger", "head"):
                self.heads.append(head.strip())
            self.soak.findings.did("verified the chain")

    def list_of_exceptions(self):
        # Of a few ends, so that most imports change nothing and the list does not grow for ever.
        until = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(time.time() + 3600 * random.randrange(2, 5)))
        path = self.world.folder / "list.csv"
        path.write_text("recipient,lowest,reason,owner,until\n" + "".join(
            f"i{number}.test,none,soak,soak,{until}\n" for number in range(50)))
        self.do("allow", "import", str(path), "--dry-run")
        self.do("allow", "import", str(path))

    # ---- what may pass; a switch is set when surehopd has said that it is so

    def live(self):
        """Numbers of the exceptions for exception.test; None: it cannot be told."""
        said = self.do("--json", "allow", "list")
        return None if said is None else [one["id"] for one in json.loads(said)["exceptions"] if one["recipient"] == "@exception.test"]

    def exception(self):
        switch, (state, _) = self.world.switches["exception.test"], self.world.switches["exception.test"].now()
        there = self.live()
        if there is not None and state is not None:
            self.soak.findings.require(bool(there) == state, "exceptions", f"live are {there}, {'one was' if state else 'none were'} made")
        switch.set(None)
        if there is None:
            return
        if there:
            gone = [self.do("allow", "remove", str(number), "--reason", "soak") for number in there]
            if None not in gone:
                switch.set(False)
        elif self.do("allow", "add", "exception.test", "--lowest", "none", "--reason", "soak", "--owner", "soak", "--until", "+2h"):
            switch.set(True)
        self.soak.findings.did("exceptions changed")

    def policy(self):
        switch = self.world.switches["policy.test"]
        enforce = switch.now()[0] is False or random.random() < 0.3
        switch.set(None)
        self.world.zone.put("_mta-sts.policy.test", ("TXT", f"v=STSv1; id={time.time_ns()};"))
        mode = ENFORCE if enforce else TESTING
        self.world.policy_host.publish("policy.test", Policy(policy_text(mode, ("mx.policy.test",))))
        said = self.do("--json", "facts", "refresh", "policy.test")
        if said and json.loads(said)["facts"]["mta_sts"].get("mode") == mode:
            switch.set(enforce)
            self.soak.findings.did("policies changed")

    def tlsa(self):
        switch = self.world.switches["tlsa.test"]
        there = not switch.now()[0]
        switch.set(None)
        self.world.zone.put("_25._tcp.mx.tlsa.test", *([("TLSA", TLSA)] if there else []))
        said = self.do("--json", "facts", "refresh", "tlsa.test")
        if not said:
            return
        (host,) = json.loads(said)["facts"]["mx"]["hosts"] or ({},)
        if host.get("tlsa", {}).get("state") == ("present" if there else "absent"):
            switch.set(there)
            self.soak.findings.did("TLSA records changed")

    def rule(self):
        switch = self.world.switches["rule.test"]
        switch.set(None)
        self.strict = not self.strict
        self.world.daemon.config.write_text(self.world.configuration(self.soak.over_tcp, self.strict))
        if self.do("reload"):
            switch.set(not self.strict)
            self.soak.findings.did("rules changed")
