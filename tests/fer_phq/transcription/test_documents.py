"""Documents hold all segments, times and doubts, as the libraries of each format and this project's own reader find."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import pytest

from fer_phq.core.errors import FerPhqError
from fer_phq.transcription import Doubt, Segment, Source, Transcription, write_transcription
from fer_phq.words import read_transcript

SEGMENTS = (
    Segment(0.5, 2.25, "1", 'I said "well" & <so> --> on', Source.RECOGNISED, 0.91),
    Segment(2.0, 3.0, "2", "=Yes.", Source.RECOGNISED, 0.62, (Doubt.UNLIKELY, Doubt.SHORT)),
    Segment(3661.0, 3662.1234, "1", "", Source.RECOGNISED, 0.2, (Doubt.UNLIKELY,)),
)
TEXTS = ['I said "well" & <so> --> on', "(?) =Yes.", "(?)"]
TIMES = [(0.5, 2.25), (2.0, 3.0), (3661.0, 3662.123)]
TRANSCRIPTION = Transcription(SEGMENTS, "moonshine-tiny-en-d05f3599", "en", 3700.0, 4.0)
EMPTY = Transcription((), "moonshine-tiny-en-d05f3599", "en", 3.0, 0.0)


@pytest.fixture
def document(tmp_path: Path):
    def write(suffix: str, transcription: Transcription = TRANSCRIPTION) -> Path:
        path = tmp_path / f"session{suffix}"
        write_transcription(transcription, path)
        return path

    return write


@pytest.mark.parametrize("suffix", [".vtt", ".srt", ".csv", ".json"])
def test_the_projects_own_reader_finds_texts_times_speakers_and_marks(suffix, document):
    transcript = read_transcript(document(suffix))
    times = [time for u in transcript.utterances for time in (u.start_s, u.end_s)]
    assert times == pytest.approx([time for span in TIMES for time in span], abs=0.0005)
    assert [u.speaker for u in transcript.utterances] == ["1", "2", "1"]
    # what a reader drops as markup is in none of the marks
    assert [u.text.split()[0] for u in transcript.utterances] == ["I", "(?)", "(?)"]
    assert transcript.utterances[1].text == "(?) =Yes."


def test_webvtt_as_webvtt_py_reads_it(document):
    import webvtt

    captions = webvtt.read(document(".vtt"))
    assert [
        caption.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for caption in captions
    ] == TEXTS
    assert [caption.voice for caption in captions] == ["1", "2", "1"]
    assert [(c.start, c.end) for c in captions][2] == ("01:01:01.000", "01:01:02.123")
    assert "moonshine-tiny-en-d05f3599" in document(".vtt").read_text()


def test_srt_as_webvtt_py_reads_it(document):
    import webvtt

    captions = webvtt.from_srt(document(".srt"))
    assert [caption.text for caption in captions][1:] == ["2: (?) =Yes.", "1: (?)"]


def test_textgrid_as_pympi_reads_it(document):
    from pympi import Praat

    grid = Praat.TextGrid(str(document(".TextGrid")))
    assert (grid.xmin, grid.xmax) == (0, 3700)
    assert [tier.name for tier in grid.get_tiers()] == ["1", "2"]
    first = list(grid.get_tier("1").get_all_intervals())
    assert [interval for interval in first if interval[2]] == [(0.5, 2.25, TEXTS[0]), (3661.0, 3662.123, "(?)")]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(first))
    assert (first[0][0], first[-1][1]) == (0, 3700)


def test_elan_as_pympi_reads_it(document):
    from pympi import Eaf

    elan = Eaf(str(document(".eaf")))
    assert set(elan.get_tier_names()) == {"1", "2"}
    assert sorted(elan.get_annotation_data_for_tier("1")) == [(500, 2250, TEXTS[0]), (3661000, 3662123, "(?)")]
    assert elan.get_annotation_data_for_tier("2") == [(2000, 3000, "(?) =Yes.")]


def test_json_and_csv_hold_source_confidence_and_doubts(document):
    loaded = json.loads(document(".json").read_text())
    assert loaded["model_id"] == "moonshine-tiny-en-d05f3599"
    assert loaded["segments"][1] == {
        "start": 2.0,
        "end": 3.0,
        "speaker": "2",
        "text": "(?) =Yes.",
        "source": "recognised",
        "confidence": 0.62,
        "doubts": ["unlikely", "short"],
    }
    rows = list(csv.DictReader(document(".csv").open(newline="")))
    assert list(rows[0])[:6] == ["start_s", "end_s", "speaker", "text", "source", "confidence"]
    assert (rows[1]["source"], rows[1]["confidence"], rows[1]["doubts"]) == ("recognised", "0.6200", "unlikely short")


def test_no_cell_is_a_formula(document):
    segment = Segment(0, 1, "=cmd()", "=1+1", Source.RECOGNISED, 0.9)
    rows = list(csv.DictReader(document(".csv", Transcription((segment,), "m", "en", 1, 1)).open(newline="")))
    assert (rows[0]["speaker"], rows[0]["text"]) == ("'=cmd()", "'=1+1")


def test_where_nobody_speaks_documents_are_empty_and_valid(document):
    import webvtt
    from pympi import Eaf, Praat

    assert len(webvtt.read(document(".vtt", EMPTY))) == 0
    assert Eaf(str(document(".eaf", EMPTY))).get_tier_names() == {}.keys()
    (tier,) = Praat.TextGrid(str(document(".textgrid", EMPTY))).get_tiers()
    assert list(tier.get_all_intervals()) == [(0, 3, "")]
    assert json.loads(document(".json", EMPTY).read_text())["segments"] == []
    assert document(".srt", EMPTY).read_text() == ""


def test_text_is_for_people(document):
    assert document(".txt").read_text().splitlines()[2:] == [
        f"[00:00] 1: {TEXTS[0]}",
        "[00:02] 2: (?) =Yes.",
        "[61:01] 1: (?)",
    ]


def test_an_ending_of_no_format_is_refused(tmp_path: Path):
    with pytest.raises(FerPhqError, match=r"session\.docx: let its name end in one of \.vtt"):
        write_transcription(TRANSCRIPTION, tmp_path / "session.docx")
    assert not list(tmp_path.iterdir())
