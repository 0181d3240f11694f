"""A few simulated subjects as real recordings: `python -m training.cohort_recordings OUT --faces SOURCE`.

So that the whole path, from a video file to an estimate, can be tried where nobody may hand out PHQ-labelled video. OUT
becomes a folder with a video, its sound and a transcript for each subject, and `manifest.csv`, which `training.phq`
takes. Frames show images of the expressions that `training.cohort` draws; espeak-ng speaks an interviewer's questions
and the subject's answers, with pauses, pitch and loudness as `training.cohort_speech` draws them. Severity moves all of
this as those two modules assume: nothing here says anything about any person.

SOURCE holds the faces: a folder with a sub-folder for each of the seven emotions, a .parquet file in FER+'s layout, or
a corpus as CORPUS:PATH, such as ferplus:data/ferplus#valid.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps

from fer_phq.arrays import FloatArray, Image
from fer_phq.emotions import EMOTIONS, canonical_name
from fer_phq.errors import FerPhqError, SettingsError
from fer_phq.faces import FaceDetector, align_crop, appearance
from fer_phq.phq import Scale
from fer_phq.pipeline import CROP_SIDE
from training.cohort import SEVERITY_MAX, SIMULATED, Links, draw_severity, simulate_session
from training.cohort_speech import Speaker, SpeechLinks, draw_speaker
from training.corpora import load_faces, parse_source

SIZE = (320, 240)
"""Width and height of the recordings in pixels."""
FPS = 10
RATE = 22_050
"""Samples a second: what espeak-ng gives."""
SUBJECT, INTERVIEWER = "Participant", "Interviewer"
SECONDS = (10.0, 600.0)
"""Shortest and longest recording: a question and the start of an answer fit into ten seconds, whoever speaks."""
COLUMNS = ("subject_id", "scale", "score", "recording", "transcript", "speaker", "voice", "provenance")
"""The manifest's. voice and provenance are groups: of the two voices the subject's, and that all of it is simulated."""


# Faces

FACE_SIDE = 144
"""Longer side of a face image in a frame: at 96 to 160 pixels the detector finds 99 % of FER+'s images of 48."""
BACKGROUND = (128, 128, 128)
"""Around an image that fills the frame's middle with a hard edge: a soft edge costs 1 to 3 % of the faces."""
CLEAR = 0.6
"""Share of the votes that a corpus' image must have for its expression."""
SURE = 0.6
"""Lowest detector score of an image that is used: above the analysis' 0.5, for the video is compressed."""
TRIES = 24
"""Images of an expression that are looked at: one that fits is taken, and where no face is in any, there is none."""
SWAY = ((7.0, 4.1), (3.0, 6.7))
"""Pixels to each side and seconds there and back, across and down: a picture that never moves looks like a fault."""
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


@dataclass(frozen=True, eq=False)
class Album:
    """Face images by expression.

    source: what it is called. names: of each expression's images, alike for one person's; all empty where nothing tells
    who is who. read: gives the image of an expression (its number in `EMOTIONS`) at a position, uint8 RGB.
    """

    source: str
    names: tuple[tuple[str, ...], ...]
    read: Callable[[int, int], Image]

    def __post_init__(self) -> None:
        missing = [emotion for emotion, names in zip(EMOTIONS, self.names, strict=True) if not names]
        if missing:
            raise FerPhqError(f"{self.source} has no images of {', '.join(missing)}: each of the seven is needed.")


def open_album(source: str) -> Album:
    """The images of a folder or corpus. Raises FerPhqError in one sentence for what is neither."""
    path = Path(source)
    if path.is_dir():
        return _folder_album(path)
    if path.suffix == ".parquet" and path.is_file():
        return _corpus_album(f"ferplus:{source}")
    if ":" not in source:
        raise FerPhqError(f"There are no faces at {source}: name a folder of images by emotion, or CORPUS:PATH.")
    return _corpus_album(source)


