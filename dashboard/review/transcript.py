"""The transcript: to be read beside the recording, given, replaced or removed, and analysed with."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard import context, loaders
from dashboard.charts import clock
from dashboard.components.timed_rows import Cell, TimedRow, timed_list
from dashboard.i18n import _, mark, n_, render
from dashboard.review.state import go_to
from dashboard.widgets import permission, ui
from db.records import MAX_TRANSCRIPT
from fer_phq.core.errors import FerPhqError
from fer_phq.core.speech.transcription import Transcription
from service.ingest.transcripts import SUFFIXES, CheckedTranscript, check_transcript
from service.jobs import queue
from service.jobs.sound import enqueue_again
from service.lifecycle.person.words import remove_transcript, save_transcript
from service.settings import MIB
from service.views.session import SessionView

ALL = mark("Everyone")
SUBJECT = mark("The subject")
NAMES = {"moonshine-tiny-en": "Moonshine tiny"}
LANGUAGES = {"en": mark("English")}
"""What people call a recogniser, and its language."""


def transcript_part(view: SessionView, now_s: float) -> None:
    """Draw the transcript to read, else what was recognised, and a place to give one.

    Args:
        view: The session under review.
        now_s: The chosen moment in seconds.
    """
    session_id = view.session.id
    transcript = view.transcript
    if transcript is None and view.analysis.transcription is not None:
        recognised(view, view.analysis.transcription, now_s)
        return
    if transcript is None:
        ui.empty(
            _("No transcript"),
            _(
                "A transcript is WebVTT, SRT, a table whose first line names the columns start, end, speaker and text, "
                "or Whisper's or WhisperX's JSON; times count from the recording's start."
            ),
        )
        if permission.may_change():
            give(session_id)
        return
    offer_analysis(view)
    if transcript.problem is not None:
        ui.problem(transcript.problem)
    else:
        read(session_id, transcript.utterances, now_s)
        if transcript.subject:
            text = _("{file}, given on {day}; the subject is {speaker}.")
        else:
            text = _("{file}, given on {day}; all words count as the subject's.")
        day = ui.day(transcript.record.created_at)
        ui.note(text.format(file=transcript.record.original_name, day=day, speaker=transcript.subject))
        for warning in transcript.warnings:
            ui.note(render(warning))
    if permission.may_change():
        replacement(session_id)


def recognised(view: SessionView, transcription: Transcription, now_s: float) -> None:
    """Draw what a recogniser wrote, and where a transcript can be given in its place.

    Args:
        view: The session under review.
        transcription: The recognised words.
        now_s: The chosen moment in seconds.
    """
    session_id = view.session.id
    ui.note(
        _("Recognised by {model}, not written by a person. Pale words after (?) are doubtful.").format(
            model=model_words(transcription)
        )
    )
    if view.analysis.recognised.empty:
        ui.empty(_("No words"), _("Nobody was heard to speak."))
    else:
        read(session_id, add_names(view.analysis.recognised), now_s, rows_of_recognised)
    if permission.may_change():
        with st.expander(_("Give a transcript in place of these words")):
            give(session_id)


def model_words(transcription: Transcription) -> str:
    """Write a recogniser's name and the language that it knows."""
    name = NAMES.get(transcription.model_id.rpartition("-")[0], transcription.model_id)
    language = LANGUAGES.get(transcription.language)
    words = transcription.language if language is None else _(language)
    return _("{name} ({language})").format(name=name, language=words)


def add_names(segments: pd.DataFrame) -> pd.DataFrame:
    """Return recognised words with the names of speakers, and the mark of doubt before words."""
    numbers = segments[["speaker", "is_subject"]].to_numpy()
    speakers = [_(SUBJECT) if is_subject else _speaker(number) for number, is_subject in numbers]
    texts = [f"(?) {text}".strip() if doubt else text for text, doubt in segments[["text", "is_uncertain"]].to_numpy()]
    return segments.assign(speaker=speakers, text=texts)


def _speaker(number: int | None) -> str:
    return "" if number is None else _("Speaker {number}").format(number=number)


def rows_of_recognised(segments: pd.DataFrame) -> list[TimedRow]:
    """Return segments for the list, doubtful words in a quiet colour."""
    return [
        TimedRow(
            row["start_s"],
            row["end_s"],
            (
                Cell(clock(row["start_s"]), row["start_s"]),
                Cell(row["speaker"], muted=not row["is_subject"]),
                Cell(row["text"], muted=row["is_uncertain"]),
            ),
        )
        for row in segments.to_dict("records")
    ]


def replacement(session_id: str) -> None:
    """Draw the ways to replace and to remove a transcript.

    Args:
        session_id: The session's UUID.
    """
    with st.expander(_("Replace or remove this transcript")):
        give(session_id)
        if st.button(_("Remove transcript"), icon=":material/delete:", key=f"transcript_remove_{session_id}"):
            remove_transcript(context.settings(), context.store(), session_id)
            loaders.forget_transcripts()  # what was removed must not stay in memory
            st.rerun()
        ui.note(_("Analyses that were made with it stay as they are."))


