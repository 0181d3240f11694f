"""The data dictionary: what every column of every table that can be downloaded means.

python -m service.views.data_dictionary > docs/DATA_DICTIONARY.md
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fer_phq.core.analysis import SpeakerChoice
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Modality, Provenance, Scale, UnavailableReason
from fer_phq.features.measures import MEASURES
from fer_phq.features.measures import TURNS as TURN_TAKING
from fer_phq.longitudinal.periods import MIN_SESSIONS, Verdict
from fer_phq.mesh.points import BLENDSHAPES, EYE_BLENDSHAPES, MOUTH_BLENDSHAPES
from fer_phq.timeline.episodes import ENTER, EXPRESSIONS, LEAVE, MIN_DWELL_S
from fer_phq.voice.kinds import COLUMNS
from fer_phq.words.kinds import PLAIN_NAMES
from service.models.labelled_sessions import WITHIN_DAYS


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        unit: Of its numbers with their range, or what kind of text it holds.
        meaning: What it says.
        empty: When it has no value.
    """

    name: str
    unit: str
    meaning: str
    empty: str = "never"


@dataclass(frozen=True)
class TableEntry:
    """A table.

    Attributes:
        name: Its name.
        title: What a person calls it.
        row: What one row is.
        columns: Its columns, in their order.
    """

    name: str
    title: str
    row: str
    columns: tuple[Column, ...]


GAP = "the subject's face was not found"
NO_FACE = "no frame shows the face"
NO_ESTIMATE = "there is no estimate"

FRAMES = TableEntry(
    "frames",
    "Frames of an analysis",
    "a sampled frame of the recording",
    (
        Column("time_s", "seconds", "Time from the recording's start, as its container gives it."),
        Column(
            "duration_s",
            "seconds",
            "How long the frame stands for: until the next sampled frame, the last until the picture ends.",
        ),
        *(Column(name, "0 to 1", f"Probability of {name}; the seven sum to 1.", GAP) for name in EMOTIONS),
        *(
            Column(name, "pixels", f"The face's box, {where}, in the recording as it is displayed.", GAP)
            for name, where in (("x0", "left"), ("y0", "top"), ("x1", "right"), ("y1", "bottom"))
        ),
        Column("detection_score", "0 to 1", "How sure the face detector is.", GAP),
        Column("quality", "0 to 1", "Quality of the face crop: its sharpness, size and pose.", GAP),
    ),
)

EPISODES = TableEntry(
    "episodes",
    "Expression episodes of an analysis",
    "an expression other than a neutral face, from its onset to its offset, by onset",
    (
        Column("emotion", ", ".join(EXPRESSIONS), "Which expression."),
        Column("onset_s", "seconds", f"When its probability rises above {LEAVE}."),
        Column("peak_s", "seconds", "When the probability is highest."),
        Column("offset_s", "seconds", f"When it falls below {LEAVE} again."),
        Column("dwell_s", "seconds", f"From onset to offset, at least {MIN_DWELL_S}."),
        Column("peak", f"{ENTER} to 1", "The highest probability."),
        Column("cut", "true or false", "Whether a gap or the recording's start or end cuts it short."),
    ),
)

PEOPLE = TableEntry(
    "people",
    "Other people of an analysis",
    "a face track that is not the subject's",
    (
        Column(
            "person",
            "count",
            "The person's number, 1 for the one who is seen most; the track's where an earlier version analysed.",
        ),
        Column("track", "count", "The face track's number, from 0; a person may have several."),
        Column("first_s", "seconds", "Where it is first seen."),
        Column("last_s", "seconds", "Where it is last seen."),
        Column("frames", "count", "Sampled frames with it."),
    ),
)

TRANSCRIPT = TableEntry(
    "transcript",
    "Transcript of a session",
    "an utterance, by start; as CSV the table can be given as a transcript again",
    (
        Column("start", "seconds", "Where it begins, from the recording's start."),
        Column("end", "seconds", "Where it ends."),
        Column("speaker", "text", "Who speaks, as the transcript names them.", "nobody is named"),
        Column("text", "text", "The words."),
        Column("is_subject", "true or false", "Whether they count as the subject's."),
    ),
)

