"""Measures: about a dozen named numbers that summarise a session for people, to be followed over sessions.

Each is one of the functionals that PHQ heads read (`fer_phq.features.functionals`, `fer_phq.voice`, `fer_phq.words`),
chosen because one sentence explains it. `MEASURES` declares them; `session_measures` computes them of an analysis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fer_phq.core.analysis import SessionAnalysis, Settings, usable_features
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.voice.kinds import KIND, without_earlier_pitch

VERSION = 3
"""Raised when a measure is added or computed differently: stored analyses are then measured again."""
VERSION_KEY = "version"
"""Key under which the version is stored with the measures, also where nothing could be measured."""

MIN_SPEECH_S = 5.0
"""Seconds of speech from which the voice is measured: a few words are too few."""
MIN_WORDS = 50
"""Words from which the talk is measured; from as many on its language is recognised as well."""

Unit = Literal[
    "share", "a minute", "semitones", "semitones above 27.5 Hz", "dB", "syllables a second", "words a minute", "points"
]


@dataclass(frozen=True)
class Measure:
    """The declaration of one number of a session.

    Attributes:
        name: Its key in the store.
        title: Its name on a page.
        unit: Its unit; a share is kept as 0 to 1 and shown as percent.
        modality: What it is computed from; None for a questionnaire.
        functional: Its name among the functionals of the modality.
        description: One or two sentences for a person.
        source: The paper that the measure comes from.
    """

    name: str
    title: str
    unit: Unit
    modality: Modality | None
    functional: str
    description: str
    source: str

    @property
    def is_share(self) -> bool:
        """Whether the measure is a part of a whole, 0 to 1."""
        return self.unit == "share"

    @property
    def heading(self) -> str:
        """Title and unit, as the heading of a chart."""
        return f"{self.title}, {'%' if self.is_share else self.unit}"

    def format(self, value: float) -> str:
        """Return a value with its unit, such as '23 %' or '3.4 semitones'; a dash for NaN."""
        if not math.isfinite(value):
            return "–"
        return f"{value:.0%}".replace("%", " %") if self.is_share else f"{value:.1f} {self.unit}"


_GAEBEL = "Gaebel & Wölwer 2004, Eur Arch Psychiatry Clin Neurosci 254:46-52"
_GIRARD = "Girard et al. 2014, Image Vis Comput 32:641-647"
_SCHERER = "Scherer et al. 2014, Image Vis Comput 32:648-658"
_CUMMINS = "Cummins et al. 2015, Speech Communication 71:10-49"
_DE_JONG = "de Jong & Wempe 2009, Behav Res Methods 41:385-390"
_RUDE = "Rude, Gortner & Pennebaker 2004, Cognition & Emotion 18:1121-1133"
_EVERYONE = "Of everyone who is heard, unless a transcript says when the person speaks."

MEASURES: tuple[Measure, ...] = (
    Measure(
        "expressivity", "Expressivity", "share", Modality.FACE, "expressivity",
        "How much of the face's expression was not neutral: 1 minus the mean probability of neutral.", _GAEBEL,
    ),
    Measure(
        "neutral_share", "Neutral face", "share", Modality.FACE, "blunting",
        "Share of the time with a face in which neutral has a probability of one half or more.", _GAEBEL,
    ),
    Measure(
        "smiling_share", "Smiling", "share", Modality.FACE, "smiling",
        "Share of the time with a face in which happiness has a probability of one half or more.", _SCHERER,
    ),
    Measure(
        "smiles_a_minute", "Smiles", "a minute", Modality.FACE, "smiles_a_minute",
        "How often a smile begins, for each minute in which the face was seen.", _SCHERER,
    ),
    Measure(
        "transitions_a_minute", "Changes of expression", "a minute", Modality.FACE, "transitions_a_minute",
        "How often the most probable expression changes, for each minute in which the face was seen.", _GIRARD,
    ),
    Measure(
        "pitch_mean", "Pitch", "semitones above 27.5 Hz", Modality.VOICE, "f0_mean_semitones",
        f"Mean pitch of voiced speech. {_EVERYONE}", _CUMMINS,
    ),
    Measure(
        "pitch_sd", "Pitch variation", "semitones", Modality.VOICE, "f0_sd_semitones",
        f"Standard deviation of the pitch of voiced speech: a monotonous voice has a small one. {_EVERYONE}", _CUMMINS,
    ),
    Measure(
        "loudness_sd", "Loudness variation", "dB", Modality.VOICE, "loudness_sd_db",
        f"Standard deviation of the loudness of speech; the level itself depends on the microphone. {_EVERYONE}",
        _CUMMINS,
    ),
    Measure(
        "speaking_share", "Speaking", "share", Modality.VOICE, "speaking_share",
        f"Share of the sound that is speech. {_EVERYONE}", _CUMMINS,
    ),
    Measure(
        "pauses_a_minute", "Pauses", "a minute", Modality.VOICE, "pauses_per_minute",
        f"Silences of more than a quarter of a second with speech before and after. {_EVERYONE}", _CUMMINS,
    ),
    Measure(
        "speech_rate", "Speech rate", "syllables a second", Modality.VOICE, "speech_rate_per_s",
        f"Syllable nuclei in each second of speech and pauses. {_EVERYONE}", _DE_JONG,
    ),
    Measure(
        "words_a_minute", "Words", "words a minute", Modality.WORDS, "words_per_minute",
        "The person's words in the transcript for each minute in which they talk.", _CUMMINS,
    ),
    Measure(
        "first_person_share", "First person", "share", Modality.WORDS, "first_person",
        "Share of the person's words that are first person singular (I, me, my ...); English transcripts only.", _RUDE,
    ),
)  # fmt: skip
"""All measures, in the order in which pages show them."""

SHARES: tuple[Measure, ...] = tuple(
    Measure(
        name, name.capitalize(), "share", Modality.FACE, f"{name}.mean",
        f"Mean probability of {name} over the time with a face, as kept with every analysis.",
        "the emotion head (see the model card)",
    )
    for name in EMOTIONS
)  # fmt: skip
"""The emotion shares, which are stored with the analysis itself, declared like measures."""

BY_NAME: Mapping[str, Measure] = {measure.name: measure for measure in (*MEASURES, *SHARES)}
"""Measures and emotion shares by their names."""


def session_measures(analysis: SessionAnalysis, settings: Settings) -> dict[str, float]:
    """Compute the measures of a session.

    A face that was seen too little for a PHQ estimate is not measured either.

    Args:
        analysis: The session's analysis.
        settings: The settings that it was made with.

    Returns:
        The values by name, without those that could not be measured.
    """
    features = usable_features(analysis, settings)
    functionals: dict[Modality | None, dict[str, float]] = {
        Modality.FACE: _face_functionals(features),
        Modality.VOICE: _voice_functionals(features),
        Modality.WORDS: _word_functionals(features),
    }
    values = {measure.name: functionals[measure.modality].get(measure.functional, math.nan) for measure in MEASURES}
    return {name: value for name, value in values.items() if math.isfinite(value)}


def versioned_measures(analysis: SessionAnalysis, settings: Settings) -> dict[str, float]:
    """Compute the measures of a session with their version, as `Store.analyses.save` takes them.

    Args:
        analysis: The session's analysis.
        settings: The settings that it was made with.
    """
    return {**session_measures(analysis, settings), VERSION_KEY: float(VERSION)}


# The functionals load the voice's networks: they are imported where they are used, so that the declarations stay light.


def _face_functionals(features: SessionFeatures) -> dict[str, float]:
    from fer_phq.features.functionals import expression_functionals
    from fer_phq.timeline.grid import is_below_grid, to_grid

    features = to_grid(features)
    face = features.series(Modality.FACE)
    if face is None or face.time_s is None or features.emotions is None:
        return {}
    return expression_functionals(features.emotions, face.time_s, dynamics=not is_below_grid(face))


def _voice_functionals(features: SessionFeatures) -> dict[str, float]:
    from fer_phq.voice.functionals import voice_functionals

    voice = features.series(Modality.VOICE)
    voice = None if voice is None else without_earlier_pitch(voice)
    if voice is None or voice.kind != KIND:
        return {}
    functionals = voice_functionals(voice)
    return functionals if functionals["speech_s"] >= MIN_SPEECH_S else {"speaking_share": functionals["speaking_share"]}


def _word_functionals(features: SessionFeatures) -> dict[str, float]:
    from fer_phq.words.functionals import word_functionals
    from fer_phq.words.kinds import MINILM, PLAIN

    words: FeatureSeries | None = features.series(Modality.WORDS)
    if words is None or words.kind not in (PLAIN, MINILM):
        return {}
    functionals = word_functionals(words)
    return functionals if functionals["words"] >= MIN_WORDS else {}