def read(
    session_id: str,
    utterances: pd.DataFrame,
    now_s: float,
    make_rows: Callable[[pd.DataFrame], list[TimedRow]] | None = None,
) -> None:
    """Draw who said what; a click goes to where it was said.

    Args:
        session_id: The session's UUID.
        utterances: Rows of `service.views.review.utterance_table`.
        now_s: The chosen moment in seconds.
        make_rows: Makes the list's rows of the table's; `rows_of` when omitted.
    """
    left, right = st.columns([0.62, 0.38], vertical_alignment="bottom")
    query = left.text_input(_("Find words"), key=f"transcript_find_{session_id}", placeholder=_("All words"))
    speaker = right.selectbox(_("Speaker"), [ALL, SUBJECT], format_func=_, key=f"transcript_who_{session_id}")
    rows = utterances if speaker == ALL else utterances[utterances["is_subject"]]
    if query.strip():
        rows = rows[rows["text"].str.contains(query.strip(), case=False, regex=False)]
    if not len(rows):
        ui.note(_("Nothing in the transcript fits."))
        return
    timed_list(
        (make_rows or rows_of)(rows),
        head=[],
        columns="2.9rem minmax(3.6rem, 0.22fr) 1fr",
        now_s=now_s,
        label=_("Transcript"),
        key=f"transcript_{session_id}",
        on_seek=lambda time_s: go_to(session_id, time_s),
    )


def rows_of(utterances: pd.DataFrame) -> list[TimedRow]:
    """Return utterances for the list, the subject's words in full strength."""
    return [
        TimedRow(
            row["start_s"],
            row["end_s"],
            (
                Cell(clock(row["start_s"]), row["start_s"]),
                Cell(row["speaker"], muted=True),
                Cell(row["text"], muted=not row["is_subject"]),
            ),
        )
        for row in utterances.to_dict("records")
    ]


def offer_analysis(view: SessionView) -> None:
    """Say when the shown analysis was made without the transcript, and how to get one with it."""
    session_id = view.session.id
    if view.transcript_is_analysed:
        return
    if view.transcript_is_elsewhere:
        ui.note(_("This transcript is part of another analysis of this session: choose it above."))
        return
    ui.warn(_("This transcript is not part of the analysis that is shown: its words do not count in the estimate."))
    if not permission.may_change():
        return
    job = queue.session_job(context.settings(), context.store(), session_id)
    waiting = job is not None and job.active
    if st.button(_("Analyse again with it"), type="primary", disabled=waiting, key=f"transcript_job_{session_id}"):
        enqueue_again(context.settings(), context.store(), view.analysis.summary)
        st.rerun()


def give(session_id: str) -> None:
    """Take a file, read it, ask who in it is the subject, and keep it."""
    turn = st.session_state.setdefault(f"transcript_turn_{session_id}", 0)
    file = st.file_uploader(
        _("Transcript file"),
        type=[suffix[1:] for suffix in SUFFIXES],
        max_upload_size=MAX_TRANSCRIPT // MIB,
        key=f"transcript_file_{session_id}_{turn}",
    )
    if file is None:
        return
    try:
        transcript = check_transcript(file.name, file.getvalue())
    except FerPhqError as error:
        ui.problem(error)
        return
    ui.note(_summary_text(transcript))
    new_transcript = transcript.with_speaker(_ask_speaker(transcript, key=f"transcript_speaker_{session_id}_{turn}"))
    if st.button(_("Keep transcript"), type="primary", key=f"transcript_keep_{session_id}"):
        save_transcript(
            context.settings(),
            context.store(),
            session_id,
            new_transcript.original_name,
            new_transcript.document,
            new_transcript.speaker,
        )
        loaders.forget_transcripts()
        st.session_state[f"transcript_turn_{session_id}"] = turn + 1
        st.rerun()


def _ask_speaker(transcript: CheckedTranscript, *, key: str) -> str | None:
    """Ask which of several speakers is the subject; None where there is nothing to choose, or nobody was chosen."""
    if len(transcript.speakers) < 2:
        return None
    index = transcript.speakers.index(transcript.subject) if transcript.subject else None
    speaker: str | None = st.selectbox(
        _("Who is the subject?"),
        transcript.speakers,
        index=index,
        key=key,
        placeholder=_("Nobody chosen: all voices count"),
    )
    return speaker


def _summary_text(transcript: CheckedTranscript) -> str:
    """Write how much was read and who speaks in it, six of them by name."""
    names = ", ".join(transcript.speakers[:6])
    if not names:
        return n_(
            "{n} utterance by speakers without names.",
            "{n} utterances by speakers without names.",
            transcript.utterances,
        )
    if len(transcript.speakers) > 6:
        words = n_(
            "{n} utterance by {names} and others.",
            "{n} utterances by {names} and others.",
            transcript.utterances,
            names=names,
        )
    else:
        words = n_("{n} utterance by {names}.", "{n} utterances by {names}.", transcript.utterances, names=names)
    return words
