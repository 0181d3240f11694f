"""Whose voice sessions are of: what is said where it was told in different ways."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fer_phq.core.analysis import SpeakerChoice
from service.views.speech.voices import EVERYBODY, subject_unknown, voice_notes, voice_of


def sessions(**columns: object) -> pd.DataFrame:
    table = pd.DataFrame({"turns_kind": ["turns-1-voices"] * 3, "speaker_choice": "mouth", "has_sidecar": False})
    return table.assign(pitch_sd=2.0, turn_length=4.0, overlap_share=0.1).assign(**columns)


@pytest.mark.parametrize(
    ("choice", "has_sidecar", "voice"),
    [
        ("transcript", True, "transcript"), ("labels_disagree", True, "transcript"), ("mouth", False, "mouth"),
        ("mouth_still", False, EVERYBODY), ("no_mouth", True, EVERYBODY), (None, False, EVERYBODY),
        (None, True, "transcript"), ("hand", False, "hand"),
    ],
)  # fmt: skip
def test_whose_voice_it_is(choice: str | None, has_sidecar: bool, voice: str) -> None:
    assert voice_of(choice, has_sidecar=has_sidecar) == voice


def test_of_every_choice_it_is_known_whether_it_names_the_subject() -> None:
    """A new one must be put where it belongs: its sessions would count as known, and as a kind of their own."""
    names = {choice for choice in SpeakerChoice if voice_of(choice, has_sidecar=False) == choice}
    assert names == {SpeakerChoice.TRANSCRIPT, SpeakerChoice.MOUTH, SpeakerChoice.HAND}


def test_nothing_is_said_of_sessions_that_were_told_alike() -> None:
    assert voice_notes(["pitch_sd", "turn_length", "overlap_share"], sessions()) == {}


def test_each_difference_is_said_of_the_measures_it_is_of() -> None:
    mixed = sessions(speaker_choice=["mouth", "transcript", "transcript"])
    assert set(voice_notes(["pitch_sd"], mixed)) == {"several_voices"}
    assert set(voice_notes(["turn_length"], mixed)) == {"several_turns"}
    assert voice_notes(["overlap_share", "expressivity"], mixed) == {}
    kinds = sessions(turns_kind=["turns-1-voices", "turns-1-parts", "turns-1-parts"])
    assert set(voice_notes(["pitch_sd", "overlap_share"], kinds)) == {"several_turns"}
    assert voice_notes(["turn_length"], kinds.assign(turn_length=[np.nan, 1.0, 1.0])) == {}


def test_that_words_were_given_and_recognised_is_said_of_words() -> None:
    mixed = sessions(words_a_minute=120.0, recognised_share=[0.0, 1.0, 1.0])
    assert set(voice_notes(["words_a_minute", "pitch_sd"], mixed)) == {"several_words"}
    assert voice_notes(["recognised_share"], mixed) == {}
    assert voice_notes(["words_a_minute"], mixed.iloc[1:]) == {}
    others = mixed.iloc[1:].assign(speaker_choice=["mouth", "transcript"])
    assert set(voice_notes(["words_a_minute"], others)) == {"several_words"}


def test_sessions_in_which_nobody_said_who_is_the_subject_are_counted() -> None:
    table = sessions(
        turns_kind=["turns-1-voices", None, "turns-1-voices"], speaker_choice=["choice_lost", None, None],
        turn_length=np.nan,
    )  # fmt: skip
    assert subject_unknown(table) == [True, True, False], "in the last one nobody speaks"
    notes = voice_notes(["turn_length"], table)
    assert "missing in 2 of 3 sessions" in str(notes["subject_unknown"])
    assert voice_notes(["overlap_share"], table) == {}
