"""What the store has beside a session's recording, on its way into an analysis."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.records import TranscriptRecord
from db.store import Store
from fer_phq.core.sidecar import Sidecar, compute_digest
from service.settings import AppSettings


def digest(kept: TranscriptRecord) -> str:
    """Of an analysis that is made with it: what `SessionAnalysis.sidecar_digest` then is."""
    return compute_digest(kept.speaker, kept.document)


@contextmanager
def beside_of(settings: AppSettings, store: Store, session_id: str) -> Iterator[Sidecar]:
    """What the store has beside a session's recording, as files that are there only inside of the `with`.

    The transcript lies in the incoming folder, readable by its owner only; after a crash the sweep removes it.
    An error that names the file uses its original name.
    """
    kept = store.transcripts.get(session_id=session_id)
    if kept is None:
        yield Sidecar()
        return
    settings.prepare()
    descriptor, name = tempfile.mkstemp(prefix="transcript-", suffix=".part", dir=settings.incoming_dir)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(kept.document)
        yield Sidecar(transcript=path, speaker=kept.speaker, transcript_name=kept.original_name)
    finally:
        path.unlink(missing_ok=True)