def _folder_album(folder: Path) -> Album:
    """Sub-folders with an emotion's name, in any case. Files of one name in several are taken for one person's."""
    files: list[list[Path]] = [[] for _ in EMOTIONS]
    for sub in sorted(folder.iterdir()):
        if sub.is_dir() and canonical_name(sub.name) in EMOTIONS:
            found = sorted(path for path in sub.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
            files[EMOTIONS.index(canonical_name(sub.name))] += found

    def read(emotion: int, position: int) -> Image:
        path = files[emotion][position]
        try:
            with Pillow.open(path) as picture:
                return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
        except (OSError, ValueError, Pillow.DecompressionBombError) as error:
            raise FerPhqError(f"The image {path} cannot be read: {error}.") from None

    return Album(str(folder), tuple(tuple(path.stem.casefold() for path in paths) for paths in files), read)


def _corpus_album(source: str) -> Album:
    """A corpus' images on whose expression most taggers agree; nothing says which are of one person."""
    part = parse_source(source)
    if part.split is None and (Path(part.path) / "train.parquet").is_file():
        part = part.model_copy(update={"split": "train"})
    faces = load_faces(part)
    clear = faces.targets.max(axis=1) >= CLEAR
    pools = [np.flatnonzero(clear & (faces.labels == i)) for i in range(len(EMOTIONS))]

    def read(emotion: int, position: int) -> Image:
        image: Image = faces.crops(pools[emotion][[position]])[0]
        return image

    return Album(source, tuple(("",) * len(pool) for pool in pools), read)


def portrait(image: Image) -> Image:
    """A face image as large as it is shown, enlarged smoothly: uint8 RGB."""
    picture = Pillow.fromarray(image).convert("RGB")
    scale = FACE_SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return np.asarray(picture.resize(size, Pillow.Resampling.LANCZOS))


def frame_of(shown: Image, time_s: float = 0.0) -> Image:
    """A frame with a portrait in its middle, swaying a little: uint8 RGB (height, width, 3) of `SIZE`."""
    frame = Pillow.new("RGB", SIZE, BACKGROUND)
    picture = Pillow.fromarray(shown)
    sway = [round(reach * np.sin(2 * np.pi * time_s / period)) for reach, period in SWAY]
    corner = [(whole - side) // 2 + by for whole, side, by in zip(SIZE, picture.size, sway, strict=True)]
    frame.paste(picture, (corner[0], corner[1]))
    return np.asarray(frame)


def cast(
    album: Album, expressions: npt.NDArray[np.int64], detector: FaceDetector, rng: np.random.Generator
) -> dict[int, Image]:
    """A subject's portrait for each expression that occurs: one person's where names tell, else people who look alike.

    Only images in which our detector finds one face are used. Raises FerPhqError when there is none.
    """
    first, *others = _by_frequency(expressions)
    person = str(rng.choice(album.names[first]))
    seen = {emotion: _audition(album, emotion, person, detector, rng) for emotion in (first, *others)}

    def alike(lead: _Candidate, other: _Candidate) -> tuple[bool, float]:
        return lead.name == other.name, float(lead.looks @ other.looks)

    def nearest(lead: _Candidate, emotion: int) -> _Candidate:
        return max(seen[emotion], key=lambda one: alike(lead, one))

    # Tracking tells people apart by their looks: the one who is least unlike any of the others leads.
    leads = [one for one in seen[first] if one.name == person] or seen[first]
    lead = max(leads, key=lambda one: min([alike(one, nearest(one, emotion)) for emotion in others], default=(True, 1)))
    return {first: lead.portrait} | {emotion: nearest(lead, emotion).portrait for emotion in others}


def _by_frequency(expressions: npt.NDArray[np.int64]) -> list[int]:
    """The expressions that occur, the most frequent first."""
    counts = np.bincount(expressions, minlength=len(EMOTIONS))
    return [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]


@dataclass(frozen=True, eq=False)
class _Candidate:
    """An image as it will be shown; looks: see `fer_phq.faces.appearance`."""

    name: str
    portrait: Image
    looks: FloatArray


def _audition(
    album: Album, emotion: int, person: str, detector: FaceDetector, rng: np.random.Generator
) -> list[_Candidate]:
    """Images of an expression in which one face is found, of `TRIES` that are looked at: the person's before others."""
    names, found = album.names[emotion], []
    order = sorted(rng.permutation(len(names)).tolist(), key=lambda i: names[i] != person)[:TRIES]
    for i in order:
        shown = portrait(album.read(emotion, i))
        frame = frame_of(shown)
        faces = detector.detect([frame])[0]
        if len(faces) == 1 and faces[0].score >= SURE:
            looks = appearance(align_crop(frame, faces[0].landmarks, CROP_SIDE))
            found.append(_Candidate(names[i], shown, looks))
    if not found:
        raise FerPhqError(
            f"No face was found in {len(order)} images of {EMOTIONS[emotion]} from {album.source}: "
            "take images that show one face each, from the front."
        )
    return found


# What is said

QUESTIONS = (
    "How was the week?",
    "What happened then?",
    "And how was the weekend?",
    "What came after that?",
    "How were the evenings?",
    "Is there more to tell?",
)
ANSWERS = (
    ("The walk by the river took about an hour", "I took an hour for my walk by the river"),
    ("Dinner was late because of the train", "I was late for my dinner because of the train"),
    ("The neighbours painted the garden fence", "I helped my neighbours to paint the fence"),
    ("There was plenty of rain on Monday", "I got home through the rain by myself"),
    ("The shop on the corner was closed", "I walked to the shop near my house"),
    ("Work was much the same as before", "My work was what I had expected"),
    ("The book about the sea was rather long", "I read the long book that they gave me"),
    ("The children came over and played outside", "I watched my children while they played outside"),
    ("They talked about the summer for a while", "I'm thinking about my summer for a while"),
    ("The kitchen needed a new lamp", "I put a new lamp in my kitchen"),
    ("Friends called and asked about the trip", "My friends called me about the trip"),
    ("The car made a strange sound again", "I think my car made that sound again"),
    ("Lunch on Sunday was soup with bread", "I made myself some soup with bread"),
    ("The meeting began later than planned", "I've moved my meeting to the afternoon"),
)
"""Phrases about nothing much, each as neutral talk and with two first-person words."""
TAILS = ("as always", "every day", "the whole time", "as ever", "in the entire house", "completely")
"""What may follow a phrase; each has one absolutist word."""
PHRASE_WORDS = 7.5
"""Words of a phrase, on average."""
UTTERANCES, PHRASES = (1, 4), (1, 4)
"""An answer is one to three utterances, an utterance one to three phrases."""
TURN_S = 6.0
"""With less time than this left nobody asks again."""
LONGEST_PAUSE_S = 3.0
"""Pauses are cut there, or a short recording might hold nothing else."""
BETWEEN_TURNS_S = 0.4
"""Until the interviewer asks again: simulated severity does not move it."""


@dataclass(frozen=True)
class Cue:
    """What was said from start_s to end_s of the recording."""

    start_s: float
    end_s: float
    speaker: str
    text: str


@dataclass
class Tape:
    """A recording's sound while it is made: (n,) samples, and the second at which the next one to speak begins."""

    sound: FloatArray
    at: float = BETWEEN_TURNS_S

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return len(self.sound) / RATE - self.at

    def record(self, samples: FloatArray) -> tuple[float, float] | None:
        """Add speech and give its start and end in seconds; None, and nothing added, where it does not fit."""
        first = round(self.at * RATE)
        if first + len(samples) > len(self.sound):
            return None
        self.sound[first : first + len(samples)] += samples
        start, self.at = first / RATE, (first + len(samples)) / RATE
        return start, self.at


@dataclass(frozen=True, eq=False)
class Conversation:
    """A session as it is heard: its cues in order, and samples (n,) from -1 to 1."""

    cues: tuple[Cue, ...]
    sound: FloatArray


def converse(speaker: Speaker, seconds: float, rng: np.random.Generator) -> Conversation:
    """An interview of that length: questions, and answers until the time is over."""
    noise = 10 ** (ROOM_DB / 20) * rng.normal(size=round(seconds * RATE))
    tape, cues = Tape(noise.astype(np.float32)), list[Cue]()
    phrases, subject = phrases_of(speaker, rng), voice_of(speaker)
    for i in _shuffled(len(QUESTIONS), rng):
        if tape.left_s < TURN_S:
            break
        cues += _utter(tape, INTERVIEWER, ASKING, [QUESTIONS[i]], speaker, rng)
        for _ in range(rng.integers(*UTTERANCES)):
            tape.at += _pause(speaker, rng)
            said = [next(phrases) for _ in range(rng.integers(*PHRASES))]
            cues += _utter(tape, SUBJECT, subject, said, speaker, rng)
        tape.at += BETWEEN_TURNS_S
    return Conversation(tuple(cues), tape.sound)


def _utter(
    tape: Tape, who: str, voice: Voice, phrases: Sequence[str], speaker: Speaker, rng: np.random.Generator
) -> list[Cue]:
    """Speak as many of the phrases as fit, with the speaker's pauses between them: one cue, or none."""
    spans: list[tuple[float, float]] = []
    for phrase in phrases:
        tape.at += _pause(speaker, rng) if spans else 0.0
        span = tape.record(say(phrase, voice))
        if span is None:
            break
        spans.append(span)
    return [Cue(spans[0][0], spans[-1][1], who, " ".join(phrases[: len(spans)]))] if spans else []


def phrases_of(speaker: Speaker, rng: np.random.Generator) -> Iterator[str]:
    """Phrases without end, with first-person and absolutist words at the speaker's rates."""
    for i in _shuffled(len(ANSWERS), rng):
        neutral, personal = ANSWERS[i]
        phrase = personal if rng.random() < speaker.first_person * PHRASE_WORDS / 2 else neutral
        tail = f", {rng.choice(TAILS)}" if rng.random() < speaker.absolutist * PHRASE_WORDS else ""
        yield f"{phrase}{tail}."


def _shuffled(count: int, rng: np.random.Generator) -> Iterator[int]:
    """The numbers below `count` in any order, again and again."""
    while True:
        yield from rng.permutation(count).tolist()


def _pause(speaker: Speaker, rng: np.random.Generator) -> float:
    """Seconds, drawn as `training.cohort_speech` draws them: at least what counts as a pause."""
    return float(np.clip(rng.gamma(2, speaker.pause_s / 2), 0.3, LONGEST_PAUSE_S))


def write_webvtt(path: Path, cues: Iterable[Cue]) -> None:
    """Write cues as WebVTT with voice tags."""
    blocks = [f"{_clock(c.start_s)} --> {_clock(c.end_s)}\n<v {c.speaker}>{c.text}\n" for c in cues]
    path.write_text("\n".join(["WEBVTT\n", *blocks]), encoding="utf-8")


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"


# How it sounds

WORDS_A_MINUTE = 165
ROOM_DB = -75.0
"""Level of the noise behind everything."""
A_WEIGHTED_DB = -5.0
"""How far the loudness of espeak-ng's speech (`fer_phq.voice`) lies below its level (RMS)."""
SETTINGS = (0, 30, 60, 99)
"""espeak-ng's pitch settings at which `Timbre` was measured."""


@dataclass(frozen=True)
class Timbre:
    """A voice of espeak-ng, measured by `fer_phq.voice` at `SETTINGS` and its usual range of pitch.

    pitch: mean in semitones above 27.5 Hz. spread: SD in semitones; it follows the range of pitch that is asked for.
    """

    name: str
    voice: str
    pitch: tuple[float, ...]
    spread: tuple[float, ...]


LOWER = Timbre("lower", "en-us+m3", (16.5, 19.9, 24.6, 31.9), (1.9, 2.1, 1.6, 1.0))
HIGHER = Timbre("higher", "en-us+f5", (26.6, 31.3, 36.6, 44.2), (2.5, 1.9, 1.4, 0.9))
HIGHER_FROM = 29.0
"""Pitch from which a subject has the higher voice."""


@dataclass(frozen=True)
class Voice:
    """How espeak-ng is asked to speak. pitch: 0 to 99; spread: per cent of its usual range of pitch, 0 to 200."""

    name: str
    pitch: int
    spread: int
    level_db: float


ASKING = Voice("en-gb", 40, 100, -22.0)
"""The interviewer's."""


def timbre_of(speaker: Speaker) -> Timbre:
    """The lower or the higher of the two voices."""
    return HIGHER if speaker.pitch >= HIGHER_FROM else LOWER


def voice_of(speaker: Speaker) -> Voice:
    """The settings that come nearest to a speaker: a voice's reach ends at 16 and 44 semitones."""
    timbre = timbre_of(speaker)
    pitch = float(np.interp(speaker.pitch, timbre.pitch, SETTINGS))
    spread = 100 * speaker.pitch_sd / float(np.interp(pitch, SETTINGS, timbre.spread))
    return Voice(timbre.voice, round(pitch), round(min(200.0, spread)), speaker.loudness_db - A_WEIGHTED_DB)


def say(text: str, voice: Voice) -> FloatArray:
    """A phrase as espeak-ng speaks it, (n,) samples without the silence around them, at the voice's level.

    Raises FerPhqError where espeak-ng refuses.
    """
    marked = f'<speak><prosody range="{voice.spread}%">{text}</prosody></speak>'
    command = ["espeak-ng", "-m", "-v", voice.name, "-p", str(voice.pitch), "-s", str(WORDS_A_MINUTE), "--stdout"]
    try:
        done = subprocess.run([*command, marked], check=True, capture_output=True)
        with wave.open(io.BytesIO(done.stdout)) as file:
            given, content = file.getframerate(), file.readframes(len(done.stdout))
    except subprocess.CalledProcessError as error:
        told = error.stderr.decode(errors="replace").strip().splitlines() or [f"it ended with {error.returncode}"]
        raise FerPhqError(f"espeak-ng cannot speak with the voice {voice.name}: {told[0]}.") from None
    except (OSError, EOFError, wave.Error) as error:
        raise FerPhqError(f"espeak-ng gave no sound: {error}.") from None
    sound = np.frombuffer(content, "<i2").astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    if given != RATE or not len(loud):
        raise FerPhqError(f"espeak-ng gave no sound of {RATE} samples a second: check its voice {voice.name}.")
    sound = sound[loud[0] : loud[-1] + 1]
    gain = 10 ** (voice.level_db / 20) / np.sqrt(np.mean(sound**2))
    return np.asarray(sound * gain, dtype=np.float32).clip(-1, 1)


# Recordings


@dataclass(frozen=True)
class Film:
    """What is rendered. seconds: of each recording. seed: who the subjects are and what they say."""

    subjects: int = 12
    seconds: float = 30.0
    seed: int = 0
    links: Links = field(default_factory=Links)
    speech: SpeechLinks = field(default_factory=SpeechLinks)

    def __post_init__(self) -> None:
        if self.subjects < 1:
            raise SettingsError(f"{self.subjects} subjects cannot be rendered: ask for one or more.")
        if not SECONDS[0] <= self.seconds <= SECONDS[1]:
            low, high = SECONDS
            raise SettingsError(f"Recordings last from {low:g} to {high:g} s, {self.seconds:g} s was asked for.")
        if self.seed < 0:
            raise SettingsError(f"A seed is 0 or more, {self.seed} was given.")


def render_cohort(out: Path, album: Album, film: Film, tell: Callable[[str], None] = lambda _: None) -> Path:
    """Draw subjects and write their recordings, transcripts and `manifest.csv` into a new folder; the manifest's path.

    The folder appears whole or not at all. tell: is told what happens, a sentence at a time. Raises FerPhqError in one
    sentence, for a folder that holds anything already, too.
    """
    refuse_early(out)
    detector, rows = FaceDetector(), list[tuple[object, ...]]()
    with _whole(out) as folder:
        for number, total in enumerate(draw_severity(film.subjects, np.random.default_rng(film.seed))):
            tell(f"Rendering {number + 1} of {film.subjects}")
            rows.append(_render_subject(folder, number, int(total), album, film, detector))
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
    return out / "manifest.csv"


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A folder that becomes `out` in the end, or vanishes."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            yield part
            part.chmod(0o755)
            os.replace(part, out)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except (OSError, av.FFmpegError) as error:
        raise FerPhqError(f"The recordings cannot be written to {out}: {error.strerror or error}.") from None


def refuse_early(out: Path) -> None:
    """Raise FerPhqError when espeak-ng is not there or `out` is not free."""
    if shutil.which("espeak-ng") is None:
        raise FerPhqError("espeak-ng is not installed, which speaks the simulated sessions: apt-get install espeak-ng.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise FerPhqError(f"{out} is not empty: name a new folder for the recordings.")


def _render_subject(
    folder: Path, number: int, total: int, album: Album, film: Film, detector: FaceDetector
) -> tuple[object, ...]:
    """Write one subject's recording and transcript; the manifest's row."""
    name = f"S{number:05d}"
    rng = np.random.default_rng((film.seed, number + 1))  # one each: what one says depends on nobody else's faces
    person = film.links.person * rng.normal(size=len(EMOTIONS))
    length = round(film.seconds * FPS)
    shown = simulate_session(number, total, person, length, FPS, film.links, rng)
    speaker = draw_speaker(total / SEVERITY_MAX, rng.normal(size=6), film.speech, rng)
    heard = converse(speaker, length / FPS, rng)
    portraits = cast(album, shown.expressions, detector, rng)
    frames = (frame_of(portraits[int(e)], i / FPS) for i, e in enumerate(shown.expressions))
    write_recording(folder / f"{name}.mp4", frames, heard.sound)
    write_webvtt(folder / f"{name}.vtt", heard.cues)
    return (name, Scale.PHQ8, total, f"{name}.mp4", f"{name}.vtt", SUBJECT, timbre_of(speaker).name, SIMULATED)


def write_recording(path: Path, frames: Iterable[Image], sound: FloatArray) -> None:
    """Encode frames of `SIZE`, `FPS` a second, with mono sound at `RATE` as MP4. Raises OSError or av.FFmpegError."""
    codec, options = _video_encoder()
    each = RATE // FPS
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as out:
        video: Any = out.add_stream(codec, rate=FPS, options=options)
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1  # frames would differ with the number of threads
        audio: Any = out.add_stream("aac", rate=RATE, layout="mono")
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            out.mux(video.encode(frame))
            block = av.AudioFrame.from_ndarray(sound[None, i * each : (i + 1) * each], "flt", "mono")
            block.sample_rate, block.pts, block.time_base = RATE, i * each, Fraction(1, RATE)
            out.mux(audio.encode(block))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


def _video_encoder() -> tuple[str, dict[str, str]]:
    """H.264, or MPEG-4, which every build of FFmpeg can write."""
    if "libx264" in av.codecs_available:
        return "libx264", {"preset": "veryfast", "crf": "23"}
    return "mpeg4", {"qscale": "4"}


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.cohort_recordings", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--faces", required=True, help="folder of images by emotion, or CORPUS:PATH")
    parser.add_argument("--subjects", type=int, default=Film.subjects)
    parser.add_argument("--seconds", type=float, default=Film.seconds, help="of each recording")
    parser.add_argument("--seed", type=int, default=Film.seed)
    options = parser.parse_args(argv)

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        film = Film(options.subjects, options.seconds, options.seed)
        refuse_early(options.out)  # before a corpus is read
        print(render_cohort(options.out, open_album(options.faces), film, tell))
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