RECOGNISED = TableEntry(
    "recognised",
    "Recognised words of an analysis",
    "a segment of speech, by start, as a recogniser wrote it ([WORDS.md](WORDS.md)); `fer-phq analyze --csv` writes it "
    "as `STEM.transcript.csv`",
    (
        Column("start_s", "seconds, 0 and more", "Where it begins, from the recording's start."),
        Column("end_s", "seconds, 0 and more", "Where it ends."),
        Column("speaker", "text", "Who speaks: Speaker 1, Speaker 2, by their voices.", "that is not known"),
        Column("text", "text", "The words. (?) marks words that should not be relied upon; alone, that were left out."),
        Column("source", "text", "Always `recognised`: nobody wrote them."),
        Column("confidence", "0 to 1", "How sure the recogniser is."),
    ),
)

_NOTED = Column("created_at", "time, UTC", "When it was written.")
NOTES = TableEntry(
    "notes",
    "Notes of a session",
    "a note, those of no moment first",
    (
        Column("time_s", "seconds", "The moment in the recording.", "it is of the whole session"),
        Column("tag", "text", "Its tag.", "it has none"),
        Column("words", "text", "What was written.", "there is a tag alone"),
        _NOTED,
        Column("updated_at", "time, UTC", "When it was last changed."),
    ),
)

EVENTS = TableEntry(
    "events",
    "Events of a subject",
    "something that happened to the subject, such as a treatment begun, oldest first",
    (Column("at", "time, UTC", "When it happened."), Column("words", "text", "What happened."), _NOTED),
)

_TURN = "it is not the subject's turn"
_SILENT = "it is silent, or not the subject's turn"
_VOICE = {
    column.name: column
    for column in (
        Column(
            "speech_probability",
            "0 to 1",
            "That somebody speaks (silero-vad); 0 where babble in the background is heard alone.",
            _TURN,
        ),
        Column(
            "f0_semitones",
            "semitones above 27.5 Hz",
            "Pitch of the voice: median of the voiced frames (SwiftF0's candidates, followed over the recording).",
            "fewer than two frames are voiced, or nobody speaks, or an earlier version measured it (kind prosody-1), "
            "which may be an octave off",
        ),
        Column("voicing", "0 to 1", "Confidence that the sound is voiced (SwiftF0).", _TURN),
        Column(
            "loudness_db", "dB(A) of full scale", "Loudness; only differences within a session mean anything.", _TURN
        ),
        Column("spectral_centroid_hz", "Hz", "Centre of gravity of the spectrum.", _SILENT),
        Column("spectral_flatness", "0 to 1", "Geometric over arithmetic mean of the spectrum.", _SILENT),
        Column("spectral_flux", "0 and more", "How much the spectrum changes from frame to frame.", _SILENT),
        Column("alpha_ratio_db", "dB", "Energy at 50 to 1000 Hz over that at 1 to 5 kHz.", _SILENT),
        Column("hammarberg_index_db", "dB", "Strongest peak below 2 kHz over that at 2 to 5 kHz.", _SILENT),
        Column("spectral_slope_0_500_db_per_hz", "dB/Hz", "Slope of the spectrum up to 500 Hz.", _SILENT),
        Column("syllable_nuclei", "count", "Syllables whose nucleus lies in the row.", _TURN),
    )
}


def _voice_column(name: str) -> Column:
    number = name.removeprefix("mfcc_")
    return _VOICE.get(name) or Column(name, "", f"Mel-frequency cepstral coefficient {number}.", _SILENT)


VOICE = TableEntry(
    "voice",
    "Voice of an analysis",
    "a tenth of a second of sound",
    (
        Column(
            "time_s",
            "seconds",
            "Middle of the row, from the recording's start. In a digital silence of more than ten minutes a row stands "
            "for all that follows until the next.",
        ),
        *(_voice_column(name) for name in COLUMNS),
    ),
)

