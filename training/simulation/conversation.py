"""Conversations of simulated recordings: an interviewer's questions and a subject's answers, by espeak-ng.

Pauses, pitch, loudness and the rates of words are those that `training.simulation.speech` draws for a subject.
"""

from __future__ import annotations

import io
import subprocess
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from training.simulation import messages
from training.simulation.speech import Speaker

RATE = 22_050
"""Samples a second of espeak-ng's sound."""
SUBJECT = "Participant"
INTERVIEWER = "Interviewer"
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
"""Endings that may follow a phrase; each has one absolutist word."""
PHRASE_WORDS = 7.5
"""Words of a phrase, on average."""
UTTERANCES = (1, 4)
PHRASES = (1, 4)
"""An answer is one to three utterances, an utterance one to three phrases."""
TURN_S = 6.0
"""Least time that must be left for another question."""
LONGEST_PAUSE_S = 3.0
"""Longest pause: without a limit a short recording might hold nothing else."""
BETWEEN_TURNS_S = 0.4
"""Time until the interviewer asks again; simulated severity does not move it."""


@dataclass(frozen=True)
class Cue:
    """Something that is said in a recording.

    Attributes:
        start_s: Start in seconds of the recording.
        end_s: End in seconds of the recording.
        speaker: Name of the speaker.
        text: The words.
    """

    start_s: float
    end_s: float
    speaker: str
    text: str


@dataclass
class Tape:
    """A recording's sound while it is made.

    Attributes:
        sound: (n,) samples from -1 to 1.
        position_s: Second at which the next speaker begins.
    """

    sound: FloatArray
    position_s: float = BETWEEN_TURNS_S

    @property
    def left_s(self) -> float:
        """Remaining time in seconds."""
        return len(self.sound) / RATE - self.position_s

    def record(self, samples: FloatArray) -> tuple[float, float] | None:
        """Add speech at the position.

        Args:
            samples: (n,) samples from -1 to 1.

        Returns:
            Its start and end in seconds; None where it does not fit and is not added.
        """
        first = round(self.position_s * RATE)
        if first + len(samples) > len(self.sound):
            return None
        self.sound[first : first + len(samples)] += samples
        start = first / RATE
        self.position_s = (first + len(samples)) / RATE
        return start, self.position_s


@dataclass(frozen=True, eq=False)
class Conversation:
    """The conversation of a session.

    Attributes:
        cues: What is said, in order.
        sound: (n,) samples from -1 to 1, `RATE` a second.
    """

    cues: tuple[Cue, ...]
    sound: FloatArray


def simulate_conversation(speaker: Speaker, seconds: float, rng: np.random.Generator) -> Conversation:
    """Simulate an interview: questions, and answers until the time is over.

    Args:
        speaker: How the subject speaks.
        seconds: Duration.
        rng: Draws what is said, and the pauses.

    Raises:
        FerPhqError: espeak-ng cannot speak.
    """
    noise = 10 ** (ROOM_DB / 20) * rng.normal(size=round(seconds * RATE))
    tape = Tape(noise.astype(np.float32))
    cues = list[Cue]()
    phrases = generate_phrases(speaker, rng)
    subject = choose_voice(speaker)
    for i in _shuffled(len(QUESTIONS), rng):
        if tape.left_s < TURN_S:
            break
        cues += _utter(tape, INTERVIEWER, INTERVIEWER_VOICE, [QUESTIONS[i]], speaker, rng)
        for _ in range(rng.integers(*UTTERANCES)):
            tape.position_s += _pause(speaker, rng)
            answer = [next(phrases) for _ in range(rng.integers(*PHRASES))]
            cues += _utter(tape, SUBJECT, subject, answer, speaker, rng)
        tape.position_s += BETWEEN_TURNS_S
    return Conversation(tuple(cues), tape.sound)


def _utter(
    tape: Tape, name: str, voice: Voice, phrases: Sequence[str], speaker: Speaker, rng: np.random.Generator
) -> list[Cue]:
    """Add as many of the phrases as fit, with the speaker's pauses between them, and return one cue or none."""
    spans: list[tuple[float, float]] = []
    for phrase in phrases:
        tape.position_s += _pause(speaker, rng) if spans else 0.0
        span = tape.record(synthesize_speech(phrase, voice))
        if span is None:
            break
        spans.append(span)
    return [Cue(spans[0][0], spans[-1][1], name, " ".join(phrases[: len(spans)]))] if spans else []


