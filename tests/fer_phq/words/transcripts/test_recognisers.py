"""What calls, caption services and speech recognisers write: every speaker and every word once, at its time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from fer_phq.core.errors import FerPhqError
from fer_phq.words import Transcript, read_transcript, subject_speaker

QUESTIONS = ("How have you been sleeping lately?", "And your appetite?", "Thank you.")
ANSWERS = ("Not well, I wake up at four.", "I never feel hungry any more.", "It is all right.")
SPOKEN = [text for pair in zip(QUESTIONS, ANSWERS, strict=True) for text in pair]


def write(folder: Path, text: str, name: str = "talk.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def clock(seconds: float, mark: str = ".") -> str:
    return f"00:{int(seconds // 60):02}:{int(seconds % 60):02}{mark}{round(seconds % 1 * 1000):03}"


def webvtt(*texts: str) -> str:
    cues = "".join(f"{i + 1}\n{clock(3 * i)} --> {clock(3 * i + 2.5)}\n{text}\n\n" for i, text in enumerate(texts))
    return f"WEBVTT\n\n{cues}"


def labelled(first: str, second: str) -> list[str]:
    return [f"{(first, second)[i % 2]}{text}" for i, text in enumerate(SPOKEN)]


def words_of(transcript: Transcript) -> list[str]:
    return [u.text for u in transcript.utterances]


LABELS = {
    "telephone": ("+1 (555) 010-0199: ", "+1 (555) 010-0199"),
    "telephone in brackets": ("(555) 010-0199: ", "(555) 010-0199"),
    "digits": ("2041: ", "2041"),
    "hidden digits": ("***0199: ", "***0199"),
    "emoji": ("🌻Jo: ", "🌻Jo"),
    "emoji alone": ("🌻: ", "🌻"),
    "joined emoji": ("👩\u200d🦰 Jo: ", "👩\u200d🦰 Jo"),
    "many words": ("Maria del Carmen de la Cruz: ", "Maria del Carmen de la Cruz"),
    "device": ("iPhone von Anna Lena (Praxis Dr. Ana Meyer): ", "iPhone von Anna Lena (Praxis Dr. Ana Meyer)"),
    "beyond forty letters": (f"{'Anna-Lena ' * 6}Meyer: ", f"{'Anna-Lena ' * 6}Meyer"),
    "pronouns": ("@jo_99 (she/her): ", "@jo_99 (she/her)"),
    "colon within": ("Jo :): ", "Jo :)"),
    "number sign": ("#7: ", "#7"),
    "another script": ("دنيا: ", "دنيا"),
    "arrows": (">> 2041: ", "2041"),
}


@pytest.mark.parametrize("name", LABELS)
def test_a_speaker_is_whoever_is_named_before_the_colon(tmp_path, name):
    prefix, speaker = LABELS[name]
    transcript = read_transcript(write(tmp_path, webvtt(*labelled("Dr. Ana Meyer: ", prefix))))
    assert transcript.speakers == ("Dr. Ana Meyer", speaker)
    assert [u.speaker for u in transcript.utterances] == ["Dr. Ana Meyer", speaker] * 3
    assert words_of(transcript) == SPOKEN
    assert transcript.warnings == ()


@pytest.mark.parametrize(
    ("first", "second", "speakers"),
    [
        ("[SPEAKER_00]: ", "[SPEAKER_01]: ", ("SPEAKER_00", "SPEAKER_01")),
        ("[SPEAKER_00] ", "[SPEAKER_01] ", ("SPEAKER_00", "SPEAKER_01")),
        ("(speaker 0) ", "(speaker 1) ", ("speaker 0", "speaker 1")),
        ("(speaker 0)", "(speaker 1)", ("speaker 0", "speaker 1")),
        ("(Speaker 1): ", "(Speaker 2): ", ("Speaker 1", "Speaker 2")),
        ("<i>[Therapist]:</i> ", "[Client]: ", ("Therapist", "Client")),
    ],
)
@pytest.mark.parametrize("table", [False, True])
def test_recognisers_put_speakers_into_brackets(tmp_path, first, second, speakers, table):
    texts = labelled(first, second)
    rows = "".join(f"{3 * i}.0\t{3 * i + 2.5}\t{text}\n" for i, text in enumerate(texts))
    transcript = read_transcript(write(tmp_path, f"start\tend\ttext\n{rows}" if table else webvtt(*texts)))
    assert transcript.speakers == speakers
    assert words_of(transcript) == SPOKEN


def test_an_undecided_speaker_is_nobody(tmp_path):
    texts = labelled("(speaker 0) ", "(speaker 1) ")
    texts[2] = "(speaker ?) hm"
    transcript = read_transcript(write(tmp_path, webvtt(*texts)))
    assert transcript.speakers == ("speaker 0", "speaker 1")
    assert (transcript.utterances[2].speaker, transcript.utterances[2].text) == (None, "hm")


def test_notes_and_sentences_are_no_speakers(tmp_path):
    notes = read_transcript(write(tmp_path, webvtt("[sighs] no", "[laughs] well", "(so) it goes", "yes", "and no")))
    assert notes.speakers == ()
    texts = labelled("Ana: ", "Jo: ")
    texts[3:4] = [f"[sighs] {texts[3]}", "and what I said then was this: no"]
    spoken = read_transcript(write(tmp_path, webvtt(*texts)))
    assert spoken.speakers == ("Ana", "Jo")
    assert [u.speaker for u in spoken.utterances] == ["Ana", "Jo", "Ana", "Jo", "Jo", "Ana", "Jo"]
    assert spoken.utterances[4].text == "and what I said then was this: no"


LINES = ("i have been feeling quite low", "for the past two weeks or so", "and sleep has not been great")


def rolling(blank: str = " ") -> str:
    """Captions as YouTube gives them out: the line before stays, and each line is shown alone for 10 ms."""
    cues = []
    for i, line in enumerate(LINES):
        start_s = 0.24 + 2.41 * i
        first, *others = line.split()
        timed = first + "".join(f"<{clock(start_s + 0.3 * k)}><c> {word}</c>" for k, word in enumerate(others, 1))
        cues.append(f"{clock(start_s)} --> {clock(start_s + 2.4)} align:start position:0%\n")
        cues.append(f"{LINES[i - 1] if i else blank}\n{timed}\n\n")
        cues.append(f"{clock(start_s + 2.4)} --> {clock(start_s + 2.41)} align:start position:0%\n{line}\n{blank}\n\n")
    return "WEBVTT\nKind: captions\nLanguage: en\n\n" + "".join(cues)


def test_rolling_captions_count_each_word_once(tmp_path):
    transcript = read_transcript(write(tmp_path, rolling()))
    assert words_of(transcript) == list(LINES)
    assert [round(u.start_s, 2) for u in transcript.utterances] == [0.24, 2.65, 5.06]
    assert [round(u.end_s, 2) for u in transcript.utterances] == [2.65, 5.06, 7.47]
    assert [warning.code for warning in transcript.warnings] == ["words.cues_roll"]


def test_rolling_captions_as_srt_and_with_three_lines(tmp_path):
    srt = rolling("").split("\n\n", 1)[1].replace(" align:start position:0%", "").replace("\n\n\n", "\n\n")
    assert words_of(read_transcript(write(tmp_path, srt))) == list(LINES)
    lines = [f"line number {word} of the talk" for word in ("one", "two", "three", "four", "five", "six")]
    shown = ["\n".join(lines[max(0, i - 2) : i + 1]) for i in range(6)]
    times = [f"{clock(2 * i)} --> {clock(2 * i + 2)}" for i in range(6)]
    text = "".join(f"{time}\n{lines_}\n\n" for time, lines_ in zip(times, shown, strict=True))
    assert words_of(read_transcript(write(tmp_path, text))) == lines


def test_a_line_that_grows_counts_each_word_once(tmp_path):
    words = LINES[0].split()
    growing = [" ".join(words[: i + 1]) for i in range(len(words))]
    text = "".join(f"{clock(i)} --> {clock(i + 1)}\n{line}\n\n" for i, line in enumerate(growing))
    (utterance,) = read_transcript(write(tmp_path, text)).utterances
    assert (utterance.start_s, utterance.end_s, utterance.text) == (0, 6, LINES[0])


def test_a_word_that_is_underlined_in_turn_is_no_new_sentence(tmp_path):
    words = LINES[0].split()
    marked = [" ".join(f"<u>{w}</u>" if k == i else w for k, w in enumerate(words)) for i in range(len(words))]
    text = "".join(f"{clock(i)} --> {clock(i + 1)}\n{line}\n\n" for i, line in enumerate(marked))
    (utterance,) = read_transcript(write(tmp_path, text)).utterances
    assert (utterance.start_s, utterance.end_s, utterance.text) == (0, 6, LINES[0])


def test_rolling_takes_linear_time(tmp_path):
    lines = "so it goes\n" * 50_000
    started = time.process_time()
    text = "".join(f"{clock(i)} --> {clock(i + 1)}\n{lines}\n\n" for i in range(4))
    assert len(read_transcript(write(tmp_path, text))) == 4
    assert time.process_time() - started < 8


def test_what_is_said_again_counts_again(tmp_path):
    text = "".join(f"{clock(i)} --> {clock(i + 1)}\n{word}\n\n" for i, word in enumerate(["yes"] * 5 + ["no"] * 3))
    transcript = read_transcript(write(tmp_path, text))
    assert words_of(transcript) == ["yes"] * 5 + ["no"] * 3
    assert transcript.warnings == ()


def test_only_an_empty_line_ends_a_cue_of_webvtt(tmp_path):
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n \nso it is\n\t\nand was\n\nNOTE not this\n"
    assert words_of(read_transcript(write(tmp_path, text))) == ["so it is and was"]


def milliseconds(delimiter: str, heading: tuple[str, str, str] = ("start", "end", "text")) -> str:
    rows = [heading, *((str(3000 * i), str(3000 * i + 2500), f'" {text}"') for i, text in enumerate(SPOKEN))]
    return "".join(delimiter.join(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        (milliseconds("\t"), False),
        (milliseconds(","), False),
        (milliseconds(",", ("start_ms", "end_ms", "text")), True),
        (milliseconds("\t", ("Start (ms)", "End (ms)", "Text")), True),
    ],
)
def test_whisper_counts_milliseconds(tmp_path, text, stated):
    transcript = read_transcript(write(tmp_path, text))
    assert [(u.start_s, u.end_s) for u in transcript.utterances] == [(3 * i, 3 * i + 2.5) for i in range(6)]
    assert words_of(transcript) == SPOKEN
    assert [warning.code for warning in transcript.warnings] == ([] if stated else ["words.milliseconds"])


def test_whole_seconds_stay_seconds(tmp_path):
    rows = "".join(f"{30 * i}\t{30 * i + 20}\t{text}\n" for i, text in enumerate(SPOKEN))
    transcript = read_transcript(write(tmp_path, f"start\tend\ttext\n{rows}"))
    assert transcript.utterances[-1].end_s == 170
    assert transcript.warnings == ()


WORDS = [
    {"word": " Not", "start": 3.2, "end": 3.4, "speaker": "B"},
    {"word": " at"},
    {"word": " 4.", "speaker": "B"},
    {"word": " Oh.", "start": 4.5, "end": 4.8, "speaker": "A"},
]
DOCUMENTS = {
    "whisper": {
        "text": " Hi. Not at 4. Oh.",
        "segments": [
            {"id": 0, "start": 0.0, "end": 2.5, "text": " Hi.", "words": [{"word": " Hi.", "start": 0.5, "end": 0.9}]},
            {
                "id": 1,
                "start": 3.0,
                "end": 5.0,
                "text": " Not at 4. Oh.",
                "words": [{k: v for k, v in w.items() if k != "speaker"} for w in WORDS],
            },
        ],
        "language": "en",
    },
    "whisperx": {
        "segments": [
            {"start": 0.5, "end": 0.9, "text": " Hi.", "speaker": "A", "words": []},
            {"start": 3.0, "end": 5.0, "text": " Not at 4. Oh.", "speaker": "B", "words": WORDS},
        ],
        "word_segments": WORDS,
        "language": "en",
    },
    "whisper.cpp": {
        "result": {"language": "en"},
        "transcription": [
            {
                "timestamps": {"from": "00:00:00,500", "to": "00:00:00,900"},
                "offsets": {"from": 500, "to": 900},
                "text": " Hi.",
            },
            {"offsets": {"from": 3200, "to": 4800}, "text": " Not at 4. Oh.", "speaker": "1"},
        ],
    },
    "chunks": {
        "text": "",
        "chunks": [{"timestamp": [0.5, 0.9], "text": " Hi."}, {"timestamp": [3.2, 4.8], "text": " Not at 4. Oh."}],
    },
    "a last chunk without end": {
        "chunks": [{"timestamp": [0.5, 0.9], "text": " Hi."}, {"timestamp": [3.2, None], "text": " Not at 4. Oh."}]
    },
    "turns beside chunks": {
        "speakers": [
            {"speaker": "A", "timestamp": [0.5, 0.9], "text": " Hi."},
            {"speaker": "B", "timestamp": [3.2, 4.8], "text": " Not at 4. Oh."},
        ],
        "chunks": [{"timestamp": [0.5, 4.8], "text": " Hi. Not at 4. Oh."}],
    },
    "milliseconds": {
        "utterances": [
            {"start": 500, "end": 900, "text": "Hi.", "speaker": "A"},
            {"start": 3200, "end": 4800, "text": "Not at 4. Oh.", "speaker": "B"},
        ]
    },
    "list": [{"start": 0.5, "end": 0.9, "text": "Hi."}, {"start": 3.2, "end": 4.8, "text": "Not at 4. Oh."}],
    "labels": [
        {"start": 0.5, "end": 0.9, "text": "[A]: Hi."},
        {"start": 3.2, "end": 4.8, "text": "[B]: Not at 4. Oh."},
    ],
}
ALL = (3.2, 4.8, "Not at 4. Oh.")
UTTERANCES = {
    "whisper": [(0.5, 0.9, "Hi.", None), (*ALL, None)],
    "whisperx": [(0.5, 0.9, "Hi.", "A"), (3.2, 4.5, "Not at 4.", "B"), (4.5, 4.8, "Oh.", "A")],
    "whisper.cpp": [(0.5, 0.9, "Hi.", None), (*ALL, "1")],
    "chunks": [(0.5, 0.9, "Hi.", None), (*ALL, None)],
    "a last chunk without end": [(0.5, 0.9, "Hi.", None), (3.2, 3.2, ALL[2], None)],
    "turns beside chunks": [(0.5, 0.9, "Hi.", "A"), (*ALL, "B")],
    "milliseconds": [(0.5, 0.9, "Hi.", "A"), (*ALL, "B")],
    "list": [(0.5, 0.9, "Hi.", None), (*ALL, None)],
    "labels": [(0.5, 0.9, "Hi.", "A"), (*ALL, "B")],
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_recognisers_json_is_read_with_the_words_times(tmp_path, name, indent):
    path = write(tmp_path, json.dumps(DOCUMENTS[name], indent=indent), "talk.json")
    read = [(u.start_s, u.end_s, u.text, u.speaker) for u in read_transcript(path).utterances]
    assert read == UTTERANCES[name]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"segments": [\n{"start": 0, "end": 1, "text": "a"},\n{"start": 1}]}', "line 3: a segment needs a start"),
        ('{"segments": [\n{"start": 2, "end": 1, "text": "a"}]}', "line 2: the end lies before the start"),
        ('{"segments": [\n{"start": NaN, "end": 1, "text": "a"}]}', "line 2: a segment needs a start"),
        ('{"segments": [{"start": 0,\n"end": ', "it begins like JSON and is none, from line 2 on"),
        ('{"meeting": "x", "topic": ["y"]}', "JSON without segments"),
        ('{"segments": []}', "no cue with words"),
        ('{"a": ' + "[" * 100_000, "it begins like JSON and is none"),
        ('{"segments": [' + "9" * 10_000 + "]}", "it begins like JSON and is none"),
    ],
)
def test_json_that_is_no_transcript_is_one_sentence(tmp_path, text, reason):
    with pytest.raises(FerPhqError) as raised:
        read_transcript(write(tmp_path, text))
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("mark", [":", ";"])
def test_times_that_count_frames_are_named_with_their_line(tmp_path, mark):
    cues = "".join(f"{i}\n00:00:0{i}{mark}00 --> 00:00:0{i}{mark}12\n{text}\n\n" for i, text in enumerate(SPOKEN))
    with pytest.raises(FerPhqError, match="line 2: its times count frames"):
        read_transcript(write(tmp_path, cues))
    with pytest.raises(FerPhqError, match="line 3: the start counts frames"):
        read_transcript(write(tmp_path, f"start,end,text\n0:01,0:02,a\n00:00:03{mark}05,0:04,b\n"))
    mixed = read_transcript(write(tmp_path, f"7\n00:00:00,000 --> 00:00:01,000\nhello\n\n{cues}"))
    assert words_of(mixed) == ["hello"]
    assert "they count frames" in str(mixed.warnings[0])


def test_cues_whose_times_cannot_be_read_are_not_silence(tmp_path):
    with pytest.raises(FerPhqError, match="line 2: its times cannot be read"):
        read_transcript(write(tmp_path, "1\n00:99:00,000 --> 00:99:01,000\nhello\n"))


@pytest.mark.parametrize("prefix", ["- ", "– ", ">> "])
def test_a_cue_of_two_speakers_is_divided_though_the_second_never_begins_one(tmp_path, prefix):
    cues = [
        f"{prefix}Ana: {question}\n{prefix}Jo: {answer}" for question, answer in zip(QUESTIONS, ANSWERS, strict=True)
    ]
    transcript = read_transcript(write(tmp_path, webvtt(*cues)))
    assert [(u.speaker, u.text) for u in transcript.utterances] == list(zip(["Ana", "Jo"] * 3, SPOKEN, strict=True))


def test_speakers_who_are_named_where_they_begin_to_speak_stay_apart(tmp_path):
    texts = [
        line for text in labelled("Speaker 1: ", "Speaker 2: ") for line in (text, "and so on.", "it is: like that")
    ]
    transcript = read_transcript(write(tmp_path, webvtt(*texts)))
    assert [u.speaker for u in transcript.utterances] == [*["Speaker 1"] * 3, *["Speaker 2"] * 3] * 3
    assert words_of(transcript)[::3] == SPOKEN
    assert [warning.code for warning in transcript.warnings] == ["words.speaker_continued"]
    once = read_transcript(
        write(tmp_path, webvtt("so: yes", "it goes on", "so: no", "and on", "but: no", "it is over"))
    )
    assert once.speakers == ()


@pytest.mark.parametrize("tag", ["<v>", "<v >", "<v.loud>"])
def test_a_voice_without_a_name_is_a_speaker_too(tmp_path, tag):
    transcript = read_transcript(write(tmp_path, webvtt(*labelled("<v Dr. Ana>", tag))))
    assert [u.speaker for u in transcript.utterances] == ["Dr. Ana", "?"] * 3
    assert subject_speaker(transcript)[0] is None


def test_rolling_captions_may_pause_and_correct_the_line_before(tmp_path):
    shown = ["\n".join([*([LINES[i - 1].capitalize() + "."] if i else []), LINES[i]]) for i in range(3)]
    shown += [f"{LINES[2].capitalize()}.\nthat is all"]
    text = "".join(f"{clock(4 * i)} --> {clock(4 * i + 3)}\n{lines}\n\n" for i, lines in enumerate(shown))
    assert words_of(read_transcript(write(tmp_path, text))) == [*LINES, "that is all"]
    again = "".join(
        f"{clock(i)} --> {clock(i + 1)}\n{word}\n\n" for i, word in enumerate(["Yes", "yes", "Yes.", "yes"])
    )
    assert words_of(read_transcript(write(tmp_path, again))) == ["Yes", "yes", "Yes.", "yes"]


@pytest.mark.parametrize("form", ["table", "json"])
def test_milliseconds_may_be_written_with_a_point(tmp_path, form):
    rows = [(3000.0 * i, 3000.0 * i + 2500, text) for i, text in enumerate(SPOKEN)]
    table = "start,end,text\n" + "".join(f'{start},{end},"{text}"\n' for start, end, text in rows)
    segments = [{"start": start, "end": end, "text": text} for start, end, text in rows]
    transcript = read_transcript(write(tmp_path, table if form == "table" else json.dumps(segments)))
    assert transcript.utterances[-1].end_s == 17.5
    assert [warning.code for warning in transcript.warnings] == ["words.milliseconds"]
