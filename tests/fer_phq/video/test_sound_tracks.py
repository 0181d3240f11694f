"""Sound on several channels and tracks: everybody is heard at the level of the nearest microphone, and it is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sounds

from fer_phq.core.analysis import SoundChoice, SoundTrackInfo
from fer_phq.core.errors import RecordingError
from fer_phq.video import SOUND_RATE, list_sound_tracks, probe, read_sound

LEVEL_DB = -20.0
"""Level of every voice below: an RMS of 0.1."""


def heard(path: Path, *, block_s: float = 30.0, **choice: int) -> tuple[sounds.Samples, list[str]]:
    with read_sound(path, block_s=block_s, choice=SoundChoice(**choice)) as stream:
        samples = np.concatenate([block.samples for block in stream])
    return samples, [str(warning) for warning in stream.warnings]


def level_db(samples: sounds.Samples, start_s: float, stop_s: float) -> float:
    part = samples[round(start_s * SOUND_RATE) : round(stop_s * SOUND_RATE)]
    return float(10 * np.log10(np.mean(np.square(part, dtype=np.float64)) + 1e-12))


def turns(*spans: tuple[float, float], f0: float, total_s: float = 8.0) -> sounds.Samples:
    """A voice that is there in these spans (start, end) of seconds, in faint noise of its own."""
    out = sounds.noise(total_s, level=1e-4, seed=round(f0))
    for start_s, stop_s in spans:
        first = round(start_s * SOUND_RATE)
        voice = sounds.voiced(f0, stop_s - start_s)
        out[first : first + len(voice)] += voice
    return out


THERAPIST = turns((0, 3), (5, 6), f0=110)
CLIENT = turns((3, 5), (6, 8), f0=210)


def pitch_hz(samples: sounds.Samples, start_s: float, stop_s: float) -> float:
    part = samples[round(start_s * SOUND_RATE) : round(stop_s * SOUND_RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    return float(spectrum.argmax() * SOUND_RATE / len(part))


def test_two_microphones_are_both_heard_at_their_level(tmp_path: Path) -> None:
    path = sounds.write_tracks(tmp_path / "s.mkv", [THERAPIST, CLIENT], titles=["therapist", "client"])
    samples, warnings = heard(path)
    assert pitch_hz(samples, 0.5, 2.5) == pytest.approx(110, abs=1)
    assert pitch_hz(samples, 3.5, 4.5) == pytest.approx(210, abs=1)
    for start_s, stop_s in ((0.2, 2.8), (3.2, 4.8), (5.2, 5.8), (6.2, 7.8)):
        assert level_db(samples, start_s, stop_s) == pytest.approx(LEVEL_DB, abs=0.5)
    assert len(warnings) == 1
    assert "2 sound tracks" in warnings[0]
    assert "1 (therapist), 2 (client)" in warnings[0]
    np.testing.assert_array_equal(heard(path, block_s=0.7)[0], samples)


def test_a_track_is_chosen_by_hand(tmp_path: Path) -> None:
    path = sounds.write_tracks(tmp_path / "s.mkv", [THERAPIST, CLIENT])
    samples, warnings = heard(path, track=2)
    assert warnings == []
    assert level_db(samples, 0.2, 2.8) == pytest.approx(-80, abs=2)
    assert level_db(samples, 3.2, 4.8) == pytest.approx(LEVEL_DB, abs=0.5)


def test_a_track_that_starts_late_is_heard_on_the_recordings_clock(tmp_path: Path) -> None:
    late = turns((1, 2), f0=210, total_s=3)
    path = sounds.write_tracks(tmp_path / "s.mkv", [turns((0, 3), f0=110), late], starts_s=[0.0, 4.0])
    samples, _ = heard(path)
    assert len(samples) / SOUND_RATE == pytest.approx(8, abs=0.05)
    assert level_db(samples, 3.2, 4.9) < -70
    assert level_db(samples, 5.1, 5.9) == pytest.approx(LEVEL_DB, abs=0.5)
    assert pitch_hz(samples, 5.1, 5.9) == pytest.approx(210, abs=2)


REST_OF_COPIES = ((1.0, 0.045), (0.3, 0.0), (2.0, 0.0), (2.0, 0.045))


@pytest.mark.parametrize(
    ("gain", "delay_s"),
    [(1.0, 0.0), (0.3, 0.045), *(pytest.param(*pair, marks=pytest.mark.slow) for pair in REST_OF_COPIES)],
)
def test_a_copy_is_not_heard_twice(gain: float, delay_s: float, tmp_path: Path) -> None:
    talk = (THERAPIST + CLIENT) / 2
    copy = np.concatenate([sounds.silence(delay_s), gain * talk])[: len(talk)]
    tracks = [np.repeat(sound, 3) for sound in (talk, copy)]
    path = sounds.write_tracks(tmp_path / "s.mkv", tracks, codecs=["aac", "ac3"], rate=48_000)
    samples, warnings = heard(path)
    (default,) = [track.number for track in list_sound_tracks(path) if track.is_default]
    alone, _ = heard(path, track=default)
    np.testing.assert_array_equal(samples, alone)
    assert f"only this is heard: {default}" in warnings[0]


def test_a_mixture_with_its_parts_is_heard_once(tmp_path: Path) -> None:
    """As streaming programs write them: all sound, then each source on its own."""
    path = sounds.write_tracks(tmp_path / "s.mkv", [THERAPIST + CLIENT, THERAPIST, CLIENT])
    samples, warnings = heard(path)
    assert level_db(samples, 0.2, 2.8) == pytest.approx(LEVEL_DB, abs=0.5)
    assert level_db(samples, 3.2, 4.8) == pytest.approx(LEVEL_DB, abs=0.5)
    assert "3 sound tracks" in warnings[0]


def test_another_language_is_not_mixed_in(tmp_path: Path) -> None:
    path = sounds.write_tracks(tmp_path / "s.mkv", [THERAPIST, CLIENT], languages=["eng", "ger"])
    samples, warnings = heard(path)
    assert level_db(samples, 3.2, 4.8) < -70
    assert "only this is heard: 1 (eng)" in warnings[0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_silent_track_is_left_out(order: tuple[int, int], tmp_path: Path) -> None:
    tracks = [THERAPIST, sounds.silence(8)]
    path = sounds.write_tracks(tmp_path / "s.mkv", [tracks[i] for i in order])
    samples, warnings = heard(path)
    assert level_db(samples, 0.2, 2.8) == pytest.approx(LEVEL_DB, abs=0.5)
    assert f"only this is heard: {order.index(0) + 1}" in warnings[0]


def stereo(left: sounds.Samples, right: sounds.Samples, path: Path) -> Path:
    return sounds.write_wav(path, np.stack([left, right], axis=1))


def test_opposite_phases_do_not_cancel_each_other_out(tmp_path: Path) -> None:
    samples, warnings = heard(stereo(THERAPIST, -THERAPIST, tmp_path / "s.wav"))
    assert level_db(samples, 0.2, 2.8) == pytest.approx(LEVEL_DB, abs=0.2)
    assert warnings == [
        "The channels of the sound are in opposite phase and would cancel each other out: "
        "the left channel alone is heard."
    ]


def test_opposite_phase_in_a_part_of_the_recording(tmp_path: Path) -> None:
    talk = THERAPIST + CLIENT
    right = np.where(np.arange(len(talk)) < 6 * SOUND_RATE, talk, -talk)
    samples, warnings = heard(stereo(talk, right, tmp_path / "s.wav"))
    for start_s in range(8):
        assert level_db(samples, start_s + 0.1, start_s + 0.9) == pytest.approx(LEVEL_DB, abs=0.5)
    assert len(warnings) == 1


@pytest.mark.parametrize(("side", "name"), [(0, "left"), (1, "right")])
@pytest.mark.parametrize("rest", [0.0, 0.002])
def test_one_channel_keeps_its_level(rest: float, side: int, name: str, tmp_path: Path) -> None:
    """The other channel is silent, or has the noise of an open plug and some hum."""
    hum = sounds.sine(50, 8, amplitude=0.05) if rest else 0
    channels = [sounds.noise(8, level=rest) + hum if rest else sounds.silence(8)] * 2
    channels[side] = THERAPIST
    samples, warnings = heard(stereo(channels[0], channels[1], tmp_path / "s.wav"))
    assert level_db(samples, 0.2, 2.8) == pytest.approx(LEVEL_DB, abs=0.2)
    assert warnings == [
        f"Of the sound's 2 channels, the {name} channel alone is heard: the others are fainter or hold the same."
    ]


def test_a_person_on_one_channel_of_a_conversation_keeps_the_level(tmp_path: Path) -> None:
    samples, _ = heard(stereo(THERAPIST + CLIENT, THERAPIST, tmp_path / "s.wav"))
    assert level_db(samples, 0.2, 2.8) == pytest.approx(LEVEL_DB, abs=0.2)
    assert level_db(samples, 3.2, 4.8) == pytest.approx(LEVEL_DB, abs=0.2)


@pytest.mark.slow
def test_one_person_a_channel_keeps_both_levels(tmp_path: Path) -> None:
    path = stereo(THERAPIST + 0.1 * CLIENT, CLIENT + 0.1 * THERAPIST, tmp_path / "s.wav")
    samples, warnings = heard(path)
    assert level_db(samples, 0.2, 2.8) == pytest.approx(LEVEL_DB, abs=1)
    assert level_db(samples, 3.2, 4.8) == pytest.approx(LEVEL_DB, abs=1)
    assert "The channels 1, 2 of the sound hold different voices" in warnings[0]
    right, warnings = heard(path, channel=2)
    assert level_db(right, 0.2, 2.8) == pytest.approx(LEVEL_DB - 20, abs=0.5)
    assert warnings == []
    np.testing.assert_array_equal(heard(path, block_s=0.3)[0], samples)


@pytest.mark.parametrize("kind", ["equal", "panned", "apart", "silent"])
def test_ordinary_stereo_stays_the_mean(kind: str, tmp_path: Path) -> None:
    talk = (THERAPIST + CLIENT) * 0.5
    room = [sounds.noise(8, level=0.05, seed=seed) for seed in (1, 2)]
    left, right = {
        "equal": (talk, talk),
        "panned": (talk, 0.4 * talk),
        "apart": (talk + room[0], np.roll(talk, 12) + room[1]),
        "silent": (sounds.silence(8), sounds.silence(8)),
    }[kind]
    samples, warnings = heard(stereo(left, right, tmp_path / "s.wav"))
    np.testing.assert_allclose(samples, (left + right) / 2, atol=0.001)
    assert warnings == []


def test_surround_keeps_the_level_of_the_centre(tmp_path: Path) -> None:
    """Voices are on the centre of 5.1; today's mean of six channels would take 15.6 dB off."""
    room = [sounds.noise(8, level=0.003, seed=seed) for seed in range(6)]
    columns = np.stack(room, axis=1)
    columns[:, 2] += THERAPIST + CLIENT
    samples, warnings = heard(sounds.write_tracks(tmp_path / "s.mkv", [columns]))
    assert level_db(samples, 0.2, 2.8) == pytest.approx(LEVEL_DB, abs=0.2)
    assert "6 channels, channel 3 alone" in warnings[0]


