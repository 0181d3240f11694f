"""A tiny generated corpus in FER+'s layout: seven easily told patterns in place of faces."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fer_phq.emotions import EMOTIONS, FERPLUS_VOTES


def pattern(emotion: int, rng: np.random.Generator) -> np.ndarray:
    """48x48 grey: stripes whose direction and width name the emotion, with noise."""
    rows, columns = np.mgrid[:48, :48]
    angle, period = np.pi * emotion / 7, 6 + 2 * (emotion % 3)
    stripes = np.sin(2 * np.pi * (rows * np.sin(angle) + columns * np.cos(angle)) / period)
    return np.clip(128 + 80 * stripes + rng.normal(0, 12, (48, 48)), 0, 255).astype(np.uint8)


def png(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()


def _write_part(path: Path, images: list[np.ndarray], votes: list[dict[str, int]]) -> None:
    columns = {f"votes_{name}": [vote.get(name, 0) for vote in votes] for name in FERPLUS_VOTES}
    pictures = [{"bytes": png(image), "path": f"fer{i:07}.png"} for i, image in enumerate(images)]
    pq.write_table(pa.table({"image": pictures, **columns}), path)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with train.parquet (140 images, 7 of them also in valid) and valid.parquet (42)."""
    folder, rng = tmp_path_factory.mktemp("ferplus"), np.random.default_rng(3)
    valid = [pattern(i % 7, rng) for i in range(42)]
    train = [pattern(i % 7, rng) for i in range(133)] + valid[:7]
    for name, images in (("train", train), ("valid", valid)):
        votes = [{EMOTIONS[i % 7]: 8, "neutral": 10 if i % 7 == 4 else 2} for i in range(len(images))]
        _write_part(folder / f"{name}.parquet", images, votes)
    return folder


@pytest.fixture
def write_part():
    """Writes one part: (path, images, votes as {name: count})."""
    return _write_part
