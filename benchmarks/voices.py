"""Pitch and share of speech on voices whose pitch is known, for `bench_truth.py pitch`.

The voices are made up (`tests/sounds.py`), so the contour is known. Where espeak-ng is installed, its voices say a text
as well; their reference is Praat's, recorded below.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import sounds  # type: ignore[import-not-found]  # noqa: E402

from fer_phq.voice import COLUMNS, features_of_sound  # noqa: E402
from fer_phq.voice.speech import find_speech  # noqa: E402

OFF = 3.0
"""Semitones from which a row's pitch is another one."""

HEIGHTS_HZ = (85, 120, 200, 250, 320, 420, 560)
SECONDS = 8.0
MUSIC = {
    "98 Hz": (98.0,),
    "294 Hz": (294.0,),
    "melody": (294.0, 330.0, 370.0, 392.0, 440.0, 392.0, 370.0, 330.0),
}
BABBLE_HZ = (130, 240, 110, 280, 150, 210, 95, 260)
TEXT = (
    "I have not been sleeping well this week, and in the morning it takes me a long time to get up. "
    "My sister called on Sunday and we talked about the summer."
)
ESPEAK = {
    ("en+m3", 20): (17.88, 1.91),
    ("en+m1", 50): (20.86, 1.35),
    ("en+f2", 50): (33.58, 1.46),
    ("en-us+f5", 60): (36.30, 1.11),
    ("en+f3", 85): (40.54, 1.24),
    ("en+f4", 99): (41.72, 0.69),
}
"""Voices and pitches of espeak-ng 1.51; median and SD in semitones above 27.5 Hz by Praat 6.1.38 (parselmouth 0.4.7):
autocorrelation, floor and ceiling from the quartiles of a first pass (De Looze & Hirst, 2008), rows of 0.1 s."""

Samples = npt.NDArray[np.float32]
Float = npt.NDArray[np.float64]


def pitch_tables() -> Iterator[str]:
    """Yield the tables of pitch and of speech above babble."""
    yield "| made-up voices | rows | over 3 semitones off | median | SD | SD of the voice | rows with a pitch |"
    yield "|---|---|---|---|---|---|---|"
    for kind, options in {
        "plain": {},
        "breathy": {"breath": 0.3},
        "wide and fast": {"spread": 5.0},
        "rough (every second period 10 % louder)": {"alternation": 0.1},
    }.items():
        voices = [sounds.talk(hertz, SECONDS, seed=hertz, **options) for hertz in HEIGHTS_HZ]
        yield _row(f"{kind}, {HEIGHTS_HZ[0]} to {HEIGHTS_HZ[-1]} Hz", voices, [voice for voice, _ in voices])
    singers = [sounds.talk(hertz, SECONDS, seed=hertz) for hertz in (98, 200)]
    for name, notes in MUSIC.items():
        for below_db in (10, 5, 0):
            tune = sounds.melody(notes, SECONDS) * 10 ** (-below_db / 20)
            heard = [(voice + tune).astype(np.float32) for voice, _ in singers]
            yield _row(f"98 and 200 Hz, {name} {below_db} dB below", singers, heard)
    hum = sounds.voiced(60, SECONDS) * 10 ** (-12 / 20)
    yield _row("98 and 200 Hz, mains hum 12 dB below", singers, [voice + hum for voice, _ in singers])
    yield ""
    yield from _espeak_table()
    yield ""
    yield "| people who babble | signal to babble | share of speech | of the person alone | of the person's rows |"
    yield "|---|---|---|---|---|"
    person = np.concatenate(
        [part for i in range(4) for part in (sounds.talk(180, 3, seed=10 + i, pause_every_s=9)[0], sounds.silence(1))]
    )
    alone = _speech(person)
    for people in (1, 2, 4, 8):
        talk = _babble(people, len(person))
        for snr_db in (0, 5, 10, 20):
            speech = _speech((person + talk * 0.1 * 10 ** (-snr_db / 20)).astype(np.float32))
            shares = f"{speech.mean():.2f} | {alone.mean():.2f} | {speech[alone].mean():.2f}"
            yield f"| {people} | {snr_db} dB | {shares} |"


def _row(kind: str, voices: list[tuple[Samples, Samples]], heard: list[Samples]) -> str:
    """Compare voices (samples, contour in Hz) with what is measured of them as they are heard."""
    off, medians, spreads, rights, voiced = [], [], [], [], 0
    for (_, contour), sound in zip(voices, heard, strict=True):
        right, f0 = sounds.row_pitch(contour), _f0(sound)
        both = np.isfinite(right) & np.isfinite(f0)
        off += [*(f0 - right)[both]]
        voiced += int(np.isfinite(right).sum())
        if both.any():
            medians.append(np.nanmedian(f0) - np.nanmedian(right))
            spreads.append(np.nanstd(f0))
            rights.append(np.nanstd(right))
    figures = f"{(np.abs(off) > OFF).mean():.1%} | {np.mean(np.abs(medians)):.2f} off | {np.mean(spreads):.2f}"
    return f"| {kind} | {len(off)} | {figures} | {np.mean(rights):.2f} | {len(off) / voiced:.2f} |"


def _espeak_table() -> Iterator[str]:
    if not sounds.has_espeak():
        yield "espeak-ng is not installed: its voices are left out."
        return
    yield "| espeak-ng | median, semitones | Praat's | SD | Praat's |"
    yield "|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        for (voice, height), (median, spread) in ESPEAK.items():
            said = sounds.speak(TEXT, Path(folder) / "said.wav", options=("-v", voice, "-p", str(height)))
            f0 = _f0(said)
            figures = f"{np.nanmedian(f0):.2f} | {median:.2f} | {np.nanstd(f0):.2f} | {spread:.2f}"
            yield f"| {voice} -p {height} | {figures} |"


def _babble(people: int, count: int) -> Float:
    """Return people who talk at once, at an RMS of 1."""
    voices = [sounds.talk(hertz, 7, seed=20 + i)[0] for i, hertz in enumerate(BABBLE_HZ[:people])]
    talk = np.sum([np.roll(np.resize(voice, count), 4001 * i) for i, voice in enumerate(voices)], axis=0)
    return np.asarray(talk / np.sqrt(np.mean(talk**2)))


def _f0(sound: Samples) -> Samples:
    return features_of_sound([sound]).values[:, COLUMNS.index("f0_semitones")]


def _speech(sound: Samples) -> npt.NDArray[np.bool_]:
    return find_speech(features_of_sound([sound]).values[:, COLUMNS.index("speech_probability")].astype(np.float64))