_NOT_ENGLISH = "the words are not English"
_WORDS = {
    "duration_s": Column("duration_s", "seconds", "Length of the utterance.", "not known"),
    "words": Column("words", "count", "Words in it.", "the script leaves no spaces between words"),
    "pause_s": Column("pause_s", "seconds", "Silence since the speaker's own last word.", "the turn changed hands"),
    "latency_s": Column("latency_s", "seconds", "Silence since the other's last word.", "the speaker goes on"),
    "words_per_minute": Column("words_per_minute", "1/minute", "Words over length.", "not known"),
    "first_person": Column("first_person", "0 to 1", "Share of first-person singular words.", _NOT_ENGLISH),
    "absolutist": Column("absolutist", "0 to 1", "Share of absolutist words (always, nothing, ...).", _NOT_ENGLISH),
    "negation": Column("negation", "0 to 1", "Share of negations.", _NOT_ENGLISH),
    "type_token": Column(
        "type_token", "0 to 1", "Moving-average type-token ratio over ten words.", "fewer than ten words"
    ),
}
WORDS = TableEntry(
    "words",
    "Words of an analysis",
    "an utterance of the subject's in the transcript",
    (
        Column("time_s", "seconds", "Start of the utterance, from the recording's start."),
        *(_WORDS[name] for name in PLAIN_NAMES),
    ),
)

_PHQ = (
    Column("phq_score", "points", "A model's PHQ estimate: not a questionnaire's score.", NO_ESTIMATE),
    Column("phq_low", "points", "Lower end of the estimate's interval.", NO_ESTIMATE),
    Column("phq_high", "points", "Upper end of the estimate's interval.", NO_ESTIMATE),
    Column("phq_level", "0 to 1", "Share of new people whose score the interval is meant to hold.", NO_ESTIMATE),
    Column("phq_scale", " or ".join(Scale), "The questionnaire whose total is estimated.", NO_ESTIMATE),
    Column(
        "phq_provenance",
        " or ".join(Provenance),
        "What kind of labels trained the head; with simulated ones the estimate says nothing about the person.",
        NO_ESTIMATE,
    ),
    Column("phq_model_id", "text", "Which checkpoint bundle's head made the estimate.", NO_ESTIMATE),
    Column("phq_modalities", f"{', '.join(Modality)}, joined by +", "What the estimate is from.", NO_ESTIMATE),
    Column("phq_unavailable", ", ".join(UnavailableReason), "Why there is no estimate.", "there is one"),
    Column("phq_detail", "text", "The same in words.", "there is no more to say"),
)

_SESSION_ONLY = ("phq_modalities", "phq_unavailable", "phq_detail")
_SHARES = tuple(
    Column(name, "0 to 1", f"Mean probability of {name} over the time with a face.", NO_FACE) for name in EMOTIONS
)
_MEASURES = tuple(
    Column(
        measure.name,
        "0 to 1" if measure.is_share else measure.unit,
        " ".join(filter(None, (measure.description, measure.direction, f"({measure.source})."))),
        "it could not be measured",
    )
    for measure in MEASURES
)

_SESSION_ID = Column("session_id", "UUID", "The session.")
_ANALYSIS_ID = Column("analysis_id", "UUID", "The analysis that the row shows.")
_RECORDED_AT = Column("recorded_at", "time, UTC", "When the session was recorded.")
_MODEL_ID = Column("model_id", "text", "Which checkpoint bundle analysed it.")
_COVERAGE = Column(
    "coverage", "0 to 1", "Time in which the subject's face was seen, divided by the recording's duration."
)
_COUNTS_BY_FRAMES = Column(
    "counts_by_frames",
    "true or false",
    "Whether an earlier version counted coverage and shares by frames, not by time. Scoring again mends it.",
)
_IS_DEMO = Column("is_demo", "true or false", "Whether it is a made-up demonstration.")

