# SPDX-License-Identifier: Apache-2.0
"""doctor --mta postfix, over the configuration of a real Postfix: each line that would undo the guarantee is found."""

import contextlib
import os
import pathlib
import shutil
import time

from loopnet.process import run
from loopnet.story import expect, expect_match, expect_true, story
from loopnet.world import TREE
from stories.steps import delivered_verified

# What the test site has beyond a good one: stories need ways around.
ONLY_HERE = ("transport_maps",)


def doctor(world, config=None, **options):
    for name in ("main.cf", "master.cf"):
        path = pathlib.Path(config or world.postfix.config, name)
        if path.exists():  # Postfix waits until a file that was just written has been left alone for a while
            os.utime(path, (time.time() - 60, time.time() - 60))
    return world.surehop.cli("doctor", "--mta", "postfix", "--postfix-config", config or world.postfix.config, **options)


def found(said, state="failed"):
    """What is in this state: name -> [text]."""
    out = {}
    for check in said.json["checks"]:
        if check["state"] == state:
            out.setdefault(check["name"], []).append(check["text"])
    return out


@contextlib.contextmanager
def copy_of_postfix(world):
    """A folder with the site's configuration, without the ways around, to be changed; Postfix itself runs on with its own."""
    folder = world.postfix.folder / "doctored"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(world.postfix.config, folder)
    for name in ONLY_HERE:
        run("postconf", "-c", folder, "-e", f"{name} =")
    run("postconf", "-c", folder, "-MX", "peer/unix")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@story("doctor --mta postfix finds a site healthy whose wiring is whole", fresh=True)
def doctor_healthy(world):
    with copy_of_postfix(world) as folder:
        said = doctor(world, folder)
    expect("what failed", found(said), {})
    expect("warnings", {name for name in found(said, "warning") if name != "clock"}, set())
    expect(f"exit status ({said.err})", said.status, 0)


def main_cf(*lines):
    return [("-e", *lines)]


def master_cf(*lines):
    return [("-P", *lines)]


MILTER = "unix:surehop/milter.sock"
SOCKET = "socketmap:unix:surehop/socketmap.sock"
LOCK = SOCKET + ":(LOCK)"

# What is done with postconf, and the check that must fail, or must warn. (LOCK) is the name that this Postfix has to ask
# under, (OTHER) that of the others.
BROKEN = (
    (main_cf("smtp_tls_policy_maps ="), "policy-map"),
    (main_cf(f"smtp_tls_policy_maps = static:may, {LOCK}"), "policy-map"),
    (main_cf(f"smtp_tls_policy_maps = {SOCKET}:(OTHER)"), "policy-map"),
    (main_cf("smtp_tls_policy_maps = socketmap:unix:/surehop/socketmap.sock:(LOCK)"), "policy-map"),
    (main_cf("smtp_tls_policy_maps = socketmap:unix:elsewhere/socketmap.sock:(LOCK)"), "policy-map"),
    (master_cf("smtp/unix/smtp_tls_policy_maps="), "policy-map"),
    (master_cf("relay/unix/smtp_tls_policy_maps=static:may"), "policy-map"),
    (main_cf("smtp_dns_support_level ="), "dns-support"),
    (main_cf("smtp_dns_support_level = enabled"), "dns-support"),
    (master_cf("relay/unix/smtp_dns_support_level=enabled"), "dns-support"),
    (main_cf("smtp_tls_security_level ="), "security-level"),
    (main_cf("smtp_tls_security_level = none"), "security-level"),
    (master_cf("smtp/unix/smtp_tls_security_level=none"), "security-level"),
    (main_cf("smtp_host_lookup = native"), "host-lookup"),
    (main_cf("smtp_host_lookup = dns, native"), "host-lookup"),
    (main_cf("ignore_mx_lookup_error = yes"), "dane-possible"),
    (main_cf("smtp_dns_resolver_options = res_defnames"), "dane-possible"),
    (main_cf("smtp_tls_CAfile ="), "certificates"),
    (main_cf("smtp_tls_CAfile = /nowhere/ca.pem"), "certificates"),
    (main_cf("smtp_tls_CAfile =", "smtp_tls_CApath = /nowhere"), "certificates"),
    (main_cf("smtp_tls_trust_anchor_file = /etc/house.pem"), "trust-anchors"),
    (main_cf("maximal_queue_lifetime = 6d"), "queue-lifetime"),
    (main_cf("bounce_queue_lifetime = 1w"), "queue-lifetime"),
    (main_cf("smtpd_milters ="), "milter"),
    (main_cf("smtpd_milters = unix:other/milter.sock"), "milter"),
    (main_cf("receive_override_options = no_milters"), "milter"),
    (main_cf("non_smtpd_milters ="), "non-smtpd-milter"),
    (main_cf("milter_default_action = accept"), "milter-default"),
    (main_cf(f"smtpd_milters = {{ {MILTER}, default_action=accept }}"), "milter-default"),
    (main_cf("milter_protocol = 2"), "milter-protocol"),
    (main_cf("milter_command_timeout = 3s"), "milter-timeout"),
    (main_cf("smtpd_milter_maps = inline:{ 127.0.0.1=DISABLE }"), "milter-maps"),
    (main_cf("relayhost = [mx.none.test]"), "next-hops"),
    (main_cf("relay_transport = relay:[mx.none.test]"), "next-hops"),
    (main_cf("default_transport = smtp:[mx.none.test]"), "next-hops"),
    (main_cf("content_filter = smtp:[mx.none.test]"), "next-hops"),
    (main_cf("fallback_transport = smtp:[mx.none.test]"), "next-hops"),
    (main_cf("smtp_fallback_relay = [mx.none.test]"), "next-hops"),
    (main_cf("transport_maps = inline:{ none.test=smtp:[mx.none.test] }"), "next-hops"),
    (main_cf("sender_dependent_relayhost_maps = inline:{ @local.test=[mx.none.test] }"), "next-hops"),
    (main_cf("sender_dependent_default_transport_maps = static:smtp:[mx.none.test]"), "next-hops"),
)  # fmt: skip