def generate_phrases(speaker: Speaker, rng: np.random.Generator) -> Iterator[str]:
    """Generate phrases without end, with first-person and absolutist words at the speaker's rates.

    Args:
        speaker: How the subject speaks.
        rng: Draws the phrases.
    """
    for i in _shuffled(len(ANSWERS), rng):
        neutral, personal = ANSWERS[i]
        phrase = personal if rng.random() < speaker.first_person * PHRASE_WORDS / 2 else neutral
        tail = f", {rng.choice(TAILS)}" if rng.random() < speaker.absolutist * PHRASE_WORDS else ""
        yield f"{phrase}{tail}."


def _shuffled(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Generate the numbers below `count` in any order, again and again."""
    while True:
        yield from rng.permutation(count).tolist()


def _pause(speaker: Speaker, rng: np.random.Generator) -> float:
    """Draw a pause in seconds, as `training.simulation.speech` does; it is long enough to count as one."""
    return float(np.clip(rng.gamma(2, speaker.pause_s / 2), 0.3, LONGEST_PAUSE_S))


def write_webvtt(path: Path, cues: Iterable[Cue]) -> None:
    """Write cues as WebVTT with voice tags.

    Args:
        path: The file.
        cues: What is said, in order.
    """
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
PITCH_SETTINGS = (0, 30, 60, 99)
"""espeak-ng's pitch settings at which `Timbre` was measured."""


@dataclass(frozen=True)
class Timbre:
    """A voice of espeak-ng, measured by `fer_phq.voice` at `PITCH_SETTINGS` and its usual range of pitch.

    Attributes:
        name: Its name in the manifest.
        voice: Its name in espeak-ng.
        pitch: Mean at each setting in semitones above 27.5 Hz.
        spread: SD at each setting in semitones; it is proportional to the range of pitch.
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
    """Settings of espeak-ng.

    Attributes:
        name: The voice.
        pitch: 0 to 99.
        spread: Per cent of its usual range of pitch, 0 to 200.
        level_db: Level of the speech (RMS) in dB.
    """

    name: str
    pitch: int
    spread: int
    level_db: float


INTERVIEWER_VOICE = Voice("en-gb", 40, 100, -22.0)
"""The interviewer's voice."""


def choose_timbre(speaker: Speaker) -> Timbre:
    """Choose the lower or the higher of the two voices by a speaker's pitch."""
    return HIGHER if speaker.pitch >= HIGHER_FROM else LOWER


def choose_voice(speaker: Speaker) -> Voice:
    """Choose the settings that come nearest to a speaker. The voices reach from 16 to 44 semitones."""
    timbre = choose_timbre(speaker)
    pitch = float(np.interp(speaker.pitch, timbre.pitch, PITCH_SETTINGS))
    spread = 100 * speaker.pitch_sd / float(np.interp(pitch, PITCH_SETTINGS, timbre.spread))
    return Voice(timbre.voice, round(pitch), round(min(200.0, spread)), speaker.loudness_db - A_WEIGHTED_DB)


def synthesize_speech(text: str, voice: Voice) -> FloatArray:
    """Synthesize a phrase with espeak-ng.

    Args:
        text: The phrase.
        voice: Who speaks, and how.

    Returns:
        (n,) float32 samples from -1 to 1 at the voice's level, without the silence around them.

    Raises:
        FerPhqError: espeak-ng refuses, or gives no sound of `RATE` samples a second.
    """
    ssml = f'<speak><prosody range="{voice.spread}%">{text}</prosody></speak>'
    command = ["espeak-ng", "-m", "-v", voice.name, "-p", str(voice.pitch), "-s", str(WORDS_A_MINUTE), "--stdout"]
    try:
        process = subprocess.run([*command, ssml], check=True, capture_output=True)
        with wave.open(io.BytesIO(process.stdout)) as file:
            rate = file.getframerate()
            content = file.readframes(len(process.stdout))
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        reason: Message | str = lines[0] if lines else messages.EXIT_CODE(code=error.returncode)
        raise FerPhqError(messages.VOICE_REFUSED(voice=voice.name, error=reason)) from None
    except (OSError, EOFError, wave.Error) as error:
        raise FerPhqError(messages.SPEECH_UNREADABLE(error=str(error))) from None
    sound = np.frombuffer(content, "<i2").astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    if rate != RATE or not len(loud):
        raise FerPhqError(messages.SPEECH_EMPTY(rate=RATE, voice=voice.name))
    sound = sound[loud[0] : loud[-1] + 1]
    gain = 10 ** (voice.level_db / 20) / np.sqrt(np.mean(sound**2))
    return np.asarray(sound * gain, dtype=np.float32).clip(-1, 1)
