"""A file that appears only when it is whole, and leaves nothing behind where its writer is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[IO[bytes]]:
    """Provide a file without a name, which gets its name when the block ends without an error.

    Only its owner may read it. Where the file system knows no files without a name, it has one that begins with a dot
    and ends in `.part` until then, which a killed process leaves behind.

    Args:
        path: The name.
        force: Whether to replace a file that is there.

    Raises:
        FileExistsError: There is a file of that name, which is not to be replaced.
        OSError: The file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor, is_named = _create(path.parent, part)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not is_named and not force:
                _name(file.fileno(), path)
                return
            if not is_named:
                _name(file.fileno(), part)
        if force:
            part.replace(path)
        else:
            os.link(part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _create(folder: Path, part: Path) -> tuple[int, bool]:
    """Create the file; return its descriptor and whether it has a name."""
    nameless = getattr(os, "O_TMPFILE", 0)
    if nameless:
        with suppress(OSError):
            return os.open(folder, os.O_RDWR | nameless, 0o600), False
    return os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), True


def _name(descriptor: int, path: Path) -> None:
    """Give a file without a name one (open(2), O_TMPFILE)."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # A folder's descriptor has Python call linkat, which follows the link of /proc to the open file.
        os.link(f"/proc/self/fd/{descriptor}", path.absolute(), src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
