"""Transcripts on their way in: read before anything is kept, then waiting for the recording that they belong to.

A transcript that comes before its recording lies in the incoming folder under a random name, which is all that an
upload's token says of it; what nobody fetches is swept away with the unfinished uploads.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from db.records import MAX_TRANSCRIPT, NewTranscript
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.core.messages import Message
from fer_phq.words import parse_transcript, subject_speaker
from service.settings import MIB, AppSettings

SUFFIXES = (".vtt", ".srt", ".csv", ".tsv", ".txt")
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class ReadTranscript:
    """A transcript that can be read: the file, who speaks in it, and what a person should know of it.

    speakers: by first appearance. subject: who of them is known to be the subject, None where nobody is.
    """

    name: str
    document: bytes
    speakers: tuple[str, ...]
    subject: str | None
    utterances: int
    warnings: tuple[Message, ...]

    def given(self, speaker: str | None = None) -> NewTranscript:
        """To be kept, with this speaker as the subject. FerPhqError when the transcript has no such speaker."""
        if speaker is not None:
            found = next((name for name in self.speakers if name.casefold() == speaker.strip().casefold()), None)
            if found is None:
                has = ", ".join(name[:40] for name in self.speakers[:8]) or "no speakers by name"
                raise FerPhqError(f"The transcript {self.name} has no speaker '{speaker[:40]}': it has {has}.")
            speaker = found
        return NewTranscript(self.name, self.document, speaker or self.subject)


def check_transcript(name: str, document: bytes) -> ReadTranscript:
    """Read a transcript without keeping it. FerPhqError, in one sentence with its name, when it cannot be used."""
    shown = name.replace("\\", "/").rsplit("/", 1)[-1][:200]
    if len(document) > MAX_TRANSCRIPT:
        raise FerPhqError(f"The transcript {shown} is larger than the {MAX_TRANSCRIPT // MIB} MiB that can be kept.")
    transcript = parse_transcript(document, shown)
    subject, warning = subject_speaker(transcript)
    said = (*transcript.warnings, *([warning] if warning else []))
    return ReadTranscript(shown, document, transcript.speakers, subject, len(transcript), said)


def wait(settings: AppSettings, given: NewTranscript) -> str:
    """Lay a transcript down for a recording that is about to come; the name for its grant."""
    settings.prepare()
    name = secrets.token_hex(16)
    body = {
        "name": given.original_name,
        "speaker": given.speaker,
        "document": base64.b64encode(given.document).decode("ascii"),
    }
    path = _path(settings, name)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(body, file)
    return name


def waiting(settings: AppSettings, name: str) -> NewTranscript:
    """The transcript that was laid down under this name. RecordingError when it is not there any more."""
    try:
        body = json.loads(_path(settings, name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordingError("The transcript of this recording is not there any more; choose it again.") from None
    return NewTranscript(body["name"], base64.b64decode(body["document"]), body["speaker"])


def fetched(settings: AppSettings, name: str) -> None:
    """Remove a transcript that is now kept with its session."""
    _path(settings, name).unlink(missing_ok=True)


def _path(settings: AppSettings, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise RecordingError("This upload names no transcript that could be waiting; reload the page and try again.")
    return settings.incoming_dir / f"{name}.part"
