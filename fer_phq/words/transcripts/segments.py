"""Reading of the JSON that speech recognisers write: segments with times, text, words and perhaps speakers.

Covers Whisper and faster-whisper (`segments`), WhisperX (a speaker for each segment and word), whisper.cpp
(`transcription`, in milliseconds), pipelines of transformers (`chunks` with a `timestamp`) and a bare list of segments.
A segment's words say when it truly begins and ends; where they have speakers, it is divided between them.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Sequence

from fer_phq.core.messages import Message
from fer_phq.words import messages
from fer_phq.words.transcripts.labels import split_speakers
from fer_phq.words.transcripts.text import is_too_slow, plain_name, plain_text
from fer_phq.words.transcripts.transcript import Row, UnusableTranscript

LISTS = ("segments", "transcription", "speakers", "chunks", "utterances")
"""Names under which a document has its segments; the first of them that is a list of objects counts."""
_BLANK = " \t\n\r"

_Json = object
_Word = tuple[str | None, tuple[float, float] | None, str]
"""Speaker, start and end in seconds where they are known, and text with the space before it."""
_Part = tuple[str | None, float, float, str]
"""Speaker, start and end in seconds, and text with its markup."""


def is_json(text: str) -> bool:
    """Return whether a text begins as a JSON object, or as a list of them."""
    start = text.lstrip()[:64]
    return start.startswith("{") or (start.startswith("[") and start[1:].lstrip().startswith(("{", "]")))


def read_segments(text: str) -> tuple[list[Row], list[Message]]:
    """Read the rows of a recogniser's document.

    Args:
        text: JSON.

    Returns:
        Rows, whose lines are those where their segments begin, and warnings about what was assumed.

    Raises:
        UnusableTranscript: It is no JSON, or has no segments that can be read.
    """
    places, segments = _find_segments(text)
    lines = _line_numbers(text, places)
    parts: list[list[_Part]] = []
    for line, segment in zip(lines, segments, strict=True):
        read = _read_segment(segment)
        if read is None:
            raise UnusableTranscript(messages.SEGMENT_UNREADABLE(line=line))
        parts.append(read)
    if not parts:
        return [], []
    every = [part for entry in parts for part in entry]
    warnings: list[Message] = []
    times = [(start_s, end_s) for _, start_s, end_s, _ in every]
    if all(map(_has_whole_times, segments)) and is_too_slow(times, [part[3] for part in every]):
        parts = [
            [(name, start * 1e-3, end * 1e-3, utterance) for name, start, end, utterance in entry] for entry in parts
        ]
        warnings.append(messages.MILLISECONDS())
    if any(speaker is not None for entry in parts for speaker, *_ in entry):
        return [
            Row(line, start_s, end_s, speaker, plain_text(utterance))
            for line, entry in zip(lines, parts, strict=True)
            for speaker, start_s, end_s, utterance in entry
        ], warnings
    entries, continued = split_speakers([[entry[0][3]] for entry in parts])
    warnings += [messages.SPEAKER_CONTINUED(n=continued)] if continued else []
    return [
        Row(line, entry[0][1], entry[0][2], speaker, plain_text(utterance))
        for line, entry, labelled in zip(lines, parts, entries, strict=True)
        for speaker, utterance in labelled
    ], warnings


def _find_segments(text: str) -> tuple[list[int], list[_Json]]:
    """Return where each segment begins in the text, and the segments."""
    decoder = json.JSONDecoder()
    position = _skip(text, 0)
    try:
        if text[position] == "[":
            places, segments, _ = _read_list(text, position, decoder)
            return places, segments
        lists: dict[str, tuple[list[int], list[_Json]]] = {}
        position = _skip(text, position + 1)
        while text[position : position + 1] not in ("}", ""):
            name, position = decoder.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)  # the colon
            if name in LISTS and text[position : position + 1] == "[":
                places, segments, position = _read_list(text, position, decoder)
                lists[name] = (places, segments)
            else:
                _, position = decoder.raw_decode(text, position)
            position = _skip(text, position)
            position = _skip(text, position + 1) if text[position : position + 1] == "," else position
    except json.JSONDecodeError as error:
        raise UnusableTranscript(messages.NO_JSON(line=error.lineno)) from None
    except (RecursionError, ValueError):  # lists without end, a number of thousands of digits
        raise UnusableTranscript(messages.NO_JSON(line=_line_numbers(text, [position])[0])) from None
    name = next((name for name in LISTS if all(isinstance(item, dict) for item in lists.get(name, ([], [0]))[1])), None)
    if name is None:
        raise UnusableTranscript(messages.NO_SEGMENTS())
    return lists[name]


def _read_list(text: str, position: int, decoder: json.JSONDecoder) -> tuple[list[int], list[_Json], int]:
    """Read a list whose bracket is at a position; returns where its items begin, the items, and where it ends."""
    places: list[int] = []
    items: list[_Json] = []
    position = _skip(text, position + 1)
    while text[position : position + 1] != "]":
        places.append(position)
        item, position = decoder.raw_decode(text, position)
        items.append(item)
        position = _skip(text, position)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
        elif text[position : position + 1] != "]":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, position)
    return places, items, position + 1


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANK:
        position += 1
    return position


def _line_numbers(text: str, places: Sequence[int]) -> list[int]:
    """Return the numbers of the lines, from 1, on which ascending positions lie."""
    numbers: list[int] = []
    number, last = 1, 0
    for offset in places:
        number += text.count("\n", last, offset)
        last = offset
        numbers.append(number)
    return numbers


def _read_segment(segment: _Json) -> list[_Part] | None:
    """Return what is said in a segment, divided where its words' speaker changes; None where it cannot be read."""
    if not isinstance(segment, dict):
        return None
    text = segment.get("text")
    times = _times(segment)
    if not isinstance(text, str) or times is None:
        return None
    start_s, end_s = times
    speaker = _speaker(segment)
    words = list(_words(segment, speaker))
    if not words:
        return [(speaker, start_s, end_s, text)]
    turns = [
        (name, list(turn)) for name, turn in itertools.groupby(_timed(words, start_s, end_s), lambda word: word[0])
    ]
    texts = [text] if len(turns) == 1 else ["".join(word[3] for word in turn) for _, turn in turns]
    return [
        (name, turn[0][1], max(word[2] for word in turn), text) for (name, turn), text in zip(turns, texts, strict=True)
    ]


