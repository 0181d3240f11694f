"""What people read about emotion recipes, runs, evaluations and bundles."""

from __future__ import annotations

from fer_phq.core.messages import template

NO_RECIPE = template("emotion_training.no_recipe", "No recipe '{text}': name a YAML file or one of {recipes}.")
NO_RECIPE_FILE = template("emotion_training.no_recipe_file", "No recipe at {path}.")
NOT_YAML = template("emotion_training.not_yaml", "{path} is not YAML: {reason}.")
NOT_A_RECIPE = template("emotion_training.not_a_recipe", "{path} is not a recipe: it must be a mapping of fields.")
LONG_WARMUP = template("emotion_training.long_warmup", "warm-up of {warmup} epochs does not fit into {epochs}")
BAD_FIELD = template("emotion_training.bad_field", "Recipe {file}, {field}: {reason}.")
NOT_AN_OVERRIDE = template("emotion_training.not_an_override", "'{override}' is not an override: write key=value.")
OVERRIDE_DOES_NOT_FIT = template(
    "emotion_training.override_does_not_fit",
    "'{override}' does not fit this recipe: {key} is not a field that can be set.",
)

NOTHING_TO_RESUME = template(
    "emotion_training.nothing_to_resume", "Nothing to resume in {folder}: no state was written there yet."
)
RUN_EXISTS = template(
    "emotion_training.run_exists",
    "{folder} already holds a run: give --resume to go on with it, or another --out.",
)

BATCH_OUT_OF_RANGE = template(
    "emotion_training.batch_out_of_range",
    "--batch {batch} is not between 1 and {limit}, the most that the model takes at once.",
)
NO_DATASET = template("emotion_training.no_dataset", "Name at least one dataset to judge the checkpoint on.")
NO_MAJORITY = template(
    "emotion_training.no_majority", "{source} holds no image whose label has a majority: leave out --majority."
)
CANNOT_WRITE = template("emotion_training.cannot_write", "{folder} cannot be written to: {reason}.")
NOTHING_RIGHT = template(
    "emotion_training.nothing_right",
    "{model_id} names no face of {source} rightly: there is nothing that could drop.",
)
LIMIT_TOO_SMALL = template(
    "emotion_training.limit_too_small", "--limit {limit} leaves nothing to judge: give at least 1."
)

OTHER_CLASSES = template(
    "emotion_training.other_classes", "A bundle has the seven emotions in their order; this run has {classes}."
)
FIGURES_MISSING = template(
    "emotion_training.figures_missing",
    "{path} is missing: run training.emotion.bundle and training.simulation.shipped_heads before the card.",
)

QUANTIZED_ALREADY = template(
    "emotion_training.quantized_already",
    "{model_id} computes in {precision} already: make the bundle of its run again with training.emotion.bundle.",
)
QUANTIZATION_TOO_COSTLY = template(
    "emotion_training.quantization_too_costly",
    "{model_id} stays in 32-bit floats: in 8-bit integers its accuracy on {images} images changes by {change:+.2f} "
    "points, and at most {limit:.1f} may be lost.",
)

UNREADABLE_RECIPE = template(
    "emotion_training.unreadable_recipe", "{path} cannot be read as a recipe: {error}, {reason}."
)
NO_RUNS = template("emotion_training.no_runs", "No folder of runs at {folder}.")
DAMAGED_RUN = template(
    "emotion_training.damaged_run", "The run in {folder} has a damaged log.jsonl or run.json: {reason}."
)
