# SPDX-License-Identifier: Apache-2.0
"""The system calls that the service (contrib/surehopd.service) may not make: those outside systemd's @system-service."""

import ctypes

FORBIDDEN = """
    adjtimex clock_adjtime clock_settime settimeofday
    modify_ldt
    lookup_dcookie perf_event_open pidfd_getfd ptrace
    delete_module finit_module init_module
    chroot fsconfig fsmount fsopen fspick mount move_mount open_tree pivot_root umount2
    ioperm iopl
    kexec_file_load kexec_load reboot
    swapoff swapon
    acct bpf quotactl sethostname setdomainname vhangup
""".split()

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000


def enter():
    """For the process to come: who makes such a call ends at once by SIGSYS. The service itself only gets an error."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    rules = library.seccomp_init(ctypes.c_uint32(ALLOW))
    for name in FORBIDDEN:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if library.seccomp_rule_add_array(rules, KILL_PROCESS, number, 0, None) != 0:
            raise OSError(f"seccomp does not take {name}")
    if library.seccomp_load(rules) != 0:
        raise OSError("seccomp cannot be loaded")
