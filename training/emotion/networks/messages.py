"""What people read about networks, pretrained weights and runs."""

from __future__ import annotations

from fer_phq.core.messages import template

CANNOT_BUILD = template("emotion_networks.cannot_build", "{backbone} cannot be built: {reason}")
NOTHING_TO_ADAPT = template("emotion_networks.nothing_to_adapt", "LoRA finds nothing to adapt: {reason}")
NO_RUN_WEIGHTS = template(
    "emotion_networks.no_run_weights", "The run {folder} has no {file} yet: let it finish an epoch."
)
IMAGE_SIZE_REFUSED = template(
    "emotion_networks.image_size_refused",
    "{backbone} takes no images of {size} px ({reason}): give all phases one image_size, or a ViT the option "
    "dynamic_img_size: true.",
)
TEACHER_DIFFERS = template(
    "emotion_networks.teacher_differs",
    "The teacher {folder} has other classes or channels than it is used with.",
)
CLASSIC_WITHOUT_WEIGHTS = template(
    "emotion_networks.classic_without_weights",
    "The classic networks have no hub weights: train them from scratch.",
)
FACE_MOBILENET_WITHOUT_WEIGHTS = template(
    "emotion_networks.face_mobilenet_without_weights",
    "face_mobilenet has no hub weights: see training/emotion/networks/face_mobilenet.py for where they are.",
)
NOT_A_GRAPH_MODEL = template(
    "emotion_networks.not_a_graph_model",
    "{path} is not a TensorFlow.js graph model with its weights beside it: {reason}.",
)
GRAPH_WITHOUT_WEIGHT = template(
    "emotion_networks.graph_without_weight", "The graph has no weight {weight}: it is not HSE's face network."
)
NO_WEIGHTS = template(
    "emotion_networks.no_weights", "No weights at {path}: name a .safetensors file, or a folder with {file}."
)
NOT_SAFETENSORS = template(
    "emotion_networks.not_safetensors",
    "{path} is not a .safetensors file; other kinds may be pickles, which are never read.",
)
HUGGING_FACE_FILE = template(
    "emotion_networks.hugging_face_file",
    "{path} has Hugging Face's names: name its folder, with the config.json that belongs to it.",
)
NOT_ON_HUB = template(
    "emotion_networks.not_on_hub",
    "timm publishes no weights of '{network}'; see timm.list_pretrained('vit*').",
)
NOT_FETCHED = template(
    "emotion_networks.not_fetched",
    "timm's weights of '{network}' could not be fetched ({reason}): name a local safetensors file instead.",
)
FOLDER_WITHOUT_CONFIG = template(
    "emotion_networks.folder_without_config",
    "{folder} has no config.json: name a folder that has one, or a .safetensors file.",
)
UNREADABLE_JSON = template("emotion_networks.unreadable_json", "{path} cannot be read: {reason}.")
BAD_NORMALISATION = template(
    "emotion_networks.bad_normalisation", "{path} states no mean and standard deviation of each channel."
)
INPUT_ADOPTED = template(
    "emotion_networks.input_adopted",
    "{source} was trained on images with mean {mean} and deviation {std}; the recipe names none, so these are used.",
)
INPUT_AVERAGED = template(
    "emotion_networks.input_averaged",
    "{source} states them for each channel, and they differ; the channels' averages stand for all.",
)
INPUT_DIFFERS = template(
    "emotion_networks.input_differs",
    "{source} was trained on images with mean {mean} and deviation {std}; the recipe's {own_mean} and {own_std} are "
    "used.",
)
SIZE_DIFFERS = template(
    "emotion_networks.size_differs",
    "{source} was trained on images of {size} px, the recipe has {own_size} px: the position embedding is resampled.",
)
UNKNOWN_MODEL_TYPE = template(
    "emotion_networks.unknown_model_type",
    "{folder} holds a '{model_type}', which cannot be read: it must be one of {model_types}.",
)
OTHER_ACTIVATION = template(
    "emotion_networks.other_activation", "{folder} uses the activation '{activation}'; timm's ViT has GELU."
)
BAD_LABELS = template("emotion_networks.bad_labels", "{path}: id2label must map numbers to names.")
FILES_OUTSIDE = template("emotion_networks.files_outside", "{path} names files outside its folder.")
PICKLED_WEIGHTS = template(
    "emotion_networks.pickled_weights",
    "{folder} has its weights as a .bin file, a pickle, which is never read: save it again as safetensors.",
)
FOLDER_WITHOUT_WEIGHTS = template("emotion_networks.folder_without_weights", "{folder} has no {file}.")
UNREADABLE_WEIGHTS = template("emotion_networks.unreadable_weights", "The weights in {path} cannot be read: {reason}.")
NOTHING_FITS = template(
    "emotion_networks.nothing_fits",
    "Nothing of {source} fits {network}: choose the backbone that it was made for.",
)
HEAD_DIFFERS = template(
    "emotion_networks.head_differs", "{source} names {classes} classes, but its head has {rows} rows."
)
ATTENTION_HEADS_DIFFER = template(
    "emotion_networks.attention_heads_differ",
    "{source} has {heads} attention heads a block, the backbone {backbone_heads}: build it with num_heads={heads}.",
)