_TELLING = (
    Column(
        *("turns_kind", "text", "How it was told who speaks, and by which version; measures of two are no one series."),
        "it was not told",
    ),
    Column(
        "speaker_choice",
        ", ".join(SpeakerChoice),
        "How the subject's speaker was found, or why it is not known ([SPEECH.md](SPEECH.md#in-an-analysis)): then "
        "turn taking of the subject is missing.",
        "nobody speaks, or who speaks was not told",
    ),
    Column("has_sidecar", "true or false", "Whether a transcript or a sound was given beside the recording."),
)

SESSIONS = TableEntry(
    "sessions",
    "Sessions of a subject",
    "an analysed session, oldest first",
    (
        _SESSION_ID,
        _ANALYSIS_ID,
        _RECORDED_AT,
        _MODEL_ID,
        _COVERAGE,
        Column("frames_sampled", "count", "Sampled frames."),
        _COUNTS_BY_FRAMES,
        Column("dominant_emotion", ", ".join(EMOTIONS), "The emotion with the highest mean probability.", NO_FACE),
        *_SHARES,
        *_PHQ,
        _IS_DEMO,
        Column("consent_withdrawn", "true or false", "Whether its consent was withdrawn and not given again."),
        *_TELLING,
        *_MEASURES,
    ),
)

COHORT = TableEntry(
    "cohort",
    "Sessions of a cohort",
    "an analysed session that the page's filter lets through, by subject, then oldest first; without those whose "
    "consent was withdrawn",
    (
        Column("subject_id", "UUID", "The subject."),
        Column("label", "text", "The subject's label."),
        _IS_DEMO,
        _SESSION_ID,
        _RECORDED_AT,
        Column("duration_s", "seconds", "The recording's length."),
        _ANALYSIS_ID,
        _MODEL_ID,
        _COVERAGE,
        _COUNTS_BY_FRAMES,
        *_SHARES,
        *(column for column in _PHQ if column.name not in _SESSION_ONLY),
        *_TELLING,
        *_MEASURES,
    ),
)

_OF_A_MODEL = (
    *_SHARES,
    Column("dominant_emotion", ", ".join(EMOTIONS), "The emotion with the highest mean probability.", NO_FACE),
    *(column for column in _PHQ if column.name not in _SESSION_ONLY),
)


def _of_model(side: str, name: str) -> tuple[Column, ...]:
    """Return one model's columns of `PAIRS`."""
    return tuple(
        replace(column, name=f"{column.name}_{side}", meaning=f"{name} {column.meaning}") for column in _OF_A_MODEL
    )


PAIRS = TableEntry(
    "pairs",
    "Sessions analysed by two models",
    "a session that both have analysed, oldest first; the newest analysis by each; without those whose consent was "
    "withdrawn",
    (
        _SESSION_ID,
        Column("subject_id", "UUID", "The subject."),
        Column("subject_label", "text", "The subject's label."),
        _RECORDED_AT,
        *_of_model("a", "First model."),
        *(
            replace(column, name=f"{column.name}_b", meaning=f"Second model. {column.meaning}")
            for column in _OF_A_MODEL
        ),
        Column(
            "items",
            "0 to 3, separated by spaces",
            f"Answers of the questionnaire nearest to the recording, at most {WITHIN_DAYS:g} days from it.",
            "none is so near",
        ),
        Column("model_id_a", "text", "Which checkpoint bundle is the first model."),
        Column("model_id_b", "text", "Which is the second."),
    ),
)

