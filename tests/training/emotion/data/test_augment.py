import pytest
import torch

from training.emotion.data.augment import Augmentation, Mix, augment, mix

EVERYTHING = Augmentation(
    rotation=20, zoom=0.2, shift=0.1, brightness=0.3, contrast=0.3, saturation=0.5, gamma=0.5, flip=True,
    erase=0.5, blur=0.5, low_resolution=0.5, noise=0.5,
)  # fmt: skip


def seeded(number=7):
    return torch.Generator().manual_seed(number)


@pytest.mark.parametrize("channels", [1, 3])
def test_augmentation_keeps_range_and_shape_and_is_seeded(channels):
    images = torch.rand(5, channels, 48, 48)
    first, again = augment(images, 40, EVERYTHING, seeded()), augment(images, 40, EVERYTHING, seeded())
    other = augment(images, 40, EVERYTHING, seeded(8))
    assert first.shape == (5, channels, 40, 40)
    assert first.min() >= 0
    assert first.max() <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_no_augmentation_is_the_identity():
    images = torch.rand(3, 1, 48, 48)
    torch.testing.assert_close(augment(images, 48, Augmentation(), seeded()), images, atol=1e-5, rtol=0)


def test_a_flip_mirrors_about_half_of_the_images():
    images = torch.rand(200, 1, 16, 16)
    out = augment(images, 16, Augmentation(flip=True), seeded(0))
    mirrored = [(o - i.flip(-1)).abs().max() < 1e-4 for o, i in zip(out, images, strict=True)]
    kept = [(o - i).abs().max() < 1e-4 for o, i in zip(out, images, strict=True)]
    assert sum(mirrored) + sum(kept) == 200
    assert 60 < sum(mirrored) < 140


@pytest.mark.parametrize("what", ["blur", "low_resolution"])
def test_softening_takes_detail_away_and_keeps_the_mean(what):
    images = torch.rand(8, 1, 48, 48)
    out = augment(images, 48, Augmentation(**{what: 1.0}), seeded(1))
    assert out.std() < 0.8 * images.std()
    torch.testing.assert_close(out.mean(), images.mean(), atol=0.01, rtol=0)


def test_noise_adds_detail_and_erasing_blanks_some_pixels():
    flat = torch.full((50, 1, 32, 32), 0.5)
    assert augment(flat, 32, Augmentation(noise=1.0), seeded()).std() > 0.03
    images = torch.rand(50, 1, 32, 32)
    changed = (augment(images, 32, Augmentation(erase=1.0), seeded()) - images).abs() > 1e-3
    assert 0.005 < changed.float().mean() < 0.11


def test_mixing_mixes_targets_as_it_mixes_pixels():
    images = torch.arange(4.0)[:, None, None, None].expand(4, 1, 16, 16) / 4
    targets = torch.eye(4)
    for how in (Mix(cutmix=1), Mix(mixup=1)):
        mixed, wanted = mix(images, targets, how, seeded(3))
        assert not torch.equal(mixed, images)
        torch.testing.assert_close(wanted.sum(1), torch.ones(4))
        # every image's mean is the targets' mean of the four levels: pixels and labels were mixed in one proportion
        torch.testing.assert_close(mixed.mean((1, 2, 3)), wanted @ (torch.arange(4.0) / 4), atol=1e-5, rtol=0)


def test_no_mixing_changes_nothing():
    images, targets = torch.rand(4, 1, 8, 8), torch.eye(4)
    mixed, wanted = mix(images, targets, Mix(), seeded())
    assert mixed is images
    assert wanted is targets
