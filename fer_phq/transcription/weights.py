"""Where recognisers come from: the package of the extra `speech`, or a folder of the user's. Nothing is downloaded."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from fer_phq.core.errors import ModelError
from fer_phq.transcription import messages
from fer_phq.transcription.moonshine import DECODER, ENCODER, FILES, TOKENS, Moonshine, read_moonshine
from fer_phq.transcription.recognizer import Recognizer

PACKAGE = "moonshine_voice"
"""The package that has the weights. None of its code is run: only its files are read."""
FOLDER = "assets/tiny-en"
NAME = "moonshine-tiny-en"
LANGUAGE = "en"
SHA256 = {
    ENCODER: "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    DECODER: "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    TOKENS: "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
}

FOREIGN_KINDS = {
    "Vosk": ("am/final.mdl", "final.mdl"),
    "faster-whisper": ("model.bin",),
    "whisper.cpp": ("ggml-*.bin", "*.gguf"),
    "Whisper": ("*.safetensors", "*.pt"),
}
"""Kinds of models that people have, with files by which each is recognised."""


def has_speech() -> bool:
    """Return whether the extra `speech` is installed."""
    return _installed_folder() is not None


def load_recognizer(folder: Path | None = None, language: str | None = None) -> Recognizer:
    """Load Moonshine tiny (English, MIT) from the package of the extra `speech`, or another Moonshine from a folder.

    Args:
        folder: A folder with `encoder_model.ort`, `decoder_model_merged.ort` and `tokenizer.bin`, as Moonshine's are
            published; None for the extra's.
        language: The language of the folder's model, as "es"; only with a folder, and needed there.

    Raises:
        ModelError: The extra is missing or holds other weights; the folder holds no such model, or its language is
            not said.
    """
    if folder is None:
        if language is not None and language != LANGUAGE:
            raise ModelError(messages.LANGUAGE_UNKNOWN(language=language))
        installed = _installed_folder()
        if installed is None:
            raise ModelError(messages.EXTRA_MISSING())
        return _load_installed(installed)
    if not folder.is_dir():
        raise ModelError(messages.NO_FOLDER(path=str(folder)))
    if not all((folder / name).is_file() for name in FILES):
        raise ModelError(_foreign_kind(folder))
    if language is None:
        raise ModelError(messages.LANGUAGE_MISSING(path=str(folder)))
    return read_moonshine(folder, folder.resolve().name, language)


@lru_cache(maxsize=1)
def _load_installed(folder: Path) -> Moonshine:
    return read_moonshine(folder, NAME, LANGUAGE, SHA256)


def _installed_folder() -> Path | None:
    """Return the folder of the package's weights; None where it, or a version of it that has them, is missing."""
    spec = find_spec(PACKAGE)  # finds the folder and runs none of the package's code
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / FOLDER
    return folder if folder.is_dir() else None


def _foreign_kind(folder: Path) -> messages.Message:
    """Return what to say of a folder that is no Moonshine model."""
    for kind, patterns in FOREIGN_KINDS.items():
        if any(next(folder.glob(pattern), None) is not None for pattern in patterns):
            return messages.OTHER_KIND(path=str(folder), kind=kind)
    return messages.NO_MODEL(path=str(folder), files=FILES)
