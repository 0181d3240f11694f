"""Generated emotion corpora in the layouts in which the real ones are given out: stripes in place of faces."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from fer_phq.core.emotions import EMOTIONS, FER2013_LABELS, FERPLUS_VOTES


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


def write_part(path: Path, images: list[np.ndarray], votes: list[dict[str, int]]) -> None:
    columns = {f"votes_{name}": [vote.get(name, 0) for vote in votes] for name in FERPLUS_VOTES}
    pictures = [{"bytes": png(image), "path": f"fer{i:07}.png"} for i, image in enumerate(images)]
    to_fer2013 = {name: label for label, name in FER2013_LABELS.items()}
    labels = [to_fer2013[max(vote, key=lambda name: vote[name] if name in to_fer2013 else -1)] for vote in votes]
    pq.write_table(pa.table({"image": pictures, "fer2013_label": labels, **columns}), path)


def write_folders(folder: Path, labels: dict[str, str], side: int, seed: int) -> None:
    """A folder of colour images a class: `labels` maps folder names to emotions; three images each."""
    rng = np.random.default_rng(seed)
    for name, emotion in labels.items():
        (folder / name).mkdir(parents=True)
        for i in range(3):
            grey = Image.fromarray(pattern(EMOTIONS.index(emotion), rng)).resize((side, side))
            grey.convert("RGB").save(folder / name / f"{i}.jpg")


def write_fer2013_csv(path: Path) -> None:
    """FER2013's CSV: seven images of each part."""
    path.parent.mkdir(exist_ok=True)
    rng, rows = np.random.default_rng(9), ["emotion,pixels,Usage"]
    for usage in ("Training", "PublicTest", "PrivateTest"):
        for label, name in FER2013_LABELS.items():
            pixels = " ".join(map(str, pattern(EMOTIONS.index(name), rng).ravel()))
            rows.append(f"{label},{pixels},{usage}")
    path.write_text("\n".join(rows) + "\n")
