"""A manifest is read as it is meant, and everything that is wrong with one is told at once, by row."""

import contextlib
import csv
import io
import os
import unicodedata
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from behaviour_samples import sample_behaviour

from fer_phq.behaviour.seconds.series import behaviour_seconds
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality, Scale
from fer_phq.features.files import write_features
from training.phq.data.manifest import read_manifest
from training.phq.data.manifest_problems import MOST_LISTED, ManifestError, ProblemKind
from training.phq.data.sessions import FeatureSpace, LabelledSession, SourceKind, feature_spaces

HEADER = "subject_id,scale,score,recording"


@pytest.fixture
def folder(tmp_path):
    """Recordings a.mp4 to f.mp4, each with other bytes, features 0.npz to 3.npz, a transcript and an audio file."""
    for name in "abcdef":
        (tmp_path / f"{name}.mp4").write_bytes(name.encode() * 50)
    for seed in range(4):
        write_features(features(seed), tmp_path / f"{seed}.npz")
    (tmp_path / "said.tsv").write_text("start\tstop\n")
    (tmp_path / "said.wav").write_bytes(b"RIFF")
    return tmp_path


def features(seed: int, width: int = 4, kind: str = "vit-1", rows: int = 9) -> SessionFeatures:
    values = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return SessionFeatures(face=FeatureSeries(values, np.arange(rows) / 2, kind))


def write(folder, *lines: str, encoding: str = "utf-8"):
    path = folder / "labels.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def problems(path, **options):
    with pytest.raises(ManifestError) as error:
        read_manifest(path, **options)
    assert isinstance(error.value, FerPhqError)
    return error.value


def told(error):
    """What a report says, as (row, column, kind)."""
    return [(problem.row, problem.column, problem.kind) for problem in error.problems]


def test_answers_beside_the_score(folder):
    items = ",".join(f"item_{n}" for n in range(1, 9))
    path = write(folder, f"{HEADER},{items}", "s1,PHQ-8,7,a.mp4,3,0,1,0,0,2.0,1,0", "s2,PHQ-8,4,b.mp4,,,,,,,,")
    first, second = read_manifest(path).sessions
    assert (first.items, second.items) == ((3, 0, 1, 0, 0, 2, 1, 0), ())
    assert first.groups == {}


def test_answers_that_cannot_be(folder):
    items = ",".join(f"item_{n}" for n in range(1, 10))
    path = write(
        folder,
        f"{HEADER},{items}",
        "s1,PHQ-8,7,a.mp4,3,0,1,0,0,2,1,1,",
        "s2,PHQ-8,4,b.mp4,1,1,1,,1,0,0,0,",
        "s3,PHQ-8,4,c.mp4,4,0,x,0,0,0,0,0,",
        "s4,PHQ-8,4,d.mp4,1,1,1,1,0,0,0,0,0",
        "s5,PHQ9,9,e.mp4,1,1,1,1,1,1,1,1,1",
    )
    error = problems(path)
    assert told(error) == [
        (2, "score", ProblemKind.SCORE),
        (3, "item_4", ProblemKind.EMPTY),
        (4, "item_1", ProblemKind.SCORE),
        (4, "item_3", ProblemKind.SCORE),
        (5, "item_9", ProblemKind.SCORE),
        (None, "scale", ProblemKind.WHOLE),
    ]
    assert "row 2, score: it is 7, the answers sum to 8" in str(error)
    assert "item_4 is empty beside other answers: give all or none" in str(error)


def test_names_in_two_spellings_are_one_file_and_one_subject(folder):
    composed, decomposed = (unicodedata.normalize(form, "Jos\u00e9") for form in ("NFC", "NFD"))
    (folder / "a.mp4").rename(folder / f"{composed}.mp4")
    (folder / "b.mp4").rename(folder / f"{decomposed}-b.mp4")
    rows = (f"{composed},PHQ-8,7,{decomposed}.mp4", f"{decomposed},PHQ-8,8,{composed}-b.mp4", "s2,PHQ-8,9,c.mp4")
    first, second, _ = read_manifest(write(folder, HEADER, *rows)).sessions
    assert first.subject_id == second.subject_id == composed
    assert (first.path, second.path) == (folder / f"{composed}.mp4", folder / f"{decomposed}-b.mp4")


