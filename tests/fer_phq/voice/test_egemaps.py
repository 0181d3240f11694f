"""eGeMAPS by openSMILE, where the user has installed it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import sounds

from fer_phq.core.errors import SettingsError
from fer_phq.voice import egemaps_features


def test_without_the_extra_one_sentence_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(SettingsError, match=r"non-commercial research.*fer-phq\[egemaps\]") as caught:
        egemaps_features(sounds.write_wav(tmp_path / "s.wav", sounds.noise(1)))
    assert "\n" not in str(caught.value)


def test_low_level_descriptors(tmp_path: Path) -> None:
    pytest.importorskip("opensmile")
    path = sounds.write_wav(tmp_path / "s.wav", np.concatenate([sounds.voiced(150, 5), sounds.noise(3, level=0.02)]))
    channel = egemaps_features(path)
    assert channel.kind == "egemaps-v02"
    assert channel.values.shape == (80, 25)
    f0 = channel.values[:, channel.names.index("F0semitoneFrom27.5Hz_sma3nz")]
    np.testing.assert_allclose(f0[5:45], 12 * np.log2(150 / 27.5), atol=0.5)
    assert np.isnan(f0[60:]).mean() > 0.8
    blocks = egemaps_features(path, block_s=2.5, speech_of=[(0, 4)])
    assert np.nanmedian(np.abs(blocks.values - channel.values)[5:40], axis=0).max() < 0.01
    assert np.isnan(blocks.values[40:]).all()
    assert len(egemaps_features(sounds.write_wav(tmp_path / "short.wav", sounds.noise(0.05)))) == 0
