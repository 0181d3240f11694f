import numpy as np
import pytest
import torch

from fer_phq.emotions import EMOTIONS
from fer_phq.errors import FerPhqError
from training.data import Augmentation, augment, load_ferplus


def test_votes_become_targets_in_our_order(corpus):
    faces = load_ferplus(corpus / "train.parquet")
    assert faces.images.shape == (140, 48, 48)
    np.testing.assert_allclose(faces.targets.sum(axis=1), 1, rtol=1e-6)
    assert list(faces.labels[:7]) == list(range(7))
    assert faces.targets[0, EMOTIONS.index("anger")] == pytest.approx(0.8)


def test_images_that_taggers_gave_another_class_are_left_out(tmp_path, write_part):
    votes = [{"anger": 6}, {"contempt": 6, "anger": 4}, {"unknown": 9}, {"NF": 10}, {"fear": 3}]
    rng = np.random.default_rng(0)
    write_part(tmp_path / "part.parquet", [rng.integers(0, 255, (48, 48), np.uint8) for _ in votes], votes)
    faces = load_ferplus(tmp_path / "part.parquet")
    assert [EMOTIONS[i] for i in faces.labels] == ["anger", "fear"]


def test_training_images_that_stand_in_validation_are_left_out(corpus):
    train, valid = load_ferplus(corpus / "train.parquet"), load_ferplus(corpus / "valid.parquet")
    clean = train.without(valid)
    assert len(clean) == 133
    assert not set(clean.keys) & set(valid.keys)


def test_the_data_sheet_counts_every_class(corpus):
    line = load_ferplus(corpus / "valid.parquet").counts()
    assert line.startswith("42 images: anger 6, disgust 6")


def test_a_missing_or_foreign_file_is_one_sentence(tmp_path):
    with pytest.raises(FerPhqError, match="No FER"):
        load_ferplus(tmp_path / "train.parquet")


def test_augmentation_keeps_range_and_shape_and_is_seeded():
    images = torch.rand(5, 1, 48, 48)
    first = augment(images, 40, Augmentation(), torch.Generator().manual_seed(7))
    again = augment(images, 40, Augmentation(), torch.Generator().manual_seed(7))
    other = augment(images, 40, Augmentation(), torch.Generator().manual_seed(8))
    assert first.shape == (5, 1, 40, 40)
    assert first.min() >= 0
    assert first.max() <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_no_augmentation_is_the_identity():
    still = Augmentation(rotation=0, scale=0, shift=0, brightness=0, contrast=0, erase=0, blur=0, flip=False)
    images = torch.rand(3, 1, 48, 48)
    out = augment(images, 48, still, torch.Generator().manual_seed(0))
    torch.testing.assert_close(out, images, atol=1e-5, rtol=0)


def test_a_flip_mirrors_about_half_of_the_images():
    flips = Augmentation(rotation=0, scale=0, shift=0, brightness=0, contrast=0, erase=0, blur=0, flip=True)
    images = torch.rand(200, 1, 16, 16)
    out = augment(images, 16, flips, torch.Generator().manual_seed(0))
    mirrored = [(o - i.flip(-1)).abs().max() < 1e-4 for o, i in zip(out, images, strict=True)]
    kept = [(o - i).abs().max() < 1e-4 for o, i in zip(out, images, strict=True)]
    assert sum(mirrored) + sum(kept) == 200
    assert 60 < sum(mirrored) < 140