def test_every_column_is_read(folder):
    path = write(
        folder,
        "subject_id,scale,score,recording,features,recorded_at,split,transcript,audio,speaker,Sex,mother tongue",
        "s1,PHQ-8,7,a.mp4,,2024-05-03T14:30:00+02:00,train,said.tsv,said.wav,Participant,f,",
        "s2,PHQ-8,24,,0.npz,2024-05-04,Validation,,,,m,Suomi",
    )
    reading = read_manifest(path)
    assert (reading.problems, reading.skipped, reading.scale) == ((), 0, Scale.PHQ8)
    first, second = reading.sessions
    assert first == LabelledSession(
        name="row 2 (a.mp4)",
        subject_id="s1",
        scale=Scale.PHQ8,
        score=7.0,
        kind=SourceKind.RECORDING,
        path=folder / "a.mp4",
        recorded_at=datetime.fromisoformat("2024-05-03T12:30:00Z"),
        split="train",
        transcript=folder / "said.tsv",
        audio=folder / "said.wav",
        speaker="Participant",
        groups={"sex": "f"},
    )
    assert first.recorded_at.utcoffset() == timedelta(hours=2)
    assert (second.kind, second.path, second.split) == (SourceKind.FEATURES, folder / "0.npz", "dev")
    assert second.recorded_at == datetime(2024, 5, 4, tzinfo=UTC)
    assert (second.transcript, second.audio, second.speaker) == (None, None, None)
    assert second.groups == {"sex": "m", "mother_tongue": "Suomi"}
    np.testing.assert_array_equal(second.load().face.values, features(0).face.values)
    with pytest.raises(ValueError, match=r"row 2 \(a.mp4\) is a recording"):
        first.load()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_separators_line_ends_and_byte_order_marks(folder, delimiter, newline, mark):
    rows = [
        ["Subject ID", "scale", "score", "recording", "note, with; all"],
        ["s1", "PHQ-9", "27", "a.mp4", "one, two; three, four, five, six, seven"],
        ["s2", "PHQ-9", "0", "b.mp4", "a; b; c; d; e; f"],
    ]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=newline).writerows(rows)
    (folder / "labels.csv").write_bytes((mark + out.getvalue()).encode())
    reading = read_manifest(folder / "labels.csv")
    assert [(s.subject_id, s.score) for s in reading.sessions] == [("s1", 27.0), ("s2", 0.0)]
    assert reading.sessions[0].groups == {"note,_with;_all": rows[1][4]}


def test_utf_16_as_excel_writes_it_is_read(folder):
    path = write(folder, HEADER.replace(",", "\t"), "Jörg\tPHQ-8\t1\ta.mp4", "s2\tPHQ-8\t2\tb.mp4", encoding="utf-16")
    assert [session.subject_id for session in read_manifest(path).sessions] == ["Jörg", "s2"]


def test_other_names_of_columns_are_read_and_problems_name_them(folder):
    items = ",".join(f"item{n}" for n in range(1, 9))
    header = f"subject,scale,score,recording,{items}"
    path = write(folder, header, "s1,PHQ-8,7,a.mp4,3,0,1,0,0,2,1,0", "s2,PHQ-8,4,b.mp4,,,,,,,,")
    first, second = read_manifest(path).sessions
    assert (first.subject_id, first.items, second.items) == ("s1", (3, 0, 1, 0, 0, 2, 1, 0), ())
    assert first.groups == {}
    error = problems(write(folder, header, "s1,PHQ-8,7,a.mp4,3,0,1,0,0,2,1,", ",PHQ-8,4,b.mp4,,,,,,,,"))
    assert told(error)[:2] == [(2, "item8", ProblemKind.EMPTY), (3, "subject", ProblemKind.EMPTY)]


