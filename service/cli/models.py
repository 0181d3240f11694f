"""`fer-phq models`: which checkpoint bundles there are, what they are, whether they are whole, and export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markdown import Markdown

from fer_phq.core.errors import FerPhqError, ModelError
from fer_phq.core.paths import printable
from fer_phq.core.phq import Modality
from fer_phq.models import messages as models
from service.cli import messages
from service.models.active_model import activate, active_bundle
from service.settings import load_settings

if TYPE_CHECKING:
    from fer_phq.models.checkpoint import Bundle, Quantization
    from fer_phq.models.model import FerPhqModel

Name = Annotated[str | None, typer.Argument(help="Name, id or folder of a bundle (default: the active one).")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="Checkpoint bundles: list, show, verify, activate, export.")
    group.command(name="list")(list_command)
    group.command(name="show")(show_command)
    group.command(name="verify")(verify_command)
    group.command(name="export")(export_command)
    group.command(name="activate")(activate_command)
    app.add_typer(group, name="models")


def list_command() -> None:
    """List the bundles; the active one is marked.

    Example: `fer-phq models list`
    """
    from fer_phq.models.checkpoint import list_bundles

    active = active_id()
    for bundle in list_bundles():
        mark = " (active)" if bundle.model_id == active else ""
        print(printable(f"{bundle.model_id}{mark}"))
        print(printable(f"  {bundle.config.backbone}"))
        print(f"  {_heads_line(bundle)}")
        print(printable(f"  {bundle.path}"))


def _heads_line(bundle: Bundle) -> str:
    """Return what the PHQ heads of a bundle are, in a line of 80 columns."""
    phq = bundle.config.phq
    if not phq:
        return "no PHQ heads"
    used = {modality for subset in phq.modalities for modality in subset}
    sources = ", ".join(modality for modality in Modality if modality in used)
    return f"{phq.scale} by {phq.provenance} labels, from {sources}"


def show_command(name: Name = None) -> None:
    """Show a bundle's model card: data, licences, figures, limits.

    Example: `fer-phq models show fer-vit-convstem`
    """
    bundle = named_or_active(name)
    card = bundle.card or f"{bundle.model_id} has no model card."
    Console().print(Markdown(printable(card, keep_lines=True)))


def verify_command(name: Name = None) -> None:
    """Check a bundle: the weights' hashes, that they fit the networks, and that probabilities come out.

    Where PyTorch is installed, `model.onnx` is compared with the weights it was made of; a bundle without one gets it.
    A network in 8-bit integers is compared with its own answers where it was made, too.

    Example: `fer-phq models verify` (exit code 1 when something is wrong)
    """
    import numpy as np

    from fer_phq.models.checkpoint import find_damaged_files
    from fer_phq.models.model import load_model

    bundle = named_or_active(name)
    damaged = find_damaged_files(bundle)
    if damaged:
        raise FerPhqError(messages.FILE_DAMAGED(path=str(bundle.path / damaged[0])))
    model = load_model(bundle.path)
    side = np.linspace(0, 255, 64, dtype=np.uint8)
    picture = np.broadcast_to(side[:, None, None], (64, 64, 3))
    probabilities = model.predict_emotions([np.ascontiguousarray(picture)])
    if not np.isfinite(probabilities).all() or abs(float(probabilities.sum()) - 1) > 1e-4:
        raise FerPhqError(messages.NO_PROBABILITIES(model_id=bundle.model_id))
    print(f"{bundle.model_id} is whole: hashes match, weights load, probabilities sum to 1.")
    if quantization := model.bundle.config.quantization:
        print(_compare_probes(model, quantization))
    print(_compare_runtime(model))


def _compare_probes(model: FerPhqModel, quantization: Quantization) -> str:
    """Return one sentence on how a quantised network answers here; raise FerPhqError where it differs."""
    from fer_phq.models.probes import BETWEEN_MACHINES, compare_probes

    difference = compare_probes(model, quantization)
    if not difference <= BETWEEN_MACHINES:  # also when it is not a number
        raise FerPhqError(
            models.PROBES_DIFFER(model_id=model.model_id, difference=difference, tolerance=BETWEEN_MACHINES)
        )
    return (
        f"In {quantization.precision} it answers here as where it was made, to {difference:.0e}; accuracy there: "
        f"{quantization.accuracy:.2%} in place of {quantization.accuracy_fp32:.2%} in fp32."
    )


def _compare_runtime(model: FerPhqModel) -> str:
    """Return one sentence on how `model.onnx` compares with the weights; raise FerPhqError where it differs."""
    try:
        from fer_phq.models.networks.export import check_runtime
    except ModuleNotFoundError:
        return (
            "Whether model.onnx gives what the weights give was not checked: that needs pip install 'fer-phq[train]'."
        )
    check = check_runtime(model)
    if not check.holds:
        raise FerPhqError(
            models.RUNTIME_DIFFERS(model_id=model.model_id, difference=check.difference, tolerance=check.tolerance)
        )
    if model.bundle.config.quantization:
        return f"Its probabilities are those of the weights in PyTorch to {check.difference:.3f} on noise."
    return f"model.onnx gives what the weights give in PyTorch, to {check.difference:.0e}."


def export_command(
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    name: Name = None,
    file_format: Annotated[Literal["onnx", "torchscript"], typer.Option("--format", help="Kind of file.")] = "onnx",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a bundle's emotion network as one ONNX or TorchScript file, checked against the model itself.

    The file takes resized face crops, `pixels` (n, channels, size, size), float32 in 0-1 (luma where there is one
    channel), and gives `probabilities` (n, 7) and `embedding` (n, dim). Classes, model id and card are inside.
    It computes in 32-bit floats; where fer-phq itself computes in 8-bit integers, that is the bundle's `model.onnx`.

    Example: `fer-phq models export --format onnx --out fer.onnx` (exit code 1 when the outputs differ)
    """
    try:
        from fer_phq.models.networks.export import export_model
    except ModuleNotFoundError:
        raise FerPhqError(models.EXPORT_NEEDS_PYTORCH()) from None

    bundle = named_or_active(name)
    report = export_model(bundle, out, file_format, force)
    print(
        f"{report.path}: {bundle.model_id} as {report.format}, {report.bytes / 1e6:.1f} MB; "
        f"its outputs equal the model's to {report.difference:.0e}."
    )
    if bundle.config.precision != "fp32":
        print(f"It is in fp32. Analyses compute in {bundle.config.precision}: {bundle.path / 'model.onnx'}.")


def activate_command(
    name: Annotated[str, typer.Argument(help="Name, id or folder of a bundle; a folder is copied to the models'.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make a bundle the active one: the dashboard, the workers and the command line use it for new analyses.

    Earlier analyses keep the model that made them; `fer-phq reanalyse` scores them again.

    Example: `fer-phq models activate clinic-2026`
    """
    from fer_phq.models.checkpoint import find_bundle

    before = active_id()
    after = find_bundle(name)
    if not yes:
        instead = f" in place of {before}" if before else ""
        typer.confirm(f"New analyses will use {after.model_id}{instead}. Go on?", abort=True)
    print(f"{activate(load_settings(), name).model_id} is active.")


def active_id() -> str | None:
    """Return the active bundle's id; None where it is gone, so that another can still be found and made active."""
    try:
        return active_bundle(load_settings()).model_id
    except ModelError as error:
        print(printable(str(error)), file=sys.stderr)
        return None


def named_or_active(name: str | None) -> Bundle:
    """Find the bundle of this name, or the active one."""
    from fer_phq.models.checkpoint import find_bundle

    return find_bundle(name) if name else active_bundle(load_settings())
