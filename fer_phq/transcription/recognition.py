"""Recognition of the words of a recording: sound in, segments with times, speakers and doubts out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from fer_phq.core.analysis import AUTOMATIC, SoundChoice
from fer_phq.core.arrays import FloatArray
from fer_phq.core.messages import Message
from fer_phq.core.speech.transcription import Doubt, Segment, Source, Transcription
from fer_phq.speakers import Turn
from fer_phq.transcription import messages
from fer_phq.transcription.guards import find_doubts, is_left_out
from fer_phq.transcription.recognizer import Hypothesis, Recognizer
from fer_phq.transcription.utterances import LONGEST_S, TurnDivider, Utterance, find_utterances
from fer_phq.transcription.weights import load_recognizer
from fer_phq.video import SOUND_RATE, read_sound

BLOCK_S = 10.0
"""Seconds of sound that are held at once, beside the present utterance."""

DOUBTFUL = 0.5
"""Share of the speech with doubts from which a warning says that nothing should be relied upon."""

CLIPPED = 0.001
CLIP_LEVEL = 0.999
"""Share of the samples of speech at the limit, and that limit, from which a warning says so."""

OnSound = Callable[[float, float | None], None]
"""Called with the seconds of sound done and of all sound, None when that is not known."""


def transcribe(
    path: Path | str,
    *,
    recognizer: Recognizer | None = None,
    turns: Iterable[Turn] = (),
    sound: SoundChoice = AUTOMATIC,
    display_name: str | None = None,
    on_progress: OnSound | None = None,
) -> Transcription:
    """Recognise the words of a recording or of a sound file, on this machine.

    Memory does not grow with the recording, but for its words.

    Args:
        path: The recording or sound file.
        recognizer: The model; Moonshine tiny (English) of the extra `speech` when omitted.
        turns: Who speaks when, from `fer_phq.diarize`, so that each segment is one speaker's; none where that is not
            known.
        sound: The track and the channel that are heard, where they are set by hand.
        display_name: What messages call the recording; its path when omitted.
        on_progress: Called as sound is done; it may raise `AnalysisCancelled`.

    Returns:
        Segments, at most a quarter of a minute long, cut at pauses. Words that the model may have invented are marked
        with a doubt, or left out. Single words have no times.

    Raises:
        RecordingError: The file has no usable sound.
        ModelError: The extra `speech` is missing, or a model's file is damaged.
    """
    model = recognizer or load_recognizer()
    name = display_name or str(path)
    with read_sound(path, block_s=BLOCK_S, display_name=name, choice=sound) as stream:

        def blocks() -> Iterator[FloatArray]:
            for block in stream:
                yield block.samples
                if on_progress is not None:
                    on_progress(block.time_s + len(block.samples) / SOUND_RATE, stream.duration_s)

        transcription = transcribe_sound(blocks(), model, turns, name)
        warnings = (*stream.warnings, *transcription.warnings)
    return Transcription(**{**vars(transcription), "warnings": warnings})


def transcribe_sound(
    blocks: Iterable[FloatArray], recognizer: Recognizer, turns: Iterable[Turn] = (), name: str = "the sound"
) -> Transcription:
    """Recognise the words of sound in memory, as `transcribe` does.

    Args:
        blocks: Consecutive blocks of any length: float32 samples, mono, 16 kHz, -1 to 1.
        recognizer: The model.
        turns: Who speaks when; none where that is not known.
        name: What warnings call the sound.
    """
    meter = _Meter()
    divider = TurnDivider(turns)
    longest_s = min(LONGEST_S, recognizer.longest_s)
    segments: list[Segment] = []
    for whole in find_utterances(meter.count(blocks), longest_s):
        for utterance in divider.divide(whole):
            meter.measure(utterance)
            segments += _recognise(utterance, recognizer)
    duration_s = meter.samples / SOUND_RATE
    speech_s = meter.speech / SOUND_RATE
    warnings = _warnings(segments, recognizer, meter, name)
    return Transcription(
        tuple(segments), recognizer.model_id, recognizer.language, duration_s, speech_s, tuple(warnings)
    )


class _Meter:
    """Counts samples: of all sound, of speech, and of speech at the limit."""

    def __init__(self) -> None:
        self.samples = 0
        self.speech = 0
        self.clipped = 0

    def count(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        for block in blocks:
            self.samples += len(block)
            yield block

    def measure(self, utterance: Utterance) -> None:
        self.speech += utterance.stop - utterance.start
        self.clipped += int(np.count_nonzero(np.abs(utterance.samples) >= CLIP_LEVEL))


def _recognise(utterance: Utterance, recognizer: Recognizer) -> list[Segment]:
    """Return the segments of an utterance: one without words where somebody speaks and nothing is recognised."""
    seconds = (utterance.stop - utterance.start) / SOUND_RATE
    origin_s = (utterance.start - utterance.offset) / SOUND_RATE
    start_s, end_s = utterance.start / SOUND_RATE, utterance.stop / SOUND_RATE
    hypotheses = recognizer.recognize(utterance.samples)
    if not hypotheses:
        return [Segment(start_s, end_s, utterance.speaker, "", Source.RECOGNISED, 0.0, (Doubt.UNLIKELY,))]
    segments: list[Segment] = []
    for hypothesis in hypotheses:
        # A hypothesis has the margins' time, too; its words are within the speech.
        first_s = min(max(start_s, origin_s + hypothesis.start_s), end_s)
        last_s = max(first_s, min(end_s, origin_s + hypothesis.end_s))
        segments.append(_segment(hypothesis, utterance, first_s, last_s, (last_s - first_s) or seconds))
    return segments


def _segment(hypothesis: Hypothesis, utterance: Utterance, start_s: float, end_s: float, seconds: float) -> Segment:
    doubts = find_doubts(hypothesis, seconds, utterance.overlap)
    text = "" if is_left_out(hypothesis, doubts) else hypothesis.text
    return Segment(start_s, end_s, utterance.speaker, text, Source.RECOGNISED, round(hypothesis.confidence, 4), doubts)


def _warnings(segments: Sequence[Segment], recognizer: Recognizer, meter: _Meter, name: str) -> list[Message]:
    if not segments:
        return [messages.NO_SPEECH(file=name)]
    warnings: list[Message] = []
    speech_s = sum(segment.end_s - segment.start_s for segment in segments)
    uncertain_s = sum(segment.end_s - segment.start_s for segment in segments if segment.is_uncertain)
    if speech_s > 0 and uncertain_s >= DOUBTFUL * speech_s:
        warnings.append(messages.MOSTLY_UNCERTAIN(share=uncertain_s / speech_s, language=recognizer.language))
    if meter.clipped >= CLIPPED * meter.speech:
        warnings.append(messages.CLIPPED(share=meter.clipped / meter.speech))
    return warnings
