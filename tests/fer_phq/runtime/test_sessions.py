"""Networks run with as many threads as are wanted; what cannot be used is said in a sentence."""

import numpy as np
import pytest

from fer_phq.core.errors import ModelError, SettingsError
from fer_phq.faces import FaceDetector, detector
from fer_phq.runtime.sessions import THREADS, count_threads, open_session, release_sessions


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


def test_a_shared_session_is_loaded_once_until_it_is_released():
    first = FaceDetector(threads=1)
    second = FaceDetector(threads=1)
    other = FaceDetector(threads=2)
    assert first._session is second._session
    assert first._session is not other._session
    release_sessions()
    third = FaceDetector(threads=1)
    assert third._session is not first._session
    picture = np.full((64, 64, 3), 128, np.uint8)
    assert first.detect([picture]) == third.detect([picture]) == [[]]
