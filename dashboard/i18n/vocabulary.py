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

MODALITY_NAMES = (
    *(mark("face"), mark("voice"), mark("words"), mark("behaviour")),
    *(mark("Face"), mark("Voice"), mark("Words"), mark("Behaviour")),
)

MODALITIES = {
    (Modality.FACE,): mark("face"),
    (Modality.VOICE,): mark("voice"),
    (Modality.WORDS,): mark("words"),
    (Modality.FACE, Modality.VOICE): mark("face and voice"),
    (Modality.FACE, Modality.WORDS): mark("face and words"),
    (Modality.VOICE, Modality.WORDS): mark("voice and words"),
    (Modality.FACE, Modality.VOICE, Modality.WORDS): mark("face, voice and words"),
    (Modality.BEHAVIOUR,): mark("facial behaviour"),
    (Modality.FACE, Modality.BEHAVIOUR): mark("face and facial behaviour"),
    (Modality.VOICE, Modality.BEHAVIOUR): mark("voice and facial behaviour"),
    (Modality.WORDS, Modality.BEHAVIOUR): mark("words and facial behaviour"),
    (Modality.FACE, Modality.VOICE, Modality.BEHAVIOUR): mark("face, voice and facial behaviour"),
    (Modality.FACE, Modality.WORDS, Modality.BEHAVIOUR): mark("face, words and facial behaviour"),
    (Modality.VOICE, Modality.WORDS, Modality.BEHAVIOUR): mark("voice, words and facial behaviour"),
    (Modality.FACE, Modality.VOICE, Modality.WORDS, Modality.BEHAVIOUR): mark(
        "face, voice, words and facial behaviour"
    ),
}

FEATURE_GROUPS = {
    "face.expressions": mark("face: expressions"),
    "face.level": mark("face: embeddings"),
    "face.change": mark("face: changes of the embeddings"),
    "voice.level": mark("voice: levels"),
    "voice.change": mark("voice: changes"),
    "voice.prosody": mark("voice: pitch, loudness, pauses and rate"),
    "words.level": mark("words: levels"),
    "words.change": mark("words: changes"),
    "words.talk": mark("words: how much, how fast and which"),
    "words.meaning": mark("words: meaning"),
    "behaviour.level": mark("facial behaviour: levels"),
    "behaviour.change": mark("facial behaviour: changes"),
    "behaviour.head_pose": mark("facial behaviour: head pose"),
    "behaviour.head_movement": mark("facial behaviour: movement of the head"),
    "behaviour.smiles": mark("facial behaviour: smiles"),
    "behaviour.blinks": mark("facial behaviour: blinks and closed eyes"),
    "behaviour.looks": mark("facial behaviour: looks down and away"),
    "behaviour.brows_and_mouth": mark("facial behaviour: brows, mouth and activity"),
    "face": mark("face"),
    "voice": mark("voice"),
    "words": mark("words"),
    "behaviour": mark("facial behaviour"),
}
"""Groups of features, by which a head's report says what the head relies on."""

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
    mark("syllables a second"), mark("words a minute"), mark("points"), mark("ms"), mark("s"), mark("degrees"),
    mark("degrees a second"), mark("% of the scale"), mark("% of the eyes' distance"),
    mark("% of the scale a second"), mark("frames a second"),
)  # fmt: skip

MEASURE_TITLES = (
    mark("Expressivity"), mark("Neutral face"), mark("Smiling"), mark("Smiles"), mark("Changes of expression"),
    mark("Pitch"), mark("Pitch variation"), mark("Loudness variation"), mark("Speaking"), mark("Pauses"),
    mark("Speech rate"), mark("Words"), mark("First person"),
    mark("Blinks"),
    mark("Blink duration"),
    mark("Eyes closed"),
    mark("Head speed"),
    mark("Head range"),
    mark("Head still"),
    mark("Nods"),
    mark("Head shakes"),
    mark("Looking down"),
    mark("Looking away"),
    mark("Smiling mouth"),
    mark("Smile intensity"),
    mark("Smile duration"),
    mark("Smiling with narrowed eyes"),
    mark("Mouth opening"),
    mark("Brow lowering"),
    mark("Brow raising"),
    mark("Facial activity"),
    mark("Recognised words"),
    mark("Share of the speech"),
    mark("Turns at talk"),
    mark("Length of a turn"),
    mark("Response time"),
    mark("Pause within a turn"),
    mark("Interruptions"),
    mark("Backchannels"),
    mark("Two speak at once"),
    mark("Nobody speaks"),
    mark("Gaze seen"),
    mark(
        "Share of the time with a seen head pose in which the gaze was seen, too. Where it is less than half, looking "
        "down and away are measured of the head alone, and are not compared with those of the gaze without saying so."
    ),
    mark("It is of the recording, such as of glasses, light and distance, not of the person's state."),
    mark("Frames a second of the face mesh"),
)  # fmt: skip

