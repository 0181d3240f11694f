"""A wrong annotation file is refused in a sentence, and what is assumed of a right one is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fer_phq.annotations.readers import AnnotationFile, UnusableFile, parse_annotations, read_annotations
from fer_phq.annotations.tiers import Annotation
from fer_phq.core.errors import FerPhqError

HEADING = "Observation id,Media duration (s),Subject,Behavior,Behavior type,Start (s),Stop (s)\n"
EVENTS = "Observation id\tTime offset (s)\tSubject\tBehavior\tModifier #1\tBehavior type\tTime\tComment\n"
EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER TIME_UNITS="milliseconds">{media}</HEADER><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="{end}"/>
<TIME_SLOT TIME_SLOT_ID="ts3"/></TIME_ORDER><TIER TIER_ID="smile">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>yes</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
<ANNOTATION_VALUE>no</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"""
GRID = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
    '0\n9\n<exists>\n1\n"IntervalTier"\n"a"\n0\n9\n1\n0\n9\n"x"\n'
)


def read(text: str, **options: object) -> AnnotationFile:
    return parse_annotations(text.encode(), **options)


def table(*rows: str) -> str:
    return HEADING + "".join(f"{row}\n" for row in rows)


def events(*rows: str) -> str:
    return EVENTS + "".join(f"{row}\n" for row in rows)


def project(rows: list[list[object]], **facts: object) -> str:
    behaviors = {
        "0": {"type": "State event", "code": "smile", "category": "face"},
        "1": {"type": "Point event", "code": "nod", "category": ""},
        "2": {"type": "State event", "code": "frown"},
    }
    observation = {"file": {"1": ["a.mp4"]}, "media_info": {"length": {"a.mp4": 60.0}}, "events": rows, **facts}
    return json.dumps({"behaviors_conf": behaviors, "observations": {"A": observation}})


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("", "it is empty"),
        (" \n\n", "it is empty"),
        ("PK\x03\x04", "spreadsheet"),
        ("ooBinaryFile\x08TextGrid", "Save as text file"),
        ("hello", "none of BORIS's tables"),
        ("a,b,c\n1,2,3\n", "name no columns of BORIS"),
        ("frame, timestamp, confidence, success, AU01_r\n1, 0, 1, 1, 0\n", "OpenFace wrote"),
        (HEADING, "no rows"),
        (table("A,60,,smile,STATE,1,2", "B,60,,smile,STATE,1,2"), "several observations (A, B)"),
        (table("A,60,,smile,STATE,1"), "'smile' has no Stop"),
        (table("A,60,,smile,DURING,1,2"), "line 2: the type 'DURING'"),
        (table("A,60,,,STATE,1,2"), "line 2: it names no behaviour"),
        (table("A,60,,smile,STATE,soon,2"), "line 2: 'soon' is no time"),
        (HEADING.replace(",", ";") + "A;60;;smile;STATE;1,5;2,5\n", "the comma in '1,5'"),
        (table("A,60,,smile,STATE,3,2"), "ends at 2.000 s, before its start at 3.000 s"),
        (table("A,60,,smile,STATE,-3,2"), "is at -3.000 s, before the recording's start"),
        (table("A,60,,smile,STATE,61,62"), "is at 62.000 s and the recording ends at 60.000 s"),
        (table("A,60,,smile,STATE,1500,42000"), "look like milliseconds"),
        (table("A,,,smile,STATE,1500,98000"), "beyond 24 hours"),
        (events("A\t0\t\tsmile\t\tSTART\t1\t"), "starts at 1.000 s never stops"),
        (events("A\t0\t\tsmile\t\tSTOP\t1\t"), "stops at 1.000 s without a start"),
        (events(*2 * ["A\t0\t\tsmile\t\tSTART\t1\t"]), "starts again at 1.000 s"),
        ('{"behaviors_conf": ', "is none, from line 1 on"),
        ("{" + '"a":' * 100_000, "is none"),
        ('{"frames": []}', "without BORIS's behaviors_conf"),
        (project([]), "holds no annotation"),
        (project([["NA", "", "nod", "", ""]]), "its events have no times"),
        (project([[1.0, "", "nod", "", ""]], **{"time offset": "ten"}), "'ten' is no time"),
        (events("A\t0\t\tnod\t\tPOINT\t1.5\t", "A\t20\t\tnod\t\tPOINT\t21.5\t"), "offset is 0 s in one place and 20 s"),
        (project([["soon", "", "nod", "", ""]]), "event 1 of its observation"),
        (project([[1.0, "", "wave", "", ""]]), "behaviour 'wave'"),
        (project([[1.0, "", "smile", "", ""]]), "starts at 1.000 s never stops"),
        ("<html></html>", "no annotation document of ELAN"),
        ("<a><b></a>", "damaged XML at line 1"),
        ('<!DOCTYPE a [<!ENTITY b "cc">]><a>&b;</a>', "declares a document type"),
        (EAF.format(media="", end=500), "ends at 0.500 s, before its start"),
        (EAF.format(media="", end=2000).replace("milliseconds", "PAL-frames"), "counted in PAL-frames"),
        (EAF.format(media="", end=2000).replace("</TIER>", '</TIER><TIER TIER_ID="smile"/>'), "called 'smile'"),
        (GRID.replace('"TextGrid"', '"Pitch"'), "holds no TextGrid"),
        (GRID[:-6], "at its value 13, at line 14"),
        (GRID.replace('"x"', "7"), "at its value 14"),
        (GRID.replace("\n1\n0", "\n1e999\n0"), "at its value 11"),
        (GRID.replace('"x"', '""'), "holds no annotation"),
    ],
)
def test_a_wrong_file_is_refused(document: str, sentence: str) -> None:
    with pytest.raises(UnusableFile) as error:
        read(document)
    assert sentence in str(error.value)


