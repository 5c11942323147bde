# SPDX-License-Identifier: Apache-2.0
"""What every table is made of: servers that are measured, load on them, rounds, and figures with their spread."""

import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "milter"))

from daemon import Surehopd  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BENCH", HERE.parents[1] / "build/release/bench"))
ZONE = f"""
    template.example              MX    10 mx.template.example
    mx.template.example           A     127.0.30.1
    _25._tcp.mx.template.example  TLSA  3 1 1 {"ab" * 32}
    ttl                           template.example 86400
    silent                        black.example
"""
DOMAINS = 1000


def load(program, **options):
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run([BUILD / program, *words], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{program} {' '.join(words)}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def listens(address):
    """Somebody does at this end of a TCP address as ss(8) shows it, such as 127.0.0.1:25 or :25."""
    return subprocess.run(["sh", "-c", f"ss -ltn | grep -q '{address} '"], check=False).returncode == 0


class Floor:
    """A floor program that serves a UNIX or TCP socket until the end of the block."""

    def __init__(self, program, socket, *more):
        self.socket = socket
        self.command = [BUILD / program, socket if program == "floor_milter" else socket.removeprefix("unix:"), *more]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self.serves() and time.monotonic() < deadline:
            time.sleep(0.05)
        return self

    def serves(self):
        if self.socket.startswith("unix:"):
            return pathlib.Path(self.socket.removeprefix("unix:")).exists()
        return listens(f":{self.socket[5:].split('@')[0]}")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    @property
    def pid(self):
        return self.process.pid


def renamed(field, name):
    """A field of the template's row for another domain: in the facts each name follows its length."""
    if isinstance(field, str):
        return field.replace("template.example", name)
    if isinstance(field, bytes):
        return field.replace(b"\x13mx.template.example", bytes([3 + len(name)]) + b"mx." + name.encode())
    return field


class Daemon(Surehopd):
    """surehopd that knows `domains` next hops with DANE: d0.example and so on."""

    def __init__(self, dns, domains=DOMAINS, **more):
        super().__init__(dns, start=False, **more)
        self.start()
        with self.client() as mta:
            mta.mail()
            assert mta.rcpt("<a@template.example>") == "", "the template is not accepted"
            mta.end("4TEMPLATE")
        self.stop()
        store = sqlite3.connect(self.store)
        row = store.execute("SELECT * FROM facts WHERE key = 'template.example'").fetchone()
        marks = ",".join("?" * len(row))
        store.executemany(
            f"INSERT INTO facts VALUES ({marks})",
            ([renamed(field, f"d{i}.example") for field in row] for i in range(domains)),
        )
        store.commit()
        store.close()
        began = time.monotonic()
        self.start()
        self.started_in = time.monotonic() - began

    @property
    def pid(self):
        return self.process.pid

    @property
    def lock(self):
        return f"unix:{self.folder}/socketmap.sock"

    def resident(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


def many_rules(count):
    return "".join(f'\n[[rule]]\nname = "r{i}"\nrecipient = ["@rule{i}.example"]\nminimum = "dane"\n' for i in range(count))


def many_exceptions(daemon, count, in_one=20_000):
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30 * 86400))
    for first in range(0, count, in_one):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write("recipient,lowest,reason,owner,until\n")
            file.writelines(f"@exception{first + i}.example,encrypted,bench,ciso,{until}\n" for i in range(in_one))
            file.flush()
            said = daemon.cli("allow", "import", file.name)
            assert said.returncode == 0, said.stderr


# ---- rounds ----

class Figure:
    def __init__(self, values):
        self.values = values
        self.median = statistics.median(values)

    def __str__(self):
        form = "{:.0f}" if self.median >= 100 else "{:.1f}" if self.median >= 1 else "{:.3f}"
        return f"{form.format(self.median)} [{form.format(min(self.values))}..{form.format(max(self.values))}]"


def rounds(count, cases):
    """cases: name -> a call that gives figures by name. Figures by case and name."""
    seen = {name: [] for name in cases}
    for number in range(count):
        for name, call in cases.items():
            seen[name].append(call())
            print(f"  round {number + 1} of {count}: {name}: {seen[name][-1]}", file=sys.stderr, flush=True)
    return {name: {key: Figure([one[key] for one in all_]) for key in all_[0]} for name, all_ in seen.items()}


def ratio(figures, case, floor, key):
    """The median of the rounds' ratios: what is compared ran within one round."""
    return Figure([a / b for a, b in zip(figures[case][key].values, figures[floor][key].values)])


class Results:
    def __init__(self):
        self.lines = []

    def section(self, title, text, figures):
        self.lines += [f"## {title}", "", text, ""]
        columns = list(next(iter(figures.values())))
        self.lines += ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
        self.lines += [f"| {name} | " + " | ".join(str(row[key]) for key in columns) + " |" for name, row in figures.items()]
        self.first = True  # of its targets

    def target(self, what, measured, met):
        if self.first:
            self.lines += ["", "| target | measured | |", "|---|---|---|"]
            self.first = False
        self.lines.append(f"| {what} | {measured} | {'met' if met else '**missed**'} |")

    def note(self, text):
        self.lines += ["", text]

    def end(self):
        self.lines.append("")
