"""Transcripts of recordings to come: read as soon as they are chosen, stored until the file of the same name comes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import PurePath

import streamlit as st

from dashboard import context
from dashboard.components.upload import fold_name
from dashboard.i18n import _, mark, n_, render
from dashboard.widgets import ui
from fer_phq.core.errors import FerPhqError
from service.ingest.tokens import UploadGrant
from service.ingest.transcripts import SUFFIXES, CheckedTranscript, check_transcript, save_pending
from service.settings import AppSettings

PENDING = "pending_transcripts"
EVERYBODY = mark("Everybody")
HELP = mark(
    "A transcript belongs to the recording of the same name: P01.vtt to P01.mp4. Choose it before the recording. "
    "WebVTT, SRT, a table with the columns start, end, speaker and text, or Whisper's or WhisperX's JSON."
)


def transcript_grants(settings: AppSettings, grant: UploadGrant) -> dict[str, UploadGrant]:
    """Draw the choice of transcripts. Returns the grant of each one's recording by the file's name without ending.

    Args:
        settings: The installation.
        grant: The grant of any recording.
    """
    with st.expander(_("Transcripts (optional)")):
        ui.note(_(HELP))
        files = st.file_uploader(
            _("Transcripts"),
            type=[suffix.removeprefix(".") for suffix in SUFFIXES],
            accept_multiple_files=True,
            key="transcripts",
            label_visibility="collapsed",
            max_upload_size=20,
        )
        by_stem: dict[str, UploadGrant] = {}
        for file in files:
            stem = fold_name(PurePath(file.name).stem)
            if stem in by_stem:
                text = _("There is another transcript named {stem}: only the first one is used, not {name}.")
                ui.warn(text.format(stem=stem, name=file.name))
                continue
            try:
                transcript = check_transcript(file.name, file.getvalue())
            except FerPhqError as error:
                ui.warn(render(error.message))
                continue
            speaker = speaker_input(transcript, file.file_id)
            name = save_once(settings, transcript, speaker, grant.subject_id)
            by_stem[stem] = replace(grant, transcript=name)
        return by_stem


def speaker_input(transcript: CheckedTranscript, key: str) -> str | None:
    """Draw the choice of the subject among a transcript's speakers. Returns the speaker, None for everybody.

    Args:
        transcript: The transcript.
        key: Key of the widget.
    """
    left, right = st.columns([0.55, 0.45], vertical_alignment="center")
    utterances = n_("{n} utterance", "{n} utterances", transcript.utterances)
    left.markdown(f"**{ui.md(transcript.name)}**, {utterances}")
    if not transcript.speakers:
        text = _("It names no speakers: all of its words count as the subject's.")
        right.html(f'<p class="fp-note">{ui.text(text)}</p>')
        return None
    # Where a name says who is the subject, it is one of the speakers: an analysis would find that name all the same.
    options = list(transcript.speakers) if transcript.subject else [*transcript.speakers, EVERYBODY]
    index = options.index(transcript.subject) if transcript.subject else len(options) - 1
    speaker = right.selectbox(
        _("The subject in {name}").format(name=transcript.name),
        options,
        index=index,
        key=f"speaker_{key}",
        format_func=lambda option: _(EVERYBODY) if option == EVERYBODY else option,
    )
    return None if speaker == EVERYBODY else speaker


def save_once(settings: AppSettings, transcript: CheckedTranscript, speaker: str | None, subject_id: str) -> str:
    """Store a transcript until its recording comes. Returns its name, the same one at every run of the page.

    Args:
        settings: The installation.
        transcript: The transcript.
        speaker: The subject's speaker; None for everybody.
        subject_id: UUID of the subject.
    """
    names: dict[str, str] = st.session_state.setdefault(PENDING, {})
    digest = hashlib.sha256(repr((transcript.name, speaker, subject_id)).encode() + transcript.document).hexdigest()
    if digest not in names:
        key = context.store().encryption.key()
        names[digest] = save_pending(settings, transcript.with_speaker(speaker), subject_id, key=key)
    return names[digest]