def test_unknown_encodings_are_refused() -> None:
    with pytest.raises(UnusableFile, match=r"not UTF-8 at line 15 \(byte 0xE4\)"):
        parse_annotations(GRID.replace('"x"', '"lächelt"').encode("latin-1"))
    with pytest.raises(UnusableFile, match="it is no text"):
        parse_annotations(GRID.encode("utf-16-le"))


def test_entities_that_unfold_without_end_are_never_unfolded() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY x0 "lol">' + "".join(f'<!ENTITY x{n} "{10 * f"&x{n - 1};"}">' for n in range(1, 12))
    with pytest.raises(UnusableFile, match="document type"):
        read(f'<?xml version="1.0"?>{bomb}]><ANNOTATION_DOCUMENT>&x11;</ANNOTATION_DOCUMENT>')


def test_a_file_of_another_recording_is_refused() -> None:
    with pytest.raises(UnusableFile, match=r"its own lasts 60.0 s, and this one lasts 75.0 s"):
        read(table("A,60,,smile,STATE,1,2"), duration_s=75.0)
    assert read(table("A,60,,smile,STATE,1,2"), duration_s=60.4).duration_s == 60
    with pytest.raises(UnusableFile, match=r"the recording ends at 1\.200 s"):
        read(EAF.format(media="", end=2000), duration_s=1.2)


def test_files_are_named_and_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FerPhqError, match=r"There is no file .*none\.eaf"):
        read_annotations(tmp_path / "none.eaf")
    with pytest.raises(FerPhqError, match="not an ordinary file"):
        read_annotations(tmp_path)
    (tmp_path / "a.csv").write_text(table("A,60,,smile,STATE,3,2"))
    with pytest.raises(FerPhqError, match=r"a\.csv cannot be used: 'smile' ends"):
        read_annotations(tmp_path / "a.csv")
    monkeypatch.setattr("fer_phq.annotations.readers.reading.MAX_BYTES", 1 << 20)
    (tmp_path / "b.csv").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(FerPhqError, match="larger than 1 MiB"):
        read_annotations(tmp_path / "b.csv")