PERIODS = TableEntry(
    "periods",
    "Two periods of a subject",
    "a measure, or the total of a questionnaire, that one of the periods has",
    (
        Column("measure", "text", "The measure's name, or the questionnaire's scale."),
        Column("title", "text", "What the Trends page calls it."),
        Column("unit", "text", "The unit of the means, the difference and the spread; a share is 0 to 1."),
        Column("modality", f"{', '.join(Modality)}, {TURN_TAKING}, questionnaire", "What it is computed from."),
        Column("first_count", "count", "Sessions or questionnaires of the first period that have it."),
        Column("first_mean", "of `unit`", "Their mean.", "the first period has none"),
        Column("second_count", "count", "Sessions or questionnaires of the second period that have it."),
        Column("second_mean", "of `unit`", "Their mean.", "the second period has none"),
        Column("difference", "of `unit`", "The second mean less the first.", "one period has none"),
        Column(
            "spread",
            "of `unit`",
            "The usual spread: the standard deviation of this person's sessions within a period.",
            f"a period has fewer than {MIN_SESSIONS}",
        ),
        Column(
            "verdict",
            ", ".join(Verdict),
            "How the difference compares with the usual spread; no test, and no proof of a change.",
        ),
        Column(
            "models",
            "count",
            "Models that measured the sessions of both periods: of several, a difference may be the models' alone.",
        ),
    ),
)

QUESTIONNAIRES = TableEntry(
    "questionnaires",
    "Questionnaires of a subject",
    "a questionnaire that no correction supersedes, oldest first",
    (
        Column("questionnaire_id", "UUID", "The questionnaire."),
        Column("answered_at", "time, UTC", "When it was answered."),
        Column("scale", " or ".join(Scale), "Which questionnaire it is."),
        Column("total", "points", "Its score: the sum of its items, 0 to 3 each."),
        Column("item9_flag", "true or false", "Whether the answer to item 9 of a PHQ-9 was not 0."),
        Column(
            "difficulty",
            "0 to 3",
            "How difficult the problems have made work, home or getting along with people, from not at all to "
            "extremely: the form's last question, no part of the total.",
            "it was not answered, or no item is above 0",
        ),
        Column("source", "entered, imported or demo", "How it came into the store."),
        Column("maximum", "points", "Highest total of its scale."),
        Column("band", "text", "Severity band of the total (Kroenke 2001, 2009)."),
    ),
)

_FOLLOWED = "the face was not followed"
_TURNED = f"{_FOLLOWED}, or is turned by more than 45 degrees to the side or towards a shoulder, or 40 up or down"
_SMALL = f"{_TURNED}, or is smaller than 48 pixels"
_EYES = f"{_SMALL}, or the eyes are hidden"
_GAZE = (
    f"{_EYES} or about to close, the irises are smaller than 6 pixels, the head is turned by more than 35 degrees to "
    "the side, or an earlier version measured it"
)
_SHAPE = (
    Column("presence", "0.5 to 1", "How sure the mesh network is that it saw a face.", _FOLLOWED),
    Column("pitch_deg", "degrees, -40 to 40", "Head pose against the camera's axes: positive looks up.", _TURNED),
    Column("yaw_deg", "degrees, -45 to 45", "Positive turns to the person's left.", "as `pitch_deg`"),
    Column("roll_deg", "degrees, -45 to 45", "Positive tilts to the right shoulder.", "as `pitch_deg`"),
    Column(
        *("gaze_pitch_deg", "degrees, -90 to 90", "Gaze of both eyes against the camera's axes: positive looks up."),
        _GAZE,
    ),
    Column("gaze_yaw_deg", "degrees, -180 to 180", "Positive looks to the person's left.", "as `gaze_pitch_deg`"),
    Column(
        *(
            "eye_open_left",
            "share, 0 and more",
            "Distance of the left eye's lids over the eye's width: 0.3 is wide open.",
        ),
        _EYES,
    ),
    Column(
        "eye_open_right",
        "share, 0 and more",
        "The same of the right eye; both are the person's own.",
        "as `eye_open_left`",
    ),
    Column(
        *("mouth_open", "share, 0 and more", "Distance of the inner lips over that between the eyes' outer corners."),
        f"{_SMALL}, or the mouth is hidden",
    ),
)


def _blendshape_gap(name: str) -> str:
    """Return when a blendshape is missing."""
    if name in EYE_BLENDSHAPES:
        return "as `eye_open_left`"
    return "as `mouth_open`" if name in MOUTH_BLENDSHAPES else _SMALL