BROKEN_BEFORE_310 = ((main_cf("milter_default_action = shutdown"), "milter-default"),)
BROKEN_FROM_310 = ((main_cf("smtp_tls_enforce_sts_mx_patterns = no"), "sts-patterns"),)
WEAKER_FROM_310 = ((main_cf("tls_required_enable = yes"), "tls-required"),)


def broken_here(world):
    return BROKEN + (BROKEN_FROM_310 if world.postfix.lock == "postfix310" else BROKEN_BEFORE_310)


def weaker_here(world):
    return WEAKER + (WEAKER_FROM_310 if world.postfix.lock == "postfix310" else ())


WEAKER = (
    (main_cf("smtp_tls_security_level = may"), "security-level"),
    (main_cf("smtp_tls_dane_insecure_mx_policy = may"), "dane-insecure-mx"),
    (main_cf("tls_append_default_CA = yes"), "default-ca"),
    (main_cf("smtp_tls_per_site = static:NONE"), "policy-map"),
    (main_cf("smtp_tls_mandatory_protocols = >=TLSv1"), "protocols"),
    (main_cf("milter_default_action = quarantine"), "milter-default"),
    (main_cf("milter_rcpt_macros = i {rcpt_addr}"), "milter-macros"),
    (main_cf("milter_mail_macros = i {mail_addr}"), "milter-macros"),
    (main_cf(f"smtpd_milters = {MILTER}, unix:later/milter.sock"), "milter-order"),
    (main_cf("smtp_fallback_relay = [mx.dane.test]"), "fallback-relay"),
    (main_cf("transport_maps = ldap:/etc/postfix/ldap.cf"), "next-hops"),
    (main_cf("smtpd_milter_maps = ldap:/etc/postfix/ldap.cf"), "milter-maps"),
)


def named_here(world, line):
    other = "postfix" if world.postfix.lock == "postfix310" else "postfix310"
    return line.replace("(LOCK)", world.postfix.lock).replace("(OTHER)", other)


def changed(world, changes, folder):
    """What doctor says after these changes, which are undone."""
    kept = {name: (folder / name).read_text() for name in ("main.cf", "master.cf")}
    for how, *lines in changes:
        run("postconf", "-c", folder, how, *(named_here(world, line) for line in lines))
    said = doctor(world, folder)
    for name, text in kept.items():
        (folder / name).write_text(text)
    return said


@story("doctor finds each line that undoes the guarantee, and says what to write instead")
def doctor_broken(world):
    with copy_of_postfix(world) as folder:
        for changes, check in broken_here(world):
            said = changed(world, changes, folder)
            expect(f"exit status after {changes} ({said.err})", said.status, 1)
            expect_true(f"{check} fails after {changes}", check in found(said), found(said))
            lines = [one.get("remedy") for one in said.json["checks"] if one["name"] == check and one["state"] == "failed"]
            expect_true(f"a remedy after {changes}", all(lines), lines)
        expect("the whole configuration again", found(doctor(world, folder)), {})


@story("doctor warns of lines that weaken a site, and of what it cannot look into")
def doctor_weaker(world):
    with copy_of_postfix(world) as folder:
        for changes, check in weaker_here(world):
            said = changed(world, changes, folder)
            expect_true(f"{check} warns after {changes}", check in found(said, "warning"), found(said, "warning"))


# Nothing that postconf could mend: where mail goes is the administrator's to say.
UNMENDABLE = ("next-hops", "certificates")  # and this site has authorities of its own


@story("doctor's remedies mend what it has found, when they are run as they are printed")
def doctor_remedies(world):
    with copy_of_postfix(world) as folder:
        for changes, check in (each for each in broken_here(world) if each[1] not in UNMENDABLE):
            kept = {name: (folder / name).read_text() for name in ("main.cf", "master.cf")}
            for how, *lines in changes:
                run("postconf", "-c", folder, how, *(named_here(world, line) for line in lines))
            for one in doctor(world, folder).json["checks"]:
                if one["state"] == "failed" and one["remedy"].startswith("postconf "):
                    run("sh", "-c", one["remedy"].replace("postconf ", f"postconf -c {folder} ", 1))
            expect_true(f"{check} is mended after {changes}", check not in found(doctor(world, folder)), changes)
            for name, text in kept.items():
                (folder / name).write_text(text)