def test_an_offset_of_boris_is_taken_off_and_said() -> None:
    row = "A\t20.0\t\tnod\tleft\tPOINT\t21.5\tslow"
    coded = read(events(row))
    assert coded.tiers[0].annotations == (Annotation(1.5, 1.5, "left; slow"),)
    assert "offset of 20 s" in str(coded.warnings[0])
    above = "Observation id\tA\n\nTime offset (s)\t20.0\n\nTime\tSubject\tBehavior\tStatus\n21.5\t\tnod\tPOINT\n"
    assert read(above).tiers[0].annotations == (Annotation(1.5, 1.5, ""),)
    coded = read(project([[21.5, "", "nod", "", ""]], **{"time offset": "20.0"}))
    assert coded.tiers[0].annotations == (Annotation(1.5, 1.5, ""),)
    coded = read(project([[21.5, "", "nod", "", ""]], **{"time offset": 20.0}))
    assert coded.tiers[0].annotations == (Annotation(1.5, 1.5, ""),)
    assert "offset of 20 s" in str(coded.warnings[0])


def test_an_observation_and_its_subjects_are_told_apart() -> None:
    text = table("A,60,Ann,smile,STATE,1,2", "B,60,No focal subject,smile,STATE,3,4", "B,60,Ann,nod,POINT,0:00:05.5,")
    coded = read(text, observation="B")
    assert {tier.name: tier.annotations for tier in coded.tiers} == {
        "smile": (Annotation(3, 4, ""),),
        "Ann: nod": (Annotation(5.5, 5.5, ""),),
    }
    with pytest.raises(UnusableFile, match="no observation 'C'; its observations are: A, B"):
        read(text, observation="C")


def test_a_project_has_behaviours_that_nobody_showed() -> None:
    rows = [[4.0, "", "smile", "", "end"], [1.0, "", "smile", "", "begin"], [2.0, "Ann", "nod", "left|slow", "x"]]
    coded = read(project(rows))
    assert (coded.codes_by_tier, coded.duration_s) == (True, 60.0)
    assert {tier.name: tier.annotations for tier in coded.tiers} == {
        "smile": (Annotation(1.0, 4.0, "begin"),),
        "Ann: nod": (Annotation(2.0, 2.0, "left; slow; x"),),
        "nod": (),
        "frown": (),
    }
    assert coded.tiers[0].category == "face"


def test_media_in_a_row_and_live_coding_are_said() -> None:
    lengths = {"length": {"a.mp4": 60.0, "b.mp4": 30.5}}
    coded = read(project([[85.0, "", "nod", "", ""]], file={"1": ["a.mp4", "b.mp4"]}, media_info=lengths))
    assert coded.duration_s == 90.5
    assert "over 2 media files" in str(coded.warnings[0])
    assert "coded live" in str(read(project([[85.0, "", "nod", "", ""]], type="LIVE", media_info={})).warnings[0])


def test_what_elan_leaves_open_is_said() -> None:
    coded = read(EAF.format(media="", end=2000))
    assert coded.tiers[0].annotations == (Annotation(1.0, 2.0, "yes"),)
    assert str(coded.warnings[0]) == "1 annotation without times of its own was left out."
    media = '<MEDIA_DESCRIPTOR TIME_ORIGIN="2500"/><MEDIA_DESCRIPTOR/>'
    coded = read(EAF.format(media=media, end=2000))
    assert coded.tiers[0].annotations == (Annotation(3.5, 4.5, "yes"),)
    assert "from 2.5 s on" in str(coded.warnings[0])
    assert "different times" in str(coded.warnings[1])


def test_a_textgrid_that_begins_late_is_said() -> None:
    assert "begins at 3 s" in str(read(GRID.replace("\n0\n9\n<exists>", "\n3\n9\n<exists>")).warnings[0])
