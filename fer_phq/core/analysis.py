"""The types that flow between the stages and out of them: frozen dataclasses over plain arrays.

Shapes: n is the number of sampled frames, m <= n the number of them in which the subject's face was found.
Times are seconds from the recording's start, taken from the container's presentation timestamps.
Boxes are (x0, y0, x1, y1) in pixels of the recording as it is displayed (after rotation).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fer_phq.core import texts
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import SettingsError
from fer_phq.core.feature_series import GRID_HZ, FeatureSeries, SessionFeatures
from fer_phq.core.messages import Message, to_json
from fer_phq.core.phq import PhqEstimate, PhqResult, PhqUnavailable, UnavailableReason
from fer_phq.core.speech.transcription import Transcription

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Sampling:
    """Which frames of a recording are analysed. Raises ValueError for an impossible rate.

    Attributes:
        fps: Frames a second, above 0 and at most 240. Above the grid's rate, the frames at the grid's times are taken
            as well, so that every such rate gives the same numbers.
        key_frames: Whether the stream's key frames are taken instead.
    """

    fps: float = 2.0
    key_frames: bool = False

    def __post_init__(self) -> None:
        """Check the rate."""
        if not 0 < self.fps <= 240:
            raise ValueError(f"The sampling rate must be above 0 and at most 240 frames/s, got {self.fps:g}.")


@dataclass(frozen=True)
class SoundTrackInfo:
    """A sound track, as its container lists it.

    Attributes:
        number: Its number among the sound tracks, from 1.
        channels: How many channels it has; 0 where its format is not known.
        title: Its title, or empty.
        language: Its language's code, or empty.
        is_default: Whether it is the one that players choose.
    """

    number: int
    channels: int
    title: str = ""
    language: str = ""
    is_default: bool = False

    def __str__(self) -> str:
        """Return its number, with title and language where it has them."""
        names = ", ".join(name for name in (self.title, self.language) if name)
        return f"{self.number} ({names})" if names else str(self.number)


@dataclass(frozen=True)
class SoundChoice:
    """Whose sound is analysed, set by hand. Raises ValueError for a number below 1.

    Attributes:
        track: Number of the sound track, from 1; None leaves the choice to the analysis: of several tracks, all that
            hold different voices.
        channel: Number of the channel in the track, from 1, which is the left one of two; None leaves the choice to the
            analysis.
    """

    track: int | None = None
    channel: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        for number in (self.track, self.channel):
            if number is not None and number < 1:
                raise ValueError(f"Sound tracks and channels are counted from 1, got {number}.")

    def problem(self, tracks: Sequence[SoundTrackInfo]) -> Message | None:
        """Return why these sound tracks have no such track or channel, or None.

        Args:
            tracks: All sound tracks of a file.
        """
        if self == AUTOMATIC:
            return None
        if not tracks:
            return texts.NO_SOUND_TO_CHOOSE()
        names = tuple(map(str, tracks))
        if self.track is not None and self.track > len(tracks):
            return texts.UNKNOWN_SOUND_TRACK(track=self.track, n=len(tracks), tracks=names)
        if self.channel is None:
            return None
        if self.track is None and len(tracks) != 1:
            return texts.CHANNEL_WITHOUT_TRACK(tracks=names)
        track = tracks[(self.track or 1) - 1]
        if self.channel > track.channels:
            return texts.UNKNOWN_SOUND_CHANNEL(channel=self.channel, track=track.number, n=track.channels)
        return None


AUTOMATIC = SoundChoice()
"""The analysis chooses track and channel."""


MOST_FACE_RATE = 60.0
"""Most frames a second in which a face mesh is followed."""
USUAL_FACE_RATE = 30.0
"""Frames a second in which it is followed where nothing else is said; a recording with fewer gives all it has.

