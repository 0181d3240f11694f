"""What a person gives beside a recording: a transcript, and sound that was recorded apart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fer_phq.errors import FerPhqError


@dataclass(frozen=True)
class Beside:
    """What is given beside a recording, on the recording's clock; all of it may be missing.

    transcript: a file that `read_transcript` takes. speaker: whose turns in it are the subject's. audio: sound that was
    recorded apart, used in place of the recording's own.
    """

    transcript: Path | None = None
    speaker: str | None = None
    audio: Path | None = None

    def digest(self) -> str:
        """SHA-256 (hex) over the files' bytes and the speaker; empty when nothing is given."""
        if self == Beside():
            return ""
        digest = hashlib.sha256((self.speaker or "").encode())
        for path in (self.transcript, self.audio):
            try:
                digest.update(hashlib.sha256(path.read_bytes() if path else b"").digest())
            except OSError as error:
                raise FerPhqError(f"The file {path} cannot be read: {error.strerror}.") from None
        return digest.hexdigest()
