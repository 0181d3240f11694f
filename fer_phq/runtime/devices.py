"""The device that networks run on: the processor, or a graphics card that onnxruntime's CUDA provider reaches."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from fer_phq.core.errors import SettingsError
from fer_phq.runtime import messages

DEVICE = "FERPHQ_DEVICE"
"""The environment variable that names the device: `cpu` (the default), `cuda` or `cuda:1`."""
PATTERN = r"^(cpu|cuda|cuda:([0-9]{1,3}))$"
"""What it may say; its second group is the card's number."""


@dataclass(frozen=True)
class Device:
    """Where networks run.

    Attributes:
        card: Number of the graphics card as CUDA counts them, from 0; None for the processor.
    """

    card: int | None = None

    def __str__(self) -> str:
        """Return its name as the environment variable takes it."""
        return "cpu" if self.card is None else f"cuda:{self.card}"


CPU = Device()
"""The processor."""


def selected_device() -> Device:
    """Return the device that `FERPHQ_DEVICE` names; the processor where it is not set. Nothing is started.

    Raises:
        SettingsError: The variable names no device.
    """
    value = os.environ.get(DEVICE) or str(CPU)
    match = re.fullmatch(PATTERN, value)
    if match is None:
        raise SettingsError(messages.DEVICE_UNUSABLE(name=DEVICE, value=value[:40]))
    return CPU if value == str(CPU) else Device(int(match[2] or 0))


# y = 2 x as a convolution, which needs all of CUDA's libraries that the networks need.
_CONVOLUTION = (
    b'\x08\x08:c\n\x0f\n\x01x\n\x01w\x12\x01y"\x04Conv\x12\x01g*\x13\x08\x01\x08\x01\x08\x01\x08\x01\x10\x01"\x04\x00\x00'
    b"\x00@B\x01wZ\x1b\n\x01x\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01b\x1b\n\x01"
    b"y\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01B\x04\n\x00\x10\r"
)


def check_device() -> Device:
    """Run a network of one product on the selected device, where that is a graphics card.

    Returns:
        The device.

    Raises:
        SettingsError: The environment names no device, or one that does not start.
    """
    device = selected_device()
    if device != CPU:
        import numpy as np

        from fer_phq.runtime.sessions import read_session  # onnxruntime: the processor needs no check that waits for it

        read_session(_CONVOLUTION).run(None, {"x": np.ones((1, 1, 1, 1), np.float32)})
    return device