def test_two_columns_of_one_meaning_are_told(folder):
    error = problems(write(folder, f"{HEADER},subject", *(f"{row},1" for row in GOOD)), skip_bad=True)
    assert told(error) == [(None, "subject_id", ProblemKind.COLUMN)]
    assert "subject_id: subject_id, subject are one column under several names: leave one" in str(error)


def test_a_decimal_comma_is_never_another_number(folder):
    assert told(problems(write(folder, HEADER, *GOOD, "s3,PHQ-8,12,0,c.mp4")))[0] == (4, "", ProblemKind.ROW)
    semicolons = [line.replace(",", ";") for line in (HEADER, *GOOD)]
    error = problems(write(folder, *semicolons, "s3;PHQ-8;12,0;c.mp4"))
    assert told(error) == [(4, "score", ProblemKind.SCORE)]


@pytest.mark.parametrize(
    ("cell", "scale"),
    [("PHQ-8", Scale.PHQ8), ("phq8", Scale.PHQ8), ("Phq_9", Scale.PHQ9), ("PHQ 9", Scale.PHQ9), ("PHQ–8", Scale.PHQ8)],
)
def test_scales_are_known_however_they_are_written(folder, cell, scale):
    assert read_manifest(write(folder, HEADER, f"a,{cell},1,a.mp4", f"b,{cell},2.0,b.mp4")).scale is scale


def test_absolute_paths_spaces_and_empty_lines(folder):
    path = write(folder, "", HEADER, f" s1 ,PHQ-8, 3 ,{folder / 'a.mp4'}", "", ",,,", "s2,PHQ-8,4, b.mp4 ", "")
    first, second = read_manifest(path).sessions
    assert (first.subject_id, first.path, second.path) == ("s1", folder / "a.mp4", folder / "b.mp4")
    assert (first.name[:5], second.name[:5]) == ("row 3", "row 6"), "rows as a spreadsheet counts them"


GOOD = ("s1,PHQ-8,3,a.mp4", "s2,PHQ-8,4,b.mp4")


