"""Write a bundle's model card from the figures in its folder: `python -m training.emotion.card BUNDLE`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.models.checkpoint import FP32, Bundle, Quantization, find_bundle
from training import cli
from training.emotion import commands, messages
from training.emotion.metrics import MAJORITY, AgreementBin, pool_majority
from training.emotion.networks.build import RECIPE
from training.emotion.recipe import Recipe, Stage, load_recipe

CARD = """# {model_id}

A Vision Transformer with a convolutional stem (`{backbone}`, {image_size} px, {channels}, {parameters:.1f} million
parameters, {megabytes:.1f} MB) that gives the probabilities of seven emotions for a face crop, and PHQ-8 heads over a
whole session of face, voice, words and facial behaviour.

**Not a diagnosis. The PHQ heads are trained on simulated labels: their number is a demonstration and says nothing
about any person.**

## Emotions

Held out: FER+'s public-test part (`valid`), 7-class majority (contempt, unknown and not-a-face dropped), {n} images.
Embeddings are the mean over a crop and its mirror image.

| accuracy | macro-F1 | UAR | ECE (15 bins) |
|---|---|---|---|
| {accuracy:.1%} | {macro_f1:.3f} | {uar:.3f} | {ece:.3f} |

| | {names} |
|---|{rule}|
| recall | {recalls} |
| precision | {precisions} |
| images | {supports} |

