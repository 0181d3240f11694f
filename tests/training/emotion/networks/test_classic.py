import pytest
import torch

from fer_phq.core.errors import ModelError
from fer_phq.models.networks.backbone import create_backbone
from training.emotion.networks import classic  # noqa: F401  (registers the networks)


@pytest.mark.parametrize(("name", "side"), [("resnet18", 2), ("fer_resnet18", 3)])
def test_the_stem_for_small_images_leaves_more_cells(name, side):
    net = create_backbone(name, 48, 1).eval()
    images = torch.zeros(1, 1, 48, 48)
    assert net.forward_features(images).shape == (1, 512, side, side)
    assert net(images).shape == (1, net.num_features)


def test_resnet18_for_small_images_takes_colour_and_any_size():
    net = create_backbone("fer_resnet18", 32, 3, drop_rate=0.1).eval()
    assert net(torch.zeros(2, 3, 40, 40)).shape == (2, 512)
    with pytest.raises(ModelError, match="no hub weights"):
        create_backbone("fer_resnet18", 48, 1, pretrained=True)


def test_the_option_of_the_classic_networks_is_their_dropout():
    net = create_backbone("fer_deeper_cnn", 48, 1, drop_rate=0.2)
    rates = {module.p for module in net.modules() if isinstance(module, torch.nn.Dropout | torch.nn.Dropout2d)}
    assert rates == {0.1, 0.2}
