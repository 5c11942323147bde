# SPDX-License-Identifier: Apache-2.0
"""What the soak asserts, and what it measures to do so."""

import collections
import os
import pathlib
import re
import sqlite3
import threading
import time

CHECKS = {
    "sanitizers": "no sanitizer has anything to report, of surehopd or of surehop",
    "minimum": "nothing is accepted below its minimum",
    "answers": "nobody is refused for good who meets it, and no other answer is wrong",
    "lock": "the lock never answers weaker than the minimum",
    "rows": "every accepted recipient has its row in the ledger, and no row accepts what falls short",
    "chain": "the ledger's chain holds, and every head that was noted is in it",
    "exceptions": "no exception is lost, and none comes back",
    "recovery": "after each fault mail passes again by itself",
    "stops": "surehopd ends by itself never, and with status 0 when it is told to",
    "peers": "nobody is hung up on or left without an answer, faults aside",
    "commands": "every command answers, faults aside",
    "metrics": "the metrics can be read, faults aside",
    "latency": "known next hops are answered quickly, faults aside",
    "mail passes": "what can pass does, faults aside",
    "memory": "memory does not grow",
    "descriptors": "descriptors do not grow",
    "threads": "threads do not grow",
    "everything": "everything that the soak does was done",
}
REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer|Assertion .* failed")
SLOWEST = 1.0  # seconds, of 99 in 100 answers about next hops that are known
MOST_SHOWN = 5


class Findings:
    """What went wrong, by check, and how often each thing was done."""

    def __init__(self):
        self.failures = collections.defaultdict(list)
        self.done = collections.Counter()
        self.lock = threading.Lock()

    def fail(self, check, text):
        assert check in CHECKS, check
        with self.lock:
            self.failures[check].append(text)
            if len(self.failures[check]) <= MOST_SHOWN:
                print(f"FAIL  {check}: {text}", flush=True)

    def require(self, holds, check, text):
        if not holds:
            self.fail(check, text)

    def did(self, what, times=1):
        with self.lock:
            self.done[what] += times

    def tell(self):
        """The lines of all checks; how many passed and failed."""
        failed = 0
        for check, sentence in CHECKS.items():
            wrong = self.failures.get(check)
            failed += bool(wrong)
            print(f"FAIL  {check}: {sentence}: {len(wrong)} times" if wrong else f"ok    {check}: {sentence}")
        return len(CHECKS) - failed, failed


class Quiet:
    """When there was a fault. What is asserted `faults aside` is so from a moment at which there was none, until one begins."""

    def __init__(self):
        self.active, self.ended = 0, 0.0
        self.lock = threading.Lock()

    def __enter__(self):
        with self.lock:
            self.active += 1

    def __exit__(self, *_):
        with self.lock:
            self.active -= 1
            self.ended = time.monotonic()

    def since(self, moment):
        with self.lock:
            return self.active == 0 and self.ended < moment


