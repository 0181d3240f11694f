"""Which voice is the subject's? Each voice to listen to, and a choice after which the recording is analysed again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard import context
from dashboard.charts import clock
from dashboard.i18n import _, n_, render
from dashboard.i18n.numbers import decimal, percent
from dashboard.widgets import permission, ui
from dashboard.widgets.subject_faces import PICTURED, pictures_html
from dashboard.widgets.turns import choice_words
from db.records import AnalysisSummary, NotFoundError, SessionRecord
from fer_phq.core.analysis import Settings, SoundChoice, SpeakerChoice
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.core.feature_series import FeatureSeries
from service.ingest.media import MediaStore
from service.jobs import messages, queue
from service.jobs.speaker import choose_speaker, names_subject
from service.views.people import load_persons
from service.views.speech.samples import Span, SpeakerVoice, asks_for_voice, list_voices, read_sample, voice_evidence

PROGRAM = 0
"""The option that leaves the choice to the program; speakers are counted from 1."""


def voice_expander(summary: AnalysisSummary, session: SessionRecord, title: str | None = None) -> None:
    """Draw the choice of the subject's voice in an expander, which is open where the analysis does not know it.

    Nothing is drawn of a recording without sound.

    Args:
        summary: The analysis.
        session: Its session.
        title: The expander's title; None for the question alone.
    """
    if not session.has_audio:
        return
    series = context.store().features.load_turns(analysis_id=summary.id)
    st.session_state.pop(_played_key(summary), None)  # a page that is opened anew does not speak by itself
    name = title or _("Which voice is the subject's?")
    with st.expander(name, expanded=asks_for_voice(summary), key=f"voice_{summary.id}"):
        if series is None:
            ui.note(_no_turns_words(summary))
        elif not len(series):
            ui.note(render(messages.NOBODY_TO_CHOOSE()))
        else:
            voices_part(summary, session, series)


@st.fragment
def voices_part(summary: AnalysisSummary, session: SessionRecord, series: FeatureSeries) -> None:
    """Draw how the voice was chosen, the subject's face, the voices to listen to, and the choice among them.

    Args:
        summary: The analysis.
        session: Its session.
        series: Everybody's turns.
    """
    choice = context.store().features.speaker_choice(analysis_id=summary.id)
    voices = list_voices(series)
    path = _recording_path(session)
    ui.note(_state_words(summary, choice))
    if path is not None:  # pictures of faces are for those who may see the recording
        _draw_face(summary)
    play_voices(summary, session, voices, path)
    if path is None:
        ui.note(
            _(
                "The recording was removed or is not on this machine: voices cannot be played, and none can be chosen, "
                "as it would have to be analysed again."
            )
        )
    elif names_subject(context.store().transcripts.get(session_id=session.id)):
        ui.note(render(messages.TRANSCRIPT_NAMES_SUBJECT()))
    elif permission.may_change():
        choice_form(summary, voices, is_by_hand=bool(Settings.from_dict(summary.settings).subject_turns))


def play_voices(
    summary: AnalysisSummary, session: SessionRecord, voices: Sequence[SpeakerVoice], path: Path | None
) -> None:
    """Draw how much each speaker speaks, with a button that plays a piece of it; one voice is heard at a time.

    Args:
        summary: The analysis.
        session: Its session.
        voices: Its voices.
        path: The recording; None where it is not there.
    """
    played = _played_key(summary)
    players = {}
    for voice in voices:
        if voice_row(summary, voice, has_recording=path is not None):
            st.session_state[played] = voice.speaker
        players[voice.speaker] = st.empty()
    current = next((voice for voice in voices if voice.speaker == st.session_state.get(played)), None)
    if path is not None and current is not None and current.sample is not None:
        with players[current.speaker].container():
            _play(summary, session, path, current.sample)


def voice_row(summary: AnalysisSummary, voice: SpeakerVoice, *, has_recording: bool) -> bool:
    """Draw how much a speaker speaks, and a button; return whether the voice is to be played.

    Args:
        summary: The analysis.
        voice: The speaker's voice.
        has_recording: Whether there is a recording to play.
    """
    name = _speaker_name(voice)
    is_pressed = False
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if has_recording and voice.sample is not None:
            words = _("Play {name}").format(name=name)
            is_pressed = st.button(words, icon=":material/play_arrow:", key=f"play_{summary.id}_{voice.speaker}")
        st.html(f"<div>{ui.text(_voice_words(voice))}</div>")
    if has_recording and voice.sample is None:
        ui.note(_("{name} never speaks alone for half a second: there is nothing to play.").format(name=name))
    return is_pressed


def choice_form(summary: AnalysisSummary, voices: Sequence[SpeakerVoice], *, is_by_hand: bool) -> None:
    """Draw the choice among voices, and the button that has the recording analysed with the chosen one.

    Args:
        summary: The analysis.
        voices: Its voices.
        is_by_hand: Whether a person chose before.
    """
    names = {voice.speaker: _speaker_name(voice) for voice in voices}
    present = next((voice.speaker for voice in voices if voice.is_subject), None)
    options = [*names, PROGRAM] if is_by_hand else [*names]
    speaker = st.radio(
        _("This voice is the subject's"), options, index=None if present is None else options.index(present),
        format_func=lambda option: names.get(option) or _("Leave it to the program"), horizontal=True,
        key=f"voice_choice_{summary.id}",
    )  # fmt: skip
    job = queue.session_job(context.settings(), context.store(), summary.session_id)
    is_busy = job is not None and job.active
    if st.button(
        _("Use this voice"), type="primary", key=f"use_voice_{summary.id}",
        disabled=is_busy or speaker is None or speaker == present,
    ):  # fmt: skip
        apply(summary, None if speaker == PROGRAM else speaker)
    if is_busy:
        ui.note(render(messages.ANALYSED_MEANWHILE()))
    else:
        ui.note(
            _(
                "The recording is analysed again with this voice and the words of this speaker, and so it is whenever "
                "it is analysed later; what is stored already is kept."
            )
        )


def apply(summary: AnalysisSummary, speaker: int | None) -> None:
    """Have the recording analysed with a speaker as the subject, or say why that cannot be.

    Args:
        summary: The analysis from which the speaker was chosen.
        speaker: The speaker's number; None for the program's choice.
    """
    try:
        choose_speaker(context.settings(), context.store(), summary, speaker)
    except FerPhqError as error:
        st.html(f'<p class="fp-danger" role="alert">{ui.text(render(error.message))}</p>')
        return
    st.rerun()


@st.cache_data(show_spinner=False, max_entries=24)
def voice_sample(path: str, span: Span, sound: SoundChoice, name: str) -> bytes:
    """Read a piece of a recording's sound as a WAV file, once.

    Args:
        path: The recording.
        span: From when to when, in seconds.
        sound: The track and the channel that are heard, where they are set by hand.
        name: What errors call the recording.

    Raises:
        RecordingError: The recording cannot be read.
    """
    return read_sample(Path(path), span, sound, name)


def _play(summary: AnalysisSummary, session: SessionRecord, path: Path, span: Span) -> None:
    sound = Settings.from_dict(summary.settings).sound
    try:
        with st.spinner(_("The recording is read up to this voice.")):
            document = voice_sample(str(path), span, sound, session.original_name)
    except RecordingError as error:
        st.html(f'<p class="fp-danger" role="alert">{ui.text(render(error.message))}</p>')
        return
    st.audio(document, format="audio/wav", autoplay=True)


def _state_words(summary: AnalysisSummary, choice: SpeakerChoice | None) -> str:
    """Say how the subject's voice was chosen, and by how clear an agreement."""
    evidence = voice_evidence(summary)
    if evidence is None:
        return choice_words(choice)
    correlation = decimal(float(str(evidence.params["correlation"])), 2)
    score = decimal(float(str(evidence.params["score"])))
    agreement = _("The correlation is {correlation}, {score} standard deviations above chance.")
    return f"{choice_words(choice)} {agreement.format(correlation=correlation, score=score)}"


