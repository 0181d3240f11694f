"""What a person gives beside a recording: a transcript, and sound that was recorded apart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from fer_phq.core import texts
from fer_phq.core.errors import FerPhqError


@dataclass(frozen=True)
class Sidecar:
    """What is given beside a recording, on the recording's clock; all of it may be missing.

    transcript: a file that `read_transcript` takes. speaker: whose turns in it are the subject's. audio: sound that was
    recorded apart, used in place of the recording's own. transcript_name: what errors call the transcript; its path
    when omitted.
    """

    transcript: Path | None = None
    speaker: str | None = None
    audio: Path | None = None
    transcript_name: str | None = field(default=None, compare=False)

    def digest(self) -> str:
        """SHA-256 (hex) over the files' bytes and the speaker; empty when nothing is given."""
        if self == Sidecar():
            return ""
        return compute_digest(self.speaker, _bytes(self.transcript), _bytes(self.audio))


def compute_digest(speaker: str | None, transcript: bytes = b"", audio: bytes = b"") -> str:
    """As `Beside.digest`, of files whose bytes are at hand; something must be given."""
    digest = hashlib.sha256((speaker or "").encode())
    for document in (transcript, audio):
        digest.update(hashlib.sha256(document).digest())
    return digest.hexdigest()


def _bytes(path: Path | None) -> bytes:
    try:
        return path.read_bytes() if path else b""
    except OSError as error:
        raise FerPhqError(texts.FILE_UNREADABLE(path=str(path), strerror=str(error.strerror))) from None