def test_two_tracks_of_which_one_has_opposite_phases(tmp_path: Path) -> None:
    path = sounds.write_tracks(tmp_path / "s.mkv", [np.stack([THERAPIST, -THERAPIST], axis=1), CLIENT])
    samples, warnings = heard(path)
    assert level_db(samples, 0.2, 2.8) == pytest.approx(LEVEL_DB, abs=0.2)
    assert level_db(samples, 3.2, 4.8) == pytest.approx(LEVEL_DB, abs=0.2)
    assert [warning.split(":")[0] for warning in warnings[1:]] == ["Sound track 1"]


def test_a_gap_of_one_track_is_none_of_the_recording(tmp_path: Path) -> None:
    path = sounds.write_tracks(tmp_path / "s.mkv", [THERAPIST, CLIENT[: 4 * SOUND_RATE]])
    _, warnings = heard(path)
    assert len(warnings) == 1


def test_tracks_are_listed(tmp_path: Path) -> None:
    both = np.stack([CLIENT, CLIENT], axis=1)
    path = sounds.write_tracks(
        tmp_path / "s.mkv", [THERAPIST, both], titles=["therapist", "client\n2"], languages=["eng"], pictures=True
    )
    tracks = probe(path).sound_tracks
    assert tracks == (
        SoundTrackInfo(1, 1, "therapist", "eng", is_default=True),
        SoundTrackInfo(2, 2, "client2"),
    )
    assert list_sound_tracks(path) == tracks
    assert probe(path).has_audio


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"track": 3}, "There is no sound track 3; the recording's sound tracks are: 1, 2."),
        ({"channel": 1}, "Choose the track as well."),
        ({"track": 1, "channel": 2}, "There is no channel 2 in sound track 1, which has 1 channel."),
    ],
)
def test_a_choice_that_the_recording_does_not_have(choice: dict[str, int], words: str, tmp_path: Path) -> None:
    path = sounds.write_tracks(tmp_path / "s.mkv", [THERAPIST, CLIENT])
    with pytest.raises(RecordingError, match=words):
        heard(path, **choice)


