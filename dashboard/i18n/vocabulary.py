"""The vocabulary of the layers below that pages show: marked here, so that the catalogues have it.

Nothing below the dashboard knows of languages. Pages show such a word as `_(str(band))` or `_(name.capitalize())`, a
measure as `heading` and `said` write it. `tests/dashboard/i18n/test_i18n.py` checks that every member is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite

from dashboard.i18n import _, mark
from dashboard.i18n.numbers import decimal, short
from db.actors import Role
from db.records import AnalysisSummary, JobState
from fer_phq.core.analysis import Sampling
from fer_phq.core.phq import Modality, Provenance
from fer_phq.features.measures import Measure

EMOTIONS = (
    mark("anger"), mark("disgust"), mark("fear"), mark("happiness"), mark("neutral"), mark("sadness"), mark("surprise"),
    mark("Anger"), mark("Disgust"), mark("Fear"), mark("Happiness"), mark("Neutral"), mark("Sadness"), mark("Surprise"),
)  # fmt: skip
"""Within a sentence, and at its beginning."""

BANDS = (mark("minimal"), mark("mild"), mark("moderate"), mark("moderately severe"), mark("severe"))

PROVENANCES = {
    Provenance.CLINICAL: mark("Clinical labels"),
    Provenance.SIMULATED: mark("Simulated labels"),
}

PROVENANCE_NAMES = (mark("clinical"), mark("simulated"), mark("Clinical"), mark("Simulated"))

MODALITY_NAMES = (mark("face"), mark("voice"), mark("words"), mark("Face"), mark("Voice"), mark("Words"))

MODALITIES = {
    (Modality.FACE,): mark("face"),
    (Modality.VOICE,): mark("voice"),
    (Modality.WORDS,): mark("words"),
    (Modality.FACE, Modality.VOICE): mark("face and voice"),
    (Modality.FACE, Modality.WORDS): mark("face and words"),
    (Modality.VOICE, Modality.WORDS): mark("voice and words"),
    (Modality.FACE, Modality.VOICE, Modality.WORDS): mark("face, voice and words"),
}

UNAVAILABLE = (
    mark("no face was found in the recording"),
    mark("the face was seen in too little of the recording"),
    mark("the recording shows the face too briefly"),
    mark("the active model has no PHQ head"),
    mark("the recording is unlike those the PHQ head was trained on"),
)

ANALYSIS_STATES = {
    JobState.QUEUED: mark("Analysis queued"),
    JobState.RUNNING: mark("Analysis running"),
    JobState.DONE: mark("Analysis done"),
    JobState.FAILED: mark("Analysis failed"),
    JobState.CANCELLED: mark("Analysis cancelled"),
}

JOB_STATES = (mark("queued"), mark("running"), mark("done"), mark("failed"), mark("cancelled"))

DIRECTIONS = (mark("improved"), mark("worsened"), mark("none"))

VERDICTS = (
    mark("nothing"), mark("too few sessions"), mark("within the usual spread"), mark("beyond the usual spread"),
)  # fmt: skip

QUESTIONNAIRE_SOURCES = (mark("entered"), mark("imported"), mark("demo"))

UNITS = (
    mark("share"), mark("a minute"), mark("semitones"), mark("semitones above 27.5 Hz"), mark("dB"),
    mark("syllables a second"), mark("words a minute"), mark("points"),
)  # fmt: skip

MEASURE_TITLES = (
    mark("Expressivity"), mark("Neutral face"), mark("Smiling"), mark("Smiles"), mark("Changes of expression"),
    mark("Pitch"), mark("Pitch variation"), mark("Loudness variation"), mark("Speaking"), mark("Pauses"),
    mark("Speech rate"), mark("Words"), mark("First person"),
)  # fmt: skip

MEASURE_DESCRIPTIONS = (
    mark("How much of the face's expression was not neutral: 1 minus the mean probability of neutral."),
    mark("Share of the time with a face in which neutral has a probability of one half or more."),
    mark("Share of the time with a face in which happiness has a probability of one half or more."),
    mark("How often a smile begins, for each minute in which the face was seen."),
    mark("How often the most probable expression changes, for each minute in which the face was seen."),
    mark("Mean pitch of voiced speech. Of everyone who is heard, unless a transcript says when the person speaks."),
    mark(
        "Standard deviation of the pitch of voiced speech: a monotonous voice has a small one. Of everyone who is "
        "heard, unless a transcript says when the person speaks."
    ),
    mark(
        "Standard deviation of the loudness of speech; the level itself depends on the microphone. Of everyone who is "
        "heard, unless a transcript says when the person speaks."
    ),
    mark(
        "Share of the sound that is speech. Of everyone who is heard, unless a transcript says when the person speaks."
    ),
    mark(
        "Silences of more than a quarter of a second with speech before and after. Of everyone who is heard, unless a "
        "transcript says when the person speaks."
    ),
    mark(
        "Syllable nuclei in each second of speech and pauses. Of everyone who is heard, unless a transcript says when "
        "the person speaks."
    ),
    mark("The person's words in the transcript for each minute in which they talk."),
    mark("Share of the person's words that are first person singular (I, me, my ...); English transcripts only."),
    mark("Mean probability of anger over the time with a face, as kept with every analysis."),
    mark("Mean probability of disgust over the time with a face, as kept with every analysis."),
    mark("Mean probability of fear over the time with a face, as kept with every analysis."),
    mark("Mean probability of happiness over the time with a face, as kept with every analysis."),
    mark("Mean probability of neutral over the time with a face, as kept with every analysis."),
    mark("Mean probability of sadness over the time with a face, as kept with every analysis."),
    mark("Mean probability of surprise over the time with a face, as kept with every analysis."),
    mark("the emotion head (see the model card)"),
)


def modality_list(modalities: Iterable[Modality]) -> str:
    """Write 'face', 'face and voice' or 'face, voice and words', whatever the order in which at least one comes."""
    present = set(modalities)
    return _(MODALITIES[tuple(modality for modality in Modality if modality in present)])


def heading(measure: Measure) -> str:
    """Write a measure's title and unit, as `Measure.heading` has them."""
    return f"{_(measure.title)}, {'%' if measure.is_share else _(measure.unit)}"


def measure_text(measure: Measure, value: float) -> str:
    """Write a value with its unit, as `Measure.format` has it.

    Args:
        measure: The measure.
        value: Its value; NaN where not measured.
    """
    if measure.is_share or not isfinite(value):
        return measure.format(value)
    return f"{decimal(value)} {_(measure.unit)}"


def analysis_label(summary: AnalysisSummary) -> str:
    """Name an analysis where one of several is chosen."""
    parts = [summary.model_id, sampling_words(summary.sampling)]
    return " · ".join([*parts, _("with transcript")] if summary.sidecar_digest else parts)


def sampling_words(sampling: Sampling) -> str:
    """Write how many frames a second were analysed, or that it was the key frames."""
    return _("key frames") if sampling.key_frames else _("{rate} frames/s").format(rate=short(sampling.fps))


ROLES: Mapping[Role, str] = {
    Role.VIEWER: mark("viewer"),
    Role.CLINICIAN: mark("clinician"),
    Role.RESEARCHER: mark("researcher"),
    Role.ADMINISTRATOR: mark("administrator"),
}
"""What an account may do."""
