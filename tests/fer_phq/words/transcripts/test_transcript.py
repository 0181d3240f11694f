"""Transcripts: every usual file is read by what it holds, and what cannot be used is told in one sentence."""

from __future__ import annotations

import codecs
import time
from pathlib import Path

import numpy as np
import pytest

from fer_phq.core.errors import FerPhqError
from fer_phq.words import Transcript, Utterance, intervals, read_transcript, subject_speaker
from fer_phq.words.transcripts.reading import MAX_BYTES

TALK = (
    (0.5, 2.0, "Ellie", "how are you doing today"),
    (2.75, 4.5, "Participant", "i'm good, thank you"),
    (5.25, 9.125, "Participant", "never better & that's all"),
)

VTT = """WEBVTT - a talk
Kind: captions

STYLE
::cue { color: red }

NOTE
this is left out

first
00:00.500 --> 00:02.000 align:start position:10%
<v Ellie>how are <i>you</i> doing today</v>

00:00:02.750 --> 00:00:04.500
<v.loud Participant>i'm good,
thank <c.yellow>you</c>

NOTE so is this

00:00:05.250 --> 00:00:09.125 line:0
<v Participant>never <00:00:06.000>better &amp; that's all</v>
"""

SRT = """1
00:00:00,500 --> 00:00:02,000
Ellie: how are you doing today

2
00:00:02,750 --> 00:00:04,500 X1:40 X2:600 Y1:20 Y2:50
{\\an8}<font color="#fff">Participant: i'm good,</font>
thank you

3
00:00:05,250 --> 00:00:09,125
Participant: never better

& that's all
"""

DAIC = """start_time\tstop_time\tspeaker\tvalue
0.5\t2\tEllie\thow are you doing today

2.75\t4.5\tParticipant\t<laughter> i'm good, thank you
5.25\t9.125\tParticipant\tnever better & that's all
"""

FILES = {
    "webvtt": VTT,
    "webvtt with old line ends": VTT.replace("\n", "\r"),
    "webvtt with prefixes": (
        "WEBVTT\n\n1\n00:00.500 --> 00:02.000\nEllie: how are you doing today\n\n2\n00:02.750 --> 00:04.500\n"
        "Participant: i'm good, thank you\n\n3\n00:05.250 --> 00:09.125\nParticipant: never better &amp; that's all\n"
    ),
    "srt": SRT,
    "srt from windows": SRT.replace("\n", "\r\n"),
    "srt without empty lines": SRT.replace("\n\n", "\n"),
    "srt with points": SRT.replace(",500", ".500").replace(",750", ".750"),
    "daic-woz": DAIC,
    "semicolons and decimal commas": (
        "sep=;\nSpeaker;Text;Start (s);End (s)\nEllie;how are you doing today;0,5;2\n"
        "Participant;i'm good, thank you;2,75;4,5\nParticipant;never better & that's all;5,25;9,125\n"
    ),
    "commas and quotation marks": (
        '"END","TEXT","Confidence","START","ROLE"\n2,how are you doing today,0.9,0.5,Ellie\n'
        "4.5,\"i'm good,\nthank you\",0.9,2.75,Participant\n9.125,never better & that's all,,5.25,Participant\n"
    ),
    "unknown columns": (
        ",Speaker ID,Start Time (sec),End-Time,Value,Confidence,Confidence\n"
        '0,Ellie,0.5,2,how are you doing today,1,1\n1,Participant,2.75,4.5,"i\'m good, thank you",1,1\n'
        "2,Participant,5.25,9.125,never better & that's all,1,1\n"
    ),
    "clock times": (
        "start,end,speaker,text\n0:00.5,00:02,Ellie,how are you doing today\n"
        '00:00:02.750,0:00:04.5,Participant,"i\'m good, thank you"\n'
        "0:05.25,0:09.125,Participant,never better & that's all"
    ),
}


