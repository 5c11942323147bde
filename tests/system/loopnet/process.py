# SPDX-License-Identifier: Apache-2.0
"""Running programs: to their end, or as servers beside us. Every wait has a limit."""

import os
import subprocess
import time


class Failed(Exception):
    """A program or a server of the test bed did not do its part."""


def run(*command, limit=30, ok=(0,), **options):
    """Run to the end and return the CompletedProcess; an exit status outside `ok` is an error with the output."""
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if options["stdin"] is None:
        del options["stdin"]
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=limit, **options)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(map(str, command))}: still running after {limit} s") from None
    if ok is not None and done.returncode not in ok:
        raise Failed(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def wait_until(check, what, limit=10.0):
    """Poll `check` until it gives something true, and return that."""
    end = time.monotonic() + limit
    pause = 0.01
    while True:
        seen = check()
        if seen:
            return seen
        if time.monotonic() > end:
            raise Failed(f"waited {limit:g} s for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


class Server:
    """A program that runs in the foreground until it is stopped. Its output goes to a log file."""

    def __init__(self, name, command, log, **options):
        self.name, self.command, self.log, self.options = name, [str(word) for word in command], log, options
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self.options
            )

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_ready(self, check, limit=15.0):
        """Wait until `check` says that the server answers; a server that has died meanwhile is an error at once."""

        def ready_or_dead():
            return check() or not self.running()

        try:
            wait_until(ready_or_dead, f"{self.name} to answer", limit)
        except Failed as failure:
            raise Failed(f"{failure}; its log ends: {self.tail()}") from None
        if not self.running():
            raise Failed(f"{self.name} ended with {self.process.returncode}: {self.tail()}")

    def stop(self, sig=None, limit=20.0):
        """End it (SIGTERM unless told) and return its exit status; None when it was not running."""
        if not self.running():
            return None
        if sig is None:
            self.process.terminate()
        else:
            self.process.send_signal(sig)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
            raise Failed(f"{self.name} did not stop within {limit:g} s") from None

    def tail(self, lines=8):
        if not os.path.exists(self.log):
            return "(no log)"
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:]).strip()
