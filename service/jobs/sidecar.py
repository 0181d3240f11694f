"""Sidecar files of a stored session, on their way into an analysis."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.records import TranscriptRecord
from db.store import Store
from fer_phq.core.sidecar import Sidecar, compute_digest
from service.ingest.media import owner_prefix
from service.settings import AppSettings


def digest(transcript: TranscriptRecord) -> str:
    """Return the `SessionAnalysis.sidecar_digest` of an analysis that is made with a transcript."""
    return compute_digest(transcript.speaker, transcript.document)


@contextmanager
def sidecar_files(settings: AppSettings, store: Store, session_id: str) -> Iterator[Sidecar]:
    """Write a session's sidecar files, which are there only inside of the `with`.

    The transcript lies in the incoming folder, readable by its owner only; after a crash the sweep removes it. Where
    the installation is encrypted it lies in memory alone, on systems that have such files (Linux). An error that names
    the file uses its original name.

    Args:
        settings: The installation's settings.
        store: The store.
        session_id: The session's UUID.
    """
    transcript = store.transcripts.get(session_id=session_id)
    if transcript is None:
        yield Sidecar()
        return
    if store.encryption.key() is not None and hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("transcript"), "wb") as file:
            file.write(transcript.document)
            file.flush()
            yield _sidecar(transcript, Path(f"/proc/self/fd/{file.fileno()}"))
        return
    settings.prepare()
    descriptor, name = tempfile.mkstemp(prefix=owner_prefix(session_id), suffix=".part", dir=settings.incoming_dir)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(transcript.document)
        yield _sidecar(transcript, path)
    finally:
        path.unlink(missing_ok=True)


def _sidecar(transcript: TranscriptRecord, path: Path) -> Sidecar:
    return Sidecar(transcript=path, speaker=transcript.speaker, transcript_name=transcript.original_name)
