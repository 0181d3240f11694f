"""Who speaks when: how turns are taken, by whom, and what the measures mean."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd
import streamlit as st

from dashboard.charts import clock
from dashboard.i18n import _, mark, render
from dashboard.i18n.numbers import decimal, percent
from dashboard.widgets import ui
from fer_phq.core.analysis import SpeakerChoice
from fer_phq.speakers.measures import TURN_MEASURES, Measured
from fer_phq.speakers.measures.values import LEAST_EVENTS
from service.views.speech.turns import TurnsView

SUBJECT = mark("The subject")
MISSING = "–"
UNITS = {measure.name: measure.unit for measure in TURN_MEASURES}
TITLES = {
    "speech_share": mark("Share of the speech"),
    "speaking_share": mark("Share of the recording"),
    "turns": mark("Turns at talk"),
    "turn_median_s": mark("Length of a turn"),
    "response_median_s": mark("Response time"),
    "pause_median_s": mark("Pause within a turn"),
    "interruptions_successful": mark("Interruptions"),
    "backchannels": mark("Backchannels"),
    "overlap_share": mark("Two speak at once"),
    "silence_share": mark("Nobody speaks"),
}
"""The measures that are shown, in their order."""
MEANINGS = {
    "speech_share": mark("Time in which the speaker speaks, of that of all speakers added up."),
    "speaking_share": mark("Time in which the speaker speaks, of the recording."),
    "turns": mark("A speaker's speech in a row, pauses included, until somebody else takes the floor."),
    "turn_median_s": mark("Median length of these turns."),
    "response_median_s": mark(
        "Median time from the end of the other's speech to the beginning of the speaker's; below 0 where they overlap."
    ),
    "pause_median_s": mark("Median silence of 0.3 s and more inside a turn."),
    "interruptions_successful": mark("The speaker took the floor half a second or more before the other had ended."),
    "backchannels": mark("Up to a second wholly inside the other's turn, as a mhm."),
    "overlap_share": mark("Time in which two speak, of the time in which anybody does."),
    "silence_share": mark("Time in which nobody speaks, of the recording."),
}


def turns_card(turns: TurnsView | None) -> None:
    """Draw who speaks how much and how turns are taken; nothing where that was not told, or nobody speaks.

    Args:
        turns: Everybody's turns.
    """
    if turns is None or not len(turns.series):
        return
    with ui.card("turns", _("Who speaks when")):
        ui.note(choice_words(turns.choice))
        st.html(taking_table(turns))
        for message in (*turns.taking.warnings, *turns.reasons):
            ui.note(render(message))
        if turns.has_few(TITLES):
            ui.note(_("– stands for a median of fewer than {n} events.").format(n=LEAST_EVENTS))
        with st.expander(_("What these measures mean")):
            st.html("".join(f"<p><b>{escape(_(TITLES[name]))}.</b> {escape(_(MEANINGS[name]))}</p>" for name in TITLES))
            ui.note(_("In brackets: how many events a median is of. With one person a measure says little."))


def choice_words(choice: SpeakerChoice | None) -> str:
    """Say how the subject's speaker was found, or that it is not known."""
    if choice is SpeakerChoice.TRANSCRIPT:
        return _("The transcript says which speaker is the subject.")
    if choice is SpeakerChoice.MOUTH:
        return _("The subject is the speaker with whose speech the mouth moves.")
    if choice is SpeakerChoice.HAND:
        return _("A person chose which speaker is the subject.")
    if choice is SpeakerChoice.CHOICE_LOST:
        return _("The speaker who was chosen as the subject was not found again: no voice is measured.")
    return _("Which speaker is the subject is not known; speakers are counted as they first speak.")


def drawn_turns(turns: TurnsView) -> pd.DataFrame:
    """Return turns as the timeline draws utterances: with the names of speakers, and words or times."""
    table = turns.table
    names = {speaker: speaker_title(turns, speaker) for speaker in turns.speakers}
    texts = [
        text or f"{clock(start_s)} – {clock(end_s)}"
        for start_s, end_s, text in zip(table["start_s"], table["end_s"], table["text"], strict=True)
    ]
    return table.assign(speaker=table["speaker"].map(names), text=texts)


def speaker_title(turns: TurnsView, speaker: int) -> str:
    """Name a speaker: the subject, or by number.

    Args:
        turns: Everybody's turns.
        speaker: The speaker's number.
    """
    return _(SUBJECT) if speaker == turns.subject else _("Speaker {number}").format(number=speaker)


def taking_table(turns: TurnsView) -> str:
    """Write the measures as HTML: a row each, with a column for each speaker and one for the talk.

    Args:
        turns: Everybody's turns.
    """
    columns: list[Mapping[str, Measured]] = [turns.taking.speakers[speaker] for speaker in turns.speakers]
    columns.append(turns.taking.talk)
    heads = ["", *(speaker_title(turns, speaker) for speaker in turns.speakers), _("Together")]
    head = "".join(f"<th>{escape(title)}</th>" for title in heads)
    rows = "".join(
        f"<tr><th>{escape(_(title))}</th>"
        + "".join(f"<td>{escape(value_text(name, column.get(name)))}</td>" for column in columns)
        + "</tr>"
        for name, title in TITLES.items()
    )
    return (
        f'<div class="fp-scroll"><table class="fp-table turns"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def value_text(name: str, measured: Measured | None) -> str:
    """Write a measure's value with its unit, and of how many events it is; nothing where the column has no such one.

    Args:
        name: The measure's.
        measured: Its value; None where it is not one of this column.
    """
    if measured is None:
        return ""
    if measured.value is None:
        return MISSING
    unit = UNITS[name]
    if unit == "share":
        return percent(measured.value)
    if unit == "number":
        return f"{measured.value:.0f}"
    return f"{decimal(measured.value, 2)} s ({measured.events})"