@pytest.mark.parametrize(
    ("row", "column", "trouble", "said"),
    [
        (",PHQ-8,5,c.mp4", "subject_id", ProblemKind.EMPTY, "it is empty"),
        ("s3,,5,c.mp4", "scale", ProblemKind.EMPTY, "it is empty"),
        ("s3,PHQ-8,,c.mp4", "score", ProblemKind.EMPTY, "it is empty"),
        ("s3,PHQ-8,5,", "recording", ProblemKind.EMPTY, "it is empty"),
        ("s3,BDI-II,5,c.mp4", "scale", ProblemKind.SCALE, "'BDI-II' is neither PHQ-8 nor PHQ-9"),
        ("s3,PHQ,5,c.mp4", "scale", ProblemKind.SCALE, "neither"),
        ("s3,PHQ-8,25,c.mp4", "score", ProblemKind.SCORE, "'25' is outside PHQ-8's 0 to 24"),
        ("s3,PHQ-8,-1,c.mp4", "score", ProblemKind.SCORE, "'-1' is outside"),
        ("s3,PHQ-8,4.5,c.mp4", "score", ProblemKind.SCORE, "'4.5' is not an integer"),
        ("s3,PHQ-8,seven,c.mp4", "score", ProblemKind.SCORE, "not an integer"),
        ("s3,PHQ-8,nan,c.mp4", "score", ProblemKind.SCORE, "not an integer"),
        ("s3,PHQ-8,1e1,c.mp4", "score", ProblemKind.SCORE, "not an integer"),
        ("s3,PHQ-8,٣,c.mp4", "score", ProblemKind.SCORE, "not an integer"),
        ("s3,PHQ-8," + "9" * 5000 + ",c.mp4", "score", ProblemKind.SCORE, "not an integer"),
        ("s3,PHQ-8,5,none.mp4", "recording", ProblemKind.FILE, "'none.mp4' is not there"),
        ("s3,PHQ-8,5,sub", "recording", ProblemKind.FILE, "'sub' is a folder, not a file"),
        ("s3,PHQ-8,5,empty.mp4", "recording", ProblemKind.FILE, "'empty.mp4' is empty"),
        ("s3,PHQ-8,5,pipe", "recording", ProblemKind.FILE, "'pipe' is no regular file"),
        ("s3,PHQ-8,5," + "x" * 5000, "recording", ProblemKind.FILE, "cannot be opened: File name too long"),
        ("s3,PHQ-8,5,a.mp4/b", "recording", ProblemKind.FILE, "cannot be opened: Not a directory"),
        ("s3,PHQ-8,5", "", ProblemKind.ROW, "it has 3 cells where the header has 4"),
        ("s3,PHQ-8,5,c.mp4,more", "", ProblemKind.ROW, "it has 5 cells where the header has 4"),
        ("s1,PHQ-8,3,a.mp4", "recording", ProblemKind.DUPLICATE, "'a.mp4' is the same file as row 2's"),
        ("s1,PHQ-8,3,./sub/../a.mp4", "recording", ProblemKind.DUPLICATE, "the same file as row 2's"),
        ("s1,PHQ-8,3,link.mp4", "recording", ProblemKind.DUPLICATE, "the same file as row 2's"),
        ("s1,PHQ-8,3,copy.mp4", "recording", ProblemKind.DUPLICATE, "the same file as row 2's"),
        ("s3,PHQ-8,3,copy.mp4", "recording", ProblemKind.SUBJECTS, "row 2's, there subject_id 's1'"),
        ("s1,PHQ-8,9,a.mp4", "recording", ProblemKind.SUBJECTS, "row 2's, there score '3'"),
    ],
)
def test_what_is_wrong_with_a_row_is_told_by_row_and_the_row_can_be_skipped(folder, row, column, trouble, said):
    (folder / "sub").mkdir()
    (folder / "empty.mp4").touch()
    (folder / "link.mp4").symlink_to("a.mp4")
    (folder / "copy.mp4").write_bytes((folder / "a.mp4").read_bytes())
    os.mkfifo(folder / "pipe")
    path = write(folder, HEADER, *GOOD, row, "s9,PHQ-8,11,f.mp4")
    error = problems(path)
    assert (4, column, trouble) in told(error)
    assert said in str(error)
    assert "--skip-bad leaves out" in str(error)
    assert all(problem.row in (2, 4) for problem in error.problems)
    reading = read_manifest(path, skip_bad=True)
    kept = [session.subject_id for session in reading.sessions]
    conflict = trouble is ProblemKind.SUBJECTS  # nobody can tell which of the two rows is right
    assert kept == (["s2", "s9"] if conflict else ["s1", "s2", "s9"])
    assert reading.skipped == (2 if conflict else 1)
    assert reading.problems == error.problems


@pytest.mark.parametrize(
    ("column", "cell", "trouble", "said"),
    [
        ("recorded_at", "03/05/2024", ProblemKind.CELL, "'03/05/2024' is no ISO 8601 time such as 2024-05-03T14:30"),
        ("recorded_at", "2024-13-01", ProblemKind.CELL, "no ISO 8601"),
        ("split", "tain", ProblemKind.CELL, "'tain' is none of train, dev, test"),
        ("transcript", "none.tsv", ProblemKind.FILE, "'none.tsv' is not there"),
        ("audio", "none.wav", ProblemKind.FILE, "'none.wav' is not there"),
    ],
)
def test_what_is_wrong_with_an_optional_cell(folder, column, cell, trouble, said):
    header = f"{HEADER},{column}"
    error = problems(write(folder, header, f"s1,PHQ-8,3,a.mp4,{cell}", "s2,PHQ-8,4,b.mp4,"))
    assert (2, column, trouble) in told(error)
    assert said in str(error)


def test_a_part_for_some_rows_alone_is_told(folder):
    path = write(folder, f"{HEADER},split", "s1,PHQ-8,3,a.mp4,train", "s2,PHQ-8,4,b.mp4,", "s3,PHQ-8,5,c.mp4,test")
    assert told(problems(path)) == [(3, "split", ProblemKind.EMPTY)]


