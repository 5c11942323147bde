# SPDX-License-Identifier: Apache-2.0
"""surehopd itself: stopped, killed, started again, reloaded, misconfigured."""

import errno
import os
import pwd
import signal
import smtplib
import stat
import subprocess
import threading
import time

from loopnet.process import run
from loopnet.story import expect, expect_match, expect_reply, expect_true, story
from stories.steps import taken


def nothing_passes(world, how):
    """With surehopd gone Postfix takes no mail (milter) and delivers none that it has already (lock)."""
    recipient = world.someone("dane.test")
    sent = world.send(recipient)
    replies = [sent.mail, *sent.recipients.values()]
    expect_true(f"{how}: Postfix answers 451", any(reply.code == 451 for reply in replies), [str(r) for r in replies])
    expect(f"{how}: reply to DATA", sent.data, None)
    expect(f"{how}: messages to {recipient}", world.sinks.delivered(recipient), [])


@story("When surehopd has been stopped no mail passes, and when it is back mail passes again")
def stopped(world):
    expect("exit status of surehopd", world.surehop.stop(), 0)
    try:
        nothing_passes(world, "stopped")
        expect("the lock", world.postfix.ask_lock("dane.test"), "query error")
    finally:
        world.surehop.start()
    recipient = world.someone("dane.test")
    sent = world.send(recipient)
    expect(f"status of {recipient}", world.postfix.fate(sent.queue_id, recipient).status, "sent")


@story("When surehopd is killed no mail passes, not even a message that has begun")
def killed(world):
    first, second = world.someone("dane.test"), world.someone("none.test")
    with world.session() as session:
        session.client.mail("alice@local.test")
        code, _ = session.client.rcpt(first)
        expect("RCPT before the kill", code, 250)
        world.surehop.kill()
        try:
            code, _ = session.client.rcpt(second)
            expect_true("RCPT after the kill is 4xx", 400 <= code < 500, code)
            code, text = session.client.docmd("DATA")
            if code == 354:
                code, text = session.client.docmd("Subject: x\r\n\r\nx\r\n.")
            expect_true("the message is not taken", 400 <= code < 500, f"{code} {text}")
            nothing_passes(world, "killed")
        finally:
            world.surehop.start()
    expect(f"messages to {first}", world.sinks.delivered(first), [])


@story("No accepted message is without its ledger row, even if surehopd is killed at once")
def accepted_is_on_disk(world):
    recipient = world.someone("dane.test")
    sent = world.send(recipient)
    world.surehop.kill()
    world.surehop.start()
    expect_reply(f"RCPT {recipient}", sent.reply(), 250)
    said = world.surehop.cli("trace", sent.queue_id)
    expect_match(f"trace {sent.queue_id}", said.out, recipient)


def stream(world, sent, refused, over):
    """One message after the other, to a domain that meets its minimum and one that does not, until it is over."""
    while not over.is_set():
        good, bad = world.someone("dane.test"), world.someone("none.test")
        try:
            said = world.send(good, bad)
        except smtplib.SMTPResponseException as answer:
            if not 400 <= answer.smtp_code < 500:
                refused.append(f"{answer}")
            continue
        if bad in said.recipients and said.recipients[bad].code == 250:
            refused.append(f"{bad} is accepted")
        if said.data and said.data.code == 250:
            sent.append((said.queue_id, good))


@story("While mail streams in and surehopd is stopped, killed and started again and again, nothing weak passes and nothing is lost",
       fresh=True)  # fmt: skip
