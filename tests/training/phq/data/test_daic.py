"""DAIC-WOZ and E-DAIC as they are given out, traps included, become labelled sessions; all else is one sentence."""

import re
import shutil

import numpy as np
import phq_corpora
import pytest

from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.phq import Scale
from training.phq.data import daic_features
from training.phq.data.daic import read_daic, refuse_overlap
from training.phq.data.daic_features import reduce_rows
from training.phq.data.sessions import SourceKind


@pytest.fixture(scope="module")
def daic_woz(tmp_path_factory):
    return phq_corpora.write_daic_woz(tmp_path_factory.mktemp("corpora") / "daic")


@pytest.fixture(scope="module")
def e_daic(tmp_path_factory):
    return phq_corpora.write_e_daic(tmp_path_factory.mktemp("corpora") / "edaic")


@pytest.fixture
def copy(daic_woz, e_daic, tmp_path):
    """Copies a corpus, to be damaged."""

    def copied(name: str):
        source = {"daic": daic_woz, "edaic": e_daic}[name]
        return shutil.copytree(source, tmp_path / name)

    return copied


def edit(path, change):
    path.write_text(change(path.read_text()))


def texts(messages):
    return [str(message) for message in messages]


def by_id(reading):
    return {session.subject_id.partition(":")[2]: session for session in reading.sessions}


def test_daic_woz_gives_its_sessions_with_labels_parts_and_files(daic_woz):
    reading = read_daic(daic_woz)
    assert reading.corpus == "daic-woz"
    scores = {session.subject_id: (session.split, session.score) for session in reading.sessions}
    expected = {f"daic-woz:{p}": (part, s) for part, of in phq_corpora.DAIC_WOZ.items() for p, s in of.items()}
    del expected["daic-woz:440"]
    assert scores == expected
    session = by_id(reading)["303"]
    assert session.scale is Scale.PHQ8
    assert session.kind is SourceKind.CORPUS
    assert (session.transcript, session.speaker) == (daic_woz / "303_P/303_TRANSCRIPT.csv", "Participant")
    assert session.audio == daic_woz / "303_P/303_AUDIO.wav"
    assert session.groups == {"gender": "1"}
    assert by_id(reading)["305"].items == (2, 2, 2, 2, 1, 1, 1, 1)
    assert by_id(reading)["300"].items == (), "the test part's file holds no answers"


def test_e_daic_gives_its_sessions_with_labels_parts_and_files(e_daic):
    reading = read_daic(e_daic)
    assert reading.corpus == "e-daic"
    scores = {session.subject_id: (session.split, session.score) for session in reading.sessions}
    expected = {f"e-daic:{p}": (part, s) for part, of in phq_corpora.E_DAIC.items() for p, s in of.items()}
    del expected["e-daic:716"]
    assert scores == expected, "657 without its CNN_VGG.mat is used"
    session = by_id(reading)["601"]
    assert session.transcript == e_daic / "data/601_P/601_Transcript.csv"
    assert session.speaker is None, "its transcripts name no speaker"
    assert session.groups == {"gender": "female"}
    assert session.items == (2,) * 7 + (1,), "they stand in a file of their own"


def test_what_is_missing_is_named_and_left_out(daic_woz, e_daic):
    (truncated,) = read_daic(daic_woz).left_out
    assert str(truncated) == "daic-woz:440 (dev): 440_P is not whole: 440_CLNF_pose.txt, 440_COVAREP.csv are missing."
    (absent,) = read_daic(e_daic).left_out
    assert str(absent) == "e-daic:716 (test): there is no folder 716_P."
    assert any("718_P" in said and "no label" in said for said in texts(read_daic(e_daic).warnings))


def test_an_archive_that_was_not_unpacked_is_named(copy):
    folder = copy("daic")
    shutil.rmtree(folder / "440_P")
    (folder / "440_P.zip").write_bytes(b"PK")
    assert "440_P.zip is not unpacked" in str(read_daic(folder).left_out[0])


def test_answers_that_do_not_sum_to_the_total_are_not_used(copy):
    folder = copy("edaic")
    path = folder / "labels" / "Detailed_PHQ8_Labels.csv"
    edit(path, lambda text: text.replace("601,2,2,2,2,2,2,2,1,15", "601,2,2,2,2,2,2,2,0,15").replace("302,", "999,"))
    found = by_id(read_daic(folder))
    assert (found["601"].items, found["302"].items) == ((), ())
    assert found["401"].items == (1,) * 7 + (0,)