def _times(entry: dict[str, _Json]) -> tuple[float, float] | None:
    """Return start and end in seconds of a segment or word."""
    offsets, timestamp = entry.get("offsets"), entry.get("timestamp")
    if isinstance(offsets, dict):
        start, end, scale = offsets.get("from"), offsets.get("to"), 1e-3
    elif isinstance(timestamp, list) and len(timestamp) == 2:
        # The end of the last one is null where the sound ends within it.
        start, end, scale = timestamp[0], timestamp[0] if timestamp[1] is None else timestamp[1], 1.0
    else:
        start, end, scale = entry.get("start"), entry.get("end"), 1.0
    if not (_is_number(start) and _is_number(end)):
        return None
    assert isinstance(start, int | float)
    assert isinstance(end, int | float)
    return float(start) * scale, float(end) * scale


def _has_whole_times(segment: _Json) -> bool:
    """Return whether a segment's times are whole numbers of a unit that it does not name."""
    times = [segment.get(name) for name in ("start", "end")] if isinstance(segment, dict) else [None]
    return all(isinstance(time, int) or (isinstance(time, float) and time.is_integer()) for time in times)


def _is_number(value: _Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12 and math.isfinite(value)


def _speaker(entry: dict[str, _Json]) -> str | None:
    speaker = entry.get("speaker")
    return plain_name(str(speaker)) if isinstance(speaker, str | int) and not isinstance(speaker, bool) else None


def _words(segment: dict[str, _Json], speaker: str | None) -> Iterator[_Word]:
    """Yield a segment's words; a word without a speaker of its own is the segment's."""
    words = segment.get("words")
    for word in words if isinstance(words, list) else []:
        text = word.get("word", word.get("text")) if isinstance(word, dict) else None
        if isinstance(text, str) and text.strip():
            yield _speaker(word) or speaker, _times(word), text if text.startswith(" ") else f" {text}"


def _timed(words: Sequence[_Word], start_s: float, end_s: float) -> Iterator[_Part]:
    """Yield words with times: one without, such as a number, lasts from the word before it to the word after it."""
    following_s = end_s
    next_starts = []
    for _, times, _ in reversed(words):
        next_starts.append(following_s)
        following_s = times[0] if times is not None else following_s
    last_s = start_s
    for (speaker, times, text), next_s in zip(words, reversed(next_starts), strict=True):
        first_s, last_s = (last_s, max(last_s, next_s)) if times is None else times
        yield speaker, first_s, last_s, text
