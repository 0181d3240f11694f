"""Landlock: which files this process may read, decided by the process itself for good. Linux from 5.13 on.

See the kernel's Documentation/userspace-api/landlock.rst. The numbers of its calls are the same on every processor.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_PATH_BENEATH = 1
_READ_FILE = 1 << 2
_READ_FOLDER = 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""Number of the rights over files (run, write, read, list, remove, make ...) by the version from which it holds."""
_NETWORK_VERSION = 4
_NETWORK_RIGHTS = 0b11  # TCP: bind, connect
_SCOPE_VERSION = 6
_SCOPES = 0b11  # sockets without a file, signals to other processes


def version() -> int:
    """Return the version of the kernel's Landlock; 0 where there is none."""
    return max(0, _call(_CREATE_RULESET, None, 0, 1))


def allow_only(files: Iterable[Path], folders: Iterable[Path]) -> bool:
    """Take from this thread, and those that it starts, all rights over files but to read some.

    Where the kernel can, TCP and signals to other processes go, too. Privileges can no longer be gained.

    Args:
        files: What may be read; all must exist.
        folders: Where everything may be listed and read; those that do not exist are left out.

    Returns:
        Whether it holds; otherwise nothing has changed.
    """
    number = version()
    if not number:
        return False
    rights = (1 << max(count for first, count in _FILE_RIGHTS.items() if first <= number)) - 1
    network = _NETWORK_RIGHTS if number >= _NETWORK_VERSION else 0
    scopes = _SCOPES if number >= _SCOPE_VERSION else 0
    size = 24 if scopes else 16 if network else 8  # bytes of the structure as the kernel knows it
    attributes = struct.pack("=QQQ", rights, network, scopes)[:size]
    ruleset = _call(_CREATE_RULESET, attributes, size, 0)
    if ruleset < 0:
        return False
    try:
        if not all(_allow(ruleset, path) for path in files):
            return False
        for folder in folders:
            _allow(ruleset, folder)
        return _call(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path) -> bool:
    """Add the right to read a file, or all under a folder. Returns whether that was possible."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = struct.pack("=Qi", _READ_FILE | (_READ_FOLDER if is_folder else 0), descriptor)
        return _call(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) == 0
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call. Returns its result, -1 for an error."""
    values = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    return int(ctypes.CDLL(None).syscall(ctypes.c_long(number), *values))