BEHAVIOUR_SERIES = TableEntry(
    "behaviour",
    "Facial behaviour of an analysis",
    "a frame in which the face was looked at, at a rate of its own ([BEHAVIOUR.md](BEHAVIOUR.md)); "
    "`fer-phq analyze --csv` writes it as `STEM.behaviour.csv`",
    (
        Column("time_s", "seconds, 0 and more", "When the frame is shown, from the recording's start."),
        Column("duration_s", "seconds, 0 and more", "For how long."),
        *_SHAPE,
        *(
            Column(
                *(name, "0 to 1", "Blendshape of the face mesh; neither an action unit nor a feeling."),
                _blendshape_gap(name),
            )
            for name in BLENDSHAPES
        ),
    ),
)

BLINKS = TableEntry(
    "blinks",
    "Closures of the eyes of an analysis",
    "a closure of the eyes by more than half, by onset; those above half a second are no blinks. There is none where "
    "fewer than 15 frames a second were looked at, nor of one whose beginning or end was not seen; "
    "`fer-phq analyze --csv` writes it as `STEM.blinks.csv`",
    (
        Column("onset_s", "seconds, 0 and more", "When the lids begin to close: a tenth of the closure's depth."),
        Column("closed_s", "seconds, 0 and more", "When they are closed: halfway from half closed to the deepest."),
        Column("reopened_s", "seconds, 0 and more", "When they begin to open, at the same depth."),
        Column("offset_s", "seconds, 0 and more", "When they are open again, but for a tenth of the depth."),
        Column("complete", "true or false", "Whether the closure reached three quarters."),
    ),
)

BEHAVIOUR_EPISODES = TableEntry(
    "behaviour_episodes",
    "Episodes of facial behaviour of an analysis",
    "a stretch of time in which the head is still, the mouth smiles, or the person looks down or away, by onset",
    (
        Column(
            "kind",
            "still, smile, looking_down, looking_away",
            "What it is; the last two of the gaze, or of the head where it is not seen.",
        ),
        Column("onset_s", "seconds", "When it begins."),
        Column("offset_s", "seconds", "When it ends."),
        Column("duration_s", "seconds", "From onset to offset."),
        Column("cut", "true or false", "Whether it may have lasted longer than it was seen."),
    ),
)

TURNS = TableEntry(
    "turns",
    "Turns of an analysis",
    "a stretch of time in which one speaker speaks, by start; those of different speakers may overlap "
    "([SPEECH.md](SPEECH.md)); `fer-phq analyze --csv` writes it as `STEM.turns.csv`",
    (
        Column("start_s", "seconds, 0 and more", "When it begins, from the recording's start."),
        Column("end_s", "seconds, 0 and more", "When it ends."),
        Column("speaker", "1 and more", "Who speaks, counted as they first speak; another recording counts anew."),
        Column(
            *("is_subject", "true or false", "Whether it is the subject."),
            "neither a transcript nor the mouth says, clearly, which speaker is the subject",
        ),
        Column("confidence", "0 to 1", "How sure it is that this speaker speaks there; no probability of who it is."),
    ),
)

MEASURES_OF_SESSION = TableEntry(
    "measures",
    "Measures of an analysis",
    "a measure that the analysis has, then those of facial behaviour and turn taking that it could not take",
    (
        Column("measure", "text", "Its name in the tables of sessions."),
        Column("title", "text", "What the pages call it."),
        Column("value", "of `unit`", "Its value; a share is 0 to 1.", "it could not be measured"),
        Column("unit", "text", "The value's unit."),
        Column("missing", "text", "Why there is no value.", "there is one"),
        Column("direction", "text", "What a change means, in the words of the literature."),
        Column("source", "text", "The papers that it and the direction come from."),
    ),
)