def write(folder: Path, text: str | bytes, name: str = "talk.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def rows(transcript: Transcript) -> tuple[tuple[float, float, str | None, str], ...]:
    return tuple((u.start_s, u.end_s, u.speaker, u.text) for u in transcript.utterances)


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_judged_by_its_content(tmp_path, name):
    transcript = read_transcript(write(tmp_path, FILES[name]))
    assert rows(transcript) == TALK
    assert transcript.warnings == ()
    assert transcript.speakers == ("Ellie", "Participant")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("text", [VTT, SRT, DAIC])
def test_encodings(tmp_path, encoding, text):
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    assert rows(read_transcript(write(tmp_path, mark + text.encode(encoding)))) == TALK


def test_edaic_names_no_speakers(tmp_path):
    text = "Start_Time,End_Time,Text,Confidence\n14.3,15.1,so I'm going to,0.93481\n16.0,17.2,okay,0.9\n"
    transcript = read_transcript(write(tmp_path, text, "300_Transcript.csv"))
    assert rows(transcript) == ((14.3, 15.1, None, "so I'm going to"), (16.0, 17.2, None, "okay"))
    speaker, warning = subject_speaker(transcript)
    assert speaker is None
    assert str(warning) == "The transcript names no speakers: all of its words count as the subject's."


def test_two_voices_of_one_cue_stay_apart(tmp_path):
    text = "WEBVTT\n\n00:01.000 --> 00:03.000\nwell <v Ann>how are you</v> <v Bob>fine\nreally\n"
    transcript = read_transcript(write(tmp_path, text))
    assert [(u.speaker, u.text) for u in transcript.utterances] == [
        (None, "well"),
        ("Ann", "how are you"),
        ("Bob", "fine really"),
    ]
    assert "1 cue holds more than one voice" in str(transcript.warnings[0])


def cues(*texts: str) -> str:
    return "".join(f"{i}\n00:00:{i:02},000 --> 00:00:{i:02},900\n{text}\n\n" for i, text in enumerate(texts, 1))


def test_a_cue_may_hold_two_named_lines(tmp_path):
    transcript = read_transcript(write(tmp_path, cues("- Ann: how are you\n- Bob: fine", "Ann: ok", "Bob: yes")))
    assert [u.speaker for u in transcript.utterances] == ["Ann", "Bob", "Ann", "Bob"]
    assert [u.text for u in transcript.utterances] == ["how are you", "fine", "ok", "yes"]


def test_prefixes_are_speakers_only_when_they_are_consistent(tmp_path):
    once = read_transcript(write(tmp_path, cues("so i said: no", "and she left", "my plan: none", "that's it")))
    assert once.speakers == ()
    assert once.utterances[0].text == "so i said: no"
    many = read_transcript(
        write(tmp_path, cues(*(f"{word}: and so on" for word in ["alpha", "beta", "gamma", "delta"])))
    )
    assert many.speakers == ()
    mostly = read_transcript(
        write(tmp_path, cues("Ann: hi", "BOB: hello", "Bob: i", "went home", "Ann: and", "Ann: so"))
    )
    assert [u.speaker for u in mostly.utterances] == ["Ann", "BOB", "BOB", "BOB", "Ann", "Ann"]
    assert list(map(str, mostly.warnings)) == ["1 cue names no speaker; it counts as said by the speaker before it."]


TOLERATED = {
    "without words": (cues("hello", "", "[music]", "bye"), ["2 of 4 cues (the first at line 6) hold no words"], 2),
    "backwards": (
        "start,end,text\n5,6,b\n1,2,a\n7,8,c\n",
        ["1 of 3 cues (the first at line 3) start before the one above"],
        3,
    ),
    "overlapping": ("start,end,text\n1,3,a\n2,4,b\n", ["1 of 2 cues (the first at line 3) begin before the same"], 2),
    "other's overlap": ("start,end,speaker,text\n1,3,x,a\n2,4,y,b\n", [], 2),
    "no time": ("start,end,text\n1,1,a\n2,4,b\n", ["1 of 2 cues (the first at line 2) last no time"], 2),
    "unreadable times": (
        cues("hello", "bye") + "3\n00:00:77,000 --> 00:01:22,000\nso\n\n4\n0:9 -> 1\nx\n\n5\n1:2:3:4 --> 9\nlost\n",
        ["2 cues were left out because their times cannot be read (the first at line 10)"],
        2,
    ),
    "negative in webvtt": (
        "WEBVTT\n\n00:01.000 -->\nlost\n\n00:03.000 --> 00:04.000\nkept\n",
        ["1 cue was left out because its times cannot be read (at line 3)"],
        1,
    ),
    "named vtt": (cues("hello"), ["The file's name says WebVTT"], 1),
}


@pytest.mark.parametrize("case", TOLERATED)
def test_what_a_reader_would_forgive_is_kept_with_a_warning(tmp_path, case):
    text, warnings, kept = TOLERATED[case]
    transcript = read_transcript(write(tmp_path, text, "talk.vtt" if case == "named vtt" else "talk.txt"))
    assert len(transcript) == kept
    assert len(transcript.warnings) == len(warnings)
    for said, expected in zip(transcript.warnings, warnings, strict=True):
        assert str(said).startswith(expected)


TABLE = "start,end,speaker,text\n"
BAD: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", "it is empty"),
    "mark alone": (codecs.BOM_UTF8, "holds no cues"),
    "blank": ("\n \n\n", "holds no cues"),
    "binary": (bytes(range(256)) * 9, "it is not text"),
    "zeros": (bytes(5000), "it is not text"),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"\xff\xfe" * 99, "not valid UTF-8 at line 1"),
    "latin 1": (VTT.replace("how", "h\xf6w").encode("latin-1"), "not valid UTF-8 at line 12; save it as UTF-8"),
    "utf-16 without mark": (VTT.encode("utf-16-le"), "it is not text"),
    "utf-32": (VTT.encode("utf-32"), "it is not text"),
    "half a utf-16 letter": (VTT.encode("utf-16")[:-1], "not valid UTF-16"),
    "too large": (b"a" * (MAX_BYTES + 1), "larger than 32 MiB"),
    "prose": ("i went home and slept\n" * 9, "holds no cues; a transcript is WebVTT, SRT, or a table"),
    "webvtt without cues": ("WEBVTT\n\nNOTE nothing\n", "no cue with words"),
    "silent": (cues("", "<i></i>"), "no cue with words"),
    "table without text": ("start,end,speaker\n1,2,a\n", "holds no cues"),
    "heading alone": (TABLE, "no cue with words"),
    "negative cue": (
        cues("a").replace(" 00", " -00").replace("00:00:01", "-00:00:01", 1),
        "line 2: the time is negative",
    ),
    "negative": (TABLE + "-1.5,2,a,b\n", "line 2: the time is negative; count from the recording's start"),
    "end before start": (TABLE + "1,2,a,b\n4,3,a,b\n", "line 3: the end lies before the start"),
    "cue ends before its start": ("WEBVTT\n\n00:09.000 --> 00:01.000\nhi\n", "line 3: the end lies before"),
    "milliseconds": (TABLE + "1000,99000000,a,b\n", "line 2: the time lies beyond 24 hours"),
    "cue beyond a day": ("WEBVTT\n\n00:09.000 --> 9999999999:01:00.000\nhi\n", "line 3: the time lies beyond 24 hours"),
    "no number": (TABLE + "1,2,a,b\n3,soon,a,b\n", "line 3: the end is not a time; write seconds"),
    "nan": (TABLE + "nan,2,a,b\n", "line 2: the start is not a time"),
    "infinite": (TABLE + "1,1e999,a,b\n", "line 2: the end is not a time"),
    "empty time": (TABLE + ",2,a,b\n", "line 2: the start is not a time"),
    "thousands or decimals": ("start;end;text\n1,250;1,500;a\n", "line 2: the comma in the start may be"),
    "both marks": ("start;end;text\n0,5;1.5;a\n", "line 2: the comma in the start may be"),
    "short row": (TABLE + "1,2,a,b\n3,4\n", "line 3 has 2 columns under a heading of 4"),
    "long row": (TABLE + "1,2,a,well, yes\n", "line 2 has 5 columns under a heading of 4; put text that holds"),
    "two texts": ("start,end,text,text\n1,2,a,b\n", "2 of its columns are called text; leave one"),
    "two starts": ("start,start_s,end,text\n1000,1,2,a\n", "its columns start, start_s all stand for start; leave one"),
    "open quotation": (TABLE + '1,2,a,b\n3,4,a,"so\n5,6,a,b\n', "line 3 cannot be split into columns"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_sentence_for_each_bad_file(tmp_path, case):
    content, words = BAD[case]
    path = write(tmp_path, content)
    with pytest.raises(FerPhqError) as raised:
        read_transcript(path)
    said = str(raised.value)
    assert said.startswith(f"The transcript {path} cannot be used: ")
    assert words in said
    assert said.endswith(".")
    assert "\n" not in said


def test_what_is_no_file_is_said_so(tmp_path):
    with pytest.raises(FerPhqError, match="There is no transcript"):
        read_transcript(tmp_path / "none.vtt")
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(FerPhqError, match="not an ordinary file"):
            read_transcript(path)


HOSTILE = {
    "brackets": "<" * 200_000,
    "voices": "<v " * 100_000,
    "voice and spaces": "<v" + " " * 200_000,
    "tags": "<a" * 100_000,
    "notes": "[" * 200_000,
    "overrides": "{\\" * 100_000,
    "references": "&" * 100_000 + "&#" + "9" * 100_000 + ";",
    "dashes": "-" * 200_000 + "a" + "." * 200_000,
    "prefix": "a:" * 100_000,
    "spaces": " " * 200_000 + "a",
    "arrows": "\n" + "a-->" * 100_000,
    "numbers": "\n" + "1" * 200_000 + "-->",
    "lines": "1\n" * 100_000,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_no_file_takes_more_than_linear_time(tmp_path, case):
    body = HOSTILE[case]
    flat = body.replace("\n", " ")[:100_000]
    started = time.process_time()
    for text in (
        f"WEBVTT\n\n00:00.000 --> 00:01.000\nhi {body}\n",
        f"1\n00:00:00,000 --> 00:00:01,000\nhi\n{body}\n",
        f"start\tend\tspeaker\ttext\n1\t2\t{flat}\thi {flat}\n",
    ):
        transcript = read_transcript(write(tmp_path, text))
        subject_speaker(transcript)
    assert time.process_time() - started < 4


@pytest.mark.slow
def test_a_hundred_thousand_cues(tmp_path):
    def clock(seconds: float) -> str:
        return f"{int(seconds // 3600):02}:{int(seconds % 3600 // 60):02}:{seconds % 60:06.3f}"

    many = "".join(f"{i}\n{clock(i * 0.8)} --> {clock(i * 0.8 + 0.7)}\nBob: hello there\n\n" for i in range(100_000))
    transcript = read_transcript(write(tmp_path, many))
    assert len(transcript) == 100_000
    assert transcript.speakers == ("Bob",)
    assert intervals(transcript, "Bob").shape == (100_000, 2)


def test_text_from_right_to_left(tmp_path):
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v \u200fדנה>\u202bאני לא יודעת, \u202aOK\u202c\u202c</v>\n"
    (utterance,) = read_transcript(write(tmp_path, text)).utterances
    assert (utterance.speaker, utterance.text) == ("דנה", "אני לא יודעת, OK")
    chinese = read_transcript(write(tmp_path, cues("医生：你好", "患者：我很好")))
    assert chinese.speakers == ("医生", "患者")


def test_tables_keep_stray_quotation_marks(tmp_path):
    text = 'start_time\tstop_time\tspeaker\tvalue\n1\t2\tx\t"so he said\n3\t4\tx\t"all ""fine"" now"\n'
    assert [u.text for u in read_transcript(write(tmp_path, text)).utterances] == ['"so he said', 'all "fine" now']


def test_nothing_shows_the_text():
    utterance = Utterance(0.0, 1.0, "Ann", "a secret")
    assert "secret" not in repr(Transcript((utterance,)))


def test_impossible_utterances_cannot_be_made():
    for start, end in ((-1, 2), (3, 2), (0, 1e6), (float("nan"), 1)):
        with pytest.raises(ValueError, match="cannot last"):
            Utterance(start, end, None, "x")
    with pytest.raises(ValueError, match="ordered"):
        Transcript((Utterance(2, 3, None, "x"), Utterance(1, 2, None, "y")))


def talk(*speakers: str | None) -> Transcript:
    return Transcript(tuple(Utterance(i, i + 0.5, speaker, "well") for i, speaker in enumerate(speakers)))


@pytest.mark.parametrize(
    ("speakers", "named", "chosen"),
    [
        (("Ellie", "Participant"), None, "Participant"),
        (("Ellie", "Participant"), " ellie ", "Ellie"),
        (("Dr Who", "PATIENT_07"), None, "PATIENT_07"),
        (("Dr Who", "Client 1"), None, "Client 1"),
        (("Ann", "ANN"), None, "Ann"),
        (("Ann", "Bob"), None, None),
        (("Patient 1", "Patient 2"), None, None),
        ((None, None), None, None),
        ((), None, None),
        (("Ann", None), None, "Ann"),
    ],
)
def test_whose_words_count(speakers, named, chosen):
    found, warning = subject_speaker(talk(*speakers), named)
    assert found == chosen
    assert (warning is None) == (chosen is not None and None not in speakers)


def test_the_warning_asks_for_a_speaker():
    _, warning = subject_speaker(talk("Ann", "Bob"))
    assert str(warning) == (
        "The transcript has 2 speakers (Ann, Bob) and none is known to be the subject: "
        "all voices count until a speaker is named."
    )
    with pytest.raises(FerPhqError, match=r"no speaker 'Eve': it has Ann, Bob\.$"):
        subject_speaker(talk("Ann", "Bob"), "Eve")
    with pytest.raises(FerPhqError, match="names no speakers"):
        subject_speaker(talk(None), "Eve")


def test_intervals_are_joined_and_apart():
    transcript = Transcript(
        tuple(
            Utterance(*row, "x")
            for row in ((0, 2, "a"), (1, 3, "A"), (2.5, 6, "b"), (3, 4, "a"), (5, 5, "a"), (8, 9, "a"))
        )
    )
    np.testing.assert_array_equal(intervals(transcript, "a"), [[0, 4], [8, 9]])
    np.testing.assert_array_equal(intervals(transcript, None), [[0, 6], [8, 9]])
    assert intervals(Transcript(()), None).shape == (0, 2)
    assert intervals(transcript, "a").dtype == np.float64
