"""Messages of the encryption: keys that cannot be used, and contents that cannot be decrypted."""

from __future__ import annotations

from fer_phq.core.messages import template

KEY_FILE_UNREADABLE = template(
    "encryption.key_file_unreadable",
    "The key file {path} cannot be read ({reason}): set FERPHQ_ENCRYPTION_KEY_FILE to the file of the key.",
)
KEY_FILE_OPEN = template(
    "encryption.key_file_open", "Others than its owner may read the key file {path}: chmod 600 {path}"
)
KEY_MALFORMED = template(
    "encryption.key_malformed",
    "{place} does not hold a key: 64 hexadecimal digits, as `fer-phq encryption new-key` writes them.",
)
KEY_EXISTS = template("encryption.key_exists", "{place} exists already: a key is never written over.")
KEY_UNWRITABLE = template("encryption.key_unwritable", "The key file {path} cannot be written ({reason}).")
THE_KEYRING = template("encryption.the_keyring", "The keyring's entry '{name}' of fer-phq")
KEYRING_MISSING = template(
    "encryption.keyring_missing",
    "The key is to be in the keyring, and the Python package keyring is not installed: pip install keyring, or use "
    "FERPHQ_ENCRYPTION_KEY_FILE.",
)
KEYRING_FAILED = template(
    "encryption.keyring_failed", "The keyring does not give the key ({reason}): unlock it, or use a key file."
)
TWO_PLACES = template(
    "encryption.two_places",
    "FERPHQ_ENCRYPTION_KEY_FILE and FERPHQ_ENCRYPTION_KEYRING are both set: the key is in one place only.",
)
LIBRARY_MISSING = template(
    "encryption.library_missing",
    "The Python package cryptography cannot be loaded ({reason}): pip install cryptography",
)

FILE_NEEDS_KEY = template(
    "encryption.file_needs_key",
    "The recording is encrypted and no key is configured: set FERPHQ_ENCRYPTION_KEY_FILE or FERPHQ_ENCRYPTION_KEYRING.",
)
FILE_OTHER_KEY = template(
    "encryption.file_other_key", "The recording is encrypted with another key, or its file was changed."
)
FILE_CHANGED = template(
    "encryption.file_changed", "The recording's file was changed after it was encrypted: restore it from a backup."
)
FILE_EXCHANGED = template(
    "encryption.file_exchanged",
    "The recording's file holds another recording than its name says: restore it from a backup.",
)
VALUE_NEEDS_KEY = template(
    "encryption.value_needs_key",
    "What is stored is encrypted and no key is configured: set FERPHQ_ENCRYPTION_KEY_FILE or "
    "FERPHQ_ENCRYPTION_KEYRING.",
)
VALUE_CHANGED = template(
    "encryption.value_changed",
    "An encrypted value of {column} cannot be decrypted: it was changed, or encrypted with another key.",
)