It is the same on every machine, however fast, so that a measure means the same wherever it was taken.
"""
FACE_RATE = "FERPHQ_FACE_RATE"
"""The environment variable that sets another rate; 0 for none."""


def default_face_rate() -> float:
    """Return the rate of `FERPHQ_FACE_RATE`, else `USUAL_FACE_RATE`.

    Raises:
        SettingsError: The variable is no number from 0 to `MOST_FACE_RATE`.
    """
    value = os.environ.get(FACE_RATE)
    if not value:
        return USUAL_FACE_RATE
    try:
        rate = float(value)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= MOST_FACE_RATE:
        raise SettingsError(texts.FACE_RATE_UNUSABLE(name=FACE_RATE, value=value[:40], most=MOST_FACE_RATE))
    return rate


SPEECH = "FERPHQ_SPEECH"
"""The environment variable that says whether it is told who speaks when, where nothing else is said."""
_SWITCH = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}


def default_speech() -> bool:
    """Return whether it is told who speaks when: what `FERPHQ_SPEECH` says, else that it is.

    Raises:
        SettingsError: The variable says neither yes nor no.
    """
    value = os.environ.get(SPEECH)
    if not value:
        return True
    is_on = _SWITCH.get(value.strip().lower())
    if is_on is None:
        raise SettingsError(texts.SPEECH_UNUSABLE(name=SPEECH, value=value[:40]))
    return is_on


RECOGNITION = "FERPHQ_RECOGNITION"
"""The environment variable that says whether words are recognised, where nothing else is said."""


def default_recognition() -> bool:
    """Return whether words are recognised: what `FERPHQ_RECOGNITION` says, else that they are not.

    What somebody says is more than a measure of it, and is written down only where somebody decided so.

    Raises:
        SettingsError: The variable says neither yes nor no.
    """
    value = os.environ.get(RECOGNITION)
    if not value:
        return False
    is_on = _SWITCH.get(value.strip().lower())
    if is_on is None:
        raise SettingsError(texts.RECOGNITION_UNUSABLE(name=RECOGNITION, value=value[:40]))
    return is_on


@dataclass(frozen=True)
class Settings:
    """How a recording is analysed.

    Attributes:
        sampling: Which frames.
        coverage_floor: Share of the recording in which the subject's face must be seen before an estimate is given, 0
            to 1.
        min_face_frames: Fewest half seconds with a face before an estimate is given.
        detection_threshold: Lowest detector score that counts as a face, 0 to 1.
        track: Id of a face track of the subject (as in `SessionAnalysis.tracks`), whose person is analysed; None leaves
            the choice to the program.
        tracks: Ids of exactly the subject's face tracks, as a person chose them; empty leaves the choice to `track`.
        all_faces: Whether everybody's faces are part of the result, with a picture of each track, so that the subject's
            can be chosen later.
        max_side: Longer side in pixels to which decoded frames are reduced; bounds memory for large recordings.
        chunk_frames: How many frames are searched before the next ones, which wait: each takes the memory of a picture.
        sound: Which sound track and channel are analysed.
        search_each_frame: Whether the whole of each frame is searched for faces. Otherwise it is so at the times of the
            grid, twice a second, and wherever there is a doubt; between them, faces are searched where they were.
        face_rate: Frames a second in which the subject's face mesh is followed, at most 60; 0 for none. Of key frames
            alone it is not followed, whatever the rate.
        speech: Whether it is told who speaks when, where anybody does.
        partner: Whether the mesh of the other person who is seen most beside the subject is followed, too. That person
            must have agreed.
        recognition: Whether the words are recognised of a recording that has no transcript.
        subject_turns: When the speaker speaks whom a person chose as the subject: (start, end) in seconds of each turn,
            as an earlier analysis has them. Times, because a speaker's number may mean another one the next time. Empty
            leaves the choice to the program.

    Raises ValueError for an impossible rate, for turns that are none or overlap, and where both `track` and `tracks`
    name the subject, or a speaker is chosen and `speech` left out.
    """

    sampling: Sampling = Sampling()
    coverage_floor: float = 0.3
    min_face_frames: int = 8
    detection_threshold: float = 0.5
    track: int | None = None
    tracks: tuple[int, ...] = ()
    all_faces: bool = False
    max_side: int = 1280
    chunk_frames: int = 2
    sound: SoundChoice = AUTOMATIC
    search_each_frame: bool = False
    face_rate: float = field(default_factory=default_face_rate)
    speech: bool = field(default_factory=default_speech)
    partner: bool = False
    recognition: bool = field(default_factory=default_recognition)
    subject_turns: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Check the rate, and bring rate, tracks and turns into a form that does not depend on who names them."""
        try:
            is_usable = 0 <= self.face_rate <= MOST_FACE_RATE
        except TypeError:  # no number, such as None
            is_usable = False
        if not is_usable:
            raise ValueError(
                f"The rate of the face mesh must be 0 for none, or at most {MOST_FACE_RATE:g} frames/s, "
                f"got {self.face_rate}."
            )
        object.__setattr__(self, "face_rate", float(self.face_rate))
        object.__setattr__(self, "tracks", tuple(sorted(set(self.tracks))))
        if self.tracks and self.track is not None:
            raise ValueError(f"Either track {self.track} or the tracks {self.tracks} are the subject's, not both.")
        object.__setattr__(self, "subject_turns", _turn_times(self.subject_turns))
        if self.subject_turns and not self.speech:
            raise ValueError("The subject's speaker is chosen, and who speaks is not to be told: either, not both.")

    @property
    def follows_faces(self) -> bool:
        """Whether frames between the times of the grid are searched only where faces were before."""
        return not (self.search_each_frame or self.sampling.key_frames or self.sampling.fps <= GRID_HZ)

    @property
    def follows_mesh(self) -> bool:
        """Whether the subject's face mesh is followed: key frames lie too far apart for it."""
        return self.face_rate > 0 and not self.sampling.key_frames

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Settings:
        """Read the settings that an analysis was stored with, as `dataclasses.asdict` gives them.

        What an earlier version did not store has its default, but for what it did otherwise: it searched each frame,
        followed no mesh, did not tell who speaks, and recognised no words.
        """
        parts = {"sampling": Sampling(**fields["sampling"]), "sound": SoundChoice(**fields.get("sound", {}))}
        face_rate = fields.get("face_rate") or 0.0
        earlier = {"search_each_frame": True, "speech": False, "recognition": False}
        return cls(**{**earlier, **fields, **parts, "face_rate": face_rate})


