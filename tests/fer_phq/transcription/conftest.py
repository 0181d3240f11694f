from __future__ import annotations

import io
import subprocess
import wave
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from fer_phq.transcription import Recognizer, load_recognizer

RATE = 16_000
BECKETT = "ever tried ever failed no matter try again fail again fail better"
"""What a person says in the clip that comes with the weights."""


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of the weights, in the package of the extra `speech`."""
    spec = find_spec("moonshine_voice")
    if spec is None:
        pytest.skip("needs the extra 'speech'")
    return Path(spec.submodule_search_locations[0]) / "assets" / "tiny-en"


@pytest.fixture(scope="session")
def recognizer(weights: Path) -> Recognizer:
    return load_recognizer()


@pytest.fixture(scope="session")
def clip(weights: Path) -> Path:
    """Ten seconds of a person who reads six short phrases with pauses."""
    return weights.parent / "beckett.wav"


@pytest.fixture(scope="session")
def phrases(clip: Path) -> np.ndarray:
    """The clip's samples, 16 kHz."""
    with wave.open(io.BytesIO(clip.read_bytes())) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
        assert file.getnchannels() == 1
        return resample_poly(sound, RATE, file.getframerate()).astype(np.float32)


def speak(voice: str, text: str) -> np.ndarray:
    """What espeak-ng says, 16 kHz, after half a second of silence and before one and a half."""
    sound = subprocess.run(["espeak-ng", "-v", voice, "--stdout", text], check=True, capture_output=True).stdout[44:]
    spoken = resample_poly(np.frombuffer(sound, np.int16) / 32768, RATE, 22_050)
    return np.concatenate([np.zeros(RATE // 2), 0.5 * spoken, np.zeros(3 * RATE // 2)]).astype(np.float32)
