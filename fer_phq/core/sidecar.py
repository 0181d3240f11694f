"""Sidecar files of a recording: a transcript and separately recorded audio."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from fer_phq.core import texts
from fer_phq.core.errors import FerPhqError


@dataclass(frozen=True)
class Sidecar:
    """The sidecar files of a recording, on the recording's clock; any of them may be missing.

    Attributes:
        transcript: A file that `read_transcript` reads.
        speaker: The subject's name in the transcript.
        audio: Sound that is used in place of the recording's own.
        transcript_name: What errors call the transcript; None for its path.
    """

    transcript: Path | None = None
    speaker: str | None = None
    audio: Path | None = None
    transcript_name: str | None = field(default=None, compare=False)

    def digest(self) -> str:
        """Compute a SHA-256 over the files' bytes and the speaker.

        Returns:
            64 hex digits; empty without sidecar files.

        Raises:
            FerPhqError: A file cannot be read.
        """
        if self == Sidecar():
            return ""
        return compute_digest(self.speaker, _read_bytes(self.transcript), _read_bytes(self.audio))


def compute_digest(speaker: str | None, transcript: bytes = b"", audio: bytes = b"") -> str:
    """Compute `Sidecar.digest` from the bytes of the files; one of the arguments must not be empty.

    Args:
        speaker: The subject's name in the transcript.
        transcript: The transcript's bytes.
        audio: The sound file's bytes.
    """
    digest = hashlib.sha256((speaker or "").encode())
    for document in (transcript, audio):
        digest.update(hashlib.sha256(document).digest())
    return digest.hexdigest()


def _read_bytes(path: Path | None) -> bytes:
    try:
        return path.read_bytes() if path else b""
    except OSError as error:
        raise FerPhqError(texts.FILE_UNREADABLE(path=str(path), strerror=str(error.strerror))) from None