def test_a_row_names_a_recording_or_features(folder):
    path = write(folder, f"{HEADER},features", *(f"{row}," for row in GOOD), "s3,PHQ-8,5,c.mp4,0.npz", "s4,PHQ-8,6,,")
    error = problems(path)
    assert told(error) == [(4, "features", ProblemKind.CELL), (5, "recording or features", ProblemKind.EMPTY)]


def test_one_subject_in_two_parts_ends_it(folder):
    path = write(folder, f"{HEADER},split", "s1,PHQ-8,3,a.mp4,train", "s1,PHQ-8,4,b.mp4,test", "s2,PHQ-8,5,c.mp4,dev")
    error = problems(path, skip_bad=True)
    assert "the subject 's1' is in test and train: a subject belongs to one part" in str(error)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((HEADER, "s1,PHQ-8,3,a.mp4", "s1,PHQ-8,4,b.mp4"), "every row is of the one subject 's1'"),
        ((HEADER, "s1,PHQ-8,3,a.mp4", "s2,PHQ-8,3,b.mp4"), "every row has the score 3: nothing can be learnt"),
        (
            (HEADER, "s1,PHQ-8,3,a.mp4", "s2,PHQ-9,4,b.mp4", "s3,PHQ-8,4,c.mp4"),
            "mixes PHQ-8 in 2 rows (the first is row 2) and PHQ-9 in 1 row (the first is row 3)",
        ),
        (("subject_id,scale,recording", "s1,PHQ-8,a.mp4"), "score: this column is missing"),
        (("subject_id,scale,score", "s1,PHQ-8,3"), "recording or features: one of these columns is needed"),
        ((f"{HEADER},score", "s1,PHQ-8,3,a.mp4,4"), "score: 2 columns have this name"),
        ((f"{HEADER},", "s1,PHQ-8,3,a.mp4,4"), "column 5 holds values and has no name"),
        (("a,b,c", "1,2,3"), "subject_id: this column is missing"),
    ],
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_what_concerns_the_whole_manifest_ends_it_even_when_bad_rows_are_skipped(folder, lines, said, skip_bad):
    error = problems(write(folder, *lines), skip_bad=skip_bad)
    assert said in str(error).replace(" that is left", "")
    assert "--skip-bad" not in str(error)
    assert any(problem.row is None for problem in error.problems)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("socre", "score"),
        ("scores", "score"),
        ("subjectid", "subject_id"),
        ("SubjectId", "subject_id"),
        ("subject-ids", "subject_id"),
        ("feature", "features"),
        ("Recordng", "recording"),
        ("transcripts", "transcript"),
        ("spit", "split"),
        ("recordedat", "recorded_at"),
    ],
)
def test_a_misspelt_column_is_told(folder, name, meant):
    error = problems(write(folder, f"{HEADER},{name}", *(f"{row},1" for row in GOOD)), skip_bad=True)
    assert told(error) == [(None, name.lower().replace("-", "_"), ProblemKind.COLUMN)]
    assert f"probably {meant} misspelt" in str(error)


@pytest.mark.parametrize("name", ["sex", "age", "language", "site", "gender", "scalpel", "state", "medication", "role"])
def test_other_columns_are_groups(folder, name):
    reading = read_manifest(write(folder, f"{HEADER},{name}", *(f"{row},x" for row in GOOD)))
    assert reading.sessions[0].groups == {name: "x"}


def test_all_problems_are_told_at_once(folder):
    path = write(folder, HEADER, ",PHQ-8,x,none.mp4", "s2,PHQ-7,99,a.mp4", "s3,PHQ-9,1,b.mp4", "s4,PHQ-8,1,b.mp4")
    error = problems(path)
    lines = str(error).splitlines()
    assert lines[0] == f"The manifest {path} cannot be used: 8 problems in 4 of 4 rows."
    assert lines[1] == "The manifest as a whole (1):"
    assert "  row 2, score: 'x' is not an integer" in lines
    assert "  row 3, scale: 'PHQ-7' is neither PHQ-8 nor PHQ-9" in lines
    assert "  row 5, recording: 'b.mp4' is the same file as row 4's, there subject_id 's3'" in lines


