"""Numbers of system calls by architecture, from the kernel's ``unistd_64.h`` (x86_64) and ``asm-generic/unistd.h``."""

from __future__ import annotations

from typing import Final

DENIED: Final = (
    # other processes
    *("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "perf_event_open"),
    # namespaces and mounts
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig"),
    *("fsmount", "fspick", "mount_setattr", "name_to_handle_at", "open_by_handle_at"),
    # the kernel's keys, programs, faults and rings
    *("add_key", "request_key", "keyctl", "bpf", "userfaultfd", "io_uring_setup", "io_uring_enter"),
    *("io_uring_register", "move_pages", "migrate_pages", "mbind"),
    # the machine
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff"),
    *("acct", "quotactl", "quotactl_fd", "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex"),
    *("sethostname", "setdomainname", "vhangup", "personality", "iopl", "ioperm", "modify_ldt", "lookup_dcookie"),
)
"""What no server needs; answered with EPERM."""

_SAME: Final = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "quotactl_fd": 443,
}
_X86_64: Final = _SAME | dict(
    pair.split(":")
    for pair in [
        "ioctl:16",
        "socket:41",
        "socketpair:53",
        "clone:56",
        "ptrace:101",
        "syslog:103",
        "personality:135",
        "vhangup:153",
        "modify_ldt:154",
        "pivot_root:155",
        "adjtimex:159",
        "chroot:161",
        "acct:163",
        "settimeofday:164",
        "mount:165",
        "umount2:166",
        "swapon:167",
        "swapoff:168",
        "reboot:169",
        "sethostname:170",
        "setdomainname:171",
        "iopl:172",
        "ioperm:173",
        "init_module:175",
        "delete_module:176",
        "quotactl:179",
        "lookup_dcookie:212",
        "clock_settime:227",
        "mbind:237",
        "kexec_load:246",
        "add_key:248",
        "request_key:249",
        "keyctl:250",
        "migrate_pages:256",
        "unshare:272",
        "move_pages:279",
        "perf_event_open:298",
        "name_to_handle_at:303",
        "open_by_handle_at:304",
        "clock_adjtime:305",
        "setns:308",
        "process_vm_readv:310",
        "process_vm_writev:311",
        "kcmp:312",
        "finit_module:313",
        "kexec_file_load:320",
        "bpf:321",
        "userfaultfd:323",
    ]
)
_AARCH64: Final = _SAME | dict(
    pair.split(":")
    for pair in [
        "lookup_dcookie:18",
        "ioctl:29",
        "umount2:39",
        "mount:40",
        "pivot_root:41",
        "chroot:51",
        "vhangup:58",
        "quotactl:60",
        "acct:89",
        "personality:92",
        "unshare:97",
        "kexec_load:104",
        "init_module:105",
        "delete_module:106",
        "clock_settime:112",
        "syslog:116",
        "ptrace:117",
        "reboot:142",
        "sethostname:161",
        "setdomainname:162",
        "settimeofday:170",
        "adjtimex:171",
        "socket:198",
        "socketpair:199",
        "add_key:217",
        "request_key:218",
        "keyctl:219",
        "clone:220",
        "swapon:224",
        "swapoff:225",
        "mbind:235",
        "migrate_pages:238",
        "move_pages:239",
        "perf_event_open:241",
        "name_to_handle_at:264",
        "open_by_handle_at:265",
        "clock_adjtime:266",
        "setns:268",
        "process_vm_readv:270",
        "process_vm_writev:271",
        "kcmp:272",
        "finit_module:273",
        "bpf:280",
        "userfaultfd:282",
        "kexec_file_load:294",
    ]
)
NUMBERS: Final = {
    "x86_64": {name: int(number) for name, number in _X86_64.items()},
    "aarch64": {name: int(number) for name, number in _AARCH64.items()},
}
"""By machine, as ``uname -m`` says it, and by name."""