def test_a_class_that_contradicts_the_total_is_a_warning(daic_woz):
    (said,) = [said for said in texts(read_daic(daic_woz).warnings) if "409" in said]
    assert "gives the score 10 and the class 0; the score is used" in said


def test_a_test_part_without_scores_is_left_out_and_said(copy):
    folder = copy("daic")
    (folder / "full_test_split.csv").unlink()
    reading = read_daic(folder)
    assert {session.split for session in reading.sessions} == {"train", "dev"}
    assert any("the part test needs full_test_split.csv" in said for said in texts(reading.warnings))
    assert len([said for said in texts(reading.left_out) if "no PHQ-8 score" in said]) == 2


def test_daic_woz_features_leave_out_lost_frames_and_unvoiced_pitch(daic_woz):
    features = by_id(read_daic(daic_woz))["302"].load()
    assert isinstance(features, SessionFeatures)
    face, voice = features.face, features.voice
    assert (face.kind, face.width, voice.kind, voice.width) == ("daic-clnf-1", 38, "daic-covarep-1", 74)
    assert face.names[:2] == ("AU01_r", "AU02_r")
    assert (face.names[20], face.names[-1]) == ("gaze_x_0", "pose_Rz")
    assert (voice.names[0], voice.names[-1]) == ("F0", "HMPDD_12")
    # Frames 10 to 19 failed and 20 is unsure: nothing from 0.333 s to before 0.7 s.
    assert face.time_s[-1] < phq_corpora.FRAMES / 30
    assert not ((face.time_s > 0.3167) & (face.time_s < 0.7)).any()
    assert np.isfinite(face.values).all()
    assert len(voice) == phq_corpora.VOICE_ROWS // 10
    pitch = voice.values[:, 0]
    assert np.isnan(pitch[:6]).all(), "unvoiced for 0.5 s, then scrubbed for 0.1 s"
    np.testing.assert_allclose(pitch[6:], 120)
    np.testing.assert_allclose(voice.values[:5, 1], 0)
    assert np.isfinite(voice.values[:5, 11:]).all(), "what needs no voice is measured"
    assert np.isnan(voice.values[5]).all(), "scrubbed"


def test_e_daic_features_have_the_49_columns_and_no_pitch_in_silence(e_daic):
    features = by_id(read_daic(e_daic))["657"].load()
    face, voice = features.face, features.voice
    assert (face.kind, face.width, voice.kind, voice.width) == ("edaic-openface-1", 49, "edaic-egemaps-1", 23)
    assert face.names == tuple(phq_corpora.OPENFACE)
    assert voice.names == tuple(phq_corpora.EGEMAPS)
    voiced_only = [i for i, name in enumerate(voice.names) if name.endswith("nz")]
    assert np.isnan(voice.values[:5, voiced_only]).all()
    assert np.isfinite(voice.values[:5, 0]).all()
    assert np.isfinite(voice.values[5:]).all()


def test_face_values_are_the_means_of_the_frames_in_the_files(daic_woz):
    lines = (daic_woz / "302_P/302_CLNF_AUs.txt").read_text().splitlines()[1:4]
    values = np.array([[float(cell) for cell in line.split(",")[4:]] for line in lines])
    face = by_id(read_daic(daic_woz))["302"].load().face
    np.testing.assert_allclose(face.values[0, :20], values.mean(axis=0), rtol=1e-4, atol=1e-6)


def test_rows_are_brought_to_ten_a_second_over_what_was_measured():
    time_s = np.arange(300) / 30
    values = np.stack([time_s, np.full(300, np.nan), np.where(np.arange(300) % 3, np.nan, 5)], 1).astype(np.float32)
    reduced_time, reduced = reduce_rows(time_s, values)
    assert reduced.shape == (100, 3)
    assert reduced.dtype == np.float32
    np.testing.assert_allclose(reduced[:, 0], reduced_time, rtol=1e-5)
    assert (np.diff(reduced_time) > 0).all()
    assert np.isnan(reduced[:, 1]).all()
    np.testing.assert_allclose(reduced[:, 2], 5)


