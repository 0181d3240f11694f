"""How far the shipped heads' estimates of the demonstration's client scatter: each session drawn several times.

    python benchmarks/bench_demonstration.py [--draws N] [--sessions NUMBER ...]

Each draw is a clip of its own: the same client at the same PHQ total, rendered, spoken by espeak-ng and analysed with
its transcript. The draw that ships is marked.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fer_phq.core.analysis import Settings
from fer_phq.core.phq import PhqEstimate
from fer_phq.core.sidecar import Sidecar
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.pipeline.session import analyze
from training.simulation.conversation import SUBJECT
from training.simulation.puppet.clips import render_clip
from training.simulation.puppet.portrait import Puppet
from training.simulation.puppet.script import SCRIPTS, Script


def main(argv: Sequence[str] | None = None) -> int:
    """Print a row for each session: its total, and the estimates of its draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=8, help="of each session, beside the one that ships")
    parser.add_argument("--sessions", type=int, nargs="+", default=[script.number for script in SCRIPTS])
    options = parser.parse_args(argv)
    model = load_model()
    puppet = Puppet()
    print("| session | PHQ total | ships | interval | other draws |\n|---|---|---|---|---|")
    for script in SCRIPTS:
        if script.number not in options.sessions:
            continue
        shipped = estimate(script, puppet, model)
        seeds = [seed for seed in range(options.draws + 1) if seed != script.seed][: options.draws]
        draws = sorted(estimate(replace(script, seed=seed), puppet, model).score for seed in seeds)
        interval = f"{shipped.low:.1f} to {shipped.high:.1f}"
        estimates = ", ".join(f"{score:.1f}" for score in draws)
        print(f"| {script.number} | {script.total} | {shipped.score:.1f} | {interval} | {estimates} |", flush=True)
    return 0


def estimate(script: Script, puppet: Puppet, model: FerPhqModel) -> PhqEstimate:
    """Render a session and return the shipped heads' estimate of it."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / script.name
        render_clip(script, puppet, clip)
        sidecar = Sidecar(clip.with_suffix(".vtt"), SUBJECT)
        result = analyze(clip, model, Settings(face_rate=0), sidecar=sidecar).phq
    if not isinstance(result, PhqEstimate):
        raise SystemExit(f"Session {script.number} with seed {script.seed} has no estimate: {result.reason}.")
    return result


if __name__ == "__main__":
    sys.exit(main())