@pytest.mark.slow
def test_who_says_little_is_heard_as_well(tmp_path: Path) -> None:
    """One answer of two seconds in five minutes, on a track or a channel of its own."""
    therapist = np.tile(sounds.voiced(110, 10), 30)
    client = turns((203, 205), f0=210, total_s=300)
    therapist[202 * SOUND_RATE : 206 * SOUND_RATE] = 0
    for path in (
        sounds.write_tracks(tmp_path / "s.mkv", [therapist, client]),
        stereo(therapist, client, tmp_path / "s.wav"),
    ):
        samples, _ = heard(path)
        assert level_db(samples, 203.1, 204.9) == pytest.approx(LEVEL_DB, abs=0.3)
        assert level_db(samples, 100, 110) == pytest.approx(LEVEL_DB, abs=0.3)


@pytest.mark.slow
def test_opposite_phases_in_the_middle_of_a_long_recording(tmp_path: Path) -> None:
    talk = np.tile(sounds.voiced(110, 10), 30)
    right = np.where((np.arange(len(talk)) // SOUND_RATE) // 100 == 1, -talk, talk)
    samples, _ = heard(stereo(talk, right, tmp_path / "s.wav"))
    assert level_db(samples, 125, 175) == pytest.approx(LEVEL_DB, abs=0.2)


def test_a_voice_beside_a_louder_track_of_music_is_heard(tmp_path: Path) -> None:
    music = sounds.sine(440, 8, amplitude=0.2)  # 3 dB louder than the voice, from start to end
    samples, warnings = heard(sounds.write_tracks(tmp_path / "s.mkv", [CLIENT, music]))
    assert pitch_hz(samples, 3.5, 4.5) == pytest.approx(440, abs=1)
    assert level_db(samples, 3.2, 4.8) > level_db(samples, 0.2, 2.8) + 1
    assert "heard together: 1, 2" in warnings[0]