def _turn_times(turns: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    """Return starts and ends in the order of time, in milliseconds. Raises ValueError for impossible ones."""
    times = sorted((round(float(start_s), 3), round(float(end_s), 3)) for start_s, end_s in turns)
    end_before_s = 0.0
    for start_s, end_s in times:
        if not end_before_s <= start_s < end_s < math.inf:
            raise ValueError(
                f"The subject's turns need starts from 0 on and later ends, apart from each other: {times}."
            )
        end_before_s = end_s
    return tuple(times)


@dataclass(frozen=True)
class RecordingInfo:
    """Facts about a recording, from its container.

    Attributes:
        path: The file.
        sha256: Hex digest of its bytes.
        duration_s: Seconds, of the longer of picture and sound.
        width: Pixels as displayed (after rotation).
        height: Pixels as displayed.
        codec: FFmpeg's short name of the video's codec, such as 'h264'.
        rotation: Degrees clockwise to upright: 0, 90, 180 or 270.
        has_audio: Whether it has sound.
        picture_end_s: When the last picture ends, in seconds; earlier than the duration where the sound goes on. None
            where it is not known (stored by an earlier version).
    """

    path: str
    sha256: str
    duration_s: float
    width: int
    height: int
    codec: str
    rotation: int
    has_audio: bool
    picture_end_s: float | None = None
    sound_tracks: tuple[SoundTrackInfo, ...] = ()

    @property
    def pictures_until_s(self) -> float:
        """When the picture ends, in seconds; where that is not known, the duration."""
        return self.duration_s if self.picture_end_s is None else self.picture_end_s


UPRIGHT_DEG = 45.0
"""Degrees from upright beyond which a face lies on its side."""
UPSIDE_DOWN_DEG = 135.0
"""Degrees from upright beyond which it is upside down."""
LARGEST_TURNED_SHARE = 0.5
"""Share of a face's time that it may not be upright for an estimate: recordings turned by 90 degrees moved it by up to
2.5 points (`benchmarks/bench_truth.py turned`)."""
BOX_COLUMNS = ("x0", "y0", "x1", "y1")
DECIMALS = {
    "time_s": 6,
    "duration_s": 6,
    **dict.fromkeys(EMOTIONS, 6),
    **dict.fromkeys(BOX_COLUMNS, 2),
    "detection_score": 4,
    "quality": 4,
}
"""Decimals of a timeline's numbers in JSON and CSV."""


def roll_of_landmarks(landmarks: FloatArray) -> FloatArray:
    """Compute how faces are turned in the picture, from the middle of the mouth to that of the eyes.

    Args:
        landmarks: (..., 5, 2) pixels: eye, eye, nose, mouth corner, mouth corner; NaN where there is no face.

    Returns:
        (...) degrees, -180 to 180: 0 upright, positive tilts to the person's right shoulder; NaN where eyes and mouth
        lie at one place.
    """
    up = landmarks[..., :2, :].mean(axis=-2) - landmarks[..., 3:, :].mean(axis=-2)
    roll: FloatArray = np.degrees(np.arctan2(-up[..., 0], -up[..., 1])).astype(np.float32)
    return np.where(up.any(axis=-1), roll, np.float32(np.nan))


@dataclass(frozen=True, eq=False)
class Timeline:
    """A row for each sampled frame; a frame without the subject's face is a gap: NaN in all its columns but the times.

    Attributes:
        time_s: (n,) float64 seconds.
        emotions: (n, 7) float32 probabilities in the order of `EMOTIONS`; rows sum to 1.
        box: (n, 4) float32 pixels.
        landmarks: (n, 5, 2) float32 pixels: eye, eye, nose, mouth corner, mouth corner, image left to right.
        detection_score: (n,) float32, 0 to 1.
        quality: (n,) float32, 0 to 1, from sharpness, size and pose of the crop.
        end_s: When the picture ends, in seconds; None where that is not known: the last frame then lasts a median step.
    """

    time_s: TimeArray
    emotions: FloatArray
    box: FloatArray
    landmarks: FloatArray
    detection_score: FloatArray
    quality: FloatArray
    end_s: float | None = None

    def __len__(self) -> int:
        """Return the number of sampled frames."""
        return len(self.time_s)

    @property
    def has_face(self) -> npt.NDArray[np.bool_]:
        """(n,) bool: the frames in which the subject's face was found."""
        return ~np.isnan(self.detection_score)

    @property
    def duration_s(self) -> TimeArray:
        """(n,) seconds that each frame stands for: until the next one, the last until the picture ends."""
        return display_durations(self.time_s, self.end_s)

    @property
    def face_s(self) -> float:
        """Seconds in which the subject's face was seen."""
        return float(self.duration_s[self.has_face].sum())

    def turned_share(self, least_deg: float = UPRIGHT_DEG, most_deg: float = 180.0) -> float:
        """Compute the share of the time with the subject's face in which it is turned in the picture, to either side.

        Args:
            least_deg: From where it counts, in degrees from upright.
            most_deg: Up to where.

        Returns:
            0 to 1; 0 without a face.
        """
        with np.errstate(invalid="ignore"):
            roll = np.abs(roll_of_landmarks(self.landmarks))
            turned = (roll > least_deg) & (roll <= most_deg)
        return float(self.duration_s[turned].sum()) / self.face_s if self.face_s > 0 else 0.0

    def coverage(self, recording_s: float) -> float:
        """Compute the share of a recording in which the subject's face was seen.

        Args:
            recording_s: The recording's duration in seconds, the longer of picture and sound.

        Returns:
            0 to 1; 0 for an empty timeline.
        """
        if not len(self):
            return 0.0
        end_s = float(self.time_s[-1] + self.duration_s[-1])
        return min(self.face_s / max(recording_s, end_s), 1.0)

    def to_frame(self, *, rounded: bool = False) -> pd.DataFrame:
        """Return the timeline as a table, a row for each sampled frame.

        Args:
            rounded: Whether the numbers are float64 rounded to the `DECIMALS` that are written to files.

        Returns:
            idx int64, time_s and duration_s float64, then float32 the emotions, x0, y0, x1, y1, detection_score and
            quality, which are NaN in gaps.
        """
        import pandas as pd  # an import of half a second, which only tables need

        return pd.DataFrame(self.columns(rounded=rounded))

    def columns(self, *, rounded: bool = False) -> dict[str, npt.NDArray[Any] | list[float]]:
        """Return the columns of `to_frame` by name.

        Args:
            rounded: As in `to_frame`; rounded columns are lists.
        """
        columns: dict[str, npt.NDArray[Any] | list[float]] = {
            "idx": np.arange(len(self), dtype=np.int64),
            "time_s": self.time_s,
            "duration_s": self.duration_s,
        }
        columns |= dict(zip(EMOTIONS, self.emotions.T, strict=True))
        columns |= dict(zip(BOX_COLUMNS, self.box.T, strict=True))
        columns |= {"detection_score": self.detection_score, "quality": self.quality}
        if rounded:
            for name, decimals in DECIMALS.items():
                columns[name] = [round(float(value), decimals) for value in columns[name]]
        return columns


@dataclass(frozen=True)
class TrackSummary:
    """One face track.

    Attributes:
        track: Its id.
        frames: Sampled frames in which it was seen.
        first_s: When it was first seen, in seconds.
        last_s: When it was last seen.
        mean_area: Mean share of the picture that the face fills, 0 to 1.
        is_subject: Whether it belongs to the subject.
        person: Number of the person whom the program takes it for, from 0, the one who is seen most first; None in
            analyses of an earlier version.
        seen_s: Seconds for which it was in view; None in analyses of an earlier version.
    """

    track: int
    frames: int
    first_s: float
    last_s: float
    mean_area: float
    is_subject: bool
    person: int | None = None
    seen_s: float | None = None


@dataclass(frozen=True, eq=False)
class FaceTable:
    """Faces in sampled frames, a row each in order of time, and small pictures of their tracks.

    Attributes:
        frame: (k,) int32, index of the sampled frame.
        track: (k,) int32, id of the face track.
        box: (k, 4) float32 pixels.
        landmarks: (k, 5, 2) float32 pixels, as in `Timeline`.
        detection_score: (k,) float32, 0 to 1.
        quality: (k,) float32, 0 to 1.
        embeddings: (k, dim) float32.
        pictures: The best face crop of a track as JPEG, by the track's id; not every track has one.
    """

    frame: npt.NDArray[np.int32]
    track: npt.NDArray[np.int32]
    box: FloatArray
    landmarks: FloatArray
    detection_score: FloatArray
    quality: FloatArray
    embeddings: FloatArray
    pictures: Mapping[int, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self.frame)

    def of_tracks(self, tracks: Collection[int]) -> FaceTable:
        """Return the faces of some tracks, with their pictures."""
        theirs = np.isin(self.track, list(tracks))
        rows = slice(None) if theirs.all() else theirs  # all of them are a view: embeddings of hours are large
        return FaceTable(
            frame=self.frame[rows],
            track=self.track[rows],
            box=self.box[rows],
            landmarks=self.landmarks[rows],
            detection_score=self.detection_score[rows],
            quality=self.quality[rows],
            embeddings=self.embeddings[rows],
            pictures={track: picture for track, picture in self.pictures.items() if track in tracks},
        )

    def overlap(self) -> tuple[int, int, int] | None:
        """Find two faces in one frame, which cannot be one person.

        Returns:
            The frame's index and the two tracks' ids; None where no frame has two faces.
        """
        order = np.argsort(self.frame, kind="stable")
        doubles = np.flatnonzero(np.diff(self.frame[order]) == 0)
        if not len(doubles):
            return None
        pair = order[doubles[0] : doubles[0] + 2]
        earlier, later = sorted(int(track) for track in self.track[pair])
        return int(self.frame[pair[0]]), earlier, later


@dataclass(frozen=True)
class Timing:
    """Wall seconds spent in each stage, and where; stages overlap, so their sum is more than the whole.

    Field names are stored.

    Attributes:
        decode: Waiting for decoded frames.
        detect: Finding faces.
        embed: Computing emotions and embeddings of faces.
        heads: Estimating the PHQ total.
        listen: Reading voice and words, and telling who speaks.
        behaviour: Following the face mesh.
        device: What found and embedded the faces: `cpu`, or a graphics card as `cuda:0`; empty in analyses of an
            earlier version.
        precision: What the emotion network computed in: `fp32` or `int8`; empty in analyses of an earlier version.
    """

    decode: float
    detect: float
    embed: float
    heads: float
    listen: float = 0.0
    behaviour: float = 0.0
    device: str = ""
    precision: str = ""


class Step(StrEnum):
    """A step of an analysis, in the order in which they are taken. Each counts in its own unit."""

    FACES = "faces"
    """Decoding and faces: sampled frames."""
    SOUND = "sound"
    """The voice, and who speaks: seconds of sound."""
    BEHAVIOUR = "behaviour"
    """The face mesh: frames."""
    WORDS = "words"
    """The transcript: utterances; or the words that are recognised: seconds of sound."""
    ESTIMATE = "estimate"
    """Emotions and PHQ estimate: 1."""


@dataclass(frozen=True)
class Progress:
    """How far a step of an analysis is.

    Attributes:
        step: The step.
        done: How much of it is done, in the step's unit, from 0.
        total: How much there will be, possibly an estimate; None while that is unknown.
    """

    step: Step
    done: float
    total: float | None


FACE_FRAMES_A_SECOND = 2.0
"""How many of the frames of `Settings.min_face_frames` make a second, whatever the recording was sampled at."""


class SpeakerChoice(StrEnum):
    """How the subject's speaker was found among those who are heard, or why it is not known."""

    TRANSCRIPT = "transcript"
    """The turns are where the transcript has the subject's."""
    MOUTH = "mouth"
    """No transcript names the subject, and the subject's mouth moves with this speaker's speech."""
    HAND = "hand"
    """No transcript names the subject, and a person chose this speaker."""
    CHOICE_LOST = "choice_lost"
    """A person chose a speaker, and nobody's turns are, clearly, where that one spoke."""
    LABELS_DISAGREE = "labels_disagree"
    """No speaker's turns are, clearly, where the transcript has the subject's."""
    NO_MOUTH = "no_mouth"
    """The subject's mouth was not followed. From here on, no transcript names the subject."""
    MOUTH_TOO_SELDOM = "mouth_too_seldom"
    """The mouth was looked at too seldom for lips that speak."""
    MOUTH_TOO_BRIEF = "mouth_too_brief"
    """The mouth was seen for too short a time."""
    TOO_LITTLE_SPEECH = "too_little_speech"
    """No speaker both spoke and was silent for long enough while the mouth was seen."""
    MOUTH_STILL = "mouth_still"
    """The mouth moves with nobody's speech."""
    MOUTH_WITH_TWO = "mouth_with_two"
    """The mouth moves with the speech of two alike."""
    OTHER_FACES = "other_faces"
    """The faces of another were chosen as the subject's, and their mouth was not followed."""


ProgressHook = Callable[[Progress], None]
"""Called as an analysis goes on; it may raise `AnalysisCancelled` to stop it."""


@dataclass(frozen=True, eq=False)
class SessionAnalysis:
    """Everything that one model found in one recording.

    Attributes:
        recording: The recording.
        model_id: The model.
        sampling: Which frames were analysed.
        timeline: The subject's face in each of the n sampled frames.
        embeddings: (m, dim) float32, a row for each frame with a face.
        phq: The estimate, or the reason why there is none.
        tracks: All face tracks.
        warnings: What limits the result.
        timing: Seconds spent in each stage.
        face_kind: What made the embeddings (`Bundle.face_kind`); empty where that was not kept.
        voice: The subject's voice; None without sound.
        behaviour: The subject's facial behaviour, a row a frame at a rate of its own; None where it was not asked for.
        words: The subject's words, given or recognised; None without any that can be used.
        turns: Everybody's turns, a row each (`fer_phq.speakers.files`); None without sound, or where they were not
            asked for. Heads do not read them.
        speaker_choice: How the subject's speaker was found, or why it is not known; None without a turn.
        transcription: The words as a recogniser wrote them; None where it was not asked for, or there is a transcript.
        sidecar_digest: `Sidecar.digest` of the files that accompanied the recording; empty without any.
        faces: Everybody's faces, the subject's included; None where they were not collected (`Settings.all_faces`).
        partner: The partner's facial behaviour, in the frames of the subject's; None where it was not asked for, or
            nobody is the partner. It is never stored.
        partner_warnings: What limits what is said of subject and partner. They are never stored, either.
        face_time_s: (m,) seconds of the frames with a face.

    Raises ValueError where embeddings and frames with a face differ in number, or where `faces` has the subject in
    other frames.
    """

    recording: RecordingInfo
    model_id: str
    sampling: Sampling
    timeline: Timeline
    embeddings: FloatArray
    phq: PhqResult
    tracks: tuple[TrackSummary, ...]
    warnings: tuple[Message, ...]
    timing: Timing
    face_kind: str = ""
    voice: FeatureSeries | None = None
    words: FeatureSeries | None = None
    behaviour: FeatureSeries | None = None
    turns: FeatureSeries | None = None
    speaker_choice: SpeakerChoice | None = None
    transcription: Transcription | None = None
    sidecar_digest: str = ""
    faces: FaceTable | None = None
    partner: FeatureSeries | None = None
    partner_warnings: tuple[Message, ...] = ()
    face_time_s: TimeArray = field(init=False)

    def __post_init__(self) -> None:
        """Take the times of the frames with a face from the timeline."""
        object.__setattr__(self, "face_time_s", self.timeline.time_s[self.timeline.has_face])
        if len(self.embeddings) != len(self.face_time_s):
            raise ValueError(
                f"{len(self.face_time_s)} frames with a face need as many embeddings, got {len(self.embeddings)}."
            )
        if self.faces is not None:
            rows = self.faces.frame[np.isin(self.faces.track, self.subject_tracks)]
            if not np.array_equal(rows, np.flatnonzero(self.timeline.has_face)):
                raise ValueError("The faces of the subject's tracks are not in the frames in which the subject is.")

    @property
    def subject_tracks(self) -> tuple[int, ...]:
        """Ids of the subject's face tracks."""
        return tuple(track.track for track in self.tracks if track.is_subject)

    @property
    def coverage(self) -> float:
        """Time in which the subject's face was seen divided by the recording's duration, 0 to 1."""
        return self.timeline.coverage(self.recording.duration_s)

    @property
    def features(self) -> SessionFeatures:
        """The subject's face, voice, words and facial behaviour over time, which PHQ heads read.

        A behaviour series has a row for each frame: of a face that was never followed it is no modality.
        """
        has_face = self.timeline.has_face
        behaviour = self.behaviour
        return SessionFeatures(
            face=FeatureSeries(
                self.embeddings,
                self.face_time_s,
                self.face_kind,
                duration_s=self.timeline.duration_s[has_face],
                rate_hz=0.0 if self.sampling.key_frames else self.sampling.fps,
            ),
            voice=self.voice,
            words=self.words,
            emotions=self.timeline.emotions[has_face],
            behaviour=None if behaviour is None or np.isnan(behaviour.values).all() else behaviour,
        )

    @property
    def emotion_distribution(self) -> FloatArray | None:
        """(7,) mean of the frame probabilities over the time with a face; None when there is none."""
        has_face = self.timeline.has_face
        if not has_face.any():
            return None
        duration_s = self.timeline.duration_s[has_face]
        weights = duration_s if duration_s.sum() > 0 else None
        mean = np.average(self.timeline.emotions[has_face].astype(np.float64), axis=0, weights=weights)
        return np.asarray(mean, dtype=np.float32)

    @property
    def dominant_emotion(self) -> str | None:
        """The emotion with the highest mean probability, or None without a face."""
        mean = self.emotion_distribution
        return None if mean is None else EMOTIONS[int(mean.argmax())]

    def to_frame(self) -> pd.DataFrame:
        """Return all signals over time as a table: `fer_phq.core.notebook.table.analysis_table`."""
        from fer_phq.core.notebook.table import analysis_table

        return analysis_table(self)

    def plot(self) -> go.Figure:
        """Return a Plotly chart of the signals over time, which a notebook shows."""
        from fer_phq.core.notebook.chart import analysis_chart

        return analysis_chart(self)

    def __repr__(self) -> str:
        """Return two lines: recording, coverage and leading emotions; the estimate and what it is worth."""
        from fer_phq.core.notebook.card import describe_analysis

        return describe_analysis(self)

    def _repr_html_(self) -> str:
        """Return the card that a notebook shows."""
        from fer_phq.core.notebook.card import analysis_card

        return analysis_card(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the analysis without its embeddings as JSON-able values: what `fer-phq analyze --json` prints."""
        info = self.recording
        mean = self.emotion_distribution
        return {
            "recording": {
                "path": info.path,
                "sha256": info.sha256,
                "duration_s": info.duration_s,
                "width": info.width,
                "height": info.height,
                "codec": info.codec,
                "rotation": info.rotation,
                "has_audio": info.has_audio,
            },
            "model_id": self.model_id,
            "sampling": {
                "fps": None if self.sampling.key_frames else self.sampling.fps,
                "key_frames": self.sampling.key_frames,
                "frames_sampled": len(self.timeline),
            },
            "coverage": self.coverage,
            "modalities": [str(modality) for modality in self.features.modalities],
            "emotions": None if mean is None else _by_name(mean),
            "dominant_emotion": self.dominant_emotion,
            "timeline": _rows_to_dicts(self.timeline),
            "phq": phq_to_dict(self.phq),
            "tracks": [vars(track) for track in self.tracks],
            "warnings": [str(warning) for warning in self.warnings],
            "messages": [to_json(warning) for warning in self.warnings],
            "timing": vars(self.timing),
        }


def display_durations(time_s: TimeArray, end_s: float | None) -> TimeArray:
    """Compute how long each sampled frame stands for: until the next one, the last until the picture ends.

    Where the picture's end is not known, or not after the last frame, that lasts a median step; a lone frame lasts a
    second.

    Args:
        time_s: (n,) seconds, not decreasing.
        end_s: When the picture ends, in seconds, where that is known.

    Returns:
        (n,) seconds.
    """
    if not len(time_s):
        return np.zeros(0)
    steps = np.diff(time_s)
    last = 0.0 if end_s is None else end_s - time_s[-1]
    if not last > 0:
        last = np.median(steps) if len(steps) else 1.0
    return np.asarray(np.r_[steps, last], np.float64)


def check_face(analysis: SessionAnalysis, settings: Settings) -> PhqUnavailable | None:
    """Check whether the face was seen enough, and upright, for an estimate.

    Args:
        analysis: The analysis.
        settings: The floors for coverage and frames.

    Returns:
        The reason why the face must not be used, or None.
    """
    coverage = analysis.coverage
    face_s = analysis.timeline.face_s
    fewest_s = settings.min_face_frames / FACE_FRAMES_A_SECOND
    if not len(analysis.embeddings):
        return PhqUnavailable(UnavailableReason.NO_FACE)
    if coverage < settings.coverage_floor:
        detail = texts.COVERAGE_BELOW_FLOOR(coverage=coverage, floor=settings.coverage_floor)
        return PhqUnavailable(UnavailableReason.LOW_COVERAGE, detail)
    if face_s < fewest_s - 1e-6:
        detail = texts.FACE_SELDOM_SEEN(seconds=face_s, minimum=fewest_s)
        return PhqUnavailable(UnavailableReason.TOO_SHORT, detail)
    turned = analysis.timeline.turned_share()
    if turned > LARGEST_TURNED_SHARE:
        return PhqUnavailable(UnavailableReason.OUT_OF_DISTRIBUTION, texts.FACE_TURNED(share=turned))
    return None


def check_behaviour(analysis: SessionAnalysis, settings: Settings) -> Message | None:
    """Check whether head, eyes and mouth were measured in as much of the recording as a face must be seen in.

    Args:
        analysis: The analysis.
        settings: The floor for coverage.

    Returns:
        The reason why the facial behaviour must not be used; None where it may, or where there is none.
    """
    if analysis.behaviour is None:
        return None
    measured_s, recording_s = _measured_s(analysis.behaviour), analysis.recording.duration_s
    if measured_s >= settings.coverage_floor * recording_s:
        return None
    return texts.BEHAVIOUR_BELOW_FLOOR(measured=measured_s / recording_s, floor=settings.coverage_floor)


def usable_features(analysis: SessionAnalysis, settings: Settings) -> SessionFeatures:
    """Return the features that PHQ heads estimate and learn from: without a face that was seen too little.

    The behaviour is that face's, so it goes with it. It goes alone where head, mouth and eyes were measured in less of
    the recording than a face must be seen in, as behind dark glasses.

    Args:
        analysis: The analysis.
        settings: The floors for coverage and frames.
    """
    features = analysis.features
    if check_face(analysis, settings) is not None:
        return replace(features, face=None, emotions=None, behaviour=None)
    return features if check_behaviour(analysis, settings) is None else replace(features, behaviour=None)


def _measured_s(behaviour: FeatureSeries) -> float:
    """Return for how many seconds all but the gaze is measured, which is missing in every blink."""
    if behaviour.duration_s is None:
        return 0.0
    is_measured = np.ones(len(behaviour), bool)
    for i, name in enumerate(behaviour.names):
        if not name.startswith("gaze_"):
            is_measured &= np.isfinite(behaviour.values[:, i])
    return float(behaviour.duration_s[is_measured].sum())


def phq_to_dict(phq: PhqResult) -> dict[str, Any]:
    """Return an estimate with its interval and provenance, or why there is none, as JSON-able values.

    Args:
        phq: The estimate or the reason.

    Returns:
        `score`, `low`, `high`, `level`, `scale`, `band`, `provenance`, `model_id` and `modalities` of an estimate; else
        `unavailable` (the reason), `detail` (the English) and its `code` and `params`, which are empty for a text of a
        time before there were codes.
    """
    if isinstance(phq, PhqEstimate):
        return {
            "score": phq.score,
            "low": phq.low,
            "high": phq.high,
            "level": phq.level,
            "scale": str(phq.scale),
            "band": str(phq.band),
            "provenance": str(phq.provenance),
            "model_id": phq.model_id,
            "modalities": [str(modality) for modality in phq.modalities],
        }
    encoded = to_json(phq.message)
    facts = encoded if isinstance(encoded, dict) else {"code": "", "params": {}}
    return {
        "unavailable": str(phq.reason),
        "detail": str(phq.message),
        "code": facts["code"],
        "params": facts["params"],
    }


def _rows_to_dicts(timeline: Timeline) -> list[dict[str, Any]]:
    """Return the rows of a timeline as a JSON document has them."""
    columns = timeline.columns(rounded=True)
    emotions = zip(*(columns[name] for name in EMOTIONS), strict=True)
    boxes = zip(*(columns[name] for name in BOX_COLUMNS), strict=True)
    rows = zip(
        *(columns[name] for name in ("time_s", "duration_s", "detection_score", "quality")),
        emotions,
        boxes,
        strict=True,
    )
    return [_row_to_dict(*row) for row in rows]


def _row_to_dict(
    time_s: float,
    duration_s: float,
    detection_score: float,
    quality: float,
    emotions: Sequence[float],
    box: Sequence[float],
) -> dict[str, Any]:
    times = {"time_s": time_s, "duration_s": duration_s}
    if math.isnan(detection_score):
        return {**times, "emotions": None, "box": None, "detection_score": None, "quality": None}
    return {
        **times,
        "emotions": dict(zip(EMOTIONS, emotions, strict=True)),
        "box": list(box),
        "detection_score": detection_score,
        "quality": quality,
    }


def _by_name(values: FloatArray) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in zip(EMOTIONS, values, strict=True)}
