"""What people read about emotion corpora and the images of a training stage."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

NOT_A_DATASET = template(
    "emotion_data.not_a_dataset",
    "'{text}' is not a dataset: write CORPUS:PATH or CORPUS:PATH#SPLIT, CORPUS one of {corpora}.",
)
NO_CORPUS = template(
    "emotion_data.no_corpus",
    "No corpus at {path}: {corpus} is expected there (parquet, CSV or a folder of images).",
)
UNREADABLE = template("emotion_data.unreadable", "{source} cannot be read: {reason}")
NO_IMAGE_OF_CLASSES = template("emotion_data.no_image_of_classes", "{source} holds no image of the classes {classes}.")
CLASSES_LEFT_OUT = template(
    "emotion_data.classes_left_out",
    "{source} has images of {names}, which are none of {classes}: they are left out; rename what is misspelt.",
)
OTHER_NUMBERS = template(
    "emotion_data.other_numbers",
    "{source} has the labels {labels}, the corpus counts from {first} to {last}: its classes are numbered otherwise. "
    "Name the folders or labels in words.",
)
NO_COLUMN_OF_PARTS = template(
    "emotion_data.no_column_of_parts",
    "{path} has no column of parts (Usage, split), so the part {part} cannot be read from it.",
)
NO_SUCH_PART = template("emotion_data.no_such_part", "{path} has no part {part}: its parts are {parts}.")
OTHER_SIDE = template(
    "emotion_data.other_side", "it has {side} x {side} pixels where the first row has {usual} x {usual}."
)
TOO_LARGE_TO_JOIN = template(
    "emotion_data.too_large_to_join",
    "Corpora that do not fit into memory together cannot be joined: train on them one by one.",
)
SHAPES_DIFFER = template("emotion_data.shapes_differ", "Corpora of different image shapes cannot be joined: {shapes}.")
VOTES_DO_NOT_MATCH = template(
    "emotion_data.votes_do_not_match", "{votes} has {vote_rows} rows, {path} has {rows}: they must match."
)
NEITHER_PIXELS_NOR_PATHS = template(
    "emotion_data.neither_pixels_nor_paths",
    "{path} is neither FER2013's CSV (column pixels) nor a list (columns path, label).",
)
FILES_MISSING = template(
    "emotion_data.files_missing", "{path} names {count} files that are not there; the first is {first}."
)
BAD_TABLE = counted(
    "emotion_data.bad_table",
    "{path} cannot be used, it has {n} problem: {problem}",
    "{path} cannot be used, it has {n} problems, the first is: {problem}",
)
NO_VOTES = template("emotion_data.no_votes", "There is no table of votes {path}.")
OTHER_USAGE = template(
    "emotion_data.other_usage",
    "the usage is {usage}, in the table of votes it is {vote_usage}; the rows are in another order.",
)
NO_COUNT = template("emotion_data.no_count", "{column} is '{text}', a whole number of votes is expected.")
NO_SQUARE_OF_PIXELS = template("emotion_data.no_square_of_pixels", "the pixels are no square of numbers from 0 to 255.")
NOT_FERPLUS = template("emotion_data.not_ferplus", "{source} is not FER+: it has no column votes_{vote}.")
NO_LABELS = template("emotion_data.no_labels", "{source} has no column of labels: one of {columns} is expected.")
BAD_IMAGE = template("emotion_data.bad_image", "{source} has an unreadable image, {path}: {reason}.")
TOO_FEW_IMAGES = template(
    "emotion_data.too_few_images",
    "{images} training images are fewer than one step of {step}: lower batch_size.",
)
