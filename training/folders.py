"""Folders that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_folder(out: Path) -> Iterator[Path]:
    """Provide a temporary folder that takes the place of `out` when the block succeeds, and is removed otherwise."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield part
        part.chmod(0o755)
        if out.exists():
            replaced = part.with_name(f"{part.name}.old")
            out.rename(replaced)
            try:
                os.replace(part, out)
            except OSError:
                replaced.rename(out)
                raise
            shutil.rmtree(replaced)
        else:
            os.replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
