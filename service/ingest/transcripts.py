"""Transcripts that come in: checked before anything is stored, then kept until their recording arrives.

A transcript that comes before its recording lies in the incoming folder under a random name. An upload's token holds
that name only. The sweep of unfinished uploads removes a transcript whose recording never comes.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from db.records import MAX_TRANSCRIPT, NewTranscript
from fer_phq.core.encryption.key import InstallationKey
from fer_phq.core.encryption.values import decrypt_value, encrypt_value
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.core.messages import Message
from fer_phq.words import fold_speaker, parse_transcript, subject_speaker
from service.ingest import messages
from service.ingest.media import owner_prefix, storage_errors
from service.settings import AppSettings

SUFFIXES = (".vtt", ".srt", ".csv", ".tsv", ".txt", ".json")
WAITING = "incoming.transcript"
"""Where an encrypted transcript that waits is, as its encryption has it."""
_NAME = re.compile(r"([0-9a-f-]{36}\.)?[0-9a-f]{32}")


@dataclass(frozen=True)
class CheckedTranscript:
    """A transcript that can be read.

    Attributes:
        name: The file's name, without folders.
        document: The file's bytes.
        speakers: The speakers by first appearance.
        subject: The speaker who is known to be the subject; None where nobody is.
        utterances: Number of utterances.
        warnings: What a person should know of it.
    """

    name: str
    document: bytes
    speakers: tuple[str, ...]
    subject: str | None
    utterances: int
    warnings: tuple[Message, ...]

    @property
    def needs_speaker(self) -> bool:
        """Whether several people speak and nothing tells who is the subject, so that everybody's words would count."""
        return self.subject is None and len(self.speakers) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """The first speakers, as a message names them."""
        return tuple(name[:40] for name in self.speakers[:8])

    def with_speaker(self, speaker: str | None = None) -> NewTranscript:
        """Return the transcript as the store takes it.

        Args:
            speaker: Who of the speakers is the subject; None for `subject`.

        Raises:
            FerPhqError: The transcript has no such speaker.
        """
        if speaker is None:
            return NewTranscript(self.name, self.document, self.subject)
        folded = fold_speaker(speaker)
        match = next((name for name in self.speakers if fold_speaker(name) == folded), None)
        if match is None:
            names = self.names or messages.NO_SPEAKER_NAMES()
            raise FerPhqError(messages.NO_SUCH_SPEAKER(name=self.name, speaker=speaker[:40], speakers=names))
        return NewTranscript(self.name, self.document, match or self.subject)


def check_transcript(name: str, document: bytes) -> CheckedTranscript:
    """Read a transcript without storing it.

    Args:
        name: The file's name.
        document: The file's bytes.

    Raises:
        FerPhqError: The transcript cannot be used; the message names it.
    """
    file_name = name.replace("\\", "/").rsplit("/", 1)[-1][:200]
    if len(document) > MAX_TRANSCRIPT:
        raise FerPhqError(messages.TRANSCRIPT_TOO_LARGE(name=file_name, limit=messages.size_message(MAX_TRANSCRIPT)))
    transcript = parse_transcript(document, file_name)
    subject, warning = subject_speaker(transcript)
    warnings = (*transcript.warnings, *([warning] if warning else []))
    return CheckedTranscript(file_name, document, transcript.speakers, subject, len(transcript), warnings)


def by_stem(names: Iterable[str]) -> dict[str, str]:
    """Return the transcripts among a folder's files by `folded_stem`, a JSON file only where there is no other.

    Args:
        names: Names of the folder's files.
    """
    transcript_names: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (_folded(name).endswith(".json"), name)):
        if _folded(name).endswith(SUFFIXES):
            transcript_names.setdefault(folded_stem(name), name)
    return transcript_names


def folded_stem(name: str) -> str:
    """Return a file's name without its ending, for comparison: without differences of case and of composed letters."""
    return _folded(name).rpartition(".")[0]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def save_pending(
    settings: AppSettings, transcript: NewTranscript, subject_id: str = "", *, key: InstallationKey | None
) -> str:
    """Store a transcript until its recording arrives.

    Args:
        settings: The installation.
        transcript: The transcript and its subject's speaker.
        subject_id: UUID of the subject, by which an erasure finds the file; empty where that is not known.
        key: With which it is encrypted, `Store.encryption.key`; None stores it in plain.

    Returns:
        The name under which `load_pending` finds it.

    Raises:
        SettingsError: The data folder cannot be written.
        StorageError: The disk takes no more.
    """
    settings.prepare()
    name = f"{owner_prefix(subject_id)}{secrets.token_hex(16)}"
    body = {
        "name": transcript.original_name,
        "speaker": transcript.speaker,
        "document": base64.b64encode(transcript.document).decode("ascii"),
    }
    path = _path(settings, name)
    content = json.dumps(body).encode()
    with storage_errors(messages.CREATION()):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content if key is None else encrypt_value(key, content, WAITING))
    return name


def load_pending(settings: AppSettings, name: str) -> NewTranscript:
    """Read a transcript that waits for its recording.

    Args:
        settings: The installation.
        name: What `save_pending` returned.

    Raises:
        RecordingError: There is no such transcript (any more).
        StoreError: It is encrypted and cannot be decrypted.
    """
    try:
        body = json.loads(decrypt_value(_path(settings, name).read_bytes(), WAITING))
    except FileNotFoundError:
        raise RecordingError(messages.TRANSCRIPT_GONE()) from None
    return NewTranscript(body["name"], base64.b64decode(body["document"]), body["speaker"])


def renew_pending(settings: AppSettings, name: str, subject_id: str) -> None:
    """Let a waiting transcript wait for as long as an upload that begins now.

    Args:
        settings: The installation.
        name: What `save_pending` returned.
        subject_id: UUID of the subject for whom it was stored.

    Raises:
        RecordingError: No such transcript waits for a recording of this subject (any more).
    """
    path = _path(settings, name)
    if not name.startswith(f"{subject_id}."):
        raise RecordingError(messages.TRANSCRIPT_GONE())
    try:
        os.utime(path)
    except FileNotFoundError:
        raise RecordingError(messages.TRANSCRIPT_GONE()) from None


def expires_at(settings: AppSettings, name: str) -> datetime:
    """Return when a waiting transcript goes, unless an upload that names it begins.

    Args:
        settings: The installation.
        name: What `save_pending` returned.

    Raises:
        RecordingError: There is no such transcript (any more).
    """
    try:
        modified_s = _path(settings, name).stat().st_mtime
    except FileNotFoundError:
        raise RecordingError(messages.TRANSCRIPT_GONE()) from None
    return datetime.fromtimestamp(modified_s + settings.stale_upload_s, UTC)


def remove_pending(settings: AppSettings, name: str) -> None:
    """Remove a waiting transcript, which is stored with its session now.

    Args:
        settings: The installation.
        name: What `save_pending` returned.

    Raises:
        RecordingError: It is not the name of a waiting transcript.
    """
    _path(settings, name).unlink(missing_ok=True)


def _path(settings: AppSettings, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise RecordingError(messages.NO_PENDING_TRANSCRIPT())
    return settings.incoming_dir / f"{name}.part"
