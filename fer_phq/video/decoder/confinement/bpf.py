"""Filters of system calls as programs of the kernel's packet filter, and their installation. Linux only.

A program sees the number of a call, the processor's calling convention and the arguments (`struct seccomp_data`), and
ends with what happens to the call. See the kernel's Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Sequence

Instruction = tuple[int, int, int, int]
"""(code, jump where true, jump where false, constant), as in `struct sock_filter`."""

ALLOW = 0x7FFF0000
KILL = 0x80000000
"""What becomes of a call: it is carried out, or the process ends."""

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_NUMBER = 0
_CONVENTION = 4
_ARGUMENTS = 16  # eight bytes each, the lower half first: both processors are little-endian
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2


def refusal(error: int = errno.EPERM) -> int:
    """Return the outcome of a call that fails with an error of `errno`."""
    return 0x00050000 | error


def begin(convention: int, end: int) -> list[Instruction]:
    """Begin a program: calls by another convention end the process, calls from a number on do not exist.

    Args:
        convention: The processor's `AUDIT_ARCH` number.
        end: The first number of a call that is not known.
    """
    return [
        (_LOAD, 0, 0, _CONVENTION),
        (_EQUAL, 1, 0, convention),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, end),
        (_RETURN, 0, 0, refusal(errno.ENOSYS)),
    ]


def refuse(number: int, error: int = errno.EPERM) -> list[Instruction]:
    """Refuse a call whatever its arguments.

    Args:
        number: Number of the call.
        error: What it fails with.
    """
    return [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refusal(error))]


def refuse_bits(number: int, argument: int, bits: int, error: int = errno.EPERM) -> list[Instruction]:
    """Refuse a call where an argument has any of some bits.

    Args:
        number: Number of the call.
        argument: Position of the argument, from 0.
        bits: The bits.
        error: What it fails with.
    """
    return _on_argument(number, argument, (_ANY_BIT, 0, 1, bits), refusal(error), ALLOW)


def require_bits(number: int, argument: int, bits: int, error: int = errno.EPERM) -> list[Instruction]:
    """Refuse a call where an argument has none of some bits.

    Args:
        number: Number of the call.
        argument: Position of the argument, from 0.
        bits: The bits.
        error: What it fails with.
    """
    return _on_argument(number, argument, (_ANY_BIT, 0, 1, bits), ALLOW, refusal(error))


def require_value(number: int, argument: int, values: Sequence[int]) -> list[Instruction]:
    """Refuse a call where an argument is none of some values.

    Args:
        number: Number of the call.
        argument: Position of the argument, from 0.
        values: Values of 32 bits.
    """
    allowed = [step for value in values for step in ((_EQUAL, 0, 1, value), (_RETURN, 0, 0, ALLOW))]
    body = [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument), *allowed, (_RETURN, 0, 0, refusal())]
    return [(_EQUAL, 0, len(body), number), *body]


def install(program: Sequence[Instruction]) -> bool:
    """Put this thread, and those that it starts, under a program for good; it must not gain privileges any more.

    Returns:
        Whether the kernel took it.
    """

    class Filter(ctypes.Structure):
        _fields_ = (
            ("code", ctypes.c_uint16),
            ("true", ctypes.c_uint8),
            ("false", ctypes.c_uint8),
            ("k", ctypes.c_uint32),
        )

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_uint16), ("filters", ctypes.POINTER(Filter)))

    whole = [*program, (_RETURN, 0, 0, ALLOW)]
    filters = (Filter * len(whole))(*(Filter(*step) for step in whole))
    argument = ctypes.byref(Program(len(whole), filters))
    result: int = ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, argument, 0, 0)
    return result == 0


def _on_argument(number: int, argument: int, test: Instruction, where_true: int, where_false: int) -> list[Instruction]:
    """End a call by a test of the lower half of an argument."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _ARGUMENTS + 8 * argument),
        test,
        (_RETURN, 0, 0, where_true),
        (_RETURN, 0, 0, where_false),
    ]