MEASURE_DESCRIPTIONS = (
    mark("How much of the face's expression was not neutral: 1 minus the mean probability of neutral."),
    mark("Share of the time with a face in which neutral has a probability of one half or more."),
    mark("Share of the time with a face in which happiness has a probability of one half or more."),
    mark("How often a smile begins, for each minute in which the face was seen."),
    mark("How often the most probable expression changes, for each minute in which the face was seen."),
    mark("Mean pitch of voiced speech. Of everyone who is heard, unless it is known when the person speaks."),
    mark(
        "Standard deviation of the pitch of voiced speech: a monotonous voice has a small one. Of everyone who is "
        "heard, unless it is known when the person speaks."
    ),
    mark(
        "Standard deviation of the loudness of speech; the level itself depends on the microphone. Of everyone who is "
        "heard, unless it is known when the person speaks."
    ),
    mark("Share of the sound that is speech. Of everyone who is heard, unless it is known when the person speaks."),
    mark(
        "Silences of more than a quarter of a second with speech before and after. Of everyone who is heard, unless it "
        "is known when the person speaks."
    ),
    mark(
        "Syllable nuclei in each second of speech and pauses. Of everyone who is heard, unless it is known when "
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
    mark(
        "Closures of the eyes by more than half, of half a second at most, for each minute in which the eyes "
        "were seen. In less than three minutes their number is largely chance. Needs 15 frames a second."
    ),
    mark("Median time from where the lids begin to close to where they are open again. Needs 15 frames a second."),
    mark("Share of the time with seen eyes in which they are closed, in blinks and longer. Needs 15 frames a second."),
    mark("How fast the head turns, mean over half seconds."),
    mark("Angle within which the head turns for nine tenths of the time, over pitch, yaw and roll."),
    mark("Share of the time in which the head turns by less than a degree each half second, for two seconds and more."),
    mark(
        "Three and more quick swings of the head up and down, for each minute in which it was seen. Needs 15 "
        "frames a second."
    ),
    mark(
        "Three and more quick swings of the head to the sides, for each minute in which it was seen. Needs 15 "
        "frames a second."
    ),
    mark(
        "Share of the time in which the gaze, or the head where the gaze is not seen, is twenty degrees and more below "
        "its usual place, for a second and more."
    ),
    mark(
        "Share of the time in which the gaze, or the head where the gaze is not seen, is twenty degrees and more "
        "beside its usual place, for a second and more."
    ),
    mark(
        "Share of the time with a seen mouth in which its corners are drawn up, against the person's own face at rest."
    ),
    mark("How far the corners of the mouth are drawn up, mean over the time, against the person's own face at rest."),
    mark("Median duration of the smiles of the mouth that were seen from beginning to end."),
    mark("Share of the smiling time in which the eyes are narrowed, as cheeks do that are raised."),
    mark("Mean distance of the lips, against that between the outer corners of the eyes. Talking opens the mouth."),
    mark("How far the brows are drawn down, mean over the time, against the person's own face at rest."),
    mark("How far the inner brows are raised, mean over the time, against the person's own face at rest."),
    mark("How much brows, nose, cheeks, mouth and jaw change, mean over them and over half seconds. Talking counts."),
    mark(
        "How often a second the face was looked at. What was measured at two rates is not compared without saying so."
    ),
    mark("the face mesh (docs/BEHAVIOUR.md)"),
    mark(
        "Share of the person's words that a recogniser wrote, some of them wrong: all where there was no transcript, "
        "none where there was one. The two are not compared without saying so."
    ),
    mark("the recogniser (docs/WORDS.md)"),
    mark(
        "Time in which the person speaks, of that of all speakers added up. Needs to know which speaker is the person."
    ),
    mark(
        "How often the person takes the floor, for each minute of the recording: a turn lasts, pauses included, "
        "until somebody else takes the floor. Needs to know which speaker is the person."
    ),
    mark("Median length of the person's turns at talk, of at least five. Needs to know which speaker is the person."),
    mark(
        "Median time from the end of another's speech to the beginning of the person's, who takes the floor, of at "
        "least five; below 0 where they overlap. Needs to know which speaker is the person."
    ),
    mark(
        "Median silence of 0.3 s and more inside the person's turns at talk, of at least five. Needs to know which "
        "speaker is the person."
    ),
    mark(
        "How often the person takes the floor half a second and more before another has ended, for each minute of "
        "the recording. Needs to know which speaker is the person."
    ),
    mark(
        "How often the person says up to a second wholly inside another's turn, as a mhm, for each minute of the "
        "recording. Needs to know which speaker is the person."
    ),
    mark("Time in which two or more speak at once, of the time in which anybody does; of all speakers together."),
    mark("Time in which nobody speaks, of the recording; of all speakers together."),
)

MEASURE_DIRECTIONS = (
    mark(
        "Depressed patients looked down more than others (Waxer 1974), as did people in psychological distress "
        "(Scherer et al. 2014). Who reads or writes looks down, too."
    ),
    mark("Depressed patients met the eyes of others less (Waxer 1974). Where others are is not known here."),
    mark(
        "Less facial activity in acute depression than in people without a diagnosis, and the same in "
        "schizophrenia (Gaebel & Wölwer 2004)."
    ),
    mark("More where facial activity is less, as in acute depression and in schizophrenia (Gaebel & Wölwer 2004)."),
    mark("Less when the same people's depression was severe than when it was not (Girard et al. 2014)."),
    mark("Fewer when the same people's depression was severe than when it was not (Girard et al. 2014)."),
    mark("No direction is agreed on for depression."),
    mark("Less in depression in many studies, not in all (Cummins et al. 2015)."),
    mark("More and longer in depression in many studies, not in all (Cummins et al. 2015)."),
    mark("Slower in depression in many studies, not in all (Cummins et al. 2015)."),
    mark("More in students with depression than in those without (Rude et al. 2004)."),
    mark(
        "More in depression, falling to usual rates with treatment (Mackintosh et al. 1983). Talking, light, "
        "screens and medicines change it as well."
    ),
    mark("Longer with sleepiness (Caffier et al. 2003). No direction is agreed on for depression."),
    mark("More with sleepiness (Dinges & Grace 1998). No direction is agreed on for depression."),
    mark("Slower when the same people's depression was severe than when it was not (Girard et al. 2014)."),
    mark(
        "The head moves less when depression is severe (Girard et al. 2014). Depression slows some people and "
        "makes others restless (Sobin & Sackeim 1997)."
    ),
    mark("Less in people in psychological distress than in others (Scherer et al. 2014)."),
    mark("Shorter in people in psychological distress than in others (Scherer et al. 2014)."),
    mark(
        "Such smiles went along with enjoyment more than others did (Ekman et al. 1990). No direction is "
        "agreed on for depression."
    ),
    mark(
        "The muscle that lowers the brows was less tense in patients whose depression got better; it was "
        "measured by electrodes (Schwartz et al. 1978)."
    ),
    mark(
        "Less in depressed mothers who talked with their children than in others (Breznitz & Sherman 1987). It "
        "depends on who else talks, and on what the talk is for."
    ),
    mark(
        "Longer in depressed mothers who answered their children than in others (Breznitz & Sherman 1987). Where "
        "speakers are told by their voices it comes out about a tenth of a second early."
    ),
    mark("It is of the recording and of what was given with it, not of the person."),
    mark("It is of the recording and the settings, not of the person."),
)
"""What a change of a measure means, in the words of the literature."""


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
    return f"{decimal(value, measure.digits)} {_(measure.unit)}"


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
