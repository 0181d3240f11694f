"""A tiny generated corpus in FER+'s layout, and all the others that recipes name."""

from pathlib import Path

import emotion_corpora
import numpy as np
import pytest
from emotion_corpora import pattern, write_fer2013_csv, write_folders

from fer_phq.core.emotions import AFFECTNET_LABELS, EMOTIONS, RAFDB_LABELS


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder `ferplus` with train.parquet (140 images, 7 of them also in valid) and valid.parquet (42)."""
    folder, rng = tmp_path_factory.mktemp("data") / "ferplus", np.random.default_rng(3)
    folder.mkdir()
    valid = [pattern(i % 7, rng) for i in range(42)]
    train = [pattern(i % 7, rng) for i in range(133)] + valid[:7]
    for name, images in (("train", train), ("valid", valid)):
        votes = [{EMOTIONS[i % 7]: 8, "neutral": 10 if i % 7 == 4 else 2} for i in range(len(images))]
        emotion_corpora.write_part(folder / f"{name}.parquet", images, votes)
    return folder


@pytest.fixture
def write_part():
    """Writes one part: (path, images, votes as {name: count})."""
    return emotion_corpora.write_part


@pytest.fixture(scope="session")
def every_corpus(corpus: Path) -> Path:
    """The root of all corpora that recipes name, each in the layout in which its owners give it out."""
    root = corpus.parent
    for part, seed in (("train", 1), ("val", 2)):
        affectnet = {str(label): name for label, name in AFFECTNET_LABELS.items()}
        write_folders(root / "affectnet" / part, affectnet, 60, seed)
        write_folders(root / "affectnet" / part, {"7": "anger"}, 60, seed)  # contempt: to be left out
    for part, seed in (("train", 3), ("test", 4)):
        write_folders(root / "rafdb" / part, {str(label): name for label, name in RAFDB_LABELS.items()}, 50, seed)
    for part, seed in (("train", 5), ("valid", 6)):
        write_folders(root / "mmi" / part, {name.title(): name for name in EMOTIONS}, 70, seed)
    write_fer2013_csv(root / "fer2013" / "fer2013.csv")
    return root
