"""The templates of `fer_phq.features`: what is wrong with a features file."""

from __future__ import annotations

from fer_phq.core.messages import template

CANNOT_WRITE = template("features.cannot_write", "The features file {path} cannot be written: {strerror}.")
NO_ARCHIVE = template("features.no_archive", "The features file {path} cannot be used: it is not a whole .npz archive.")
CANNOT_USE = template("features.cannot_use", "The features file {path} cannot be used: {reason}.")

# Reasons, for CANNOT_USE.
TOO_LARGE = template("features.too_large", "its arrays take more than {limit} GiB")
NO_MODALITY = template("features.no_modality", "it holds none of the arrays visual, voice, words and behaviour")
WITHOUT_TIMES = template("features.without_times", "{array} stands without {times}")
NO_NUMBERS = template("features.no_numbers", "{array} does not hold numbers")
OTHER_COLUMNS = template(
    "features.other_columns", "rows of the kind '{kind}' have the columns {columns}, in this order"
)
WRONG_ARRAY = template("features.wrong_array", "{array}: {reason}")
