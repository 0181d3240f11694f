"""The backbone of a bundle as onnxruntime runs it: the pixels of face crops become embeddings.

`model.onnx` in a bundle is made of its weights by `fer_phq.models.networks.export`, which compares the two. It takes

    pixels (n, in_chans, size, size) float32, 0 to 1 -> embedding (n, dim) float32

with normalisation and the mean over crop and mirror image inside: an expression is the same in a mirror, and the mean
of both views is steadier.

It computes in the precision that `config.json` states, the same on every processor: what a processor has decides how
fast it is, never what comes out. `fer_phq.models.networks.quantization` says why that holds for 8-bit integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError
from fer_phq.models import messages
from fer_phq.models.checkpoint import FP32, RUNTIME, WEIGHTS, Bundle, runtime_file
from fer_phq.runtime.sessions import NetworkError, read_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WEIGHTS_ENTRY = "weights_sha256"
"""The entry of a file's metadata that names the weights of which it was made."""
PRECISION_ENTRY = "precision"
"""The entry that names what it computes in; a file without it computes in 32-bit floats."""


class Encoder(Protocol):
    """Computes embeddings."""

    def embed(self, pixels: FloatArray) -> FloatArray:
        """Compute the embeddings (n, dim) float32 of pixels (n, in_chans, size, size), 0 to 1."""


class OnnxEncoder:
    """Runs the `model.onnx` of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """Load the network.

        Args:
            bundle: The bundle.

        Raises:
            ModelError: The file is missing, damaged, made of other weights, in another precision than the configuration
                says, or does not fit it.
        """
        path = runtime_file(bundle)
        if path is None:
            raise ModelError(messages.RUNTIME_MISSING(folder=str(bundle.path), file=RUNTIME))
        try:
            self._session = read_session(path.read_bytes())
        except (OSError, NetworkError) as error:
            raise ModelError(messages.RUNTIME_UNUSABLE(path=str(path), error=str(error))) from None
        entries = self._session.get_modelmeta().custom_metadata_map
        if entries.get(WEIGHTS_ENTRY) != bundle.hashes[WEIGHTS[0]]:
            raise ModelError(messages.RUNTIME_OF_OTHER_WEIGHTS(path=str(path), file=WEIGHTS[0]))
        precision = entries.get(PRECISION_ENTRY, FP32)
        expected = bundle.config.precision
        if precision != expected:
            raise ModelError(messages.RUNTIME_OF_OTHER_PRECISION(path=str(path), found=precision, expected=expected))
        _check_shapes(self._session, bundle, str(path))

    def embed(self, pixels: FloatArray) -> FloatArray:
        """Compute the embeddings (n, dim) float32 of pixels (n, in_chans, size, size), 0 to 1."""
        (embeddings,) = self._session.run(["embedding"], {"pixels": pixels})
        rows: FloatArray = embeddings
        return rows


def load_encoder(bundle: Bundle) -> tuple[Bundle, OnnxEncoder]:
    """Load the encoder of a bundle. One without `model.onnx` gets it where fer-phq is installed in full.

    Args:
        bundle: The bundle.

    Returns:
        The bundle, with the file, and its encoder.

    Raises:
        ModelError: The file is missing and cannot be made, is damaged, made of other weights, or does not fit the
            configuration.
    """
    if runtime_file(bundle) is None:
        try:
            from fer_phq.models.networks.export import write_runtime  # the smaller install has no PyTorch
        except ModuleNotFoundError:
            raise ModelError(messages.RUNTIME_MISSING(folder=str(bundle.path), file=RUNTIME)) from None
        bundle = write_runtime(bundle)
    return bundle, OnnxEncoder(bundle)


def _check_shapes(session: InferenceSession, bundle: Bundle, path: str) -> None:
    """Raise ModelError where a network takes or gives anything else than the bundle's configuration says."""
    config = bundle.config
    inputs = {value.name: tuple(value.shape[1:]) for value in session.get_inputs()}
    outputs = {value.name: tuple(value.shape[1:]) for value in session.get_outputs()}
    size = config.image_size
    if inputs != {"pixels": (config.in_chans, size, size)} or outputs.get("embedding") != (config.dim,):
        raise ModelError(messages.RUNTIME_UNUSABLE(path=path, error="its shapes are not those of config.json"))
