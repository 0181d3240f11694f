"""Names of files: however their letters are spelled, and however long they are."""

import os
import unicodedata

from fer_phq.core.paths import find_spelling, shorten_stem

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Jos\u00e9") for form in ("NFC", "NFD"))


def test_a_file_is_found_in_either_spelling(tmp_path):
    folder = tmp_path / DECOMPOSED
    folder.mkdir()
    (folder / f"{COMPOSED}.mp4").touch()
    assert find_spelling(tmp_path / COMPOSED / f"{DECOMPOSED}.mp4") == folder / f"{COMPOSED}.mp4"
    assert find_spelling(folder / f"{COMPOSED}.mp4") == folder / f"{COMPOSED}.mp4"
    missing = tmp_path / COMPOSED / "none.mp4"
    assert find_spelling(missing) == missing


def test_a_long_name_leaves_room_for_an_ending():
    assert shorten_stem("session") == "session"
    assert len(os.fsencode(shorten_stem("\u00e9" * 127))) == 200
    assert shorten_stem("a" + "\u00e9" * 127) == "a" + "\u00e9" * 99, "cut between letters"
