# SPDX-License-Identifier: Apache-2.0
"""What is kept: the ledger under kill -9 and tampering, exceptions from lists and files."""

import json
import os
import random
import re
import resource
import signal
import sqlite3
import stat
import threading
import time

from client import ProtocolError
from common import equal, starts
from daemon import TREE, Surehopd

LIST = "recipient,sender,lowest,reason,owner,ticket,from,until\n"


def line(recipient, reason="old host", days=30):
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86400))
    return f"{recipient},,none,{reason},Anna,,,{until}\n"


def import_of_exceptions(dns):
    """A list is tried dry, imported, and in force at once; exported again, it changes nothing; one bad line changes nothing."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        path = daemon.folder / "partners.csv"
        path.write_text(LIST + line("none.test") + line("other.test"))
        mta.mail()
        dry = daemon.cli("allow", "import", str(path), "--dry-run")
        equal((dry.returncode, dry.stdout.splitlines()[-1]),
              (0, "nothing was changed; without --dry-run: 2 added, 0 changed, 0 ended, 0 unchanged"))
        starts(mta.rcpt("<a@none.test>"), "550 5.7.10 ")
        done = daemon.cli("allow", "import", str(path))
        equal((done.returncode, done.stdout.splitlines()[-1]), (0, "2 added, 0 changed, 0 ended, 0 unchanged"))
        equal(mta.rcpt("<a@none.test>"), "")
        exported = daemon.folder / "exported.json"
        equal(daemon.cli("allow", "export", str(exported)).returncode, 0)
        again = json.loads(daemon.cli("--json", "allow", "import", str(exported), "--replace").stdout)
        equal((again["unchanged"], again["add"], again["change"], again["end"]), (2, [], [], []))
        starts(daemon.cli("allow", "export").stdout, "id,recipient,sender,lowest,reason,owner,ticket,from,until,override_published,created_by")
        path.write_text(LIST + line("none.test", "new reason") + "other.test,,low,x,Anna,,,soon\n")
        bad = daemon.cli("allow", "import", str(path), "--replace")
        equal((bad.returncode, bad.stdout), (65, ""))
        starts(bad.stderr, f"surehop: {path}:3: lowest: 'low' is not a level; write none, ")
        equal(daemon.cli("allow", "import", str(daemon.folder / "no-file")).returncode, 66)
        path.write_text(LIST + line("none.test", "new reason"))
        equal(daemon.cli("allow", "import", str(path), "--replace").stdout.splitlines()[-1],
              "0 added, 1 changed, 1 ended, 0 unchanged")
        starts(mta.rcpt("<a@other.test>"), "550 5.7.10 ")
        equal(len(json.loads(daemon.cli("--json", "allow", "list").stdout)["exceptions"]), 1)
        equal(len(json.loads(daemon.cli("--json", "allow", "list", "--all").stdout)["exceptions"]), 3)
        assert "2 more that have ended" in daemon.cli("allow", "list").stdout


def long_list_of_exceptions(dns):
    """Ten thousand lines are imported at once; a list that is too large is refused with the limit."""
    with Surehopd(dns) as daemon:
        path = daemon.folder / "long.csv"
        path.write_text(LIST + "".join(line(f"u{number}.test") for number in range(10_000)))
        done = json.loads(daemon.cli("--json", "allow", "import", str(path)).stdout)
        equal(len(done["add"]), 10_000)
        path.write_text(LIST + line("a.test", "x" * 490) * 10_000)
        large = daemon.cli("allow", "import", str(path))
        equal(large.returncode, 65)
        assert "a list has at most 4194304 octets" in large.stderr, large.stderr


def file_of_exceptions(dns):
    """A list of the configuration is kept in force: its changes count within seconds, a broken one keeps the last good one, across a restart too."""
    with Surehopd(dns, start=False) as daemon:
        path = daemon.folder / "partners.csv"

        def write(text):
            new = daemon.folder / "new"
            new.write_text(text)
            os.utime(new, (time.time() - 60, time.time() - 60))  # nobody writes to it any more
            new.rename(path)

        def file():
            return json.loads(daemon.cli("--json", "status").stdout)["exception_files"][0]

        def wait_until(holds):
            deadline = time.monotonic() + 30
            while not holds() and time.monotonic() < deadline:
                time.sleep(0.2)
            assert holds(), file()

        write(LIST + line("none.test"))
        daemon.config.write_text(daemon.config.read_text() + f'[allow]\nfiles = ["{path}"]\n')
        daemon.start()
        with daemon.client() as mta:
            mta.mail()
            equal(mta.rcpt("<a@none.test>"), "")
            starts(mta.rcpt("<a@other.test>"), "550 5.7.10 ")
            write(LIST + line("other.test"))
            wait_until(lambda: mta.rcpt("<a@other.test>") == "")
            starts(mta.rcpt("<a@none.test>"), "550 5.7.10 ")
            equal((file()["state"], file()["exceptions"]), ("good", 1))
            write(LIST + line("none.test") + "broken\n")
            wait_until(lambda: file()["state"] == "failed")
            starts(file()["text"], f"{path}:3: has 1 cells, but the first line 8")
            equal(mta.rcpt("<a@other.test>"), "")
            starts(mta.rcpt("<a@none.test>"), "550 5.7.10 ")
        doctor = daemon.cli("doctor")
        equal(doctor.returncode, 1)
        assert f"{path}:3: has 1 cells" in doctor.stdout
        refused = daemon.cli("allow", "remove", "2", "--reason", "x")
        assert refused.returncode == 69 and f"comes from {path}" in refused.stderr, refused.stderr
        daemon.stop()
        daemon.start()
        with daemon.client() as mta:
            mta.mail()
            equal(mta.rcpt("<a@other.test>"), "")
            equal(file()["state"], "failed")
            write(LIST)
            equal(daemon.cli("reload").returncode, 0)
            starts(mta.rcpt("<a@other.test>"), "550 5.7.10 ")
        equal([daemon.sql("SELECT count(*) FROM ledger WHERE kind = ?", kind)[0][0]
               for kind in ("allow-add", "allow-remove", "allow-file-failed")], [2, 2, 2])


def unwritable_ledger(dns):
    """Nothing is accepted that cannot be recorded; mail flows again when it can."""
    with Surehopd(dns) as daemon, daemon.client() as mta:
        daemon.sql("ALTER TABLE ledger RENAME TO gone")
        for _ in range(3):
            mta.mail()
            mta.rcpt("<a@dane.test>")
            starts(mta.end()[1], "451 4.3.0 This cannot be accepted now: its record cannot be written")
        equal(daemon.log.read_text().count("recording decisions fails"), 1)
        daemon.sql("ALTER TABLE gone RENAME TO ledger")
        mta.mail()
        mta.rcpt("<a@dane.test>")
        equal(mta.end("4AGAIN"), ([], ""))
        equal(len(daemon.rows("queue_id = '4AGAIN'")), 1)


def doctor_tries_to_write(dns):
    """On a disk that takes no more, doctor says that the store cannot be written; mail is deferred meanwhile."""
    with Surehopd(dns, sandbox=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN)) as daemon, daemon.client() as mta:
        def store():
            return next(line for line in daemon.cli("doctor").stdout.splitlines() if " store " in line)
        starts(store(), "ok ")
        whole = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        starts(store(), "failed ")
        mta.mail()
        mta.rcpt("<a@dane.test>")
        starts(mta.end()[1], "451 4.3.0 ")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, whole)
        starts(store(), "ok ")


def killed(dns):
    """kill -9 right after an acceptance loses no row."""
    with Surehopd(dns) as daemon:
        for number in range(5):
            with daemon.client() as mta:
                mta.mail()
                mta.rcpt("<a@dane.test>")
                equal(mta.end(f"4KILL{number}"), ([], ""))
            daemon.process.kill()
            daemon.process.wait()
            equal(len(daemon.rows("queue_id = ?", f"4KILL{number}")), 1)
            daemon.log.unlink()
            daemon.start()
            equal(daemon.log.read_text().count("did not stop in order"), 1)
        daemon.stop()
        daemon.log.unlink()
        daemon.start()
        equal(daemon.log.read_text().count("did not stop in order"), 0)


def store_of_the_version_before(dns):
    """A store of an earlier version is brought up to date at the start, which says so; what is known stays known, and a
    surehop that only reads says what is to be done first."""
    dumps = sorted((TREE / "tests/unit/store/old").glob("*.sql"), key=lambda path: int(path.stem))
    with Surehopd(dns, start=False) as daemon:
        store = sqlite3.connect(daemon.store)
        store.executescript(dumps[-1].read_text())
        store.close()
        said = daemon.cli("ledger", "verify")
        equal(said.returncode != 0 and "start surehopd once" in said.stderr, True)
        daemon.start()
        log = daemon.log.read_text()
        equal(re.findall(r"the store .* is brought up to date, from version (\d+) to", log), [dumps[-1].stem])
        equal(re.findall(r"the store .* is (up to date)", log), ["up to date"])
        known = json.loads(daemon.cli("facts", "show", "bound.example", "--json").stdout)["facts"]
        equal((known["mta_sts"]["mode"], known["mta_sts"]["mx"]), ("enforce", ["*.bound.example", "mx1.bound.example"]))
        equal(daemon.cli("ledger", "verify").returncode, 0)
        daemon.stop()
        daemon.start()
        equal(daemon.log.read_text().count("is brought up to date"), 1)


def killed_under_load(dns):
    """kill -9 at random moments under load, again and again: no accepted message without its row, no exception is lost, and the chain holds."""
    accepted, allowed, failures, heads = set(), set(), [], []

    def send(number, round_):
        message = 0
        try:
            with daemon.client(timeout=10, client=f"192.0.2.{number + 2}") as mta:
                while True:
                    mta.mail()
                    starts(mta.rcpt(f"<a{number}@none.test>"), ("550 ", "451 "))
                    equal(mta.rcpt(f"<a{number}@dane.test>"), "")
                    queue_id = f"4R{round_}N{number}M{message}"
                    if mta.end(queue_id)[1] == "":
                        accepted.add(queue_id)
                    message += 1
        except (OSError, ProtocolError, TimeoutError):
            pass  # killed: the MTA has no answer, and keeps the message
        except Exception as failure:  # told below, in the main thread
            failures.append(f"{type(failure).__name__}: {failure}")

    def allow(round_):
        for number in range(1000):
            domain = f"r{round_}n{number}.test"
            said = daemon.cli("allow", "add", domain, "--lowest", "none", "--reason", "r", "--owner", "o", "--until", "+1h")
            if said.returncode != 0:
                return
            allowed.add(f"@{domain}")

    with Surehopd(dns, wait="4s", start=False) as daemon:
        for round_ in range(int(os.environ.get("KILLS", "15"))):
            if daemon.log.exists():
                daemon.log.unlink()
            daemon.start()
            threads = [threading.Thread(target=send, args=(number, round_)) for number in range(4)]
            for thread in threads:
                thread.start()
            before = len(accepted)
            deadline = time.monotonic() + 10
            while len(accepted) < before + 5 and time.monotonic() < deadline:
                time.sleep(0.005)
            allowing = threading.Thread(target=allow, args=(round_,))
            allowing.start()
            time.sleep(random.uniform(0, 0.3))
            daemon.process.kill()
            daemon.process.wait()
            allowing.join()
            for thread in threads:
                thread.join()
            equal(failures, [])
            assert len(accepted) >= before + 5, "there was no load"
            recorded = {row["queue_id"] for row in daemon.rows()}
            equal(accepted - recorded, set())
            listed = json.loads(daemon.cli("--offline", "--json", "allow", "list").stdout)["exceptions"]
            equal(allowed - {one["recipient"] for one in listed}, set())
            said = daemon.cli("ledger", "verify", *(["--head", heads[-1]] if heads else []))
            equal((said.returncode, "BROKEN" in said.stdout), (0, False))
            heads.append(daemon.cli("ledger", "head").stdout.strip())
        assert allowed, "no exception was made"
        daemon.log.unlink()
        daemon.start()
        with daemon.client() as mta:
            mta.mail()
            equal(mta.rcpt("<a@dane.test>"), "")
            equal(mta.end("4GOESON"), ([], ""))
        return f"{len(heads)} rounds, {len(accepted)} messages, {len(allowed)} exceptions"


def ledger_shows_tampering(dns):
    """The log has the head of the ledger's chain at start and stop; one changed row is found, and so is a chain that ends early."""
    with Surehopd(dns) as daemon:
        with daemon.client() as mta:
            mta.mail()
            mta.rcpt("<a@dane.test>")
            mta.rcpt("<b@none.test>")
            equal(mta.end("4A"), ([], ""))
        said = daemon.cli("ledger", "verify")
        equal((said.returncode, said.stderr), (0, ""))
        assert "3 rows, from 1 to 3, are as they were written" in said.stdout, said.stdout
        daemon.stop()
        heads = re.findall(r"ledger head (\S+)", daemon.log.read_text())
        equal([head.split(":")[0] for head in heads], ["1", "4"])
        for offline in ([], ["--offline"]):
            equal(daemon.cli(*offline, "ledger", "head").stdout.strip(), heads[-1])
        for head in heads:
            assert "the head that was noted is in the chain" in daemon.cli("ledger", "verify", "--head", head).stdout
        exported = daemon.cli("ledger", "export")
        equal((exported.returncode, len(exported.stdout.splitlines())), (0, 5))
        file = daemon.folder / "rows.jsonl"
        file.write_text(exported.stdout)
        equal(daemon.cli("ledger", "verify", "--file", str(file), "--head", heads[-1]).returncode, 0)
        file.write_text(exported.stdout.replace("b@none.test", "c@none.test"))
        said = daemon.cli("--json", "ledger", "verify", "--file", str(file))
        equal((said.returncode, json.loads(said.stdout)["fault"]["kind"]), (1, "changed"))
        file.write_text("\n".join(exported.stdout.splitlines()[:3]) + "\nnoise\n")
        equal(daemon.cli("ledger", "verify", "--file", str(file)).returncode, 1)
        file.write_text("noise\n")
        equal(daemon.cli("ledger", "verify", "--file", str(file)).returncode, 69)
        equal(daemon.cli("ledger", "verify", "--file", str(daemon.folder / "none")).returncode, 69)
        equal(daemon.cli("ledger", "verify", "--head", "4").returncode, 64)
        equal(daemon.cli("ledger", "export", "--since", "soon").returncode, 64)
        equal(daemon.cli("ledger", "export", "--until", "1999-12-31").returncode, 1)
        today = time.strftime("%Y-%m-%d", time.gmtime())
        equal(len(daemon.cli("ledger", "export", "--since", "2020-01-01", "--until", "+1d").stdout.splitlines()), 5)
        assert len(daemon.cli("ledger", "export", "--since", today).stdout.splitlines()) in (5, 0), "midnight, perhaps"

        daemon.sql("DROP TRIGGER ledger_stays")
        daemon.sql("DELETE FROM ledger WHERE id = 4")
        said = daemon.cli("ledger", "verify", "--head", heads[-1])
        equal((said.returncode, "row 4 is missing" in said.stdout), (1, True))
        daemon.sql("UPDATE sqlite_sequence SET seq = 3 WHERE name = 'ledger'")
        equal(daemon.cli("ledger", "verify").returncode, 0)
        said = daemon.cli("ledger", "verify", "--head", heads[-1])
        equal((said.returncode, "the chain ends before the head" in said.stdout), (1, True))
        daemon.sql("UPDATE ledger SET action = 'accept' WHERE recipient = 'b@none.test'")
        said = json.loads(daemon.cli("ledger", "verify", "--json").stdout)
        equal((said["ok"], said["fault"]["kind"]), (False, "changed"))


