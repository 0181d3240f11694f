"""Sound of every kind that a recorder writes: mono at 16 kHz on the recording's clock, or one clear sentence."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
import recordings as make
import sounds
from recordings import Recordings

from fer_phq.core.errors import RecordingError
from fer_phq.video import SOUND_RATE, Limits, SoundStream, read_sound

FILES = {
    "wav": (".wav", "pcm_s16le", 48_000),
    "flac": (".flac", "flac", 48_000),
    "mp3": (".mp3", "libmp3lame", 44_100),
    "m4a": (".m4a", "aac", 44_100),
    "opus": (".ogg", "libopus", 48_000),
    "aac in mkv": (".mkv", "aac", 48_000),
    "opus in webm": (".webm", "libopus", 48_000),
    "mp3 in avi": (".avi", "libmp3lame", 48_000),
    "aac in ts": (".ts", "aac", 48_000),
}
BEEPS = (0.5, 1.25, 2.6)


def heard(path: Path, **options: Any) -> tuple[sounds.Samples, SoundStream]:
    with read_sound(path, **options) as stream:
        blocks = list(stream)
    starts = np.cumsum([0, *(len(block.samples) for block in blocks)])[:-1] / SOUND_RATE
    np.testing.assert_allclose([block.time_s for block in blocks], starts)
    return np.concatenate([block.samples for block in blocks]), stream


def onsets(samples: sounds.Samples, threshold: float = 0.1) -> list[float]:
    """When beeps begin, in seconds."""
    loud = np.nonzero(np.abs(samples) > threshold)[0]
    first = np.concatenate([[True], np.diff(loud) > 0.05 * SOUND_RATE]) if len(loud) else []
    return [float(at) for at in loud[first] / SOUND_RATE]


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file_is_heard_on_time(kind: str, tmp_path: Path) -> None:
    suffix, codec, rate = FILES[kind]
    path = sounds.write_sound(tmp_path / f"s{suffix}", sounds.beeps(BEEPS, 3.5, rate), rate=rate, codec=codec)
    samples, stream = heard(path)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(onsets(samples), BEEPS, atol=0.03)
    assert len(samples) / SOUND_RATE == pytest.approx(3.5, abs=0.06)
    assert np.abs(samples).max() == pytest.approx(0.3, abs=0.05)
    assert stream.warnings == []


@pytest.mark.parametrize(
    ("channels", "rate", "bits"), [(8, 48_000, 16), (1, 16_000, 8), (2, 192_000, 16), (32, 8_000, 16)]
)
def test_unusual_samples(channels: int, rate: int, bits: int, tmp_path: Path) -> None:
    columns = np.repeat(sounds.beeps(BEEPS, 3.5, rate)[:, None], channels, axis=1)
    samples, _ = heard(sounds.write_wav(tmp_path / "s.wav", columns, rate, bits))
    np.testing.assert_allclose(onsets(samples), BEEPS, atol=0.002)
    assert len(samples) == pytest.approx(3.5 * SOUND_RATE, abs=2)
    assert np.abs(samples).max() == pytest.approx(0.3, abs=0.02)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = sounds.sine(400, 1, amplitude=0.4), sounds.sine(1500, 1, amplitude=0.2)
    samples, _ = heard(sounds.write_wav(tmp_path / "s.wav", np.stack([left, right], axis=1)))
    np.testing.assert_allclose(samples, (left + right) / 2, atol=0.001)


def test_blocks_follow_each_other(tmp_path: Path) -> None:
    path = sounds.write_wav(tmp_path / "s.wav", sounds.noise(3.1))
    with read_sound(path, block_s=1) as stream:
        assert [len(block.samples) for block in stream] == [16000, 16000, 16000, 1600]
    np.testing.assert_array_equal(heard(path, block_s=0.7)[0], heard(path)[0])


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sound_that_starts_after_the_pictures_has_silence_before_it(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"s{suffix}"
    sounds.write_sound(path, sounds.beeps(BEEPS, 3.5), start_s=3.25, video_start_s=2.0)
    samples, stream = heard(path)
    np.testing.assert_allclose(onsets(samples), np.array(BEEPS) + 1.25, atol=0.03)
    assert not samples[: round(1.2 * SOUND_RATE)].any()
    assert stream.warnings == []


def test_a_start_offset_of_the_whole_recording_is_not_silence(tmp_path: Path) -> None:
    path = sounds.write_sound(tmp_path / "s.mkv", sounds.beeps(BEEPS, 3.5), start_s=5.0, video_start_s=5.0)
    np.testing.assert_allclose(onsets(heard(path)[0]), BEEPS, atol=0.03)


def test_gaps_become_silence(tmp_path: Path) -> None:
    path = sounds.write_sound(tmp_path / "s.mkv", sounds.beeps([0.2, 1.0, 3.0], 3.5), gaps=[(0.6, 2.5)])
    samples, stream = heard(path)
    np.testing.assert_allclose(onsets(samples), [0.2, 3.0], atol=0.03)
    assert not samples[round(0.75 * SOUND_RATE) : round(2.4 * SOUND_RATE)].any()
    assert len(stream.warnings) == 1
    assert "no sound from 0.6 s to 2.5 s" in str(stream.warnings[0])


def test_sound_of_a_video(recordings: Recordings) -> None:
    samples, _ = heard(recordings(audio=True))
    assert len(samples) / SOUND_RATE == pytest.approx(3, abs=0.05)
    assert np.abs(samples).max() == pytest.approx(0.3 / np.sqrt(2), abs=0.03)  # as it was encoded


def empty_wav(folder: Path) -> Path:
    return sounds.write_wav(folder / "no.wav", sounds.silence(0))


def text(folder: Path) -> Path:
    path = folder / "text.mp3"
    path.write_text("This is no sound.\n" * 200)
    return path


def slow(folder: Path) -> Path:
    return sounds.write_wav(folder / "slow.wav", sounds.noise(1), rate=100)


def hollow(folder: Path) -> Path:
    """A FLAC whose frames are all overwritten."""
    return make.corrupt(
        sounds.write_sound(folder / "s.flac", sounds.noise(2), codec="flac"), folder / "h.flac", 0.07, 1
    )


def no_index(folder: Path) -> Path:
    return make.truncate(sounds.write_sound(folder / "s.m4a", sounds.noise(2)), folder / "cut.m4a", 0.6)


BAD: dict[str, tuple[Callable[[Recordings, Path], Path], str]] = {
    "missing": (lambda r, d: d / "no.wav", "There is no file"),
    "folder": (lambda r, d: d, "is a folder"),
    "empty": (lambda r, d: r.empty(), "is empty"),
    "text": (lambda r, d: text(d), "neither a sound nor a video file"),
    "no sound track": (lambda r, d: r(), "has no sound track"),
    "no samples": (lambda r, d: empty_wav(d), "length is zero"),
    "no index": (lambda r, d: no_index(d), "cut short"),
    "nothing decodes": (lambda r, d: hollow(d), "damaged or cut short"),
    "too slow": (lambda r, d: slow(d), "100 samples a second"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_sentence_for_each_bad_input(case: str, recordings: Recordings, tmp_path: Path) -> None:
    build, words = BAD[case]
    path = build(recordings, tmp_path)
    with pytest.raises(RecordingError, match=words) as caught, read_sound(path) as stream:
        list(stream)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert psutil.Process().children() == []


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "opus in webm"])
def test_a_file_that_is_cut_short_gives_its_beginning(kind: str, tmp_path: Path) -> None:
    suffix, codec, rate = FILES[kind]
    whole = sounds.write_sound(tmp_path / f"s{suffix}", sounds.noise(8, rate), rate=rate, codec=codec)
    samples, stream = heard(make.truncate(whole, tmp_path / f"cut{suffix}"))
    assert 3 < len(samples) / SOUND_RATE < 5
    if kind in ("flac", "opus in webm"):  # WAV and MP3 do not tell how long they were
        assert "cut short" in str(stream.warnings[0])


@pytest.mark.parametrize("kind", ["flac", "m4a", "opus"])  # MP3 stores no times
def test_damage_in_the_middle_leaves_the_rest_in_its_place(kind: str, tmp_path: Path) -> None:
    suffix, codec, rate = FILES[kind]
    tone = np.concatenate(
        [sounds.noise(8.5, rate, level=0.02), sounds.sine(1000, 0.5, rate), sounds.noise(1, rate, 0.02)]
    )
    whole = sounds.write_sound(tmp_path / f"s{suffix}", tone, rate=rate, codec=codec)
    samples, _ = heard(make.corrupt(whole, tmp_path / f"d{suffix}", 0.5, 0.55))
    spectrum = np.abs(np.fft.rfft(samples[-24000 : -24000 + 8000] * np.hanning(8000)))
    assert len(samples) / SOUND_RATE == pytest.approx(10, abs=0.3)
    assert spectrum.argmax() == pytest.approx(500, abs=2)


def test_limits_hold_for_sound_too(tmp_path: Path) -> None:
    path = sounds.write_wav(tmp_path / "s.wav", sounds.noise(2))
    with (
        pytest.raises(RecordingError, match=r"memory allowed|broke down"),
        read_sound(path, limits=Limits(memory_bytes=80 << 20)) as stream,
    ):
        list(stream)
    with pytest.raises(ValueError, match="block of sound"):
        read_sound(path, block_s=0)


def test_a_gap_of_a_day_is_counted_not_made(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("aac", rate=16_000, layout="mono")
        for start_s in (0, 23 * 3600):
            for i in range(0, 16_384, 1024):
                frame = av.AudioFrame.from_ndarray(sounds.sine(400, 1.1)[None, i : i + 1024], "fltp", "mono")
                frame.sample_rate, frame.pts, frame.time_base = 16_000, start_s * 16_000 + i, Fraction(1, 16_000)
                out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with read_sound(path, block_s=600, limits=Limits(cpu_seconds=10)) as sound:
        blocks = list(sound)
    assert blocks[-1].time_s + len(blocks[-1].samples) / SOUND_RATE == pytest.approx(23 * 3600 + 1, abs=0.1)
    assert [bool(block.samples.any()) for block in blocks] == [True, *[False] * (len(blocks) - 2), True]
    assert blocks[1].samples.strides == (0,)
