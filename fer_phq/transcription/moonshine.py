"""Speech recognition by Moonshine (Useful Sensors, MIT; Jeffries et al., 2024, arXiv:2410.15608), run by onnxruntime.

An encoder makes 41 states a second of the raw sound. A decoder writes token after token, always the likeliest, and is
stopped at the number of tokens that nobody's speech exceeds, where it would go round in circles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError
from fer_phq.runtime.devices import CPU
from fer_phq.runtime.sessions import NetworkError, read_session
from fer_phq.transcription import messages
from fer_phq.transcription.recognizer import Hypothesis
from fer_phq.video import SOUND_RATE

ENCODER = "encoder_model.ort"
DECODER = "decoder_model_merged.ort"
TOKENS = "tokenizer.bin"
FILES = (ENCODER, DECODER, TOKENS)

LONGEST_S = 30.0
"""Seconds that it was trained on at most."""

SHORTEST_S = 0.1
"""Seconds below which the encoder has no state to make."""

TOKENS_A_SECOND = 6.5
"""Most tokens a second; beyond them the published model goes round in circles (its own limit)."""

_START, _END = 1, 2
_FIRST_WORD = 3  # tokens before it are marks, no words
_SPACE = "▁"


@dataclass(frozen=True, eq=False)
class Moonshine:
    """Moonshine as a `fer_phq.transcription.recognizer.Recognizer`.

    Attributes:
        model_id: Name and short hash.
        language: The language that it was trained on.
        pieces: The bytes of each token.
        encoder: The encoder's session.
        decoder: The decoder's session.
        longest_s: Seconds of the longest sound.
    """

    model_id: str
    language: str
    pieces: tuple[bytes, ...]
    encoder: onnxruntime.InferenceSession
    decoder: onnxruntime.InferenceSession
    longest_s: float = LONGEST_S

    def recognize(self, samples: FloatArray) -> tuple[Hypothesis, ...]:
        """Recognise the words of a sound; see `Recognizer.recognize`.

        Args:
            samples: (n,) float32, mono, 16 kHz, -1 to 1.

        Returns:
            One hypothesis for all of the sound; none where it has no words.

        Raises:
            ValueError: The sound is longer than `longest_s`.
        """
        seconds = len(samples) / SOUND_RATE
        if seconds > self.longest_s:
            raise ValueError(f"The sound lasts {seconds:g} s, the model takes {self.longest_s:g} s at most.")
        if seconds < SHORTEST_S:
            return ()
        sound = {"input_values": np.ascontiguousarray(samples[None], np.float32), "attention_mask": _mask(samples)}
        (states,) = self.encoder.run(["last_hidden_state"], sound)
        tokens, logarithms, is_complete = self._decode(states, _mask(samples), int(seconds * TOKENS_A_SECOND) + 2)
        text = self._text(tokens)
        if not text:
            return ()
        confidence = float(np.exp(np.mean(logarithms)))
        return (Hypothesis(0.0, seconds, text, confidence, is_complete),)

    def _decode(self, states: FloatArray, mask: Any, limit: int) -> tuple[list[int], list[float], bool]:
        """Return the tokens, the logarithms of their and the end's probabilities, and whether the end was reached."""
        names = [output.name for output in self.decoder.get_outputs()]
        past = _empty_past(self.decoder)
        tokens: list[int] = []
        logarithms: list[float] = []
        token = _START
        for step in range(limit):
            inputs = {
                "input_ids": np.array([[token]], np.int64),
                "encoder_hidden_states": states,
                "encoder_attention_mask": mask,
                "use_cache_branch": np.array([step > 0]),
                **past,
            }
            outputs = dict(zip(names, self.decoder.run(names, inputs), strict=True))
            token, logarithm = _likeliest(outputs.pop("logits")[0, -1])
            logarithms.append(logarithm)
            if token == _END:
                return tokens, logarithms, True
            tokens.append(token)
            past |= _new_past(outputs, step)
        return tokens, logarithms, False

    def _text(self, tokens: list[int]) -> str:
        pieces = b"".join(self.pieces[token] for token in tokens if _FIRST_WORD <= token < len(self.pieces))
        return " ".join(pieces.decode("utf-8", "replace").replace(_SPACE, " ").split())


def read_moonshine(folder: Path, name: str, language: str, hashes: Mapping[str, str] | None = None) -> Moonshine:
    """Load the model from a folder.

    The bytes that are run are those that were hashed.

    Args:
        folder: Folder with `FILES`.
        name: The model's name.
        language: The language that it was trained on.
        hashes: The SHA-256 of each file, hexadecimal; None where any model of this kind will do.

    Raises:
        ModelError: A file is missing, is not the published one, or is no such network.
    """
    digest = hashlib.sha256()
    contents: dict[str, bytes] = {}
    for file in FILES:
        path = folder / file
        try:
            contents[file] = path.read_bytes()
        except OSError as error:
            raise ModelError(messages.MODEL_UNREADABLE(path=str(path), error=error.strerror or str(error))) from None
        file_digest = hashlib.sha256(contents[file])
        if hashes is not None and file_digest.hexdigest() != hashes[file]:
            raise ModelError(messages.MODEL_FOREIGN(path=str(path)))
        digest.update(file_digest.digest())
    try:
        # A token at a time is too little work for more threads, or for a graphics card.
        encoder, decoder = (read_session(contents[file], threads=1, device=CPU) for file in (ENCODER, DECODER))
        pieces = _read_pieces(contents[TOKENS])
    except (NetworkError, IndexError) as error:
        raise ModelError(messages.MODEL_DAMAGED(path=str(folder), error=str(error))) from None
    return Moonshine(f"{name}-{digest.hexdigest()[:8]}", language, pieces, encoder, decoder)


def _read_pieces(content: bytes) -> tuple[bytes, ...]:
    """Read the tokens' bytes: before each its length, in one byte below 128, else in two."""
    pieces: list[bytes] = []
    position = 0
    while position < len(content):
        length = content[position]
        position += 1
        if length >= 128:
            length += 128 * content[position] - 128
            position += 1
        pieces.append(content[position : position + length])
        position += length
    return tuple(pieces)


def _mask(samples: FloatArray) -> Any:
    return np.ones((1, len(samples)), np.int64)  # nothing of the sound is padding


def _empty_past(decoder: onnxruntime.InferenceSession) -> dict[str, FloatArray]:
    """Return the decoder's memory before the first token."""
    shapes = {entry.name: entry.shape for entry in decoder.get_inputs() if entry.name.startswith("past_key_values.")}
    return {name: np.zeros((1, heads, 0, width), np.float32) for name, (_, heads, _, width) in shapes.items()}


def _new_past(outputs: Mapping[str, FloatArray], step: int) -> dict[str, FloatArray]:
    """Return the memory after a token; what it holds of the sound stays that of the first step."""
    return {
        name.replace("present.", "past_key_values."): values
        for name, values in outputs.items()
        if step == 0 or ".decoder." in name
    }


def _likeliest(logits: FloatArray) -> tuple[int, float]:
    """Return the likeliest token and the logarithm of its probability."""
    token = int(logits.argmax())
    return token, -float(np.log(np.exp(logits - logits[token], dtype=np.float64).sum()))
