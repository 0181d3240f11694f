r"""Turn taking and the subject in view: errors on simulated talks whose turns, and whose mouths, are known.

    python benchmarks/bench_turns.py measures
    python benchmarks/bench_turns.py measures --talks 3 --cache FOLDER
    python benchmarks/bench_turns.py subject

`measures` holds the talks of two of `bench_speech.py errors` and lays those of a condition end to end: a median of the
few events of one short talk says more of luck than of ends that were heard late. `subject` makes up the mouth of each
speaker of a talk, and of somebody who only listens; the turns are the true ones with errors such as diarization makes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from bench_speech import NEAR_S, SECONDS, find_voices, hold_talks

from fer_phq.core.arrays import FloatArray
from fer_phq.speakers import Turn, diarize
from fer_phq.speakers.measures import Measured, measure_turns
from fer_phq.speakers.subject import choose_subject
from training.simulation.talks.conditions import CONDITIONS
from training.simulation.talks.mouth import draw_habits, simulate_mouth
from training.simulation.talks.talk import Talk, simulate_talk
from training.simulation.talks.voices import Voice

CHANNELS = "a channel each"
LEAK = 0.02
"""Part of each voice that the other's microphone hears as well: 34 dB below."""
NOISE = 0.0015
TIMES = ("gap_median_s", "overlap_median_s", "response_median_s", "response_mean_s", "pause_median_s", "turn_median_s")
COUNTS = ("responses", "backchannels")
SHARES = ("silence_share", "overlap_share")

MISSED = 0.02
"""Share of turns that the made-up diarization misses."""
CONFUSED = 0.04
"""Share that it gives to any of the speakers."""
STARTS_LATE_S = (0.01, 0.05)
"""Mean and SD of how late turns begin."""
ENDS_LATE_S = (0.03, 0.07)
"""The same for their ends."""
TALK_LENGTHS_S = (60.0, 90.0, 180.0, 300.0)
SPEAKERS = (1, 2, 2, 2, 3)


def record_channels(talk: Talk, rng: np.random.Generator) -> FloatArray:
    """Return a channel for each speaker, which hears a little of the other and noise: (n, speakers) samples."""
    noise = NOISE * rng.normal(size=talk.tracks.shape)
    return np.clip(talk.tracks + LEAK * talk.tracks[:, ::-1] + noise, -1, 1).astype(np.float32)


def lay_end_to_end(talks: Sequence[Sequence[Turn]]) -> list[Turn]:
    """Return the turns of several talks as if each began where the one before it ended."""
    return [
        Turn(number * SECONDS + turn.start_s, number * SECONDS + turn.end_s, turn.speaker, turn.confidence)
        for number, turns in enumerate(talks)
        for turn in turns
    ]


def measure_table(voices: dict[str, Voice], talks: int) -> Iterator[str]:
    """Yield the table of errors of the measures by condition."""
    ends = "ends late, and within 50 ms"
    yield f"| condition | {ends} | {' | '.join(TIMES)} | {' | '.join((*COUNTS, *SHARES))} |"
    yield "|" + "---|" * (2 + len(TIMES) + len(COUNTS) + len(SHARES))
    for condition in (*CONDITIONS, CHANNELS):
        record = CONDITIONS.get(condition, record_channels)
        truth: list[Sequence[Turn]] = []
        answers: list[Sequence[Turn]] = []
        for talk, rng in hold_talks(voices, 2, talks):
            truth.append(talk.turns)
            answers.append(diarize(record(talk, rng)).turns)
        true = measure_turns(lay_end_to_end(truth), talks * SECONDS).talk
        answer = measure_turns(lay_end_to_end(answers), talks * SECONDS, is_by_part=condition == CHANNELS).talk
        cells = [_late_ends(truth, answers)]
        cells += [_difference(true[name], answer[name]) for name in TIMES]
        cells += [f"{answer[name].value:.0f} of {true[name].value:.0f}" for name in COUNTS]
        cells += [f"{answer[name].value:.1%} for {true[name].value:.1%}" for name in SHARES]
        yield f"| {condition} | {' | '.join(cells)} |"


