"""Encryption at rest, which an installation may turn on: its key, encrypted files, encrypted values of rows.

One key of 256 bits belongs to an installation (`key`). From it come others, one for each purpose: HKDF-SHA256 with the
purpose as its context. Recordings are files of a format of their own (`files`), encrypted in pieces, so that a player
and a decoder read anywhere in one and nothing is ever written in plain. What rows hold (`values`) is encrypted value by
value. Both use AES-256-GCM of the library `cryptography`, which is loaded only where something is encrypted.

Whether an installation is encrypted says its database (`db.encryption.state`), not the key: with a key and before
`fer-phq encryption on` everything is written in plain.
"""