def test_rows_with_gaps_keep_their_gaps():
    time_s = np.r_[np.arange(10) / 100, 7 + np.arange(10) / 100]
    reduced_time, reduced = reduce_rows(time_s, np.arange(20, dtype=np.float32)[:, None])
    np.testing.assert_allclose(reduced_time, [0.045, 7.045])
    np.testing.assert_allclose(reduced[:, 0], [4.5, 14.5])


@pytest.mark.parametrize("word", ["-1.#IND", "-nan(ind)", "NaN", "inf", "-Inf", ""])
def test_numbers_that_are_none_are_nan(copy, word):
    path = copy("daic") / "302_P/302_CLNF_gaze.txt"
    lines = path.read_text().splitlines()
    for i in (1, 2, 3):  # the first tenth of a second
        lines[i] = ", ".join([*lines[i].split(", ")[:-1], word])
    path.write_text("\n".join(lines) + "\n")
    face = daic_features.load_daic_woz(path.parent).face
    column = face.names.index("gaze_z_h1")
    assert np.isnan(face.values[0, column])
    assert np.isfinite(face.values[1:, column]).all()


def test_frames_are_joined_by_their_number(copy):
    folder = copy("daic") / "302_P"
    whole = daic_features.load_daic_woz(folder).face
    edit(folder / "302_CLNF_pose.txt", lambda text: "".join(text.splitlines(keepends=True)[:31]))  # the first second
    short = daic_features.load_daic_woz(folder).face
    assert short.time_s[-1] < 1
    np.testing.assert_array_equal(short.values, whole.values[: len(short)])


def test_a_session_whose_face_was_never_found_has_a_voice_alone(copy):
    folder = copy("daic") / "302_P"
    edit(folder / "302_CLNF_AUs.txt", lambda text: re.sub(r"(0\.\d{4}), 1, ", r"\1, 0, ", text))
    features = daic_features.load_daic_woz(folder)
    assert features.face is None
    assert features.voice is not None


def test_names_of_files_in_another_case_are_found(copy):
    folder = copy("edaic")
    features = folder / "data/601_P/features"
    (features / "601_OpenFace2.1.0_Pose_gaze_AUs.csv").rename(features / "601_OpenFace2.1.0_Pose_Gaze_AUs.csv")
    assert "601" in by_id(read_daic(folder))


@pytest.mark.parametrize(
    ("corpus", "name", "change", "said"),
    [
        ("daic", "302_CLNF_AUs.txt", lambda t: t.replace("confidence", "AU99_r", 1), "names column 3 'AU99_r', conf"),
        ("daic", "302_CLNF_gaze.txt", lambda t: t.replace(", z_h1", "", 1), "has 15 columns, 16 are expected"),
        ("daic", "302_CLNF_AUs.txt", lambda t: t.split("\n", 1)[1], "names column 1 '1', frame is expected"),
        ("daic", "302_COVAREP.csv", lambda t: ",".join(daic_features.COVAREP) + "\n" + t, "numbers without a header"),
        ("daic", "302_COVAREP.csv", lambda t: t.replace(",", ";"), "has 1 columns, 74 are expected"),
        ("daic", "302_COVAREP.csv", lambda t: "", "has 1 columns, 74 are expected"),
        ("daic", "302_COVAREP.csv", lambda t: t[:-600], "is cut off: its last line has"),
        ("daic", "302_CLNF_pose.txt", lambda t: t.split("\n", 1)[0] + "\n", "is cut off"),
        ("daic", "302_CLNF_pose.txt", lambda t: t.replace("Rx", "Rxx", 1), "named Rxx, in most sessions it is Rx"),
        ("edaic", "302_OpenFace2.1.0_Pose_gaze_AUs.csv", lambda t: t.replace(",", ";"), "has 1 columns, 53 are exp"),
        ("edaic", "302_OpenSMILE2.3.0_egemaps.csv", lambda t: t.replace("frameTime", "time", 1), "frametime is exp"),
    ],
)
def test_another_layout_is_one_sentence_and_leaves_its_session_out(copy, corpus, name, change, said):
    folder = copy(corpus)
    (path,) = folder.rglob(name)
    edit(path, change)
    reading = read_daic(folder)
    (sentence,) = [sentence for sentence in texts(reading.left_out) if ":302 " in sentence]
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("302_CLNF_AUs.txt", lambda lines: [*lines[:9], "10, 0.3, 0.9, 1, x", *lines[10:]], "Expected 24 columns, got"),
        ("302_CLNF_AUs.txt", lambda lines: [*lines[:9], lines[9].replace("0.", "zero", 1), *lines[10:]], "'?zero"),
        ("302_CLNF_AUs.txt", lambda lines: [*lines[:9], lines[3], *lines[10:]], "frame numbers do not run forward"),
        (
            "302_CLNF_AUs.txt",
            lambda lines: [*lines[:9], re.sub(r"^(\d+), [\d.]+", r"\1, 0.01", lines[9]), *lines[10:]],
            "timestamps do not run forward",
        ),
    ],
)
def test_what_is_wrong_inside_a_file_is_one_sentence_when_it_is_loaded(copy, name, change, said):
    path = copy("daic") / "302_P" / name
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    with pytest.raises(FerPhqError, match=said) as error:
        daic_features.load_daic_woz(path.parent)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.replace("Participant_ID", "Subject"), "has no column Participant_ID; its columns are Subject"),
        (lambda t: t.replace("PHQ8_Score", "Total"), "no column PHQ8_Score or PHQ_Score"),
        (lambda t: t.replace("302,", "abc,"), "names a participant 'abc' in column Participant_ID"),
        (lambda t: t + "401,0,7,0\n", "401 has two rows in the label files of .*: dev and train"),
        (lambda t: "", "no column Participant_ID"),
        (lambda t: t.replace("302,0,4,", "302,0,4,5,"), "Row 2: it has 13 cells, the heading has 12."),
        (lambda t: t.replace("Gender", "PHQ_Score"), "phq8_score, phq_score all stand for phq8_score; leave one."),
        (lambda t: t.replace("Gender", "PHQ8_Score"), "the column 'phq8_score' is there 2 times; leave one."),
    ],
)
def test_label_files_that_are_otherwise_end_it(copy, change, said):
    folder = copy("daic")
    edit(folder / "train_split_Depression_AVEC2017.csv", change)
    with pytest.raises(FerPhqError, match=said):
        read_daic(folder)