def test_skipping_may_leave_one_subject_or_none(folder):
    path = write(folder, HEADER, "s1,PHQ-8,3,a.mp4", "s1,PHQ-8,4,b.mp4", "s2,PHQ-8,99,c.mp4")
    assert "every row that is left is of the one subject 's1'" in str(problems(path, skip_bad=True))
    path = write(folder, HEADER, "s1,PHQ-8,93,a.mp4", "s2,PHQ-8,99,c.mp4")
    assert "no row is left" in str(problems(path, skip_bad=True))


def test_broken_cells_do_not_break_the_report(folder):
    header = "subject_id,scale,score,recording,note"
    path = write(folder, header, '"s\n1",PHQ-8,"3\x07\n4",a.mp4,"two\nlines"', "s2,PHQ-8,4,none.mp4,")
    error = problems(path)
    assert told(error) == [(2, "score", ProblemKind.SCORE), (3, "recording", ProblemKind.FILE)]
    assert "'3  4' is not an integer" in str(error)
    assert "Rows are records, as a spreadsheet counts them: some cells hold line breaks." in str(error)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty: a header and a row for each session are expected"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b" \n,,,\n\n", "it is empty"),
        (HEADER.encode(), "it holds a header and no rows"),
        (HEADER.encode() + b"\n,,,\n", "it holds a header and no rows"),
        (HEADER.encode() + b"\ns1,PHQ-8,3,a.mp4\nJos\xe9,PHQ-8,4,b.mp4\n", "byte 0xE9 in line 3 is not UTF-8"),
        (HEADER.encode() + b"\ns1,PHQ-8,\x003,a.mp4\n", "line 2 holds a NUL byte"),
        (HEADER.encode("utf-16")[:-1], "it is damaged UTF-16: save it as UTF-8"),
        (HEADER.encode("utf-16-le"), "line 1 holds a NUL byte"),
        (HEADER.encode() + b'\n"s1,PHQ-8,3,a.mp4\n', "row 2 is no CSV"),
        (HEADER.encode() + b'\n"s1"x,PHQ-8,3,a.mp4\n', "row 2 is no CSV"),
        (HEADER.encode() + b'\ns1,PHQ-8,3,"' + b"x" * 200_000 + b'"\n', "row 2 is no CSV"),
    ],
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_file_that_is_no_manifest_is_one_sentence(folder, content, said, skip_bad):
    (folder / "labels.csv").write_bytes(content)
    error = problems(folder / "labels.csv", skip_bad=skip_bad)
    assert said in str(error)
    assert len(str(error).splitlines()) == 1


def test_a_manifest_that_is_not_there_or_no_file_is_one_sentence(folder, monkeypatch):
    assert "it cannot be read: No such file" in str(problems(folder / "none.csv"))
    assert "it cannot be read: Is a directory" in str(problems(folder))
    monkeypatch.setattr("training.phq.data.manifest.MAX_BYTES", 10)
    assert "so it is no manifest" in str(problems(write(folder, HEADER)))


def test_any_bytes_end_in_a_report_and_never_in_another_error(folder):
    rng = np.random.default_rng(0)
    whole = "\n".join([f"{HEADER},features,split,recorded_at", *(f"s{i},PHQ-8,{i},a.mp4,,dev,2024" for i in range(9))])
    letters = np.frombuffer(b',;\t\n\r" \x00\xff\xc3-.0918aPHQ', np.uint8)
    for _ in range(300):
        content = np.frombuffer(whole.encode(), np.uint8).copy()
        where = rng.integers(len(content), size=rng.integers(1, 12))
        content[where] = rng.choice(letters, size=len(where))
        (folder / "labels.csv").write_bytes(content.tobytes()[: rng.integers(1, len(content) + 1)])
        for skip_bad in (False, True):
            assert str(problems(folder / "labels.csv", skip_bad=skip_bad)).startswith("The manifest ")