def restarted_under_a_stream(world):
    sent, wrong, over = [], [], threading.Event()
    senders = [threading.Thread(target=stream, args=(world, sent, wrong, over)) for _ in range(3)]
    for sender in senders:
        sender.start()
    try:
        for number in range(8):
            before = len(sent)
            world.wait(lambda: len(sent) > before + 3, "mail to pass", limit=60)  # noqa: B023 (waited for at once)
            if number % 2:
                world.surehop.kill()
            else:
                expect("exit status of surehopd", world.surehop.stop(), 0)
            time.sleep(0.3 * (number % 3))
            world.surehop.start()
    finally:
        over.set()
        for sender in senders:
            sender.join()
    expect("what went wrong", wrong, [])
    expect_true("every message has a queue id", all(queue_id for queue_id, _ in sent), sent)

    def all_delivered():
        world.postfix.flush()
        time.sleep(0.5)
        return not {queue_id for queue_id, _ in sent} & {message["queue_id"] for message in world.postfix.queued()}

    world.wait(all_delivered, "all that was accepted to be delivered", limit=60)
    for queue_id, recipient in sent:
        (record,) = world.sinks.delivered(recipient)
        expect(f"TLS of {recipient}", record["tls"], True)
        expect_match(f"trace {queue_id}", world.surehop.cli("trace", queue_id).out, recipient)
    said = world.surehop.cli("ledger", "verify")
    expect(f"exit status of ledger verify ({said.out})", said.status, 0)


@story("A store on a file system that is mounted read-only is named at the start, and used again when it can be written", fresh=True)
def store_mounted_read_only(world):
    expect_reply("while all is well", world.send(world.someone("dane.test")).reply(), 250)
    world.surehop.stop()
    run("mount", "--bind", world.surehop.state, world.surehop.state)
    try:
        read_only = ("mount", "-o", "remount,ro,bind", world.surehop.state)
        world.surehop.start()
        expect_true("nobody can mount it so while surehopd runs", run(*read_only, ok=None).returncode != 0)
        world.surehop.stop()
        run(*read_only)
        said = world.surehop.start_refused()
        expect(f"exit status ({said.err})", said.status, 69)
        expect_match("what it says", said.err, rf"the store {world.surehop.state}/surehop\.db")
        expect_match("what it says", said.err, "is mounted read-only")
        said = world.surehop.cli("ledger", "verify", as_json=False)
        expect_match("what ledger verify says", said.err, "does not let it")
    finally:
        world.surehop.stop()
        run("umount", world.surehop.state)
        world.surehop.start()
    expect_reply("afterwards", world.send(world.someone("dane.test")).reply(), 250)


