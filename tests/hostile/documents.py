"""Hostile transcripts and tables: endless lines, cells and cues, bad encodings, depth, and numbers that are none."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from hostile.media import Hostile, noise

VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v Client>Good morning.\n"
SRT = "1\n00:00:01,000 --> 00:00:02,000\nClient: Good morning.\n"
TSV = "start_time\tstop_time\tspeaker\tvalue\n1.0\t2.0\tEllie\thello\n2.5\t3.0\tParticipant\thi\n"
JSON = '{"segments": [{"start": 1.0, "end": 2.0, "text": "Good morning.", "speaker": "Client"}]}'
SESSIONS = "file,subject_id,recorded_at,consent_by,keep_days\na.mp4,P01,2026-11-03 14:05,Dr Meyer,365\n"
QUESTIONNAIRES = (
    "subject_id,scale,answered_at,item_1,item_2,item_3,item_4,item_5,item_6,item_7,item_8,item_9\n"
    "P01,PHQ-9,2026-11-03,1,2,1,2,0,1,1,0,0\n"
)
TRANSCRIPTS = {"a.vtt": VTT, "a.srt": SRT, "a.tsv": TSV, "a.json": JSON}
TABLES = {"sessions.csv": SESSIONS, "questionnaires.csv": QUESTIONNAIRES}


def hostile_transcripts() -> Iterator[Hostile]:
    """Yield every hostile transcript; each time the same."""
    for name, text in TRANSCRIPTS.items():
        yield from spoilt(name, text)
    cue = "00:00:{0:02d}.000 --> 00:00:{1:02d}.000\n{2}\n\n"
    yield "line.vtt", ("WEBVTT\n\n" + cue.format(1, 2, "word " * 4_000_000)).encode()
    yield "word.vtt", ("WEBVTT\n\n" + cue.format(1, 2, "w" * 20_000_000)).encode()
    yield "cues.vtt", ("WEBVTT\n\n" + cue.format(1, 2, "a") * 700_000).encode()
    yield "cues.srt", "".join(f"{n}\n00:00:01,000 --> 00:00:02,000\na\n\n" for n in range(600_000)).encode()
    yield "tags.vtt", ("WEBVTT\n\n" + cue.format(1, 2, "<v a" + "<b>" * 2_000_000)).encode()
    yield "speakers.vtt", ("WEBVTT\n\n" + "".join(cue.format(1, 2, f"<v {n}>a") for n in range(100_000))).encode()
    yield "entities.vtt", ("WEBVTT\n\n" + cue.format(1, 2, "&amp;" * 3_000_000)).encode()
    yield "spaces.vtt", ("WEBVTT\n\n00:00:01.000" + " " * 10_000_000 + "--> 00:00:02.000\na\n").encode()
    yield "arrows.vtt", ("WEBVTT\n\n" + "--> " * 5_000_000).encode()
    yield "digits.srt", ("1\n" + "9" * 5_000_000 + ":00:00,000 --> 00:00:02,000\na\n").encode()
    yield "colons.txt", (":" * 5_000_000).encode()
    yield "columns.tsv", ("\t".join(f"c{n}" for n in range(500_000)) + "\n").encode()
    yield "rows.tsv", (TSV + "2.5\t3.0\tP\ta\n" * 2_000_000).encode()
    for levels in (900, 100_000, 5_000_000):
        yield f"lists-{levels}.json", b"[" * levels
        yield f"objects-{levels}.json", b'{"segments":' * min(levels, 1_000_000) + b"1" + b"}" * min(levels, 1_000_000)
    yield "number.json", b'{"segments": [{"start": ' + b"9" * 5_000_000 + b', "end": 2, "text": "a"}]}'
    yield "exponent.json", b'{"segments": [{"start": 1e999999999, "end": NaN, "text": "a"}]}'
    yield "infinity.json", b'{"segments": [{"start": -Infinity, "end": Infinity, "text": "a"}]}'
    yield "kinds.json", b'{"segments": [{"start": [], "end": {}, "text": 1}, 1, null, "a", [[]]]}'
    yield "keys.json", ("{" + ",".join(f'"k{n}":1' for n in range(400_000)) + "}").encode()
    yield "surrogates.json", b'{"segments": [{"start": 1, "end": 2, "text": "\\ud800\\udfff\\udc00"}]}'
    yield "too-large.vtt", VTT.encode() + bytes([65]) * (33 << 20)


def hostile_tables() -> Iterator[Hostile]:
    """Yield every hostile table; each time the same."""
    for name, text in TABLES.items():
        yield from spoilt(name, text)
        heading, row, _ = text.split("\n")
        cells = row.split(",")
        yield (
            f"cell-{name}",
            text.encode() + b",".join([b"A" * 5_000_000, *[cell.encode() for cell in cells[1:]]]) + b"\n",
        )
        yield f"open-{name}", text.encode() + b'"' + b"A" * 5_000_000
        yield f"quotes-{name}", text.encode() + b'"' * 5_000_000
        yield f"commas-{name}", text.encode() + b"," * 5_000_000
        yield f"rows-{name}", (heading + "\n" + f"{row}\n" * 100_000).encode()
        yield f"lines-{name}", text.encode() + b"\n" * 5_000_000
        yield f"headings-{name}", (",".join([heading] * 20_000) + "\n" + row).encode()
        for value in (
            "=cmd|' /C calc'!A0",
            "9" * 4000,
            "-1e400",
            "NaN",
            "2026-99-99",
            "9999-12-31",
            "\u202egnp",
            "../../x",
        ):
            for column in range(min(len(cells), 5)):
                changed = [*cells[:column], f'"{value}"', *cells[column + 1 :]]
                yield f"value-{len(value)}-{value[:2]}-{column}-{name}", f"{heading}\n{','.join(changed)}\n".encode()


def spoilt(name: str, text: str) -> Iterator[Hostile]:
    """Yield a text in wrong encodings, cut, repeated, and with bytes that no text has."""
    plain = text.encode()
    yield f"utf16-{name}", codecs.BOM_UTF16_LE + text.encode("utf-16-le")
    yield f"utf16-odd-{name}", codecs.BOM_UTF16_BE + text.encode("utf-16-le")[:-1]
    yield f"utf32-{name}", text.encode("utf-32")
    yield f"utf7-{name}", text.encode("utf-7") + b"+2AA-"
    yield f"latin1-{name}", plain + "\xe9\xff".encode("latin-1") * 50
    yield f"ebcdic-{name}", text.encode("cp500")
    yield f"nul-{name}", plain + bytes(5000)
    yield f"nul-between-{name}", plain.replace(b"o", b"\0")
    yield f"controls-{name}", plain + bytes(range(32)) * 50
    yield f"returns-{name}", plain.replace(b"\n", b"\r") * 50
    yield f"marks-{name}", codecs.BOM_UTF8 * 5000 + plain
    yield f"direction-{name}", plain + "\u202e\u2066\u200b\U000e0041".encode() * 2000
    yield f"noise-{name}", plain + noise(name, 200_000)
    yield f"empty-{name}", b""
    yield f"space-{name}", b" \n\t" * 2_000_000
    for share in (0.2, 0.5, 0.9):
        yield f"cut-{share}-{name}", plain[: int(len(plain) * share)]
