"""all-MiniLM-L6-v2 in NumPy: a BERT of six layers whose word pieces are averaged into one vector of length one.

Model: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0; Wang et al., 2020, arXiv:2002.10957;
Reimers & Gurevych, 2019, arXiv:1908.10084). Neither sentence-transformers nor PyTorch is loaded, which take most of a
minute on a slow machine, and so nothing can reach for a network; a test holds the vectors against theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from scipy.special import erf
from tokenizers import Tokenizer

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import FerPhqError
from fer_phq.words import messages
from fer_phq.words.kinds import MINILM

WIDTH = 384
LAYERS = 6
HEADS = 12
EPSILON = 1e-12
MAX_PIECES = 256
"""Word pieces of a text that are read, as in the model's sentence_bert_config.json."""
BATCH = 32

SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the published model's files: the kind "minilm-1" stands for these weights and no others."""


class Bert:
    """The encoder: word pieces (n, pieces) to states (n, pieces, WIDTH) float32."""

    def __init__(self, weights: Mapping[str, FloatArray]) -> None:
        """Take the published weights.

        Args:
            weights: Arrays by their published names.
        """
        self._weights = weights

    def __call__(self, pieces: npt.NDArray[np.int64], present: npt.NDArray[np.bool_]) -> FloatArray:
        """Encode word pieces.

        Args:
            pieces: (n, pieces) ids.
            present: (n, pieces), False where a shorter text is padded.

        Returns:
            (n, pieces, WIDTH) float32.
        """
        words = self._weights["embeddings.word_embeddings.weight"][pieces]
        positions = self._weights["embeddings.position_embeddings.weight"][: pieces.shape[1]]
        sentence = self._weights["embeddings.token_type_embeddings.weight"][0]
        states = self._normalise(words + positions + sentence, "embeddings")
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            attended = self._linear(self._attend(states, present, layer), f"{layer}.attention.output.dense")
            states = self._normalise(states + attended, f"{layer}.attention.output")
            inner = gelu(self._linear(states, f"{layer}.intermediate.dense"))
            states = self._normalise(states + self._linear(inner, f"{layer}.output.dense"), f"{layer}.output")
        return states

    def _attend(self, states: FloatArray, present: npt.NDArray[np.bool_], layer: str) -> FloatArray:
        n, pieces, _ = states.shape
        names = (f"{layer}.attention.self.{name}" for name in ("query", "key", "value"))
        query, key, value = (
            self._linear(states, name).reshape(n, pieces, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3) for name in names
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(WIDTH // HEADS))
        scores = np.where(present[:, None, None, :], scores, -np.inf)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (shares / shares.sum(axis=-1, keepdims=True)) @ value
        joined: FloatArray = mixed.transpose(0, 2, 1, 3).reshape(n, pieces, WIDTH)
        return joined

    def _linear(self, states: FloatArray, name: str) -> FloatArray:
        weight = self._weights[f"{name}.weight"]
        rows = states.reshape(-1, weight.shape[1]) @ weight.T  # one product, not one for each text
        rows += self._weights[f"{name}.bias"]
        return rows.reshape(*states.shape[:-1], len(weight))

    def _normalise(self, states: FloatArray, name: str) -> FloatArray:
        centred = states - states.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + EPSILON)
        weight, bias = (self._weights[f"{name}.LayerNorm.{part}"] for part in ("weight", "bias"))
        normalised: FloatArray = scaled * weight + bias
        return normalised


def gelu(values: FloatArray) -> FloatArray:
    """Apply Gaussian error linear units, as they are defined (Hendrycks & Gimpel, 2016, arXiv:1606.08415)."""
    passed: FloatArray = values * (0.5 * (1 + erf(values * np.float32(np.sqrt(0.5)))))
    return passed


@dataclass(frozen=True, eq=False)
class MiniLm:
    """all-MiniLM-L6-v2 as a `SentenceEncoder`; see `fer_phq.words.encoder.load_minilm`."""

    network: Bert
    tokenizer: Tokenizer
    kind: str = MINILM
    width: int = WIDTH

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """Return the embeddings, (texts, 384) float32 of unit length. The texts are neither kept nor logged."""
        out = np.zeros((len(texts), WIDTH), np.float32)
        # A word is at least one piece: no more words are needed, however long a text is.
        shortened = [" ".join(text.split(maxsplit=MAX_PIECES)[:MAX_PIECES]) for text in texts]
        pieces = [encoding.ids for encoding in self.tokenizer.encode_batch(shortened)]
        order = sorted(range(len(pieces)), key=lambda i: len(pieces[i]))  # similar lengths need the least padding
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            out[batch] = self._embed([pieces[i] for i in batch])
        return out

    def _embed(self, batch: Sequence[Sequence[int]]) -> FloatArray:
        longest = max(map(len, batch))
        pieces = np.array([[*ids, *[0] * (longest - len(ids))] for ids in batch], np.int64)
        lengths = np.array([len(ids) for ids in batch])
        present = np.arange(longest) < lengths[:, None]
        states = self.network(pieces, present) * present[..., None]
        means = states.sum(axis=1) / lengths[:, None].astype(np.float32)
        vectors: FloatArray = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), EPSILON)
        return vectors


def read_minilm(folder: Path) -> MiniLm:
    """Load the model from its folder.

    Args:
        folder: Folder with `model.safetensors` and `tokenizer.json`.

    Raises:
        FerPhqError: A file is missing or is not the published one.
    """
    for name, expected in SHA256.items():
        try:
            with (folder / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            path = str(folder / name)
            raise FerPhqError(messages.MODEL_UNREADABLE(path=path, error=error.strerror or str(error))) from None
        if digest != expected:
            raise FerPhqError(messages.MODEL_FOREIGN(path=str(folder / name)))
    weights = {name: np.asarray(array, np.float32) for name, array in load_file(folder / "model.safetensors").items()}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_PIECES)
    return MiniLm(Bert(weights), tokenizer)
