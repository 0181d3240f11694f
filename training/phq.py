"""Train the demonstration PHQ head on the simulated cohort: `python -m training.phq BUNDLE --data FOLDER [--seed N]`.

Frames are embeddings of real FER+ training images by the bundle's own backbone, ordered as the simulated sessions
say (`training.cohort`). The head, its conformal interval and its provenance `simulated` are written into the bundle.
Three disjoint groups of simulated subjects: training, calibration of the interval, and the test that is reported.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from fer_phq.analysis import FloatArray
from fer_phq.checkpoint import WEIGHTS, PhqConfig, write_config
from fer_phq.errors import FerPhqError
from fer_phq.heads import PhqHead
from fer_phq.model import FerPhqModel, load_model
from fer_phq.phq import Provenance, Scale
from training.cohort import EmbeddingBank, Links, simulate_cohort
from training.corpora import Source, load_faces

LEVEL = 0.9
TRAINING_SENTENCE = (
    "Trained on simulated PHQ-8 labels only (training/cohort.py): a demonstration of the machinery, "
    "without evidence about any person."
)


@dataclass(frozen=True, eq=False)
class Sessions:
    """Padded sessions: embeddings (n, t, dim), emotions (n, t, 7), mask (n, t), PHQ-8 totals (n,)."""

    embeddings: torch.Tensor
    emotions: torch.Tensor
    mask: torch.Tensor
    totals: torch.Tensor

    def take(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """A batch, cut to its longest session."""
        longest = int(self.mask[index].sum(1).max())
        return (
            self.embeddings[index, :longest].float(),
            self.emotions[index, :longest].float(),
            self.mask[index, :longest],
            self.totals[index],
        )


@dataclass(frozen=True)
class PhqMetrics:
    """Figures on simulated test subjects; floor_mae is that of always answering the training mean."""

    n: int
    mae: float
    rmse: float
    ccc: float
    pearson: float
    floor_mae: float
    interval_level: float
    interval_coverage: float
    interval_mean_width: float


def concordance(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> float:
    """Concordance correlation coefficient (Lin, 1989, Biometrics 45:255-268); 0 when both are constant."""
    spread = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return float(2 * ((a - a.mean()) * (b - b.mean())).mean() / spread) if spread else 0.0


def conformal_errors(errors: npt.NDArray[np.floating], level: float) -> tuple[float, float]:
    """Lower and upper split-conformal quantiles of signed calibration errors (true - estimated).

    Each tail has (1 - level) / 2, with the finite-sample rank ceil((n + 1) q) (Vovk et al., 2005; Romano et al.,
    2019, arXiv:1905.03222 for the two signed tails). Raises ValueError when there are too few errors for the level.
    """
    tail, n = (1 - level) / 2, len(errors)
    rank = math.ceil((n + 1) * (1 - tail))
    if rank > n:
        raise ValueError(f"{n} calibration sessions are too few for an interval of {level:.0%}.")
    ordered = np.sort(errors)
    return float(ordered[n - rank]), float(ordered[rank - 1])


def embedding_bank(model: FerPhqModel, folder: Path) -> EmbeddingBank:
    """Embeddings of the FER+ training images with their majority emotions."""
    faces = load_faces(Source(corpus="ferplus", path=str(folder), split="train"))
    return EmbeddingBank(model.embed(faces.crops()), faces.labels)


def render(model: FerPhqModel, bank: EmbeddingBank, subjects: int, seed: int, links: Links, longest: int) -> Sessions:
    """A simulated cohort as padded tensors (half precision, to hold thousands of sessions)."""
    rng = np.random.default_rng(seed + 1)
    cohort = simulate_cohort(subjects, seed, links, frames=(8, longest))
    dim = bank.embeddings.shape[1]
    embeddings, emotions = torch.zeros(subjects, longest, dim).half(), torch.zeros(subjects, longest, 7).half()
    mask = torch.zeros(subjects, longest, dtype=torch.bool)
    for i, session in enumerate(cohort):
        rows: FloatArray = bank.render(session, rng)
        embeddings[i, : len(rows)] = torch.from_numpy(rows).half()
        emotions[i, : len(rows)] = torch.from_numpy(model.emotions_of(rows)).half()
        mask[i, : len(rows)] = True
    return Sessions(embeddings, emotions, mask, torch.tensor([float(s.total) for s in cohort]))


def train_head(data: Sessions, dim: int, width: int, epochs: int, seed: int) -> PhqHead:
    """Fit the head by AdamW on Huber loss plus 1 - CCC, with one cosine."""
    torch.manual_seed(seed)
    head = PhqHead(dim, Scale.PHQ8.maximum, width)
    optimiser = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.02)
    steps = epochs * (len(data.totals) // 64)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(epochs):
        order = torch.randperm(len(data.totals))
        for index in order[: len(order) // 64 * 64].split(64):
            embeddings, emotions, mask, totals = data.take(index)
            given = head(embeddings, emotions, mask)
            loss = F.huber_loss(given, totals, delta=4.0) / 4 + concordance_loss(given, totals)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return head.eval()


def concordance_loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """1 - CCC over a batch, differentiable."""
    covariance = ((a - a.mean()) * (b - b.mean())).mean()
    spread = a.var(unbiased=False) + b.var(unbiased=False) + (a.mean() - b.mean()) ** 2
    return 1 - 2 * covariance / (spread + 1e-6)


@torch.inference_mode()
def estimates(head: PhqHead, data: Sessions) -> npt.NDArray[np.float64]:
    """Totals (n,) that the head gives."""
    parts = [head(*data.take(index)[:3]) for index in torch.arange(len(data.totals)).split(64)]
    return torch.cat(parts).numpy().astype(np.float64)


def judge(
    given: npt.NDArray[np.float64], true: npt.NDArray[np.float64], floor: float, low: float, high: float
) -> PhqMetrics:
    """Metrics of estimates (n,) against totals (n,), intervals clipped to PHQ-8's scale."""
    lower, upper = np.clip(given + low, 0, Scale.PHQ8.maximum), np.clip(given + high, 0, Scale.PHQ8.maximum)
    return PhqMetrics(
        n=len(true),
        mae=float(np.abs(given - true).mean()),
        rmse=float(np.sqrt(((given - true) ** 2).mean())),
        ccc=concordance(given, true),
        pearson=float(np.corrcoef(given, true)[0, 1]),
        floor_mae=float(np.abs(true - floor).mean()),
        interval_level=LEVEL,
        interval_coverage=float(((lower <= true) & (true <= upper)).mean()),
        interval_mean_width=float((upper - lower).mean()),
    )


