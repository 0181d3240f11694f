"""How right recognised words are, how well the doubts tell wrong ones, and what recognition costs.

    python benchmarks/bench_recognition.py words      # word error rate by voice and condition
    python benchmarks/bench_recognition.py words --voices espeak-ng
    python benchmarks/bench_recognition.py doubts     # lone answers, whispers, other languages, sounds without words
    python benchmarks/bench_recognition.py cost       # processor seconds and memory, of each length

The texts are `spoken_texts.py`'s, so every word is known; none of them was used to set the bars of
`fer_phq.transcription.guards`. A word error rate counts wrong, missing and additional words against those of the text.
"Unmarked" words are those of segments without doubts: what a reader would rely upon.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from memory import peak_mb

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import sounds  # type: ignore[import-not-found]  # noqa: E402
import spoken_texts as texts  # noqa: E402
from spoken_texts import RATE, Samples, Voice  # noqa: E402

from fer_phq.transcription import Transcription, load_recognizer, transcribe_sound  # noqa: E402
from fer_phq.transcription.guards import split_words  # noqa: E402

CONDITIONS: dict[str, Callable[[Samples], Samples]] = {
    "clean": lambda sound: sound,
    "noise 20 dB": lambda sound: texts.add_noise(sound, 20),
    "noise 10 dB": lambda sound: texts.add_noise(sound, 10),
    "noise 5 dB": lambda sound: texts.add_noise(sound, 5),
    "telephone": texts.over_telephone,
    "room": texts.in_room,
}
BLOCK = 10 * RATE


def main() -> None:
    """Parse the options and print the tables."""
    parser = argparse.ArgumentParser(description="Measure the recognition of words.")
    parser.add_argument("what", choices=("words", "doubts", "cost"))
    parser.add_argument("--voices", nargs="+", choices=list(texts.list_voices()), help="of words; all by default")
    parser.add_argument("--minutes", type=int, nargs="+", default=[3, 20])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(measure_cost(options.one))
        return
    names = options.voices or list(texts.list_voices())
    tables = {"words": lambda: word_table(names), "doubts": doubt_table, "cost": lambda: cost_table(options.minutes)}
    for line in tables[options.what]():
        print(line, flush=True)


def word_table(names: Sequence[str]) -> Iterator[str]:
    """Yield the table of word error rates of voices."""
    yield "| voice | condition | words | word error rate | words marked | unmarked words that are wrong |"
    yield "|---|---|---|---|---|---|"
    for name in names:
        voice = texts.list_voices()[name]
        reference, sound = talk(voice)
        for condition, change in CONDITIONS.items():
            transcription = recognise(change(sound))
            hypothesis = marked_words(transcription)
            wrong, errors = count_errors(reference, hypothesis)
            marked = sum(is_marked for _, is_marked in hypothesis)
            unmarked = len(hypothesis) - marked
            yield (
                f"| {name} | {condition} | {len(reference)} | {errors / len(reference):.1%} | "
                f"{marked / max(1, len(hypothesis)):.0%} | {wrong} of {unmarked} ({wrong / max(1, unmarked):.1%}) |"
            )


def talk(voice: Voice) -> tuple[list[str], Samples]:
    """Return the words of a talk with sentences, answers and pauses, and its sound."""
    rng = np.random.default_rng(1)
    spoken = [*texts.SENTENCES]
    for answer in texts.ANSWERS[:5]:
        spoken.insert(int(rng.integers(len(spoken))), answer)
    pauses = rng.choice([0.3, 0.5, 0.8, 1.2, 2.0], len(spoken))
    sound = texts.join([voice(text) for text in spoken], pauses.tolist())
    return [word for text in spoken for word in split_words(text)], sound


def recognise(sound: Samples) -> Transcription:
    """Recognise the words of a sound."""
    return transcribe_sound((sound[i : i + BLOCK] for i in range(0, len(sound), BLOCK)), load_recognizer())


def marked_words(transcription: Transcription) -> list[tuple[str, bool]]:
    """Return the words, and whether each is marked as uncertain."""
    return [(word, bool(s.doubts)) for s in transcription.segments for word in split_words(s.text)]


def count_errors(reference: Sequence[str], hypothesis: Sequence[tuple[str, bool]]) -> tuple[int, int]:
    """Return how many unmarked words are wrong or additional, and the least number of errors in all."""
    n, m = len(reference), len(hypothesis)
    cost = np.zeros((n + 1, m + 1), int)
    cost[:, 0] = np.arange(n + 1)
    cost[0] = np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            replaced = cost[i - 1, j - 1] + (reference[i - 1] != hypothesis[j - 1][0])
            cost[i, j] = min(replaced, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    i, j, wrong = n, m, 0
    while j:
        is_wrong = i == 0 or reference[i - 1] != hypothesis[j - 1][0]
        if i and cost[i, j] == cost[i - 1, j - 1] + is_wrong:
            i, j = i - 1, j - 1
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            continue
        else:
            is_wrong = True
            j -= 1
        wrong += is_wrong and not hypothesis[j][1]
    return wrong, int(cost[n, m])


def doubt_table() -> Iterator[str]:
    """Yield the table of sounds of which words are easily invented."""
    yield "| sound | sounds | taken for speech | words left out | words marked | words unmarked | of them wrong |"
    yield "|---|---|---|---|---|---|---|"
    voices = texts.list_voices()
    yield doubt_row("lone answers", [(text, voice(text)) for voice in voices.values() for text in texts.ANSWERS])
    whisper = [(text, texts.speak_espeak("en-us+whisper", text)) for text in texts.SENTENCES]
    yield doubt_row("whispered sentences", whisper)
    yield doubt_row("other languages", [("", texts.speak_espeak(*entry)) for entry in texts.LANGUAGES.items()])
    for kind, entries in wordless().items():
        yield doubt_row(kind, [("", sound) for sound in entries])


def wordless() -> dict[str, list[Samples]]:
    """Return sounds without words, by kind."""
    rng = np.random.default_rng(5)
    seconds = (0.5, 1.0, 2.0, 4.0, 8.0)
    noises = [rng.normal(0, 1, round(s * RATE)).astype(np.float32) for s in seconds]
    tunes = ((294.0, 330.0, 370.0, 392.0), (98.0,), (440.0, 392.0, 330.0))
    return {
        "breaths": [0.03 * noise * np.sin(np.linspace(0, np.pi, len(noise), dtype=np.float32)) for noise in noises],
        "noise": [0.05 * noise for noise in noises],
        "music": [(0.3 * sounds.melody(tune, s)).astype(np.float32) for tune in tunes for s in seconds],
        "made-up voices without words": [sounds.talk(hertz, 8.0, seed=hertz)[0] for hertz in (85, 120, 200, 320)],
        "silence": [np.zeros(round(s * RATE), np.float32) for s in seconds],
    }


def doubt_row(kind: str, entries: Sequence[tuple[str, Samples]]) -> str:
    """Return the row of a kind of sounds."""
    speech = left_out = marked = unmarked = wrong = 0
    for text, sound in entries:
        transcription = recognise(texts.join([sound], [1.5]))
        words = marked_words(transcription)
        speech += bool(transcription.segments)
        left_out += sum(not segment.text for segment in transcription.segments)
        marked += sum(is_marked for _, is_marked in words)
        unmarked += sum(not is_marked for _, is_marked in words)
        wrong += count_errors(split_words(text), words)[0]
    return f"| {kind} | {len(entries)} | {speech} | {left_out} | {marked} | {unmarked} | {wrong} |"


def cost_table(minutes: Sequence[int]) -> Iterator[str]:
    """Yield the table of costs, each in a new process."""
    yield "| sound | processor seconds | seconds of sound a processor second | peak memory, MB |"
    yield "|---|---|---|---|"
    for count in minutes:
        command = [sys.executable, __file__, "cost", "--one", str(count)]
        yield subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def measure_cost(minutes: int) -> str:
    """Recognise so many minutes of talk, repeated, and return the row."""
    voices = texts.list_voices()
    _, sound = talk(next(voices[name] for name in ("flite rms", "espeak-ng") if name in voices))
    recognizer = load_recognizer()
    count = minutes * 60 * RATE

    def blocks() -> Iterator[Samples]:
        for start in range(0, count, BLOCK):
            yield np.take(sound, np.arange(start, min(start + BLOCK, count)), mode="wrap")

    usage = resource.getrusage(resource.RUSAGE_SELF)
    begin = usage.ru_utime + usage.ru_stime
    transcribe_sound(blocks(), recognizer)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = usage.ru_utime + usage.ru_stime - begin
    return f"| {minutes} min | {spent:.0f} | {minutes * 60 / spent:.0f} | {peak_mb(os.getpid()):.0f} |"


if __name__ == "__main__":
    main()