def fill(file):
    """Until the file system has no room left."""
    with open(file, "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError as failure:
            expect("what ended it", failure.errno, errno.ENOSPC)


@story("On a full file system no mail is taken that would go unrecorded, refusals go on, and with room again mail does, too", fresh=True)
def file_system_full(world):
    world.surehop.stop()
    state = os.stat(world.surehop.state)
    owner = f"uid={state.st_uid},gid={state.st_gid},mode={stat.S_IMODE(state.st_mode):o}"
    run("mount", "-t", "tmpfs", "-o", f"size=4m,{owner}", "store", world.surehop.state)
    ballast = os.path.join(world.surehop.state, "ballast")
    try:
        world.surehop.start()
        before = taken(world, world.someone("dane.test"))
        fill(ballast)
        held_back = world.someone("dane.test")
        sent = world.send(held_back)
        expect_reply("its end", sent.data, 451)
        expect_match("its end", str(sent.data), "its record cannot be written")
        said = world.surehop.cli("status", as_json=False)
        expect(f"exit status of status ({said.out})", said.status, 1)
        expect_match("what status says", said.out, "so what is enforced is deferred: .*the disk is full; make room")
        expect_reply("what falls short", world.send(world.someone("none.test")).reply(), 550)
        os.remove(ballast)
        after = taken(world, world.someone("dane.test"))
        expect(f"messages to {held_back}", world.sinks.delivered(held_back), [])
        for sent in (before, after):
            (recipient,) = sent.recipients
            expect_match(f"trace {sent.queue_id}", world.surehop.cli("trace", sent.queue_id).out, recipient)
        expect("exit status of status", world.surehop.cli("status").status, 0)
        expect("exit status of ledger verify", world.surehop.cli("ledger", "verify").status, 0)
    finally:
        world.surehop.stop()
        run("umount", world.surehop.state)
        world.surehop.start()


HOLDER = """
import socket, sys, time
held = []
for _ in range(60):
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    held.append(one)
print("held", flush=True)
time.sleep(60)
"""


@story("A local user who holds as many connections of the control socket as he gets keeps nobody else from it")
def control_socket_held(world):
    stranger = pwd.getpwnam("daemon").pw_uid
    path = str(world.surehop.sockets / "control.sock")
    world.surehop.sockets.chmod(0o2755)  # as /run/surehop is
    holder = subprocess.Popen(["python3", "-c", HOLDER, path], user=stranger, group=stranger, extra_groups=[],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        expect("the other user", holder.stdout.readline(), "held\n")
        for _ in range(5):
            expect("exit status of status, by root", world.surehop.cli("status").status, 0)
        said = run(world.surehop.programs["surehop"], "--config", world.surehop.config_file, "status", user=stranger,
                   group=stranger, extra_groups=[], ok=None)  # fmt: skip
        expect_match("what the user is told", said.stdout + said.stderr, f"too many connections of uid {stranger}")
        expect("lines about it", world.surehop.server.tail(2000).count("turned away"), 1)
    finally:
        holder.kill()
        holder.wait()
        world.surehop.sockets.chmod(0o2750)


@story("What was learnt survives a restart: a known next hop is judged with resolver and policy host gone", fresh=True)
def facts_survive(world):
    expect_reply("while all is well", world.send(world.someone("sts.test")).reply(), 250)
    world.surehop.stop()
    world.dns.stop_resolver()
    world.policy_host.stop()
    try:
        world.surehop.start()
        expect_reply("a known next hop", world.send(world.someone("sts.test")).reply(), 250)
        expect_match("the lock", world.postfix.ask_lock("sts.test"), r"^secure match=mx\.sts\.test")
        expect_reply("an unknown one", world.send(world.someone("implicit.test")).reply(), 451)
    finally:
        world.dns.start_resolver()
        world.policy_host.start()
        world.surehop.stop()  # the next story starts it with a resolver that answers
        world.postfix.empty_queue()


@story("A look-up that comes before the resolver has proved itself waits for that", fresh=True)
def look_up_before_self_test(world):
    world.surehop.stop()
    resolver = world.dns.resolver.process
    resolver.send_signal(signal.SIGSTOP)
    go_on = threading.Timer(1, resolver.send_signal, (signal.SIGCONT,))
    go_on.start()
    try:
        world.surehop.start()
        expect("the lock", world.postfix.ask_lock("dane.test"), "dane-only")
    finally:
        go_on.join()


@story("While the resolver has not answered yet DANE is unknown, not absent: mail waits, then goes", fresh=True, retest="3s")
def resolver_comes_late(world):
    world.surehop.stop()
    world.dns.stop_resolver()
    try:
        world.surehop.start()
    finally:
        world.dns.start_resolver()
    reply = world.send(world.someone("dane.test")).reply()
    expect_true("not refused for good", reply.code in (250, 451), reply)

    def dane_counts():
        world.surehop.cli("facts", "refresh", "dane.test")  # what was found meanwhile holds for a minute
        return world.send(world.someone("dane.test")).reply().code == 250

    world.wait(dane_counts, "DANE to count")


@story("SIGHUP does not stop surehopd")
def hangup(world):
    world.surehop.signal(signal.SIGHUP)
    time.sleep(1)
    expect("surehopd runs", world.surehop.server.running(), True)
    expect_reply("mail afterwards", world.send(world.someone("none.test")).reply(), 550)


@story("reload puts a new configuration in force without a restart")
def reload(world):
    pid = world.surehop.server.process.pid
    world.surehop.write(world.surehop.configuration(mode="audit"))
    said = world.surehop.cli("reload")
    expect(f"exit status of reload ({said.out}{said.err})", said.status, 0)
    expect_match("an alarm", said.out, "the mode changed from enforce to audit")
    expect_reply("in audit mode", world.send(world.someone("none.test")).reply(), 250)
    world.surehop.write(world.surehop.configuration())
    expect("exit status of reload", world.surehop.cli("reload").status, 0)
    expect_reply("in enforce mode", world.send(world.someone("none.test")).reply(), 550)
    expect("process", world.surehop.server.process.pid, pid)
    expect("surehopd runs", world.surehop.server.running(), True)


@story("SIGUSR1 reloads too")
def reload_by_signal(world):
    world.surehop.write(world.surehop.configuration(mode="audit"))
    world.surehop.signal(signal.SIGUSR1)
    world.wait(lambda: world.send(world.someone("none.test")).reply().code == 250, "audit mode to be in force")
    expect("surehopd runs", world.surehop.server.running(), True)


@story("A bad reload says file, line and column, and the old configuration stays in force")
def bad_reload(world):
    good = world.surehop.configuration()
    bad = good.replace('minimum = "authenticated"', 'minimum = "authentic"')
    line = bad[: bad.index('"authentic"')].count("\n") + 1
    world.surehop.write(bad)
    said = world.surehop.cli("reload", as_json=False)
    expect_true("reload fails", said.status != 0, f"{said.status} {said.out}{said.err}")
    expect_match("what it says", said.out + said.err, rf"surehop\.toml:{line}:\d+")
    expect_reply("mail afterwards", world.send(world.someone("none.test")).reply(), 550)
    expect_reply("mail afterwards", world.send(world.someone("dane.test")).reply(), 250)


BAD = (
    # what is replaced, by what, and what the message must suggest
    ('minimum = "authenticated"', 'minimun = "authenticated"', "minimum"),
    ('mode = "enforce"', 'mode = "enforced"', "enforce"),
    ('falls_short = "reject"', "falls_short = 5", "reject"),
    ('lock = "{lock}"', "", "lock"),
    ("[store]", "[stroe]", "store"),
    ('queue_lifetime = "5d"', 'queue_lifetime = "5 fortnights"', "5d"),
    ('servers = ["127.0.0.1:53"]', 'servers = ["localhost"]', "127.0.0.1"),
    ("[https]", "[https", "]"),
)


@story("A bad configuration ends the start with 78, and names file, line, column and what to write")
def bad_configuration(world):
    world.surehop.stop()
    good = world.surehop.configuration()
    for old, new, suggestion in BAD:
        old = old.format(lock=world.postfix.lock)
        expect_true(f"{old} is in the configuration", old in good)
        world.surehop.write(good.replace(old, new, 1))
        said = world.surehop.start_refused()
        expect(f"exit status for {new or 'nothing'} ({said.err})", said.status, 78)
        expect_match(f"message for {new or 'nothing'}", said.err, r"surehop\.toml(:\d+:\d+)" + ("?" if not new else ""))
        expect_true(f"the message for {new or 'nothing'} suggests {suggestion}", suggestion in said.err, said.err)


@story("A configuration that is missing or cannot be read is an error, never audit mode")
def no_configuration(world):
    world.surehop.stop()
    world.surehop.write(world.surehop.configuration())
    world.surehop.config_file.chmod(0)
    said = world.surehop.start_refused()
    expect(f"exit status when unreadable ({said.err})", said.status, 78)
    world.surehop.config_file.unlink()
    said = world.surehop.start_refused()
    expect(f"exit status when missing ({said.err})", said.status, 78)
    expect_match("message", said.err, r"surehop\.toml")


@story("config check says the same as the daemon would")
def config_check(world):
    said = world.surehop.cli("config", "check")
    expect(f"exit status ({said.out}{said.err})", said.status, 0)
    world.surehop.write(world.surehop.configuration().replace("[store]", "[stroe]"))
    said = world.surehop.cli("config", "check", as_json=False)
    expect("exit status for a bad one", said.status, 78)
    expect_match("what it says", said.out + said.err, r"surehop\.toml:\d+:\d+: .*\[store\]")
    (error,) = world.surehop.cli("config", "check").json["errors"]
    expect_match("its text for programs", error["text"], r"\[store\]")
