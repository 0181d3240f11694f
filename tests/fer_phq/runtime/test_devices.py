"""Networks run where `FERPHQ_DEVICE` says, or not at all: nothing goes over to the processor in silence."""

import numpy as np
import onnxruntime
import pytest

from fer_phq.core.errors import SettingsError
from fer_phq.faces import detector, recognition
from fer_phq.models.checkpoint import RUNTIME, find_bundle
from fer_phq.runtime.devices import _CONVOLUTION, CPU, DEVICE, Device, check_device, selected_device
from fer_phq.runtime.sessions import _CudaSession, open_session, read_session

CARDS = "CUDAExecutionProvider" in onnxruntime.get_available_providers()


@pytest.mark.parametrize(
    ("value", "device"),
    [(None, CPU), ("", CPU), ("cpu", CPU), ("cuda", Device(0)), ("cuda:0", Device(0)), ("cuda:12", Device(12))],
)
def test_the_environment_names_the_device(monkeypatch, value, device):
    monkeypatch.delenv(DEVICE, raising=False)
    if value is not None:
        monkeypatch.setenv(DEVICE, value)
    assert selected_device() == device
    assert str(device) in {value or "cpu", f"{value}:0"}


@pytest.mark.parametrize("value", ["gpu", "CUDA", "cuda:", "cuda:-1", "cuda:one", "cuda:0 ", "cuda:٣"])
def test_a_device_that_is_none_is_refused(monkeypatch, value):
    monkeypatch.setenv(DEVICE, value)
    for call in (selected_device, check_device, lambda: open_session(detector.WEIGHTS)):
        with pytest.raises(SettingsError, match=r"FERPHQ_DEVICE is '.+': it must be cpu, cuda, or cuda:1"):
            call()


@pytest.mark.skipif(CARDS, reason="onnxruntime of this environment has a CUDA provider")
def test_without_a_cuda_provider_nothing_runs(monkeypatch):
    monkeypatch.setenv(DEVICE, "cuda")
    for call in (check_device, lambda: open_session(detector.WEIGHTS)):
        with pytest.raises(SettingsError, match=r"FERPHQ_DEVICE is cuda:0, .+ install onnxruntime-gpu in place of"):
            call()


@pytest.mark.skipif(CARDS, reason="onnxruntime of this environment has a CUDA provider")
@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider'")
def test_a_provider_that_does_not_start_is_said_and_not_replaced_by_the_processor(monkeypatch):
    monkeypatch.setenv(DEVICE, "cuda:1")
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    for call in (check_device, lambda: open_session(detector.WEIGHTS)):
        with pytest.raises(
            SettingsError, match=r"FERPHQ_DEVICE is cuda:1, and no network starts there \(.+\): "
        ) as error:
            call()
        assert "\n" not in str(error.value)


@pytest.mark.skipif(CARDS, reason="onnxruntime of this environment has a CUDA provider")
@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider'")
def test_a_session_that_onnxruntime_would_run_on_the_processor_is_none():
    options = onnxruntime.SessionOptions()
    assert onnxruntime.InferenceSession(_CONVOLUTION, options, providers=["CUDAExecutionProvider"]).get_providers()
    with pytest.raises(SettingsError, match="no network starts there"):
        _CudaSession(_CONVOLUTION, options, Device(0))


@pytest.mark.skipif(not CARDS, reason="onnxruntime of this environment has no CUDA provider")
@pytest.mark.parametrize(
    ("path", "shape"),
    [
        (detector.WEIGHTS, (2, 3, 192, 320)),
        (recognition.WEIGHTS, (1, recognition.SIDE, recognition.SIDE, 3)),
        (find_bundle().path / RUNTIME, (4, 1, 48, 48)),
    ],
)
def test_a_card_gives_what_the_processor_gives(path, shape):
    on_processor, on_card = (read_session(path.read_bytes(), device=device) for device in (CPU, Device(0)))
    (source,) = on_processor.get_inputs()
    numbers = np.random.default_rng(7).integers(0, 256, shape)
    inputs = numbers.astype(np.uint8) if "uint8" in source.type else numbers.astype(np.float32) / 255
    for expected, actual in zip(
        on_processor.run(None, {source.name: inputs}), on_card.run(None, {source.name: inputs}), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def test_a_network_may_be_kept_on_the_processor(monkeypatch):
    monkeypatch.setenv(DEVICE, "cuda")
    session = read_session(_CONVOLUTION, device=CPU)
    assert session.get_providers() == ["CPUExecutionProvider"]


def test_small_networks_stay_on_the_processor(monkeypatch):
    from fer_phq.voice.pitch import PitchTracker
    from fer_phq.voice.speech import SpeechDetector

    monkeypatch.setenv(DEVICE, "cuda")
    for network in (PitchTracker(), SpeechDetector()):
        assert network._session.get_providers() == ["CPUExecutionProvider"]
