# SPDX-License-Identifier: Apache-2.0
"""Stories: small functions with a sentence that says what must be so, and the runner that tells whether it is.

    @story("A destination with DANE gets its mail over verified TLS")
    def dane_delivered(world): ...

A story runs with surehopd started in the configuration that it asks for (keywords of `story`, see
loopnet/surehop.py), and says what it expects by the functions below. The first thing that is not as expected ends it.
"""

import dataclasses
import re
import time
import traceback

STORIES = []
NOTES = []


class Unexpected(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Story:
    name: str
    sentence: str
    tell: object
    gated: bool
    fresh: bool
    settings: dict


def story(sentence, gated=True, fresh=False, **settings):
    """Register a story. Unless `gated` is false surehopd runs, with an empty store where `fresh` says so."""

    def register(function):
        STORIES.append(Story(function.__name__, sentence, function, gated, fresh, settings))
        return function

    return register


def expect(what, seen, wanted):
    if seen != wanted:
        raise Unexpected(f"{what}\n      expected: {wanted!r}\n      seen:     {seen!r}")


def expect_true(what, condition, seen=""):
    if not condition:
        raise Unexpected(f"expected: {what}\n      seen:     {seen}")


def expect_match(what, seen, pattern):
    if not re.search(pattern, str(seen)):
        raise Unexpected(f"{what}\n      expected: text matching {pattern!r}\n      seen:     {seen}")


def expect_reply(what, reply, code, status=None):
    """`reply` has this code and, unless None, this enhanced status code."""
    if (reply.code, status or reply.status) != (code, reply.status):
        raise Unexpected(f"{what}\n      expected: {code} {status or ''}\n      seen:     {reply}")


def note(line):
    """Something worth reading that decides nothing; shown by -v, and when the story fails."""
    NOTES.append(line)


def run_stories(world, pattern="", verbose=False):
    """Run the stories whose name or sentence matches; print the outcome of each; return (passed, failed)."""
    chosen = [s for s in STORIES if re.search(pattern, f"{s.name} {s.sentence}", re.I)]
    passed = failed = 0
    for each in chosen:
        marks = {log: _size(log) for log in (world.surehop.server.log, world.mta.log)}
        NOTES.clear()
        began = time.monotonic()
        try:
            if each.gated:
                world.surehop.use(fresh=each.fresh, **each.settings)
            each.tell(world)
        except Exception as failure:  # a story that fails must not end the others
            failed += 1
            print(f"FAIL  {each.name}: {each.sentence}\n      {failure}", flush=True)
            if not isinstance(failure, Unexpected):
                print("      " + traceback.format_exc().strip().replace("\n", "\n      "))
            _show_notes()
            _show_logs(marks, None if verbose else 12)
        else:
            passed += 1
            print(f"ok    {each.name}: {each.sentence} ({time.monotonic() - began:.1f} s)", flush=True)
            if verbose:
                _show_notes()
                _show_logs(marks, None)
    return passed, failed


def _show_notes():
    for line in NOTES:
        print(f"      {line}")


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _show_logs(marks, lines):
    for path, start in marks.items():
        if path.exists():
            with open(path, encoding="utf-8", errors="replace") as log:
                log.seek(start)
                new = log.read().splitlines()
            for line in new[-lines:] if lines else new:
                print(f"      | {line}")