FEATURES = "subject_id,scale,score,features"


def listed(folder, *names):
    return write(folder, FEATURES, *(f"s{i},PHQ-8,{i},{name}" for i, name in enumerate(names)))


def test_features_files_are_told_from_their_headers(folder):
    every = SessionFeatures(
        face=features(0, width=3).face,
        voice=FeatureSeries(np.zeros((5, 2), np.float32), np.arange(5.0)),
        words=FeatureSeries(np.zeros((2, 7), np.float32), None, "bert"),
        behaviour=behaviour_seconds(sample_behaviour(seconds=12.0)),
    )
    write_features(every, folder / "every.npz")
    assert feature_spaces(folder / "every.npz") == {
        Modality.FACE: FeatureSpace("vit-1", 3),
        Modality.VOICE: FeatureSpace("", 2),
        Modality.WORDS: FeatureSpace("bert", 7),
        Modality.BEHAVIOUR: FeatureSpace("behaviour-1", 15),
    }


def test_sessions_have_the_behaviour_of_their_features_files(folder):
    seconds = behaviour_seconds(sample_behaviour(seconds=12.0))
    write_features(SessionFeatures(face=features(4).face, behaviour=seconds), folder / "moving.npz")
    still, moving = (session.load() for session in read_manifest(listed(folder, "0.npz", "moving.npz")).sessions)
    assert still.behaviour is None
    np.testing.assert_array_equal(moving.behaviour.values, seconds.values)
    assert (moving.behaviour.kind, moving.behaviour.names) == (seconds.kind, seconds.names)


def test_behaviour_of_other_software_beside_our_own_is_told(folder):
    openface = FeatureSeries(np.zeros((12, 3), np.float32), np.arange(12.0), "openface-2")
    write_features(SessionFeatures(behaviour=openface), folder / "openface.npz")
    for seconds in (12.0, 13.0):
        series = behaviour_seconds(sample_behaviour(seconds=seconds))
        write_features(SessionFeatures(behaviour=series), folder / f"{seconds:g}.npz")
    error = problems(listed(folder, "12.npz", "openface.npz", "13.npz"))
    assert told(error) == [(3, "features", ProblemKind.FEATURES)]
    assert "facial behaviour has 3 numbers a row of kind openface-2" in str(error)


def save(path, **arrays):
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"no archive"), "is not a whole .npz archive"),
        (lambda path: path.write_bytes((path.parent / "0.npz").read_bytes()[:300]), "is not a whole .npz archive"),
        (lambda path: save(path, other=np.zeros(3)), "none of the arrays visual, voice, words and behaviour"),
        (lambda path: save(path, visual=np.zeros((3, 2))), "visual stands without time_s"),
        (lambda path: save(path, visual=np.zeros(3), time_s=np.zeros(3)), "visual must be (rows, width), it is (3,)"),
        (lambda path: save(path, visual=np.zeros((3, 0)), time_s=np.zeros(3)), "visual must be (rows, width)"),
        (lambda path: save(path, visual=np.zeros((3, 2)), time_s=np.zeros(4)), "time_s must be (3,) beside visual"),
        (lambda path: save(path, visual=np.full((3, 2), "x"), time_s=np.zeros(3)), "visual does not hold numbers"),
        (lambda path: save(path, visual=np.array([[{}]]), time_s=np.zeros(1)), "visual does not hold numbers"),
        (
            lambda path: save(path, visual=np.zeros((1, 1)), time_s=np.zeros(1), visual_kind=np.array([{}])),
            "allow_pickle",
        ),
        (
            lambda path: save(path, visual=np.zeros((1, 1)), time_s=np.zeros(1), visual_kind=np.array("x" * 99999)),
            "visual_kind is longer than a kind can be",
        ),
    ],
)
def test_a_features_file_that_cannot_be_used_is_told(folder, make, said):
    make(folder / "bad.npz")
    error = problems(listed(folder, "0.npz", "1.npz", "bad.npz"))
    assert told(error) == [(4, "features", ProblemKind.FEATURES)]
    assert said in str(error)
    assert read_manifest(folder / "labels.csv", skip_bad=True).skipped == 1


