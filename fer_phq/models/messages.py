"""Messages of models and checkpoint bundles: errors, and the reasons why a PHQ head gives no estimate."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

NO_SUCH_BUNDLE = template(
    "models.no_such_bundle", "No model '{reference}': it is neither a bundle folder nor one of {names}."
)
WEIGHTS_MISSING = template("models.weights_missing", "{folder} is not a checkpoint bundle: {file} is missing.")
CONFIG_UNREADABLE = template("models.config_unreadable", "{path} cannot be read: {error}.")
CONFIG_UNUSABLE = template("models.config_unusable", "{path} cannot be used: {problem}.")
VALUE_OUT_OF_RULE = template("models.value_out_of_rule", "{name} is {value} and must be {rule}")
OPTION_NOT_ALLOWED = template(
    "models.option_not_allowed", "the backbone's option {name} is not allowed; these are: {options}"
)
RULE_WHOLE = template("models.rule_whole", "a whole number from {low} to {high}")
RULE_NUMBER = template("models.rule_number", "a number from {low} to {high}")
RULE_ANY_OF = template("models.rule_any_of", "one of {values}")
RULE_NAME = template("models.rule_name", "1 to 100 letters, digits, dots, hyphens and underscores")
RULE_ARCHITECTURE = template("models.rule_architecture", "the name of an architecture")
RULE_OBJECT = template("models.rule_object", "an object")
RULE_FIELDS = template("models.rule_fields", "an object with these fields: {names}")
RULE_PROBES = template("models.rule_probes", "lists of numbers from 0 to 1")
WEIGHTS_DAMAGED = template(
    "models.weights_damaged",
    "{path} is not the file that its config.json was written for: its SHA-256 differs. Copy the bundle again.",
)
HEAD_OUTDATED = template(
    "models.head_outdated",
    "its PHQ head was made by an older version; train it again with `fer-phq train phq`",
)
OTHER_CLASSES = template(
    "models.other_classes", "{folder} has other classes than fer-phq's seven in their order: {classes}."
)
PHQ_WEIGHTS_MISSING = template("models.phq_weights_missing", "{folder} names a PHQ head, but {file} is missing.")
WEIGHTS_UNUSABLE = template("models.weights_unusable", "The weights in {path} cannot be used: {error}")
RUNTIME_MISSING = template(
    "models.runtime_missing",
    "The bundle {folder} has no {file}. Use it once where fer-phq is installed in full (pip install "
    "'fer-phq[train]'): `fer-phq models verify` makes the file.",
)
QUANTIZED_MISSING = template(
    "models.quantized_missing",
    "{folder} is not whole: its {file}, which computes in {precision}, is missing and cannot be made of the weights "
    "alone. Copy the bundle again.",
)
RUNTIME_OF_OTHER_PRECISION = template(
    "models.runtime_of_other_precision",
    "{path} computes in {found}, and the config.json beside it says {expected}. Copy the bundle again.",
)
RUNTIME_UNUSABLE = template("models.runtime_unusable", "The network in {path} cannot be used: {error}.")
RUNTIME_OF_OTHER_WEIGHTS = template(
    "models.runtime_of_other_weights", "{path} was not made of the {file} beside it. Copy the bundle again."
)
RUNTIME_DIFFERS = template(
    "models.runtime_differs",
    "The model.onnx of {model_id} differs from its weights by {difference:.1e}, more than {tolerance:.0e}: copy the "
    "bundle again.",
)
PROBES_DIFFER = template(
    "models.probes_differ",
    "The model.onnx of {model_id} gives other probabilities here than where it was made, by up to {difference:.1e} "
    "(at most {tolerance:.0e}): do not use it on this machine, and report the processor and the version of "
    "onnxruntime.",
)
QUANTIZATION_WITHOUT_PRODUCTS = template(
    "models.quantization_without_products",
    "{model_id} cannot be quantised: its network has no convolution or matrix product with weights of its own.",
)
QUANTIZATION_INCOMPLETE = template(
    "models.quantization_incomplete",
    "{model_id} was not quantised: of {products} convolutions and matrix products {quantized} came out in 8-bit "
    "integers.",
)
EXPLANATION_NEEDS_PYTORCH = template(
    "models.explanation_needs_pytorch",
    "An explanation needs PyTorch, which is not installed here: pip install 'fer-phq[train]' (or `make setup`).",
)
EXPORT_NEEDS_PYTORCH = template(
    "models.export_needs_pytorch",
    "An export needs PyTorch, which is not installed here: pip install 'fer-phq[train]' (or `make setup`).",
)
HEADS_UNUSABLE = template("models.heads_unusable", "The PHQ heads in {path} cannot be used: {error}.")
UNKNOWN_BACKBONE = template(
    "models.unknown_backbone",
    "'{name}' is not a backbone that timm or fer-phq knows; see timm.list_models('vit*').",
)
NO_HUB_WEIGHTS = template(
    "models.no_hub_weights", "{name} has no hub weights: load a checkpoint bundle with fer_phq.load_model."
)
NO_CROP = template("models.no_crop", "Standard input holds no picture; give a face crop as PNG or JPEG.")
NOT_EXPLAINABLE = template(
    "models.not_explainable",
    "The model {model_id} is not a Vision Transformer of timm's, so it cannot be explained.",
)

EXPORT_EXISTS = template(
    "models.export_exists", "{path} is already there: choose another name, or replace a file with --force."
)
EXPORT_NEEDS_ONNXSCRIPT = template(
    "models.export_needs_onnxscript",
    "ONNX export needs the package onnxscript: install it with pip install 'fer-phq[train]'.",
)
EXPORT_FAILED = template("models.export_failed", "{model_id} cannot be exported as {format}: {error}")
EXPORT_DIFFERS = template(
    "models.export_differs",
    "{path} was not written: as {format}, {model_id} differs from itself by {difference:.1e}, more than "
    "{tolerance:.0e}.",
)
EXPORT_UNWRITABLE = template("models.export_unwritable", "{path} cannot be written: {error}.")

FEW_ROWS = counted(
    "models.few_rows",
    "{n} row of {modality} is fewer than half of the shortest training session's ({fewest})",
    "{n} rows of {modality} are fewer than half of the shortest training session's ({fewest})",
)
OTHER_FUNCTIONALS = template(
    "models.other_functionals",
    "the head was trained with other functionals than this version computes: train it again",
)
UNLIKE_TRAINING = template(
    "models.unlike_training",
    "the session is unlike those of the training: {distance:.1f} standard deviations from their centre, at most "
    "{limit:.1f} are judged",
)
BELOW_GRID = template(
    "models.below_grid",
    "the recording was sampled at {rate:g} frames/s; the PHQ head needs at least {grid:g}",
)
STILL_FACE = template(
    "models.still_face",
    "the face does not move, as in a still picture: its embeddings spread by {spread:.1%} of their length",
)
STILL_BEHAVIOUR = template("models.still_behaviour", "nothing in the face moves, as in a still picture")
KEY_FRAMES_ONLY = template(
    "models.key_frames_only",
    "only key frames were sampled; the PHQ head needs at least {grid:g} frames/s",
)
NO_FITTING_HEAD = template(
    "models.no_fitting_head",
    "the PHQ heads of the active model take {takes} of the kind they were trained on; the session has {has}",
)
NOT_READ = template("models.not_read", "{first}; {second}")
NOTHING = template("models.nothing", "nothing")
MODALITIES = template("models.modalities", "{first}+{second}")
ALTERNATIVES = template("models.alternatives", "{first} or {second}")

REPORT_UNREADABLE = template(
    "models.report_unreadable", "The report {path} cannot be read ({reason}); train the head again."
)

# Which claims of a head stand

CONTROL_INTERVIEWER = template("models.control_interviewer", "what the interviewer says")
CONTROL_LENGTH = template("models.control_length", "how long a session lasts and how much the subject talks")
CONTROL_GROUP = template("models.control_group", "sex, age or site")
CONTROL_SHUFFLED = template("models.control_shuffled", "shuffled labels")
CLAIM_KNOWS = template(
    "models.claim_knows",
    "Stands: it knows something beyond the mean (CCC {ccc:.2f} [{ccc_low:.2f}, {ccc_high:.2f}]; its RMSE is lower by "
    "{gain:.2f} points [{low:.2f}, {high:.2f}]).",
)
CLAIM_KNOWS_NOTHING = template(
    "models.claim_knows_nothing",
    "Not shown: that it knows anything beyond the mean (CCC {ccc:.2f} [{ccc_low:.2f}, {ccc_high:.2f}]; its RMSE is "
    "lower by {gain:.2f} points [{low:.2f}, {high:.2f}]).",
)
CLAIM_WORSE_THAN_MEAN = template(
    "models.claim_worse_than_mean",
    "Beware: always answering the mean is nearer to the scores than its estimates are (RMSE lower by {loss:.2f} points "
    "[{low:.2f}, {high:.2f}]).",
)
CLAIM_STANDS = template(
    "models.claim_stands",
    "Stands: it reads more than {control}, which alone is not shown to tell the scores (CCC {ccc:.2f}); with that held "
    "constant, estimates go with scores (r {rest:.2f} [{low:.2f}, {high:.2f}]).",
)
CLAIM_PARTLY = template(
    "models.claim_partly",
    "Stands in part: it reads more than {control}, but that alone tells scores, too (CCC {ccc:.2f}); with it held "
    "constant, estimates go with scores (r {rest:.2f} [{low:.2f}, {high:.2f}]).",
)
CLAIM_DOUBTFUL = template(
    "models.claim_doubtful",
    "Doubtful: that it reads more than {control}. That alone tells the scores (CCC {ccc:.2f}) and is not shown to be "
    "worse than the head; with it held constant, estimates go with scores (r {rest:.2f} [{low:.2f}, {high:.2f}]), as "
    "they would, too, if the head read the same better.",
)
CLAIM_FALLS = template(
    "models.claim_falls",
    "Does not stand: that it reads more than {control}, which alone tells the scores (CCC {ccc:.2f}); with that held "
    "constant, estimates are not shown to go with scores (r {rest:.2f} [{low:.2f}, {high:.2f}]).",
)
CLAIM_OPEN = template(
    "models.claim_open",
    "Open: whether it reads more than {control}, which alone is not shown to tell the scores either (CCC {ccc:.2f}); "
    "with that held constant, estimates are not shown to go with scores (r {rest:.2f} [{low:.2f}, {high:.2f}]).",
)
CLAIM_CONTROL_TELLS = template(
    "models.claim_control_tells", "Beware: scores are told by {control} alone (CCC {ccc:.2f})."
)
CLAIM_CONTROL_SILENT = template(
    "models.claim_control_silent", "Not shown to tell the scores: {control} (CCC {ccc:.2f})."
)
CLAIM_UNTESTED = template("models.claim_untested", "Not tested: whether it reads more than {control}. {reason}")
CLAIM_SHUFFLED_TELLS = template(
    "models.claim_shuffled_tells",
    "No figure stands: scores are told even where they were shuffled between people (CCC {ccc:.2f}), so the procedure "
    "leaks.",
)
CLAIM_SHUFFLED_SILENT = template(
    "models.claim_shuffled_silent",
    "Stands: the procedure lets nothing in; where scores are shuffled between people, nothing is told (CCC {ccc:.2f}).",
)
CLAIM_BEYOND_CHANCE = template(
    "models.claim_beyond_chance",
    "Stands: estimates are nearer to these people's scores than to scores exchanged between them (RMSE lower by "
    "{gain:.2f} points [{low:.2f}, {high:.2f}]).",
)
CLAIM_WITHIN_CHANCE = template(
    "models.claim_within_chance",
    "Not shown: that estimates are nearer to these people's scores than to scores exchanged between them (RMSE lower "
    "by {gain:.2f} points [{low:.2f}, {high:.2f}]).",
)
CLAIM_FEW_FOR_CONTROL = template(
    "models.claim_few_for_control", "That rests on {people} people alone, so little of it is settled."
)
CLAIM_GAP = template(
    "models.claim_gap",
    "Does not stand: the error in the folds. With {name}, people held out have a MAE of {held_out:.2f} against "
    "{folds:.2f} in the folds ({people} people; difference [{low:.2f}, {high:.2f}]).",
)
CLAIM_NO_GAP = template(
    "models.claim_no_gap",
    "Not refuted: the error in the folds. With {name}, people held out have a MAE of {held_out:.2f} against "
    "{folds:.2f} in the folds ({people} people; difference [{low:.2f}, {high:.2f}]).",
)
CLAIM_GAP_UNTESTED = template(
    "models.claim_gap_untested", "Not tested: whether people held out are estimated as well as in the folds. {reason}"
)
CLAIM_COVERAGE = template(
    "models.claim_coverage",
    "Not refuted: that intervals hold {level:.0%} of scores; they hold {share:.0%} [{low:.0%}, {high:.0%}].",
)
CLAIM_COVERAGE_FALLS = template(
    "models.claim_coverage_falls",
    "Does not stand: that intervals hold {level:.0%} of scores; they hold {share:.0%} [{low:.0%}, {high:.0%}].",
)
CLAIM_GROUP_COVERAGE = template(
    "models.claim_group_coverage",
    "Intervals hold fewer of {group}: {share:.0%} [{low:.0%}, {high:.0%}] of {people} people.",
)
CLAIM_SHIFT = template(
    "models.claim_shift",
    "Coverage cannot be promised here: these sessions differ from the training's ({name}: {distance:.2f} SD, "
    "p {p:.4f}; most in {largest}), and intervals are for people like those of the training, recorded alike.",
)
CLAIM_NO_SHIFT = template(
    "models.claim_no_shift",
    "Not shown: that these sessions differ from the training's ({name}: {distance:.2f} SD, p {p:.4f}; most in "
    "{largest}).",
)
CLAIM_SCORE_SHIFT = template(
    "models.claim_score_shift",
    "Coverage cannot be promised here: scores differ from the training's by {difference:+.1f} points on average "
    "[{low:.1f}, {high:.1f}].",
)
CLAIM_SHIFT_UNTESTED = template(
    "models.claim_shift_untested",
    "Not tested, so coverage cannot be promised here: whether these sessions are like the training's. {reason}",
)
CLAIM_FEW_PEOPLE = template(
    "models.claim_few_people", "With {people} people little is settled: what is not shown may be there."
)