def _draw_face(summary: AnalysisSummary) -> None:
    """Draw the face that counts as the subject's, where there are pictures of it."""
    try:
        persons = load_persons(context.store(), summary.id)
    except NotFoundError:  # erased meanwhile
        return
    tracks = [track for person in persons for track in person.tracks if track.is_subject and track.picture is not None]
    if not tracks:
        return
    tracks.sort(key=lambda track: -track.seen_s)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(pictures_html(tracks[:PICTURED], _("the subject")), width="content")
        ui.note(_("The face that counts as the subject's."))


def _recording_path(session: SessionRecord) -> Path | None:
    if session.media_path is None:
        return None
    path = MediaStore(context.settings()).path_of(session.media_path)
    return path if path.is_file() else None


def _no_turns_words(summary: AnalysisSummary) -> str:
    """Say why an analysis has no voices to choose from."""
    if summary.settings.get("speech") is False:
        return _("This analysis was made without telling who speaks when, so there is no voice to choose.")
    return render(messages.NO_TURNS_TO_CHOOSE())


def _speaker_name(voice: SpeakerVoice) -> str:
    return _("Speaker {number}").format(number=voice.speaker)


def _voice_words(voice: SpeakerVoice) -> str:
    """Say how much a speaker speaks."""
    name = _speaker_name(voice)
    if voice.is_subject:
        name = _("{name} (taken for the subject)").format(name=name)
    return n_(
        "{name} · {share} of the speech · {time} min in {n} turn",
        "{name} · {share} of the speech · {time} min in {n} turns",
        voice.turns,
        name=name,
        share=percent(voice.share),
        time=clock(voice.speech_s),
    )


def _played_key(summary: AnalysisSummary) -> str:
    return f"played_{summary.id}"