def train(
    bundle: Path, data: Path, seed: int, subjects: int = 4000, epochs: int = 12, longest: int = 240
) -> PhqMetrics:
    """Train, calibrate, test on new simulated subjects, and write head and configuration into the bundle."""
    model = load_model(bundle)
    bank = embedding_bank(model, data)
    fitted = render(model, bank, subjects, seed, Links(), longest)
    calibration = render(model, bank, subjects // 2, seed + 1000, Links(), longest)
    tested = render(model, bank, subjects // 2, seed + 2000, Links(), longest)
    width = 32
    head = train_head(fitted, model.dim, width, epochs, seed)
    low, high = conformal_errors(calibration.totals.numpy() - estimates(head, calibration), LEVEL)
    metrics = judge(
        estimates(head, tested), tested.totals.numpy().astype(np.float64), float(fitted.totals.mean()), low, high
    )
    save_file({name: value.contiguous() for name, value in head.state_dict().items()}, bundle / WEIGHTS[1])
    phq = PhqConfig(
        scale=Scale.PHQ8,
        provenance=Provenance.SIMULATED,
        width=width,
        interval_level=LEVEL,
        low_error=round(low, 4),
        high_error=round(high, 4),
        training=TRAINING_SENTENCE,
    )
    write_config(bundle, dataclasses.replace(model.bundle.config, phq=phq))
    return metrics


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.phq", description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with FER+'s train.parquet")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    try:
        metrics = train(options.bundle, options.data, options.seed)
    except FerPhqError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    text = json.dumps(dataclasses.asdict(metrics), indent=2)
    (options.bundle / "phq_metrics.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