def test_a_label_file_that_a_spreadsheet_saved_anew_is_read(copy, daic_woz):
    folder = copy("daic")
    path = folder / "train_split_Depression_AVEC2017.csv"
    path.write_bytes(path.read_text().replace(",", ";").encode("utf-16"))
    assert by_id(read_daic(folder)).keys() == by_id(read_daic(daic_woz)).keys()


def test_a_score_with_a_decimal_comma_is_said_to_be_no_number(copy):
    folder = copy("daic")
    edit(folder / "train_split_Depression_AVEC2017.csv", lambda t: t.replace("302,0,4,", '302,0,"4,0",'))
    (said,) = [said for said in texts(read_daic(folder).left_out) if ":302 " in said]
    assert said.endswith("AVEC2017.csv gives the score '4,0', which is no whole number.")


@pytest.mark.parametrize("score", ["31", "-1", "", "4.5", "x"])
def test_a_score_that_is_none_leaves_its_session_out(copy, score):
    folder = copy("daic")
    edit(folder / "train_split_Depression_AVEC2017.csv", lambda t: re.sub("302,0,4", f"302,0,{score}", t))
    assert any(":302 (train)" in said and "score" in said for said in texts(read_daic(folder).left_out))


def test_folders_that_are_neither_both_or_empty_are_one_sentence(copy, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(FerPhqError, match="is neither DAIC-WOZ nor E-DAIC"):
        read_daic(tmp_path / "other")
    with pytest.raises(FerPhqError, match="There is no folder"):
        read_daic(tmp_path / "none")
    both = copy("daic")
    shutil.copytree(copy("edaic") / "labels", both / "labels")
    with pytest.raises(FerPhqError, match="of both"):
        read_daic(both)
    bare = tmp_path / "bare"
    shutil.copytree(tmp_path / "edaic" / "labels", bare / "labels")
    with pytest.raises(FerPhqError, match=r"No session of E-DAIC .* there is no folder 302_P"):
        read_daic(bare)


def test_the_corpora_share_people_and_never_meet(daic_woz, e_daic):
    one, other = ([s.subject_id for s in read_daic(folder).sessions] for folder in (daic_woz, e_daic))
    assert not set(one) & set(other)
    refuse_overlap(one)
    refuse_overlap([*other, "clinic-7"])
    with pytest.raises(FerPhqError, match="hold the same people"):
        refuse_overlap([*one, *other])
