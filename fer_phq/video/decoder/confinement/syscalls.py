"""Which system calls the decoder process is refused: a list, so that what is not named stays possible. Linux only."""

from __future__ import annotations

import errno
import os
import platform

from fer_phq.video.decoder.confinement import bpf

CONVENTIONS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""The processors for which the numbers of the calls are listed, and their `AUDIT_ARCH`."""

END = 463
"""Calls from this number on came with Linux 6.13: they are told not to exist, as on an older kernel."""

REFUSED = {
    "network": """
        socket:41:198 socketpair:53:199 connect:42:203 accept:43:202 accept4:288:242 bind:49:200 listen:50:201
        sendto:44:206 sendmsg:46:211 sendmmsg:307:269 recvfrom:45:207 recvmsg:47:212 recvmmsg:299:243
    """,
    "processes": """
        fork:57:- vfork:58:- execve:59:221 execveat:322:281 ptrace:101:117 process_vm_readv:310:270
        process_vm_writev:311:271 process_madvise:440:440 process_mrelease:448:448 kcmp:312:272
        pidfd_open:434:434 pidfd_getfd:438:438 pidfd_send_signal:424:424 tkill:200:130 rt_sigqueueinfo:129:138
        rt_tgsigqueueinfo:297:240 unshare:272:97 setns:308:268 personality:135:92 setpgid:109:154 setsid:112:157
    """,
    "files": """
        creat:85:- truncate:76:45 rename:82:- renameat:264:38 renameat2:316:276 link:86:- linkat:265:37
        symlink:88:- symlinkat:266:36 unlink:87:- unlinkat:263:35 mkdir:83:- mkdirat:258:34 rmdir:84:-
        mknod:133:- mknodat:259:33 chmod:90:- fchmod:91:52 fchmodat:268:53 fchmodat2:452:452 chown:92:-
        lchown:94:- fchown:93:55 fchownat:260:54 utime:132:- utimes:235:- futimesat:261:- utimensat:280:88
        setxattr:188:5 lsetxattr:189:6 fsetxattr:190:7 removexattr:197:14 lremovexattr:198:15
        fremovexattr:199:16 name_to_handle_at:303:264 open_by_handle_at:304:265 chroot:161:51 pivot_root:155:41
        mount:165:40 umount2:166:39 move_mount:429:429 open_tree:428:428 fsopen:430:430 fsconfig:431:431
        fsmount:432:432 fspick:433:433 mount_setattr:442:442 swapon:167:224 swapoff:168:225
    """,
    "shared memory and queues": """
        memfd_create:319:279 memfd_secret:447:447 mq_open:240:180 mq_unlink:241:181 shmget:29:194 shmat:30:196
        shmctl:31:195 msgget:68:186 msgsnd:69:189 msgrcv:70:188 msgctl:71:187 semget:64:190 semop:65:193
        semtimedop:220:192 semctl:66:191
    """,
    "the kernel and the user": """
        bpf:321:280 perf_event_open:298:241 io_uring_setup:425:425 io_uring_enter:426:426
        io_uring_register:427:427 userfaultfd:323:282 keyctl:250:219 add_key:248:217 request_key:249:218
        init_module:175:105 finit_module:313:273 delete_module:176:106 kexec_load:246:104
        kexec_file_load:320:294 reboot:169:142 sethostname:170:161 setdomainname:171:162 settimeofday:164:170
        clock_settime:227:112 adjtimex:159:171 clock_adjtime:305:266 acct:163:89 quotactl:179:60
        quotactl_fd:443:443 syslog:103:116 iopl:172:- ioperm:173:- modify_ldt:154:- lookup_dcookie:212:18
        nfsservctl:180:42 vhangup:153:58 fanotify_init:300:262 fanotify_mark:301:263 setuid:105:146
        setgid:106:144 setreuid:113:145 setregid:114:143 setresuid:117:147 setresgid:119:149 setgroups:116:159
        setfsuid:122:151 setfsgid:123:152 capset:126:91
    """,
}
"""Refused whatever their arguments: name:number on x86_64:number on aarch64, or - where there is none."""

_CLONE_THREAD = 0x10000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | 0x400000  # the last is O_TMPFILE's own bit


def refuse_calls() -> bool:
    """Put this thread, and those that it starts, under the filter.

    Returns:
        Whether it holds: not where the processor is none of `CONVENTIONS`, or the kernel has no filters.
    """
    processor = platform.machine()
    return processor in CONVENTIONS and bpf.install(program(processor, os.getpid()))


def program(processor: str, process_id: int) -> list[bpf.Instruction]:
    """Return the filter: reading, memory and threads stay, everything that reaches beyond the process goes.

    Args:
        processor: "x86_64" or "aarch64".
        process_id: The process, which may send itself signals and lower its own limits.
    """
    is_x86 = processor == "x86_64"
    steps = bpf.begin(CONVENTIONS[processor], END)
    for group in REFUSED.values():
        for call in group.split():
            number = call.split(":")[1 if is_x86 else 2]
            if number != "-":
                steps += bpf.refuse(int(number))
    if is_x86:
        steps += bpf.refuse_bits(2, 1, _WRITING, errno.EACCES)  # open
    steps += bpf.refuse_bits(257 if is_x86 else 56, 2, _WRITING, errno.EACCES)  # openat
    steps += bpf.refuse(437, errno.ENOSYS)  # openat2 and clone3 hide their flags behind a pointer: without them,
    steps += bpf.refuse(435, errno.ENOSYS)  # libraries take openat and clone
    steps += bpf.require_bits(56 if is_x86 else 220, 0, _CLONE_THREAD)  # clone: threads only
    steps += bpf.require_value(62 if is_x86 else 129, 0, [process_id])  # kill
    steps += bpf.require_value(234 if is_x86 else 131, 0, [process_id])  # tgkill
    steps += bpf.require_value(302 if is_x86 else 261, 0, [0, process_id])  # prlimit64
    return steps