def test_a_damaged_header_inside_a_whole_archive_is_told(folder):
    content = (folder / "1.npz").read_bytes()
    for at in range(30, len(content) - 200, 7):
        (folder / "bad.npz").write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        with contextlib.suppress(FerPhqError):  # and nothing else
            feature_spaces(folder / "bad.npz")


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (features(7, width=5), "the face has 5 numbers a row of kind vit-1, in 3 rows it has 4 numbers a row of kind"),
        (features(7, kind="vit-2"), "the face has 4 numbers a row of kind vit-2, in 3 rows"),
    ],
)
def test_features_unlike_the_others_are_told(folder, odd, said):
    write_features(odd, folder / "odd.npz")
    error = problems(listed(folder, "0.npz", "odd.npz", "1.npz", "2.npz"))
    assert told(error) == [(3, "features", ProblemKind.FEATURES)]
    assert said in str(error)


def test_features_without_a_modality_that_others_have_are_fine(folder):
    voice = SessionFeatures(voice=FeatureSeries(np.zeros((5, 2), np.float32), np.arange(5.0)))
    write_features(voice, folder / "voice.npz")
    assert len(read_manifest(listed(folder, "0.npz", "voice.npz")).sessions) == 2


def test_files_of_one_size_and_other_bytes_are_not_the_same(folder):
    size = 300_000  # larger than the samples of both ends
    for name, at in (("x", 150_000), ("y", 150_001)):
        (folder / f"{name}.mp4").write_bytes(bytes(at) + b"!" + bytes(size - at - 1))
    (folder / "z.mp4").write_bytes((folder / "x.mp4").read_bytes())
    path = write(folder, HEADER, "s1,PHQ-8,3,x.mp4", "s2,PHQ-8,4,y.mp4")
    assert len(read_manifest(path).sessions) == 2
    path = write(folder, HEADER, "s1,PHQ-8,3,x.mp4", "s2,PHQ-8,4,y.mp4", "s1,PHQ-8,3,z.mp4")
    assert told(problems(path)) == [(4, "recording", ProblemKind.DUPLICATE)]


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_counted_and_the_first_of_each_kind_shown(folder):
    rows = [f"s{i % 500},PHQ-8,{i % 30},none/{i}.mp4" for i in range(99_000)]
    rows += [f"s1,PHQ-8,{i % 2},a.mp4" for i in range(1_000)]
    error = problems(write(folder, HEADER, *rows))
    lines = str(error).splitlines()
    assert len(lines) < 6 * (MOST_LISTED + 2)
    assert "Files (99000):" in lines
    assert "  row 2, recording: 'none/0.mp4' is not there" in lines
    assert "  and 98980 more" in lines
    assert "Scores (16500):" in lines
    assert "One recording under several subjects or scores (1000):" in lines
    assert lines[0].endswith("in 100000 of 100000 rows.")


def test_each_file_is_opened_once_however_many_rows_name_it(folder, monkeypatch):
    opened = []
    monkeypatch.setattr("training.phq.data.manifest_files.feature_spaces", lambda path: opened.append(path) or {})
    path = write(folder, FEATURES, *(f"s{i},PHQ-8,{i % 9},{i % 4}.npz" for i in range(2000)))
    assert len(problems(path).problems) == 2000
    assert len(opened) == 4


@pytest.mark.parametrize("score", [-1, 25, 3.5, float("nan")])
def test_a_session_has_a_total_of_its_scale(tmp_path, score):
    with pytest.raises(ValueError, match="totals are integers from 0 to 24"):
        LabelledSession("x", "s", Scale.PHQ8, score, SourceKind.RECORDING, tmp_path)