class Process:
    """Memory (MiB), descriptors and threads of surehopd, at times."""

    def __init__(self, findings):
        self.findings, self.marks, self.peak = findings, {}, (0, 0, 0)

    def look(self, pid):
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            numbers = {key: int(value.split()[0]) for key, _, value in (line.partition(":") for line in status.splitlines())
                       if key in ("VmRSS", "Threads")}
            now = (numbers["VmRSS"] // 1024, len(os.listdir(f"/proc/{pid}/fd")), numbers["Threads"])
        except (OSError, KeyError):
            return None  # it has just ended
        self.peak = tuple(map(max, self.peak, now))
        return now

    def mark(self, name, seen):
        self.marks.setdefault(name, seen)

    def judge(self, growth=1.5, room=(48, 40, 16)):
        """No more at the end than half as much again, and some room for what comes and goes."""
        early, late = self.marks.get("early"), self.marks.get("late")
        for number, check in enumerate(("memory", "descriptors", "threads")):
            if not early or not late:
                self.findings.fail(check, "was not measured")
            elif late[number] > early[number] * growth + room[number]:
                self.findings.fail(check, f"{early[number]} early, {late[number]} at the end")


RACE = re.compile(r"^WARNING: ThreadSanitizer:.*?^SUMMARY: ThreadSanitizer:[^\n]*\n", re.M | re.S)
FRAME = re.compile(r"^ +#\d+ .*\((\S+?)\+0x[0-9a-f]+\).*$", re.M)


def of_libmilter(race):
    """When it is stopped, libmilter destroys locks that others of its threads still take. That is no fault of surehopd where none
    of its frames is on the stacks; those of where threads and locks were made do not count."""
    stacks = re.split(r"\n +(?:Location is|Mutex M|Thread T)", race)[0]
    modules = FRAME.findall(stacks)
    return len(modules) == stacks.count(" #") and any("libmilter" in name for name in modules) and all(
        name.startswith(("libmilter.so", "libtsan.so", "libstdc++.so", "libc.so")) for name in modules)


class Log:
    """Reads surehopd's log as it grows, for what a sanitizer says."""

    def __init__(self, path, findings):
        self.path, self.findings, self.at, self.rest = path, findings, 0, ""

    def look(self, last=False):
        if not self.path.exists():
            return
        with open(self.path, encoding="utf-8", errors="replace") as log:
            log.seek(self.at)
            text = self.rest + log.read()
            self.at = log.tell()
        for race in RACE.findall(text):
            if of_libmilter(race):
                self.findings.did("reports about libmilter alone, at its stop")
            else:
                self.findings.fail("sanitizers", race[:6000])
        text = RACE.sub("", text)
        found = REPORT.search(text)
        self.rest = text[found.start():] if found else text[text.rfind("\n") + 1:]  # perhaps not whole yet
        if found and (last or "ThreadSanitizer" not in found[0]):
            self.findings.fail("sanitizers", self.rest[:6000])
            self.rest = ""


class Rows:
    """What was accepted must be in the ledger, and what is in the ledger as accepted must have been right."""

    def __init__(self, store, findings):
        self.store, self.findings, self.last = store, findings, 0
        self.waiting = {}  # queue id: recipients that were accepted
        self.before = {}  # what the last look found: its senders may just have been answered
        self.lock = threading.Lock()
        self.count = 0

    def accepted(self, queue_id, recipients):
        with self.lock:
            self.waiting[queue_id] = set(recipients)

    def look(self):
        with self.lock:
            waiting = dict(self.waiting)  # these were answered before we read
        database = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30)
        try:
            rows = database.execute("SELECT id, queue_id, recipient, action, outcome, exception FROM ledger "
                                    "WHERE kind = 'decision' AND id > ? ORDER BY id", (self.last,)).fetchall()
        finally:
            database.close()
        recorded = {}
        for number, queue_id, recipient, action, outcome, exception in rows:
            self.last = number
            if action == "accept":
                recorded.setdefault(queue_id, set()).add(recipient)
                if outcome != "meets" or (recipient.endswith("@exception.test") and not exception):
                    self.findings.fail("rows", f"row {number} accepts {recipient}, {outcome}")
        self.count += len(rows)
        for queue_id, recipients in waiting.items():
            if missing := recipients - recorded.get(queue_id, set()) - self.before.get(queue_id, set()):
                self.findings.fail("rows", f"{queue_id} was accepted for {missing}, and has no row")
        self.before = recorded
        with self.lock:
            for queue_id in waiting:
                self.waiting.pop(queue_id, None)


class Latency:
    def __init__(self, findings):
        self.findings, self.took = findings, {"gate": [], "lock": []}

    def add(self, what, seconds):
        self.took[what].append(seconds)

    def part(self, what, share):
        took = sorted(self.took[what])
        return took[int(len(took) * share)] if took else 0.0

    def judge(self):
        for what, took in self.took.items():
            slow = self.part(what, 0.99)
            self.findings.require(len(took) > 5, "latency", f"{what}: only {len(took)} answers")
            self.findings.require(slow < SLOWEST, "latency", f"{what}: 99 in 100 within {slow:.2f} s")