{agreement}
{robustness}{precision}
Made by, in this order, with DATA the folder that holds `ferplus/` (FER+'s two parts) and the recipes those of
`training/recipes`:

```
{commands}
```

{training}
{calibration}

### Data and licences

FER2013 images (Goodfellow et al., 2013, arXiv:1307.0414; for research use) with FER+ votes of ten taggers (Barsoum et
al., 2016, arXiv:1608.01041; MIT). Training images whose pixels also stand in `valid` were left out. No image is part of
this bundle. The weights are licensed Apache-2.0. {lineage}Face crops are aligned to FER2013's framing with landmarks by
CenterFace (MIT; trained on WIDER FACE, CC BY-NC-ND).

### Limits

- Posed and candid pictures found by web search in 2013, 48 px and grey; ages, skin tones and cultures are not balanced
  and not labelled, so error by group is unknown.
- Disgust and fear are rare in the data ({disgust_n} and {fear_n} of the held-out images) and the least well
  recognised: see the table above.
- What it names is what taggers call a face, not what a person feels. Illness, medication and paralysis change faces.
- Glasses, hands, profiles and low light lower accuracy; each frame carries a quality figure.

## PHQ-8 heads

A session is judged by the first of these that has what it needs, and finds it neither too short nor too strange:
{phq_sets}.
Each is a ridge regression on functionals of the whole session. They were trained on a simulated cohort
({phq_training}) and tested on another (`training/simulation/severity.py`,
`training/simulation/speech.py` and `training/simulation/behaviour/seconds.py` state every link between severity and
expression, voice, words and facial behaviour with its literature; the sizes of the links are assumptions). Of the
simulated test subjects {phq_n} got an estimate and {abstained} were turned away:

| MAE | RMSE | CCC | Pearson | MAE of the training mean | interval level | covered | mean width |
|---|---|---|---|---|---|---|---|
| {mae:.2f} | {rmse:.2f} | {ccc:.2f} | {pearson:.2f} | {floor_mae:.2f} | {level:.0%} | {coverage:.1%} | {width:.1f} |

Both cohorts draw their frames from the same images, the ones the backbone was trained on. These figures describe the
simulation and nothing else: on people the heads have no known accuracy, and their interval no known coverage. A real
recording that is unlike the simulated ones gets no estimate. `fer-phq train phq` makes heads from your own sessions.

## Use

For research and teaching, and to see the machinery run. Not for decisions about a person, not at work or in schools
(EU AI Act, Art. 5(1)(f)), not without consent.
"""


LINEAGE = (
    "The teacher `teacher_faces` started from a\nface recognition network (Savchenko, 2019, arXiv:1807.07718; weights "
    "Apache-2.0;\n`training/emotion/networks/face_mobilenet.py`) that was trained on VGGFace2 (Cao et al.,\n2018, "
    "arXiv:1710.08092; images for research use). "
)
"""Paragraph for a bundle whose recipe has that teacher."""

TEACHER_CALIBRATION = (
    "One of its teachers was: the published run of `teacher` set the same images aside from its twelfth epoch on,\n"
    "and its first eleven epochs trained on all training images, these 839 among them (`docs/runs/teacher/run.json`).\n"
    "What it learnt of them may have reached this network through its targets for other images, so that the\n"
    "temperature may be a little too low. A teacher that is trained by the recipe as it stands sets them aside from\n"
    "the first epoch on."
)
"""What the shipped bundle's card says of the run `teacher`; its run.json has the same as a note."""


def render_card(bundle: Bundle, recipe: Recipe) -> str:
    """Write the card's Markdown.

    Args:
        bundle: The bundle.
        recipe: Its recipe.

    Raises:
        FerPhqError: Figures are missing in the bundle's folder.
    """
    emotion = _read_figures(bundle, "metrics.json")
    phq = _read_figures(bundle, "phq_metrics.json")
    config = bundle.config
    size = (bundle.path / "model.safetensors").stat().st_size
    per_class = [emotion["per_class"][name] for name in EMOTIONS]
    return CARD.format(
        model_id=bundle.model_id,
        backbone=config.backbone,
        image_size=config.image_size,
        channels="one grey channel" if config.in_chans == 1 else "colour",
        parameters=size / 2e6,
        megabytes=size / 1e6,
        names=" | ".join(EMOTIONS),
        rule="---|" * (len(EMOTIONS) - 1) + "---",
        recalls=" | ".join(f"{figures['recall']:.2f}" for figures in per_class),
        precisions=" | ".join(f"{figures['precision']:.2f}" for figures in per_class),
        supports=" | ".join(str(figures["support"]) for figures in per_class),
        disgust_n=emotion["per_class"]["disgust"]["support"],
        fear_n=emotion["per_class"]["fear"]["support"],
        agreement=describe_agreement([AgreementBin(**fields) for fields in emotion.get("agreement", [])]),
        robustness=describe_robustness(bundle),
        precision=describe_precision(config.quantization),
        commands=bundle_commands(recipe, config.precision),
        training=describe_training(recipe),
        lineage=LINEAGE if "teacher_faces" in teacher_names(recipe.stages) else "",
        calibration=describe_calibration(recipe, config.temperature),
        phq_n=phq["n"],
        abstained=phq["abstained"],
        phq_sets=", ".join("+".join(modalities) for modalities in config.phq.modalities) if config.phq else "nothing",
        phq_training=phq["training"],
        level=phq["interval_level"],
        coverage=phq["interval_coverage"],
        width=phq["interval_mean_width"],
        **{key: emotion[key] for key in ("n", "accuracy", "macro_f1", "uar", "ece")},
        **{key: phq[key] for key in ("mae", "rmse", "ccc", "pearson", "floor_mae")},
    )


def bundle_commands(recipe: Recipe, precision: str = FP32) -> str:
    """List the commands that make a bundle, the teachers' first.

    Args:
        recipe: Its recipe.
        precision: What its network computes in.
    """
    lines = [f"python -m training.emotion {name} root=DATA --out runs/{name}" for name in teacher_names(recipe.stages)]
    quantization = [] if precision == FP32 else ["python -m training.emotion.quantization BUNDLE --root DATA"]
    lines += [
        f"python -m training.emotion recipe.yaml root=DATA --out runs/{recipe.name}   # recipe.yaml: beside this card",
        f"python -m training.emotion.bundle runs/{recipe.name} --out BUNDLE",
        *quantization,
        "python -m training.simulation.shipped_heads BUNDLE --data DATA/ferplus",
        "python -m training.emotion.robustness BUNDLE ferplus:DATA/ferplus/valid.parquet --out BUNDLE",
        "python -m training.emotion.card BUNDLE",
    ]
    return "\n".join(lines)


def teacher_names(stages: Sequence[Stage]) -> list[str]:
    """List the names of the teachers in the order in which they are first needed."""
    folders = [folder for stage in stages for folder in (stage.distil.teachers if stage.distil else ())]
    return list(dict.fromkeys(Path(folder).name for folder in folders))


def describe_training(recipe: Recipe) -> str:
    """Describe how the emotion model was trained, in a sentence or two a stage."""
    start = f"starting from {Path(recipe.network.init_from).name}" if recipe.network.init_from else "from scratch"
    sentences = ["The recipe:"]
    for stage in recipe.stages:
        sentences.append(describe_stage(stage, start))
        start = "going on"
    return " ".join(sentences)


def describe_stage(stage: Stage, start: str) -> str:
    """Describe how one stage was trained.

    Args:
        stage: The stage.
        start: Where its weights started, such as "from scratch".
    """
    phases = ", then ".join(f"{phase.epochs} at {phase.image_size} px" for phase in stage.phases)
    distilled = ""
    if stage.distil:
        images = "the same augmented images" if stage.distil.views == "augmented" else "the images as they are"
        names = " and ".join(teacher_names([stage]))
        distilled = f", {stage.distil.weight:.0%} of the target from {names} on {images} (its run: RESULTS.md)"
    return (
        f"{stage.epochs} epochs {start} ({phases}), batch {stage.batch_size * stage.accumulate}, "
        f"{stage.optimiser.name.upper()}, peak learning rate {stage.optimiser.learning_rate}, vote distributions as "
        f"targets{distilled}{', moving average of the weights kept' if stage.ema_decay else ''}."
    )


def describe_calibration(recipe: Recipe, temperature: float) -> str:
    """Say on which images the temperature was fitted, and which network had seen them in training.

    Args:
        recipe: The bundle's recipe.
        temperature: What the logits are divided by.
    """
    share = recipe.stages[-1].data.calibration
    if not share:
        return f"The temperature is {temperature}: the recipe sets no images aside to fit it on."
    sentences = [
        f"The temperature {temperature} was fitted on {share:.0%} of the training images, selected by the hash of",
        "their pixels, which this network was not trained on.",
    ]
    if "teacher" in teacher_names(recipe.stages):
        sentences.append(TEACHER_CALIBRATION)
    return "\n".join(sentences)


def describe_agreement(bins: Sequence[AgreementBin]) -> str:
    """Describe accuracy by agreement of the taggers; empty where every image has one label."""
    if not bins:
        return ""
    clear = pool_majority(bins)
    unclear = [b for b in bins if b.above < MAJORITY]
    n = sum(b.n for b in unclear)
    correct = sum(b.n * b.accuracy for b in unclear if b.accuracy is not None)
    unclear_accuracy = correct / n if n else 0.0
    return (
        f"On the {clear.n} images on which FER+'s own rule finds a majority (what one tagger alone named left out, "
        f"more than\nhalf of all votes for one class) its accuracy is {clear.accuracy or 0:.1%}; on the other {n}, "
        f"{unclear_accuracy:.1%}. `training.emotion.evaluate --majority` judges by that rule.\n"
    )


def describe_robustness(bundle: Bundle) -> str:
    """Describe the robustness; empty where it was not measured."""
    path = bundle.path / "robustness.json"
    if not path.is_file():
        return ""
    figures = json.loads(path.read_text(encoding="utf-8"))
    return (
        f"Under blur, JPEG, low resolution, darkness, brightness, noise, occlusion, tilt and coloured light accuracy "
        f"falls by {figures['mean_relative_drop']:.1%} of itself on average at strength 3 of 5, on {figures['n']} "
        f"images ([the whole table](robustness.md)); relatives of most of these were among the random changes in "
        f"training.\n"
    )


def describe_precision(quantization: Quantization | None) -> str:
    """Describe a network in 8-bit integers, and what they cost; empty for 32-bit floats."""
    if quantization is None:
        return ""
    made = quantization
    change = 100 * (made.accuracy - made.accuracy_fp32)
    return (
        f"\nWhen a recording is analysed, the network computes in 8-bit integers (`model.onnx`; weights of 7 bits, "
        f"so that\nno processor's sums overflow), with ranges measured on {made.images} training images. On "
        f"{made.held_out} other images\naccuracy is {made.accuracy:.2%} in place of {made.accuracy_fp32:.2%} in 32-bit "
        f"floats ({change:+.2f} points; {100 * made.low:+.2f} to {100 * made.high:+.2f},\n95 % interval over images), "
        f"the top emotion is the same in {made.same_emotion:.1%}, and embeddings are\n{made.embedding_error:.1%} of "
        f"their length away. All figures of this card are of 8-bit integers. Explanations use the\nweights in 32-bit "
        f"floats.\n"
    )


def _read_figures(bundle: Bundle, name: str) -> dict[str, Any]:
    path = bundle.path / name
    if not path.is_file():
        raise FerPhqError(messages.FIGURES_MISSING(path=str(path)))
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def write_card(folder: Path) -> None:
    """Write MODEL_CARD.md into a bundle's folder.

    Args:
        folder: Folder of the bundle.

    Raises:
        FerPhqError: There is no bundle, or its figures are missing.
    """
    bundle = find_bundle(folder)
    card = render_card(bundle, load_recipe(bundle.path / RECIPE))
    (bundle.path / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(commands.card, argv, "training.emotion.card")


if __name__ == "__main__":
    sys.exit(main())