_CHANGE = "there is none, or it is the first of its scale"
_CLINICAL = "there is no estimate, or its head was trained on simulated labels"
_SIMULATED = "there is no estimate, or its head was trained on clinical labels"
COHORT_PEOPLE = TableEntry(
    "cohort_people",
    "People of a cohort",
    "a person, in the order of the page; the table has the columns that are chosen there",
    (
        Column("subject_id", "UUID", "The person."),
        Column("label", "text", "What they are called here; of those who see no names, the pseudonym."),
        Column("is_demo", "true or false", "Whether all their sessions are made up."),
        Column("tags", "text", "Their tags, with `; ` between them.", "they have none"),
        Column("sessions", "count", "Analysed sessions that the filter lets through."),
        Column("first_at", "time, UTC", "When the first of them was recorded."),
        Column("last_at", "time, UTC", "When the last of them was recorded."),
        Column("total", "points", "Score of the newest questionnaire.", "there is none"),
        Column("scale", " or ".join(Scale), "Its scale.", "there is none"),
        Column("band", "text", "Its severity band (Kroenke 2001, 2009).", "there is none"),
        Column("answered_at", "time, UTC", "When it was answered.", "there is none"),
        Column("change", "points", "Its score less that of the first one of its scale; below 0 is better.", _CHANGE),
        Column("rci", "no unit", "Reliable change index of that difference (Jacobson & Truax 1991).", _CHANGE),
        Column("direction", "improved, worsened, none", "Which way it changed reliably, or not.", _CHANGE),
        Column("estimate", "points", "The newest estimate, of a head that was trained on clinical labels.", _CLINICAL),
        Column("estimate_low", "points", "Lower end of its interval.", _CLINICAL),
        Column("estimate_high", "points", "Upper end of its interval.", _CLINICAL),
        Column("estimate_scale", " or ".join(Scale), "Its scale.", _CLINICAL),
        Column("estimate_at", "time, UTC", "When its session was recorded.", _CLINICAL),
        Column(
            "simulated_estimate",
            "points",
            "The newest estimate, of a head that was trained on simulated labels: it says nothing about anyone.",
            _SIMULATED,
        ),
        Column("simulated_low", "points", "Lower end of its interval.", _SIMULATED),
        Column("simulated_high", "points", "Upper end of its interval.", _SIMULATED),
        Column("coverage", "0 to 1", "Mean share of the sessions in which the face was seen."),
        Column("model_id", "text", "Model of the newest session."),
        *(replace(column, meaning=f"{column.meaning} Mean over the sessions.") for column in (*_MEASURES, *_SHARES)),
    ),
)

TABLES = (
    *(FRAMES, EPISODES, PEOPLE, VOICE, WORDS, BEHAVIOUR_SERIES, BLINKS, BEHAVIOUR_EPISODES),
    *(TURNS, MEASURES_OF_SESSION, RECOGNISED),
    *(TRANSCRIPT, NOTES),
    *(SESSIONS, QUESTIONNAIRES, EVENTS, PERIODS, COHORT, COHORT_PEOPLE, PAIRS),
)


EVERY_TABLE = (
    "Every table that can be downloaded, as CSV, Parquet or JSON, with what its columns mean. "
    "Made by `python -m service.views.data_dictionary`."
)


def as_markdown(tables: Iterable[TableEntry] = TABLES, opening: str = EVERY_TABLE) -> str:
    """Write the dictionary for a reader.

    Args:
        tables: What is in it.
        opening: What it is a dictionary of.
    """
    parts = [
        f"# Data dictionary\n\n{opening} Empty cells (CSV) and nulls (Parquet, JSON) say that something was not "
        "measured. In CSV a text that a spreadsheet would calculate, such as `=1+1`, has an apostrophe before it.\n"
    ]
    for table in tables:
        rows = [f"| `{column.name}` | {column.unit} | {column.meaning} | {column.empty} |" for column in table.columns]
        head = "| Column | Unit or values | Meaning | Empty when |\n| --- | --- | --- | --- |"
        parts.append(
            f"\n## {table.title} (`{table.name}`)\n\nOne row is {table.row}.\n\n{head}\n" + "\n".join(rows) + "\n"
        )
    return "".join(parts)


if __name__ == "__main__":
    print(as_markdown(), end="")
