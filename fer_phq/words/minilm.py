"""all-MiniLM-L6-v2 in plain torch: a BERT of six layers whose word pieces are averaged into one vector of length one.

Model: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0; Wang et al., 2020, arXiv:2002.10957;
Reimers & Gurevych, 2019, arXiv:1908.10084). Neither sentence-transformers nor transformers is loaded, which take most
of a minute on a slow machine, and so nothing can reach for a network; a test holds the vectors against theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import FerPhqError
from fer_phq.words import messages
from fer_phq.words.kinds import MINILM

WIDTH = 384
LAYERS = 6
HEADS = 12
INNER = 1536
VOCABULARY = 30522
POSITIONS = 512
MAX_PIECES = 256
"""Word pieces of a text that are read, as in the model's sentence_bert_config.json."""
BATCH = 32

SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the published model's files: the kind "minilm-1" stands for these weights and no others."""


class Bert(nn.Module):
    """The encoder: word pieces (n, pieces) int64 to (n, pieces, WIDTH) float32."""

    def __init__(self) -> None:
        """Build the layers, not yet with the published weights."""
        super().__init__()
        self.word = nn.Embedding(VOCABULARY, WIDTH)
        self.position = nn.Embedding(POSITIONS, WIDTH)
        self.sentence = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, pieces: Tensor, present: Tensor) -> Tensor:
        """Encode word pieces.

        Args:
            pieces: (n, pieces) int64 ids.
            present: (n, pieces) bool, False where a shorter text is padded.
        """
        positions = torch.arange(pieces.shape[1], device=pieces.device)
        states = self.word(pieces) + self.position(positions) + self.sentence.weight[0]
        states = self.encoder(self.norm(states), src_key_padding_mask=~present)
        assert isinstance(states, Tensor)
        return states


@dataclass(frozen=True, eq=False)
class MiniLm:
    """all-MiniLM-L6-v2 as a `SentenceEncoder`; see `fer_phq.words.encoder.load_minilm`."""

    network: Bert
    tokenizer: Tokenizer
    device: str
    kind: str = MINILM
    width: int = WIDTH

    @torch.inference_mode()
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
        pieces = torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in batch], device=self.device)
        lengths = torch.tensor([len(ids) for ids in batch], device=self.device)
        present = torch.arange(longest, device=self.device) < lengths[:, None]
        states = self.network(pieces, present) * present[..., None]
        vectors: FloatArray = nn.functional.normalize(states.sum(1) / lengths[:, None], dim=1).cpu().numpy()
        return vectors


def read_minilm(folder: Path, device: str) -> MiniLm:
    """Load the model from its folder.

    Args:
        folder: Folder with `model.safetensors` and `tokenizer.json`.
        device: torch's name of the device that computes.

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
    with torch.device("meta"):  # no memory and no random numbers are spent on weights that are replaced
        network = Bert()
    network.load_state_dict(_renamed(load_file(folder / "model.safetensors")), assign=True)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_PIECES)
    return MiniLm(network.eval().requires_grad_(False).to(device), tokenizer, device)


def _renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the published BERT's weights under this module's names; its pooler is not used."""
    out = {
        "word.weight": weights["embeddings.word_embeddings.weight"],
        "position.weight": weights["embeddings.position_embeddings.weight"],
        "sentence.weight": weights["embeddings.token_type_embeddings.weight"],
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }
    names = {
        "self_attn.out_proj": "attention.output.dense",
        "linear1": "intermediate.dense",
        "linear2": "output.dense",
        "norm1": "attention.output.LayerNorm",
        "norm2": "output.LayerNorm",
    }
    for layer in range(LAYERS):
        ours = f"encoder.layers.{layer}"
        theirs = f"encoder.layer.{layer}"
        for part in ("weight", "bias"):
            projections = [weights[f"{theirs}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            out[f"{ours}.self_attn.in_proj_{part}"] = torch.cat(projections)
            for name, published in names.items():
                out[f"{ours}.{name}.{part}"] = weights[f"{theirs}.{published}.{part}"]
    return out
