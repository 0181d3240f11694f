"""Measures: some named numbers that summarise a session for people, to be followed over sessions.

Each is one of the functionals that PHQ heads read (`fer_phq.features.functionals`, `fer_phq.voice`, `fer_phq.words`) or
a measure of facial behaviour (`fer_phq.behaviour.measures`) or of turn taking (`fer_phq.speakers.files.taking`), chosen
because one sentence explains it. `MEASURES` declares them; `session_measures` computes them of an analysis.

What a change means is said in the words of the literature and with its source. Studies compare groups of people in one
setting; none of them says what a change of one person means, and where they disagree or are missing, that is said.
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

VERSION = 11
"""Raised when a measure is added or computed differently: stored analyses are then measured again."""
VERSION_KEY = "version"
"""Key under which the version is stored with the measures, also where nothing could be measured."""

MIN_SPEECH_S = 5.0
"""Seconds of speech from which the voice is measured: a few words are too few."""
MIN_WORDS = 50
"""Words from which the talk is measured; from as many on its language is recognised as well."""

RATE = "face_rate"
"""The measure that says how often a second facial behaviour was looked at: values of two rates are no one series."""

GAZE_SHARE = "gaze_share"
"""The measure that says whether looks are those of the gaze or of the head: the two are no one series."""

RECOGNISED_SHARE = "recognised_share"
"""The measure that says whether words were given or recognised: the two are no one series."""

Unit = Literal[
    "share", "a minute", "semitones", "semitones above 27.5 Hz", "dB", "syllables a second", "words a minute", "points",
    "ms", "s", "degrees", "degrees a second", "% of the scale", "% of the eyes' distance", "% of the scale a second",
    "frames a second",
]  # fmt: skip
BEHAVIOUR = Modality.BEHAVIOUR
TURNS: Literal["turns"] = "turns"
"""What turn taking is measured from, in place of a modality: no PHQ head reads turns."""
Basis = Modality | Literal["turns"]
"""What a measure is computed from."""


@dataclass(frozen=True)
class Measure:
    """The declaration of one number of a session.

    Attributes:
        name: Its key in the store.
        title: Its name on a page.
        unit: Its unit; a share is kept as 0 to 1 and shown as percent.
        modality: What it is computed from: a modality, or `TURNS`; None for a questionnaire.
        functional: Its name among what is computed from that.
        description: One or two sentences for a person.
        source: The papers that the measure and what is said of its change come from.
        direction: What a change means, in the words of the literature.
        factor: What its functional is multiplied by to be of the unit.
    """

    name: str
    title: str
    unit: Unit
    modality: Basis | None
    functional: str
    description: str
    source: str
    direction: str = ""
    factor: float = 1.0

    @property
    def digits(self) -> int:
        """How many decimals a value is shown with."""
        return 0 if self.unit == "ms" else 1

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
        return f"{value:.0%}".replace("%", " %") if self.is_share else f"{value:.{self.digits}f} {self.unit}"


_GAEBEL = "Gaebel & Wölwer 2004, Eur Arch Psychiatry Clin Neurosci 254:335-342"
_GIRARD = "Girard et al. 2014, Image Vis Comput 32:641-647"
_SCHERER = "Scherer et al. 2014, Image Vis Comput 32:648-658"
_SMILES = "Scherer et al. 2014, Image Vis Comput 32:648-658; Girard et al. 2014, Image Vis Comput 32:641-647"
_CUMMINS = "Cummins et al. 2015, Speech Communication 71:10-49"
_DE_JONG = "de Jong & Wempe 2009, Behav Res Methods 41:385-390"
_RUDE = "Rude, Gortner & Pennebaker 2004, Cognition & Emotion 18:1121-1133"
_BLINKS = (
    "Mackintosh, Kumar & Kitamura 1983, Br J Psychiatry 143:55-57; Zaman & Doughty 1997, Ophthalmic Physiol Opt "
    "17:421-432"
)
_CAFFIER = "Caffier, Erdmann & Ullsperger 2003, Eur J Appl Physiol 89:319-325"
_DINGES = "Dinges & Grace 1998, US Federal Highway Administration FHWA-MCRT-98-006"
_SOBIN = "Girard et al. 2014, Image Vis Comput 32:641-647; Sobin & Sackeim 1997, Am J Psychiatry 154:4-17"
_KAPOOR = "Kapoor & Picard 2001, Workshop on Perceptive User Interfaces"
_EKMAN = "Ekman, Davidson & Friesen 1990, J Pers Soc Psychol 58:342-353"
_SCHWARTZ = "Schwartz et al. 1978, Psychosom Med 40:355-360"
_WAXER = "Waxer 1974, J Abnorm Psychol 83:319-322; Scherer et al. 2014, Image Vis Comput 32:648-658"
_MESH = "the face mesh (docs/BEHAVIOUR.md)"
_LESS_ACTIVE = (
    "Less facial activity in acute depression than in people without a diagnosis, and the same in schizophrenia "
    "(Gaebel & Wölwer 2004)."
)
_NO_DIRECTION = "No direction is agreed on for depression."
_SACKS = "Sacks, Schegloff & Jefferson 1974, Language 50:696-735"
_JAFFE = "Jaffe & Feldstein 1970, Rhythms of Dialogue, Academic Press"
_TALK = f"{_JAFFE}; Breznitz & Sherman 1987, Child Dev 58:395-400"
_RESPONSES = "Stivers et al. 2009, PNAS 106:10587-10592; Breznitz & Sherman 1987, Child Dev 58:395-400"
_PAUSES = "Heldner & Edlund 2010, J Phonetics 38:555-568; Cummins et al. 2015, Speech Communication 71:10-49"
_BEATTIE = "Ferguson 1977, Br J Soc Clin Psychol 16:295-302; Beattie 1981, Linguistics 19:15-35"
_YNGVE = "Yngve 1970, Chicago Linguistic Society 6:567-578; Edlund et al. 2010, Proc. Fonetik, 11-16"
_HELDNER = "Heldner & Edlund 2010, J Phonetics 38:555-568"
_NEEDS_SUBJECT = "Needs to know which speaker is the person."
_EVERYONE = "Of everyone who is heard, unless it is known when the person speaks."

MEASURES: tuple[Measure, ...] = (
    Measure(
        "expressivity", "Expressivity", "share", Modality.FACE, "expressivity",
        "How much of the face's expression was not neutral: 1 minus the mean probability of neutral.", _GAEBEL,
        _LESS_ACTIVE,
    ),
    Measure(
        "neutral_share", "Neutral face", "share", Modality.FACE, "blunting",
        "Share of the time with a face in which neutral has a probability of one half or more.", _GAEBEL,
        "More where facial activity is less, as in acute depression and in schizophrenia (Gaebel & Wölwer 2004).",
    ),
    Measure(
        "smiling_share", "Smiling", "share", Modality.FACE, "smiling",
        "Share of the time with a face in which happiness has a probability of one half or more.", _SMILES,
        "Less when the same people's depression was severe than when it was not (Girard et al. 2014).",
    ),
    Measure(
        "smiles_a_minute", "Smiles", "a minute", Modality.FACE, "smiles_a_minute",
        "How often a smile begins, for each minute in which the face was seen.", _SMILES,
        "Fewer when the same people's depression was severe than when it was not (Girard et al. 2014).",
    ),
    Measure(
        "transitions_a_minute", "Changes of expression", "a minute", Modality.FACE, "transitions_a_minute",
        "How often the most probable expression changes, for each minute in which the face was seen.",
        f"{_GIRARD}; {_GAEBEL}",
        _LESS_ACTIVE,
    ),
    Measure(
        "pitch_mean", "Pitch", "semitones above 27.5 Hz", Modality.VOICE, "f0_mean_semitones",
        f"Mean pitch of voiced speech. {_EVERYONE}", _CUMMINS,
        _NO_DIRECTION,
    ),
    Measure(
        "pitch_sd", "Pitch variation", "semitones", Modality.VOICE, "f0_sd_semitones",
        f"Standard deviation of the pitch of voiced speech: a monotonous voice has a small one. {_EVERYONE}", _CUMMINS,
        "Less in depression in many studies, not in all (Cummins et al. 2015).",
    ),
    Measure(
        "loudness_sd", "Loudness variation", "dB", Modality.VOICE, "loudness_sd_db",
        f"Standard deviation of the loudness of speech; the level itself depends on the microphone. {_EVERYONE}",
        _CUMMINS,
        "Less in depression in many studies, not in all (Cummins et al. 2015).",
    ),
    Measure(
        "speaking_share", "Speaking", "share", Modality.VOICE, "speaking_share",
        f"Share of the sound that is speech. {_EVERYONE}", _CUMMINS,
        "Less in depression in many studies, not in all (Cummins et al. 2015).",
    ),
    Measure(
        "pauses_a_minute", "Pauses", "a minute", Modality.VOICE, "pauses_per_minute",
        f"Silences of more than a quarter of a second with speech before and after. {_EVERYONE}", _CUMMINS,
        "More and longer in depression in many studies, not in all (Cummins et al. 2015).",
    ),
    Measure(
        "speech_rate", "Speech rate", "syllables a second", Modality.VOICE, "speech_rate_per_s",
        f"Syllable nuclei in each second of speech and pauses. {_EVERYONE}", _DE_JONG,
        "Slower in depression in many studies, not in all (Cummins et al. 2015).",
    ),
    Measure(
        "words_a_minute", "Words", "words a minute", Modality.WORDS, "words_per_minute",
        "The person's words in the transcript for each minute in which they talk.", _CUMMINS,
        "Slower in depression in many studies, not in all (Cummins et al. 2015).",
    ),
    Measure(
        "first_person_share", "First person", "share", Modality.WORDS, "first_person",
        "Share of the person's words that are first person singular (I, me, my ...); English transcripts only.", _RUDE,
        "More in students with depression than in those without (Rude et al. 2004).",
    ),
    Measure(
        RECOGNISED_SHARE, "Recognised words", "share", Modality.WORDS, "recognised",
        "Share of the person's words that a recogniser wrote, some of them wrong: all where there was no transcript, "
        "none where there was one. The two are not compared without saying so.",
        "the recogniser (docs/WORDS.md)", "It is of the recording and of what was given with it, not of the person.",
    ),
    Measure(
        "speech_share", "Share of the speech", "share", TURNS, "speech_share",
        f"Time in which the person speaks, of that of all speakers added up. {_NEEDS_SUBJECT}", _TALK,
        "Less in depressed mothers who talked with their children than in others (Breznitz & Sherman 1987). It depends "
        "on who else talks, and on what the talk is for.",
    ),
    Measure(
        "turns_at_talk_a_minute", "Turns at talk", "a minute", TURNS, "turns_per_min",
        "How often the person takes the floor, for each minute of the recording: a turn lasts, pauses included, until "
        f"somebody else takes the floor. {_NEEDS_SUBJECT}", _SACKS, _NO_DIRECTION,
    ),
    Measure(
        "turn_length", "Length of a turn", "s", TURNS, "turn_median_s",
        f"Median length of the person's turns at talk, of at least five. {_NEEDS_SUBJECT}", _SACKS, _NO_DIRECTION,
    ),
    Measure(
        "response_time", "Response time", "ms", TURNS, "response_median_s",
        "Median time from the end of another's speech to the beginning of the person's, who takes the floor, of at "
        f"least five; below 0 where they overlap. {_NEEDS_SUBJECT}", _RESPONSES,
        "Longer in depressed mothers who answered their children than in others (Breznitz & Sherman 1987). Where "
        "speakers are told by their voices it comes out about a tenth of a second early.", 1000,
    ),
    Measure(
        "turn_pause", "Pause within a turn", "ms", TURNS, "pause_median_s",
        f"Median silence of 0.3 s and more inside the person's turns at talk, of at least five. {_NEEDS_SUBJECT}",
        _PAUSES, "More and longer in depression in many studies, not in all (Cummins et al. 2015).", 1000,
    ),
    Measure(
        "interruptions_a_minute", "Interruptions", "a minute", TURNS, "interruptions_per_min",
        "How often the person takes the floor half a second and more before another has ended, for each minute of the "
        f"recording. {_NEEDS_SUBJECT}", _BEATTIE, _NO_DIRECTION,
    ),
    Measure(
        "backchannels_a_minute", "Backchannels", "a minute", TURNS, "backchannels_per_min",
        "How often the person says up to a second wholly inside another's turn, as a mhm, for each minute of the "
        f"recording. {_NEEDS_SUBJECT}", _YNGVE, _NO_DIRECTION,
    ),
    Measure(
        "overlap_share", "Two speak at once", "share", TURNS, "overlap_share",
        "Time in which two or more speak at once, of the time in which anybody does; of all speakers together.",
        _HELDNER, _NO_DIRECTION,
    ),
    Measure(
        "silence_share", "Nobody speaks", "share", TURNS, "silence_share",
        "Time in which nobody speaks, of the recording; of all speakers together.", _JAFFE, _NO_DIRECTION,
    ),
    Measure(
        "blinks_a_minute", "Blinks", "a minute", BEHAVIOUR, "blink_rate_per_min",
        "Closures of the eyes by more than half, of half a second at most, for each minute in which the eyes were "
        "seen. In less than three minutes their number is largely chance. Needs 15 frames a second.", _BLINKS,
        "More in depression, falling to usual rates with treatment (Mackintosh et al. 1983). Talking, light, screens "
        "and medicines change it as well.",
    ),
    Measure(
        "blink_duration", "Blink duration", "ms", BEHAVIOUR, "blink_duration_s",
        "Median time from where the lids begin to close to where they are open again. Needs 15 frames a second.",
        _CAFFIER, "Longer with sleepiness (Caffier et al. 2003). No direction is agreed on for depression.", 1000,
    ),
    Measure(
        "eyes_closed_share", "Eyes closed", "share", BEHAVIOUR, "eyes_closed_share",
        "Share of the time with seen eyes in which they are closed, in blinks and longer. Needs 15 frames a second.",
        _DINGES, "More with sleepiness (Dinges & Grace 1998). No direction is agreed on for depression.",
    ),
    Measure(
        "head_speed", "Head speed", "degrees a second", BEHAVIOUR, "head_speed_deg_s",
        "How fast the head turns, mean over half seconds.", _GIRARD,
        "Slower when the same people's depression was severe than when it was not (Girard et al. 2014).",
    ),
    Measure(
        "head_range", "Head range", "degrees", BEHAVIOUR, "head_range_deg",
        "Angle within which the head turns for nine tenths of the time, over pitch, yaw and roll.", _GIRARD,
        "Less when the same people's depression was severe than when it was not (Girard et al. 2014).",
    ),
    Measure(
        "still_share", "Head still", "share", BEHAVIOUR, "still_share",
        "Share of the time in which the head turns by less than a degree each half second, for two seconds and more.",
        _SOBIN,
        "The head moves less when depression is severe (Girard et al. 2014). Depression slows some people and makes "
        "others restless (Sobin & Sackeim 1997).",
    ),
    Measure(
        "nods_a_minute", "Nods", "a minute", BEHAVIOUR, "nod_rate_per_min",
        "Three and more quick swings of the head up and down, for each minute in which it was seen. Needs 15 frames a "
        "second.", _KAPOOR, _NO_DIRECTION,
    ),
    Measure(
        "shakes_a_minute", "Head shakes", "a minute", BEHAVIOUR, "shake_rate_per_min",
        "Three and more quick swings of the head to the sides, for each minute in which it was seen. Needs 15 frames a "
        "second.", _KAPOOR, _NO_DIRECTION,
    ),
    Measure(
        "looking_down_share", "Looking down", "share", BEHAVIOUR, "looking_down_share",
        "Share of the time in which the gaze, or the head where the gaze is not seen, is twenty degrees and more below "
        "its usual place, for a second and more.", _WAXER,
        "Depressed patients looked down more than others (Waxer 1974), as did people in psychological distress "
        "(Scherer et al. 2014). Who reads or writes looks down, too.",
    ),
    Measure(
        "looking_away_share", "Looking away", "share", BEHAVIOUR, "looking_away_share",
        "Share of the time in which the gaze, or the head where the gaze is not seen, is twenty degrees and more "
        "beside its usual place, for a second and more.", _WAXER,
        "Depressed patients met the eyes of others less (Waxer 1974). Where others are is not known here.",
    ),
    Measure(
        "mouth_smile_share", "Smiling mouth", "share", BEHAVIOUR, "smile_share",
        "Share of the time with a seen mouth in which its corners are drawn up, against the person's own face at rest.",
        _GIRARD, "Less when the same people's depression was severe than when it was not (Girard et al. 2014).",
    ),
    Measure(
        "smile_intensity", "Smile intensity", "% of the scale", BEHAVIOUR, "smile_mean",
        "How far the corners of the mouth are drawn up, mean over the time, against the person's own face at rest.",
        _SCHERER, "Less in people in psychological distress than in others (Scherer et al. 2014).", 100,
    ),
    Measure(
        "smile_duration", "Smile duration", "s", BEHAVIOUR, "smile_duration_s",
        "Median duration of the smiles of the mouth that were seen from beginning to end.", _SCHERER,
        "Shorter in people in psychological distress than in others (Scherer et al. 2014).",
    ),
    Measure(
        "narrowed_smile_share", "Smiling with narrowed eyes", "share", BEHAVIOUR, "smile_narrowed_share",
        "Share of the smiling time in which the eyes are narrowed, as cheeks do that are raised.", _EKMAN,
        "Such smiles went along with enjoyment more than others did (Ekman et al. 1990). No direction is agreed on for "
        "depression.",
    ),
    Measure(
        "mouth_opening", "Mouth opening", "% of the eyes' distance", BEHAVIOUR, "mouth_open_mean",
        "Mean distance of the lips, against that between the outer corners of the eyes. Talking opens the mouth.",
        _MESH, _NO_DIRECTION, 100,
    ),
    Measure(
        "brow_lowering", "Brow lowering", "% of the scale", BEHAVIOUR, "brow_lowering_mean",
        "How far the brows are drawn down, mean over the time, against the person's own face at rest.", _SCHWARTZ,
        "The muscle that lowers the brows was less tense in patients whose depression got better; it was measured by "
        "electrodes (Schwartz et al. 1978).", 100,
    ),
    Measure(
        "brow_raising", "Brow raising", "% of the scale", BEHAVIOUR, "brow_raising_mean",
        "How far the inner brows are raised, mean over the time, against the person's own face at rest.", _MESH,
        _NO_DIRECTION, 100,
    ),
    Measure(
        "facial_activity", "Facial activity", "% of the scale a second", BEHAVIOUR, "facial_activity_per_s",
        "How much brows, nose, cheeks, mouth and jaw change, mean over them and over half seconds. Talking counts.",
        _GAEBEL,
        _LESS_ACTIVE, 100,
    ),
    Measure(
        GAZE_SHARE, "Gaze seen", "share", BEHAVIOUR, "gaze_share",
        "Share of the time with a seen head pose in which the gaze was seen, too. Where it is less than half, looking "
        "down and away are measured of the head alone, and are not compared with those of the gaze without saying so.",
        _MESH, "It is of the recording, such as of glasses, light and distance, not of the person's state.",
    ),
    Measure(
        RATE, "Frames a second of the face mesh", "frames a second", BEHAVIOUR, "rate_hz",
        "How often a second the face was looked at. What was measured at two rates is not compared without saying so.",
        _MESH, "It is of the recording and the settings, not of the person.",
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

    A face that was seen too little for a PHQ estimate is not measured either, nor is the behaviour of one that was
    followed too little.

    Args:
        analysis: The session's analysis.
        settings: The settings that it was made with.

    Returns:
        The values by name, without those that could not be measured.
    """
    features = usable_features(analysis, settings)
    functionals: dict[Basis | None, dict[str, float]] = {
        Modality.FACE: _face_functionals(features),
        Modality.VOICE: _voice_functionals(features),
        Modality.WORDS: _word_functionals(features, is_recognised=analysis.transcription is not None),
        BEHAVIOUR: _behaviour_functionals(analysis, settings),
        TURNS: _turn_measures(analysis),
    }
    values = {
        measure.name: measure.factor * functionals[measure.modality].get(measure.functional, math.nan)
        for measure in MEASURES
    }
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


def _word_functionals(features: SessionFeatures, *, is_recognised: bool) -> dict[str, float]:
    from fer_phq.words.functionals import word_functionals
    from fer_phq.words.kinds import MINILM, PLAIN

    words: FeatureSeries | None = features.series(Modality.WORDS)
    if words is None or words.kind not in (PLAIN, MINILM):
        return {}
    functionals = word_functionals(words)
    return functionals | {"recognised": float(is_recognised)} if functionals["words"] >= MIN_WORDS else {}


def _behaviour_functionals(analysis: SessionAnalysis, settings: Settings) -> dict[str, float]:
    from fer_phq.behaviour.reasons import usable_measures

    series = analysis.behaviour
    if series is None:
        return {}
    values, _ = usable_measures(series, analysis.recording.duration_s, settings.coverage_floor)
    return values


def _turn_measures(analysis: SessionAnalysis) -> dict[str, float]:
    from fer_phq.speakers.files.taking import subject_taking

    if analysis.turns is None:
        return {}
    measured = subject_taking(analysis.turns, analysis.recording.duration_s)
    return {name: measure.value for name, measure in measured.items() if measure.value is not None}
