# SPDX-License-Identifier: Apache-2.0
"""A mail server out of another Debian, in the root folder that the script `mta` makes.

It shares everything with the rest of the loopback internet but its programs and libraries: the work folder is there
under the same name, users have the same numbers, and resolv.conf says the same. The mounts end with the namespace.
"""

import os
import pathlib
import shutil
import stat

from .process import run

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

# Where the programs of Postfix and Sendmail are.
FOLDERS = ("usr/sbin", "usr/bin", "usr/libexec/sendmail")


class Root:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.mta = "sendmail" if (self.folder / "usr/libexec/sendmail/sendmail").exists() else "postfix"

    def mount(self, outside, inside):
        """Let it see the folder `outside` under the name `inside`."""
        there = self.folder / str(inside).lstrip("/")
        there.mkdir(parents=True, exist_ok=True)
        run("mount", "--bind", outside, there)

    def enter(self, work, programs):
        """Make it a place to run in that has the folder `work`, and these programs of it those that everybody finds."""
        for name in ("passwd", "group"):
            shutil.copy(f"/etc/{name}", self.folder / "etc" / name)
        for name in ("resolv.conf", "hosts"):
            here = self.folder / "etc" / name
            here.unlink(missing_ok=True)
            shutil.copy(f"/etc/{name}", here)
        self.mount(work, work)
        dev = self.folder / "dev"
        run("mount", "-t", "tmpfs", "-o", "mode=755", "loopnet-dev", dev)
        for name in DEVICES:
            (dev / name).touch()
            run("mount", "--bind", f"/dev/{name}", dev / name)
        (dev / "log").symlink_to(work / "sendmail/syslog")
        run("mount", "-t", "proc", "proc", self.folder / "proc")
        programs_here = work / "bin"
        programs_here.mkdir()
        for name in programs:
            path = next(f"/{there}/{name}" for there in FOLDERS if (self.folder / there / name).exists())
            wrapper = programs_here / name
            wrapper.write_text(f'#!/bin/sh\nexec chroot "{self.folder}" {path} "$@"\n')
            wrapper.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        os.environ["PATH"] = f"{programs_here}:{os.environ['PATH']}"
