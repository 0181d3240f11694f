"""From the voices of windows to the turns of speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.speakers.segmentation import FRAMES, VOICES, frame_times
from fer_phq.speakers.turn import PAUSE_S, Turn

LEAST_TURN_S = 0.1
"""Seconds from which speech is a turn."""
SPEAKS = 0.5
"""Mean probability of the windows from which a speaker speaks."""
LIKENESS_WEIGHT = 1.4
"""How much the likeness of voices counts beside the windows' probability: above 1, it can outvote all of them."""

SWITCH_S = 0.6
"""Seconds up to which a change of speaker is moved into a silence beside it, and up to which that lasts: whose voice it
is like is known of 1.6 s at once. Chosen on talks of voices other than the benchmarks'."""

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Activity:
    """Who speaks in the frames of a recording.

    Attributes:
        speaks: (frames, speakers) bool.
        sureness: (frames, speakers) float32: how sure it is that each speaks there, 0 to 1.
    """

    speaks: Bools
    sureness: Floats


def join_windows(
    active: npt.NDArray[np.uint8],
    first_frames: Sequence[int],
    speaker_of: npt.NDArray[np.int64],
    frames: int,
) -> Floats:
    """Average what the windows say of each speaker: (frames, speakers) float32, how likely each speaks.

    Args:
        active: (windows, 589, 3): how likely each of its voices speaks, 0 to 255.
        first_frames: Number of each window's first frame.
        speaker_of: (windows, 3) the speaker of each voice, from 0; -1 for one without a speaker.
        frames: Number of frames.
    """
    speakers = int(speaker_of.max(initial=-1)) + 1
    score = np.zeros((frames, speakers), np.float32)
    windows = np.zeros(frames, np.float32)
    for number, (values, first) in enumerate(zip(active, first_frames, strict=True)):
        part = slice(first, min(first + FRAMES, frames))
        probability = np.zeros((FRAMES, speakers), np.float32)
        for voice in range(VOICES):
            speaker = speaker_of[number, voice]
            if speaker >= 0:
                value = values[:, voice].astype(np.float32) / 255
                probability[:, speaker] = np.maximum(probability[:, speaker], value)
        score[part] += probability[: part.stop - first]
        windows[part] += 1
    score /= np.maximum(windows, 1)[:, None]
    return score


def decide_activity(score: Floats, likeness: Floats, is_speech: Bools) -> Activity:
    """Decide who speaks in each frame.

    Where the windows hear several speakers, these speak. Where they hear one, who it is is weighed against whose voice
    the sound there is like: ten seconds of alike voices are easily taken for one person's.

    Args:
        score: (frames, speakers) how likely each speaks, from `join_windows`.
        likeness: (frames, speakers) how likely the sound there is each speaker's voice; the sum over speakers is 1.
        is_speech: (frames,) whether anybody speaks.
    """
    speakers = score.shape[1]
    speaks = score > SPEAKS
    sureness = score.copy()
    alone = np.flatnonzero(speaks.sum(axis=1) <= 1)
    if speakers > 1 and len(alone):
        somebody = score[alone].sum(axis=1)
        best = (score[alone] + LIKENESS_WEIGHT * (likeness[alone] - 1 / speakers)).argmax(axis=1)
        speaks[alone] = False
        speaks[alone, best] = somebody > SPEAKS
        share = score[alone, best] / np.maximum(somebody, 1e-6)
        sureness[alone, best] = np.minimum(1, somebody) * (share + likeness[alone, best]) / 2
    return Activity(speaks & is_speech[:, None], np.clip(sureness, 0, 1))


def find_turns(activity: Activity, end_s: float, times: npt.NDArray[np.float64] | None = None) -> tuple[Turn, ...]:
    """Find the turns of all speakers, who are counted from 1 as they first speak.

    Args:
        activity: Who speaks in each frame.
        end_s: When the sound ends, in seconds.
        times: (frames + 1,) when frames begin and the last one ends; those of the segmentation when omitted.
    """
    times = np.minimum(frame_times(len(activity.speaks)) if times is None else times, end_s)
    spans: list[tuple[float, float, int, float]] = []
    for speaker in range(activity.speaks.shape[1]):
        for first, last in _runs(activity.speaks[:, speaker], times):
            confidence = float(activity.sureness[first:last, speaker][activity.speaks[first:last, speaker]].mean())
            spans.append((float(times[first]), float(times[last]), speaker, confidence))
    order: dict[int, int] = {}
    for _, _, speaker, _ in sorted(spans):
        order.setdefault(speaker, len(order) + 1)
    return tuple(sorted(Turn(start, end, order[speaker], sure) for start, end, speaker, sure in spans))


def move_switches(speaks: Bools, times: npt.NDArray[np.float64]) -> Bools:
    """Move changes of speaker into the silence that they lie beside.

    Of a silence inside one speaker's speech, shortly before or after which another speaks without a break, the short
    piece between silence and change was taken for the wrong speaker's. It becomes the speaker's whose longer speech it
    joins.

    Args:
        speaks: (frames, speakers) who speaks.
        times: (frames + 1,) when frames begin and the last one ends, in seconds.
    """
    moved = speaks.copy()
    changes = np.flatnonzero((speaks[1:] != speaks[:-1]).any(axis=1)) + 1
    bounds = np.r_[0, changes, len(speaks)]
    states = [frozenset(np.flatnonzero(speaks[first]).tolist()) for first in bounds[:-1]]
    lengths_s = np.diff(times[bounds])
    for i in range(1, len(states) - 1):
        for silence, joined in ((i - 1, i + 1), (i + 1, i - 1)):
            beyond = 2 * silence - i  # on the other side of the silence
            is_between = not states[silence] and len(states[joined]) == 1 and 0 <= beyond < len(states)
            if not is_between or len(states[i]) != 1 or states[beyond] != states[i] or lengths_s[silence] >= SWITCH_S:
                continue
            if lengths_s[i] <= SWITCH_S and lengths_s[joined] > lengths_s[i]:
                moved[bounds[i] : bounds[i + 1]] = speaks[bounds[joined]]
    return moved


def _runs(speaks: Bools, times: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return (first frame, frame after the last) of the turns of one speaker."""
    changes = np.flatnonzero(np.diff(speaks.astype(np.int8), prepend=0, append=0))
    runs: list[tuple[int, int]] = []
    for first, last in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
        if runs and times[first] - times[runs[-1][1]] < PAUSE_S:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return [(first, last) for first, last in runs if times[last] - times[first] >= LEAST_TURN_S]