def addresses_hashed(dns):
    """With hashed addresses, no local part is on disk, and trace finds them by the address; without its key surehopd does not start."""
    with Surehopd(dns, ledger='addresses = "hashed"') as daemon:
        equal(stat.S_IMODE(os.stat(daemon.folder / "ledger.key").st_mode), 0o600)
        with daemon.client() as mta:
            equal(mta.mail("<secretsender@clinic.example>", {"{mail_addr}": "secretsender@clinic.example"}), "")
            equal(mta.rcpt("<secretone@dane.test>"), "")
            starts(mta.rcpt("<secrettwo@none.test>"), "550 ")
            told = {"{rcpt_mailer}": "smtp", "{rcpt_host}": "none.test"}
            starts(mta.rcpt('<"secretthree@none.test>', told), "501 ")
            starts(mta.rcpt("<secret@four@none.test>", told), "50")
            equal(mta.end("4HASH"), ([], ""))
            for number in range(30):
                starts(mta.mail() or mta.rcpt(f"<secret{number}@none.test>"), "550 ")
        for address in ("secretone@dane.test", "SECRETSENDER@clinic.example"):
            said = daemon.cli("trace", address)
            assert "4HASH" in said.stdout and "recipient=#" in said.stdout, said.stdout
        assert "4HASH" in daemon.cli("trace", "dane.test").stdout
        assert "is refused very often" in daemon.cli("trace", "anybody@none.test").stdout
        equal(daemon.stop()[1], 0)
        for name in os.listdir(daemon.folder):
            if name.startswith("surehop.db"):
                assert b"secret" not in (daemon.folder / name).read_bytes().lower(), name
        equal(daemon.cli("ledger", "verify").returncode, 0)
        (daemon.folder / "ledger.key").chmod(0o640)
        equal(daemon.start(expect_failure=True), 69)
        assert "is open to others than its owner; chmod 0600" in daemon.log.read_text()


STORIES = [
    import_of_exceptions, long_list_of_exceptions, file_of_exceptions, unwritable_ledger, doctor_tries_to_write,
    killed, store_of_the_version_before, killed_under_load, ledger_shows_tampering, addresses_hashed,
]
