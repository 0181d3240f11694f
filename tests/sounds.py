"""Builders of small sound files: tones, bursts and gaps on a clock that a test can read back."""

from __future__ import annotations

import shutil
import subprocess
import wave
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

RATE = 16_000
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def voiced(f0: float, seconds: float, rate: int = RATE, level: float = 0.1) -> Samples:
    """A tone with harmonics that fall by 1/k up to 4 kHz: a steady pitch as a voice has it. level: its RMS."""
    time = np.arange(round(seconds * rate)) / rate
    wave_ = sum(np.sin(2 * np.pi * f0 * k * time) / k for k in range(1, int(4000 / f0) + 1))
    return _at_level(np.asarray(wave_), level)


_VOWELS = (
    (730, 1090, 2440, 3400),
    (530, 1840, 2480, 3500),
    (270, 2290, 3010, 3600),
    (570, 840, 2410, 3300),
    (300, 870, 2240, 3300),
    (660, 1720, 2410, 3500),
)
_BANDWIDTHS = (80, 100, 140, 200)


def talk(
    f0: float,
    seconds: float,
    *,
    rate: int = RATE,
    level: float = 0.1,
    alternation: float = 0.0,
    breath: float = 0.02,
    spread: float = 2.0,
    pause_every_s: float = 2.0,
    seed: int = 0,
) -> tuple[Samples, Samples]:
    """A made-up voice that says vowels: four syllables a second, fricatives between some, a pause every so often.

    Harmonics of a pitch that moves are weighted by the formants of vowels (Peterson & Barney, 1952), larger for a small
    mouth. f0: the pitch in Hz about which it moves. alternation: by how much every second period is louder, 0 to 1, as
    in rough voices. breath: RMS of noise beside the voice's. spread: SD of the syllables' pitch in semitones.

    Returns the samples and their pitch in Hz, NaN where there is no voice.
    """
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    time = np.arange(count) / rate
    loudness, friction, fall = np.zeros(count), np.zeros(count), np.zeros(count)
    formant_at, formants, accent_at, accents = [0.0], [_VOWELS[0]], [0.0], [0.0]
    start, phrase = 0.0, 0.0
    while seconds - start > 0.15:
        length = min(rng.uniform(0.17, 0.33), seconds - start)
        rest = float(rng.choice([0.02, 0.05, 0.09])) if seconds - start > 0.35 else 0.0
        stop = start + length - rest
        sounding = (time >= start) & (time < stop)
        edge = np.minimum(np.minimum(time - start, stop - time) / 0.03, 1)[sounding]
        loudness[sounding] = (0.5 - 0.5 * np.cos(np.pi * edge)) * rng.uniform(0.6, 1)
        friction[(time >= stop) & (time < start + length)] = rng.uniform(0.1, 0.3) * (rest > 0.03)
        formant_at += [start + 0.04, stop - 0.04]
        formants += 2 * [_VOWELS[rng.integers(len(_VOWELS))]]
        accent_at.append((start + stop) / 2)
        accents.append(rng.normal(0, spread))
        start += length
        if start - phrase > pause_every_s or seconds - start <= 0.15:
            within = (time >= phrase) & (time < start)
            fall[within] = 3 * (0.5 - (time[within] - phrase) / (start - phrase))
            start += rng.uniform(0.4, 0.9)
            phrase = start
    shimmer = np.convolve(np.repeat(rng.normal(0, 0.005, count // 80 + 1), 80)[:count], np.ones(80) / 80, "same")
    pitch = f0 * 2 ** ((np.interp(time, accent_at, accents) + fall) / 12) * (1 + shimmer)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    mouth = float(np.clip((f0 / 110) ** 0.3, 1, 1.35))
    tracks = [np.interp(time, formant_at, track) * mouth for track in zip(*formants, strict=True)]
    voice = np.zeros(count)
    for k in range(1, int(7000 / pitch.min()) + 1):
        gain = (k * pitch < 7200) / k
        for centre, bandwidth in zip(tracks, _BANDWIDTHS, strict=True):
            half = bandwidth * mouth / 2
            poles = ((k * pitch - centre) ** 2 + half**2) * ((k * pitch + centre) ** 2 + half**2)
            gain = gain * (centre**2 + half**2) / np.sqrt(poles)
        voice += gain * np.sin(k * phase)
    voice *= loudness * (1 + alternation * np.cos(phase / 2))
    voiced_ = loudness > 0.1
    voice /= np.sqrt(np.mean(voice[voiced_] ** 2))
    white = rng.normal(size=count)
    voice += breath * white * loudness + 0.7 * friction * np.diff(white, prepend=0)
    voice *= level / np.sqrt(np.mean(voice[voiced_] ** 2))
    return voice.astype(np.float32), np.where(voiced_, pitch, np.nan).astype(np.float32)


def row_pitch(pitch: Samples, rate: int = RATE) -> Samples:
    """The median pitch of each tenth of a second in semitones above 27.5 Hz, NaN where most of it is not voiced."""
    size = rate // 10
    table = pitch[: len(pitch) // size * size].reshape(-1, size)
    table = np.where(np.isfinite(table).mean(axis=1, keepdims=True) > 0.5, table, np.nan)
    is_voiced = np.isfinite(table).any(axis=1)
    medians = np.full(len(table), np.nan, np.float32)
    medians[is_voiced] = 12 * np.log2(np.nanmedian(table[is_voiced], axis=1) / 27.5)
    return medians


def melody(notes: Iterable[float], seconds: float, *, note_s: float = 0.5, level: float = 0.1) -> Samples:
    """An instrument that plays those notes (Hz) in turn, over and over, each dying away. level: its RMS."""
    size = round(note_s * RATE)
    time = np.arange(size) / RATE
    played = []
    for note in notes:
        partials = [np.sin(2 * np.pi * note * k * time + k) / k for k in range(1, int(7000 / note) + 1)]
        played.append(np.sum(partials, axis=0) * np.exp(-2 * time))
    return _at_level(np.asarray(np.resize(np.concatenate(played), round(seconds * RATE))), level)


def sine(frequency: float, seconds: float, rate: int = RATE, amplitude: float = 0.3) -> Samples:
    """A pure tone."""
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(seconds: float, rate: int = RATE, level: float = 0.1, seed: int = 0) -> Samples:
    """White noise. level: its RMS."""
    return _at_level(np.random.default_rng(seed).normal(size=round(seconds * rate)), level)


def silence(seconds: float, rate: int = RATE) -> Samples:
    """Nothing."""
    return np.zeros(round(seconds * rate), np.float32)


def beeps(at: Iterable[float], seconds: float, rate: int = 48_000) -> Samples:
    """A 1 kHz tone of 0.2 s at each of those times."""
    out = silence(seconds, rate)
    for start in at:
        tone = sine(1000, 0.2, rate)
        first = round(start * rate)
        out[first : first + len(tone)] = tone
    return out


def speak(text: str, path: Path, *, speed: int = 150, options: Iterable[str] = ()) -> Samples:
    """What espeak-ng says, 16 kHz, without the silence around it. The program must be installed."""
    command = ["espeak-ng", "-s", str(speed), *options, "-w", str(path), text]
    subprocess.run(command, check=True, capture_output=True)
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        frames = [r for f in [*container.decode(audio=0), None] for r in resampler.resample(f)]
    out = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    loud = np.nonzero(np.abs(out) > 0.01)[0]
    return out[loud[0] : loud[-1] + 1]


def write_wav(path: Path, samples: npt.NDArray[Any], rate: int = RATE, bits: int = 16) -> Path:
    """An 8- or 16-bit WAV of float samples (n,) or (n, channels)."""
    columns = samples[:, None] if samples.ndim == 1 else samples
    with wave.open(str(path), "wb") as out:
        out.setnchannels(columns.shape[1])
        out.setsampwidth(bits // 8)
        out.setframerate(rate)
        scaled = (
            np.round(columns * 32767).astype("<i2") if bits == 16 else np.round(columns * 127 + 128).astype(np.uint8)
        )
        out.writeframes(scaled.tobytes())
    return path


def write_sound(
    path: Path,
    samples: Samples,
    *,
    rate: int = 48_000,
    codec: str = "aac",
    start_s: float = 0.0,
    video_start_s: float | None = None,
    gaps: Iterable[tuple[float, float]] = (),
) -> Path:
    """Encode mono samples; the container follows from the suffix.

    start_s: time of the first sample in the container. video_start_s: add a second of pictures from then on.
    gaps: (start, stop) spans of the sound in seconds of `samples` of which nothing is written; later sound keeps its
    time.
    """
    with av.open(str(path), "w") as out:
        sound: Any = out.add_stream(codec, rate=rate, layout="mono")
        sound.codec_context.time_base = Fraction(1, rate)
        if video_start_s is not None:
            _write_pictures(out, video_start_s)
        packets = [p for frame in _frames(sound, samples, rate, start_s) for p in sound.encode(frame)]
        for packet in [*packets, *sound.encode(None)]:
            at = float(packet.pts * packet.time_base) - start_s
            if not any(first <= at < last for first, last in gaps):
                out.mux(packet)
    return path


def write_tracks(
    path: Path,
    tracks: Sequence[npt.NDArray[Any]],
    *,
    rate: int = RATE,
    codecs: Sequence[str] = ("flac",),
    starts_s: Sequence[float] = (0.0,),
    titles: Sequence[str] = (),
    languages: Sequence[str] = (),
    pictures: bool = False,
) -> Path:
    """Encode several sound tracks, samples (n,) or (n, channels) each; the container follows from the suffix.

    codecs and starts_s: of each track, the last one for all that follow. titles and languages: of the first tracks.
    pictures: add a second of pictures.
    """
    with av.open(str(path), "w") as out:
        if pictures:
            video: Any = _picture_track(out)
        packets: list[Any] = []
        streams = []
        for number, samples in enumerate(tracks):
            columns = samples[:, None] if samples.ndim == 1 else samples
            codec = codecs[min(number, len(codecs) - 1)]
            stream: Any = out.add_stream(codec, rate=rate, layout=LAYOUTS[columns.shape[1]])
            stream.codec_context.time_base = Fraction(1, rate)
            if number < len(titles):
                stream.metadata["title"] = titles[number]
            if number < len(languages):
                stream.metadata["language"] = languages[number]
            streams.append((stream, columns, starts_s[min(number, len(starts_s) - 1)]))
        out.start_encoding()
        for stream, columns, start_s in streams:
            packets += [p for frame in _frames(stream, columns, rate, start_s) for p in stream.encode(frame)]
            packets += stream.encode(None)
        if pictures:
            _encode_pictures(out, video, 0.0)
        for packet in sorted(packets, key=lambda packet: packet.pts * packet.time_base):
            out.mux(packet)
    return path


def has_espeak() -> bool:
    """Whether espeak-ng can be run."""
    return shutil.which("espeak-ng") is not None


def _frames(stream: Any, samples: npt.NDArray[Any], rate: int, start_s: float) -> Iterable[av.AudioFrame]:
    columns = samples[:, None] if samples.ndim == 1 else samples
    layout = LAYOUTS[columns.shape[1]]
    format_ = stream.codec_context.format.name
    size = stream.codec_context.frame_size or 1024
    for first in range(0, len(samples), size):
        packed = np.ascontiguousarray(columns[first : first + size], np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        (converted,) = av.AudioResampler(format=format_, layout=layout, rate=rate).resample(frame)
        converted.pts, converted.time_base = first + round(start_s * rate), Fraction(1, rate)
        yield converted


def _write_pictures(out: Any, start_s: float) -> None:
    _encode_pictures(out, _picture_track(out), start_s)


def _picture_track(out: Any) -> Any:
    video: Any = out.add_stream("mpeg4", rate=10)
    video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
    video.codec_context.time_base = Fraction(1, 1000)
    return video


def _encode_pictures(out: Any, video: Any, start_s: float) -> None:
    for i in range(10):
        picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 * i, np.uint8), "rgb24")
        picture.pts, picture.time_base = round((start_s + i / 10) * 1000), Fraction(1, 1000)
        out.mux(video.encode(picture))
    out.mux(video.encode(None))


def _at_level(samples: npt.NDArray[Any], level: float) -> Samples:
    return (samples / np.sqrt(np.mean(samples**2)) * level).astype(np.float32)
