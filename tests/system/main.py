# SPDX-License-Identifier: Apache-2.0
"""Tells the stories. Started by `run`, inside the namespaces and the work folder that `enter` makes."""

import argparse
import importlib
import os
import sys

from loopnet import process, story
from loopnet.root import Root

# In the order in which they are told and read.
PARTS = (
    "internet", "delivery", "certificates", "hosts", "refusal", "routing", "sessions", "rules", "allow", "quarantine",
    "audit", "day", "report", "lock", "cases", "queued", "matrix", "explain", "doctor", "daemon", "peer",
)  # fmt: skip
PARTS_OF_SENDMAIL = ("sendmail", "cases", "queued")


def main():
    options = argparse.ArgumentParser(prog="run")
    options.add_argument("-k", dest="pattern", default="", help="only stories whose name or sentence matches")
    options.add_argument("-v", dest="verbose", action="store_true", help="show the logs of every story")
    options.add_argument("--list", action="store_true", help="name the stories and end")
    options.add_argument("--keep", action="store_true", help="leave the work folder")
    options.add_argument("--mta", metavar="FOLDER", help="take the mail server out of this root folder")
    chosen = options.parse_args()

    root = Root(chosen.mta) if chosen.mta else None
    for part in PARTS_OF_SENDMAIL if root and root.mta == "sendmail" else PARTS:
        importlib.import_module(f"stories.{part}")
    if chosen.list:
        for each in story.STORIES:
            print(f"{each.name}: {each.sentence}")
        return 0

    from loopnet.world import World

    try:
        world = World(os.environ["LOOPNET_WORK"], root)
        world.start()
    except process.Failed as failure:
        print(f"FAIL  the loopback internet does not start: {failure}\n0 passed, 1 failed")
        return 1
    passed, failed = story.run_stories(world, chosen.pattern, chosen.verbose)
    world.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
