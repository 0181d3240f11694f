"""A features file holds what was written into it, and says what is amiss with any other."""

import io
import zipfile

import numpy as np
import pytest

from fer_phq.behaviour.seconds.series import COLUMNS, KIND
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.features.files import read_features, read_interviewer, write_features


def a_session(rows=5):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, 4)).astype(np.float32)
    values[1, 2] = np.nan
    emotions = rng.dirichlet(np.ones(7), rows).astype(np.float32)
    return SessionFeatures(
        face=FeatureSeries(values, np.arange(rows) / 2, "fer-vit-1", duration_s=np.full(rows, 0.5), rate_hz=2.0),
        voice=FeatureSeries(
            rng.normal(size=(9, 2)).astype(np.float32), np.arange(9) / 10, "prosody-1", ("f0", "loudness")
        ),
        words=FeatureSeries(rng.normal(size=(3, 6)).astype(np.float32)),
        emotions=emotions,
        behaviour=FeatureSeries(
            rng.normal(size=(4, 15)).astype(np.float32), np.arange(4.0), "behaviour-1", COLUMNS, np.ones(4), 30.0
        ),
    )


def test_what_is_written_is_read(tmp_path):
    session = a_session()
    write_features(session, tmp_path / "s.npz")
    found = read_features(tmp_path / "s.npz")
    assert found.modalities == tuple(Modality)
    for modality in Modality:
        wanted, got = session.series(modality), found.series(modality)
        np.testing.assert_array_equal(got.values, wanted.values)
        assert (got.kind, got.names, got.rate_hz) == (wanted.kind, wanted.names, wanted.rate_hz)
        np.testing.assert_array_equal(got.duration_s, wanted.duration_s)
        if wanted.time_s is None:
            assert got.time_s is None
        else:
            np.testing.assert_array_equal(got.time_s, wanted.time_s)
    np.testing.assert_array_equal(found.emotions, session.emotions)
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]


def test_an_interviewer_is_written_beside_the_subject_and_is_no_modality(tmp_path):
    interviewer = FeatureSeries(np.ones((3, 2), np.float32), np.arange(3.0), "plain-1", ("words", "duration_s"))
    write_features(a_session(), tmp_path / "with.npz", interviewer)
    write_features(a_session(), tmp_path / "without.npz")
    series = read_interviewer(tmp_path / "with.npz")
    np.testing.assert_array_equal(series.values, interviewer.values)
    assert (series.kind, series.names, series.time_s.tolist()) == ("plain-1", interviewer.names, [0, 1, 2])
    assert read_interviewer(tmp_path / "without.npz") is None
    features = [read_features(tmp_path / name) for name in ("with.npz", "without.npz")]
    assert features[0].modalities == features[1].modalities
    np.savez(tmp_path / "bad.npz", visual=np.ones((1, 2)), time_s=[0], interviewer=np.ones(3))
    with pytest.raises(FerPhqError, match=r"interviewer: values must be \(rows, width\)"):
        read_interviewer(tmp_path / "bad.npz")


def test_a_plain_file_of_another_program_is_read(tmp_path):
    np.savez(tmp_path / "s.npz", visual=np.ones((3, 2)), time_s=[0, 1, 1], extra=np.zeros(2))
    found = read_features(tmp_path / "s.npz")
    assert found.modalities == (Modality.FACE,)
    assert found.face.values.dtype == np.float32
    assert found.face.kind == ""


def test_a_modality_without_rows_is_missing(tmp_path):
    empty = FeatureSeries(np.zeros((0, 3), np.float32), np.zeros(0))
    write_features(SessionFeatures(face=a_session().face, voice=empty), tmp_path / "s.npz")
    assert read_features(tmp_path / "s.npz").modalities == (Modality.FACE,)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"visual": np.ones((3, 2))}, "visual stands without time_s"),
        ({"visual": np.ones(3), "time_s": np.arange(3)}, r"visual: values must be \(rows, width\)"),
        ({"visual": np.ones((3, 2)), "time_s": np.arange(4)}, "3 rows need 3 times"),
        ({"visual": np.ones((3, 2)), "time_s": [0, 2, 1]}, "must not decrease"),
        ({"visual": np.ones((3, 2)), "time_s": [0, 1, np.nan]}, "must be finite"),
        ({"visual": np.full((3, 2), 1e39), "time_s": np.arange(3)}, "infinite"),
        ({"visual": np.array([["a"]]), "time_s": [0]}, "visual does not hold numbers"),
        ({"visual": np.ones((1, 2)), "time_s": ["0"]}, "time_s does not hold numbers"),
        ({"visual": np.ones((3, 2)), "time_s": np.arange(3), "emotions": np.ones((2, 7))}, "emotions must be"),
        ({"other": np.ones(2)}, "none of the arrays visual, voice, words and behaviour"),
    ],
)
def test_a_wrong_array_is_named(tmp_path, arrays, said):
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(FerPhqError, match=said) as caught:
        read_features(tmp_path / "s.npz")
    assert "s.npz" in str(caught.value)


@pytest.mark.parametrize("names", [(), COLUMNS[::-1], COLUMNS[:14]])
def test_behaviour_with_other_columns_than_its_kind_is_refused(tmp_path, names):
    values = np.ones((4, len(names) or 15), np.float32)
    write_features(SessionFeatures(behaviour=FeatureSeries(values, np.arange(4.0), KIND, names)), tmp_path / "s.npz")
    with pytest.raises(FerPhqError, match="behaviour: rows of the kind 'behaviour-1' have the columns pitch_deg, yaw_"):
        read_features(tmp_path / "s.npz")


def test_a_pickle_is_never_read(tmp_path):
    np.savez(tmp_path / "s.npz", visual=np.array([{"a": 1}], dtype=object), time_s=[0])
    with pytest.raises(FerPhqError, match="cannot be used"):
        read_features(tmp_path / "s.npz")


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 cut"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(FerPhqError, match="cannot be used"):
        read_features(tmp_path / "s.npz")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FerPhqError, match="No such file"):
        read_features(tmp_path / "none.npz")


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_phq.features.files.MAX_BYTES", 1000)
    np.savez_compressed(tmp_path / "s.npz", visual=np.zeros((1000, 10)), time_s=np.arange(1000))
    with pytest.raises(FerPhqError, match="take more than"):
        read_features(tmp_path / "s.npz")


def test_a_damaged_array_is_refused(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, visual=np.ones((3, 2)), time_s=np.arange(3))
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(tmp_path / "s.npz", "w") as cut:
        for name in whole.namelist():
            cut.writestr(name, whole.read(name)[:-8])
    with pytest.raises(FerPhqError, match="cannot be used"):
        read_features(tmp_path / "s.npz")


def test_a_flipped_bit_is_refused(tmp_path):
    write_features(a_session(rows=400), tmp_path / "s.npz")
    data = bytearray((tmp_path / "s.npz").read_bytes())
    refused = 0
    for place in range(60, len(data), len(data) // 40):
        broken = data.copy()
        broken[place] ^= 0xFF
        (tmp_path / "s.npz").write_bytes(broken)
        try:
            read_features(tmp_path / "s.npz")
        except FerPhqError:
            refused += 1
    assert refused > 20