@story("doctor sees the ways around that the stories of this site need, and names them")
def doctor_ways_around(world):
    said = doctor(world)
    expect("exit status", said.status, 1)
    failed = found(said)
    expect("what failed", sorted(failed), ["next-hops", "policy-map"])
    expect_match("the transport of another server", failed["policy-map"], "peer/unix in master.cf")
    expect_match("a next hop below the minimum", failed["next-hops"], r"detour\.test.*\[mx\.none\.test\]")


@story("doctor sees a milter and a lock that Postfix's user may not reach, or that are not there")
def doctor_sockets(world):
    with copy_of_postfix(world) as folder:
        world.surehop.sockets.chmod(0o2700)
        said = doctor(world, folder)
        world.surehop.sockets.chmod(0o2750)
        expect("what failed", sorted(found(said)), ["milter-socket", "policy-socket"])
        expect_match("why", found(said)["policy-socket"], "user postfix may not connect")


@story("doctor knows what smtp sees from inside the chroot")
def doctor_chroot(world):
    inside = world.postfix.queue / "etc"
    with copy_of_postfix(world) as folder:
        run("postconf", "-c", folder, "-F", "smtp/unix/chroot=y", "relay/unix/chroot=y", "smtpd/inet/chroot=y", ok=None)
        expect("without a resolv.conf in there", found(doctor(world, folder)), {})
        inside.mkdir(exist_ok=True)
        (inside / "resolv.conf").write_text("nameserver 192.0.2.53\n")
        said = doctor(world, folder)
        (inside / "resolv.conf").unlink()
        expect_match("another resolver in there", found(said).get("mta-resolver"), r"192\.0\.2\.53")
        run("postconf", "-c", folder, "-e", f"smtp_tls_policy_maps = socketmap:unix:{world.surehop.sockets}/socketmap.sock:{world.postfix.lock}")
        said = doctor(world, folder)
        expect_match("an absolute path in there", found(said).get("policy-map"), "chroot")


@story("doctor ends with an error where Postfix cannot be asked")
def doctor_without_postfix(world):
    said = doctor(world, "/nowhere")
    expect_true("exit status 64 or above", said.status >= 64, said.status)
    expect_match("why", said.err, "/nowhere.*--postfix-config")


PRINTED_ONLY = ("smtp_tls_CAfile",)  # the authorities of the loopback internet are its own


@story("what doctor --print writes is a whole configuration", fresh=True)
def doctor_print(world):
    said = world.surehop.cli("doctor", "--mta", "postfix", "--postfix-config", world.postfix.config, "--print", as_json=False)
    expect(f"exit status ({said.err})", said.status, 0)
    with copy_of_postfix(world) as folder:
        with (folder / "main.cf").open("a") as main:
            main.write("\n".join(line for line in said.out.splitlines() if not line.startswith(PRINTED_ONLY)) + "\n")
        said = doctor(world, folder)
        expect("what failed", found(said), {})
        expect("warnings", {name for name in found(said, "warning") if name != "clock"}, set())


def second_smtpd(world):
    """The running Postfix with the lines of contrib/postfix/second-smtpd."""
    main, master = (TREE / "contrib/postfix/second-smtpd").read_text().split("# In master.cf:\n")
    lines = [line.split("=", 1) for line in main.splitlines() if "=" in line and not line.startswith("#")]
    return world.postfix.configured(master, **{name.strip(): value.strip() for name, value in lines})


@story("smtp_tls_security_level is only for mail without a policy: what surehop binds holds without it, as doctor says")
def security_level_is_the_rest(world):
    with world.postfix.configured(smtp_tls_security_level=""):
        expect("what doctor finds", found(doctor(world)).get("security-level") is None, False)
        delivered_verified(world, "dane.test", "mx.dane.test")
        delivered_verified(world, "sts.test", "mx.sts.test")


def rows(world, what):
    return world.surehop.cli("trace", what).json["rows"]


@story("A second smtpd behind alias expansion judges where an alias leads: a weak destination bounces, a good one is reached")
def second_smtpd_judges(world):
    with second_smtpd(world):
        wrong = {name for name in found(doctor(world)) if name not in ("next-hops", "policy-map")}
        expect("what doctor finds wrong with it", wrong, set())
        sent = world.send("good@alias.test", "bad@alias.test")
        expect("the first server takes both", [str(reply.code) for reply in sent.recipients.values()], ["250", "250"])
        log = world.postfix.log_lines
        world.wait(lambda: any("status=sent" in line and "relay=mx.dane" in line for line in log("to=<good@dane.test>")),
                   "the delivery to the good destination")  # fmt: skip
        world.wait(lambda: any("status=bounced" in line and "550 5.7.10" in line for line in log("to=<bad@none.test>")),
                   "the bounce of the weak destination")  # fmt: skip
        expect("what the gate has judged", [row["outcome"] for row in rows(world, "bad@none.test")][:1], ["falls-short"])
