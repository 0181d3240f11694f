"""Networks run with as many threads as are wanted; what cannot be used is said in a sentence."""

import pytest

from fer_phq.core.errors import ModelError, SettingsError
from fer_phq.faces import detector
from fer_phq.runtime.sessions import THREADS, count_threads, open_session


def test_the_environment_says_how_many_threads(monkeypatch):
    monkeypatch.delenv(THREADS, raising=False)
    assert count_threads() >= 1
    monkeypatch.setenv(THREADS, "3")
    assert count_threads() == 3
    session = open_session(detector.WEIGHTS)
    assert session.get_session_options().intra_op_num_threads == 3


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_number_of_threads_that_is_none_is_refused(monkeypatch, value):
    monkeypatch.setenv(THREADS, value)
    with pytest.raises(SettingsError, match=f"FERPHQ_THREADS is '{value}': it must be a whole number"):
        count_threads()


def test_a_damaged_or_missing_file_is_one_sentence(tmp_path):
    path = tmp_path / "network.onnx"
    for _ in range(2):
        with pytest.raises(ModelError, match=r"network.onnx cannot be used \(.+\): install fer-phq again") as error:
            open_session(path)
        assert "\n" not in str(error.value)
        path.write_bytes(b"damaged")