def _late_ends(truth: Sequence[Sequence[Turn]], answers: Sequence[Sequence[Turn]]) -> str:
    """Return the median of how late turns end, and the share of those that end within 50 ms."""
    late = [
        min((turn.end_s - true.end_s for true in true_turns), key=abs)
        for true_turns, turns in zip(truth, answers, strict=True)
        for turn in turns
    ]
    return f"{1000 * np.median(late):.0f} ms, {np.mean(np.abs(late) <= NEAR_S):.0%}"


def _difference(true: Measured, answer: Measured) -> str:
    """Return how much a measure is off, in ms; a dash where either is missing."""
    if true.value is None or answer.value is None:
        return "–"
    return f"{1000 * (answer.value - true.value):+.0f} ms"


def spoil_turns(turns: Sequence[Turn], speakers: int, rng: np.random.Generator) -> list[Turn]:
    """Return turns as diarization might hear them: some missed or given to somebody else, edges off."""
    spoiled: list[Turn] = []
    for turn in turns:
        fate = rng.random()
        is_confused = MISSED <= fate < MISSED + CONFUSED
        speaker = int(rng.integers(1, speakers + 1)) if is_confused else turn.speaker
        start_s = max(0.0, turn.start_s + rng.normal(*STARTS_LATE_S))
        end_s = turn.end_s + rng.normal(*ENDS_LATE_S)
        if fate >= MISSED and end_s > start_s:
            spoiled.append(Turn(start_s, end_s, speaker, 1.0))
    return spoiled


def subject_table(voices: dict[str, Voice], talks: int, seed: int) -> Iterator[str]:
    """Yield the table of how often the subject is chosen."""
    outcomes: dict[str, Counter[str]] = {}
    for number in range(talks):
        rng = np.random.default_rng((seed, number))
        speakers = int(rng.choice(SPEAKERS))
        seconds = float(rng.choice(TALK_LENGTHS_S))
        names = rng.choice(sorted(voices), speakers, replace=False)
        talk = simulate_talk([voices[str(name)] for name in names], seconds, rng)
        turns = spoil_turns(talk.turns, speakers, rng)
        for person in (*range(speakers), None):
            habits = draw_habits(rng)
            choice = choose_subject(turns, simulate_mouth(talk, person, habits, rng), seconds)
            truth = None if person is None else person + 1
            outcome = "abstained" if choice.speaker is None else "right" if choice.speaker == truth else "wrong"
            role = "listens only" if person is None else "speaks"
            length = f"{seconds:.0f} s" if person is not None else "any length"
            chews = "chews at times" if habits.chewing_share else "does not chew"
            for kind in (f"{role}, {speakers} in the talk", f"{role}, {length}", f"{role}, {chews}", f"{role}, all"):
                outcomes.setdefault(kind, Counter())[outcome] += 1
    yield "| the subject in view | mouths | right | wrong | abstained |"
    yield "|---|---|---|---|---|"
    for kind in sorted(outcomes):
        counts = outcomes[kind]
        shares = " | ".join(f"{counts[name] / counts.total():.1%}" for name in ("right", "wrong", "abstained"))
        yield f"| {kind} | {counts.total()} | {shares} |"


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description="Measure turn taking and the choice of the subject.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, talks in (("measures", 6), ("subject", 120)):
        command = commands.add_parser(name)
        command.add_argument("--talks", type=int, default=talks, help="of each condition, or in all")
        command.add_argument("--cache", type=Path, help="a folder that keeps what voices say")
        command.add_argument("--seed", type=int, default=21, help="of the mouths")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        voices = find_voices(options.cache or Path(folder))
        print(f"{options.talks} talks by {', '.join(sorted(voices))}")
        if options.command == "measures":
            table = measure_table(voices, options.talks)
        else:
            table = subject_table(voices, options.talks, options.seed)
        for line in table:
            print(line, flush=True)


if __name__ == "__main__":
    main()
