"""Transcripts beside recordings: read as soon as they are chosen, laid down to wait for the file of the same name."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import PurePath

import streamlit as st

from dashboard.components.upload import plain_name
from dashboard.i18n import _, mark, n_
from dashboard.i18n.beneath import told
from dashboard.widgets import ui
from fer_phq.core.errors import FerPhqError
from service.ingest.tokens import UploadGrant
from service.ingest.transcripts import SUFFIXES, ReadTranscript, check_transcript, wait
from service.settings import AppSettings

WAITING = "waiting_transcripts"
EVERYBODY = mark("Everybody")
WORDS = mark(
    "A transcript belongs to the recording of the same name: P01.vtt to P01.mp4. Choose it before the recording. "
    "WebVTT, SRT, or a table with the columns start, end, speaker and text."
)


def transcripts_for(settings: AppSettings, grant: UploadGrant) -> dict[str, UploadGrant]:
    """Choose transcripts; the grant of each one's recording, by the file's name without its ending."""
    with st.expander(_("Transcripts (optional)")):
        ui.note(_(WORDS))
        chosen = st.file_uploader(
            _("Transcripts"),
            type=[suffix.removeprefix(".") for suffix in SUFFIXES],
            accept_multiple_files=True,
            key="transcripts",
            label_visibility="collapsed",
            max_upload_size=20,
        )
        found: dict[str, UploadGrant] = {}
        for one in chosen:
            stem = plain_name(PurePath(one.name).stem)
            if stem in found:
                another = _("There is another transcript named {stem}: only the first one is used, not {name}.")
                ui.warn(another.format(stem=stem, name=one.name))
                continue
            try:
                read = check_transcript(one.name, one.getvalue())
            except FerPhqError as error:
                ui.warn(told(str(error)))
                continue
            name = laid_down(settings, read, speaker_of(read, one.file_id))
            found[stem] = replace(grant, transcript=name)
        return found


def speaker_of(read: ReadTranscript, key: str) -> str | None:
    """Whose words are the subject's: chosen among the speakers, None for everybody."""
    words, choice = st.columns([0.55, 0.45], vertical_alignment="center")
    utterances = n_("{n} utterance", "{n} utterances", read.utterances)
    words.markdown(f"**{ui.md(read.name)}**, {utterances}")
    if not read.speakers:
        nobody = _("It names no speakers: all of its words count as the subject's.")
        choice.html(f'<p class="fp-note">{ui.text(nobody)}</p>')
        return None
    options = [*read.speakers, EVERYBODY]
    index = options.index(read.subject) if read.subject in read.speakers else len(options) - 1
    chosen = choice.selectbox(
        _("The subject in {name}").format(name=read.name),
        options,
        index=index,
        key=f"speaker_{key}",
        format_func=lambda one: _(EVERYBODY) if one == EVERYBODY else one,
    )
    return None if chosen == EVERYBODY else chosen


def laid_down(settings: AppSettings, read: ReadTranscript, speaker: str | None) -> str:
    """The name under which this transcript waits with this speaker, the same one at every run."""
    known: dict[str, str] = st.session_state.setdefault(WAITING, {})
    mark = hashlib.sha256(repr((read.name, speaker)).encode() + read.document).hexdigest()
    if mark not in known:
        known[mark] = wait(settings, read.given(speaker))
    return known[mark]
