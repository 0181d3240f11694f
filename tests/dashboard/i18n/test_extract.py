"""The sentences of the layers below, as they are read from their code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dashboard.i18n.extract import FIELD, ROOT, TRAINING, sentences


def written(root: Path, code: str, file: str = "service/some.py") -> list[str]:
    """The templates of a module."""
    for name in ("fer_phq", "db", "service", "training/phq/data"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in TRAINING:
        (root / name).touch()
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    return [one.template for one in sentences(root)]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('raise E(f"The file {self.path} is {len(x)} bytes long.")', ["The file {path} is {x} bytes long."]),
        ('w.append("From {:.1f} s to {:.1f} s there is nothing.")', ["From {value} s to {value2} s there is nothing."]),
        ('ADVICE = "copy it again"\nE(f"The file is cut: {ADVICE}.")', ["The file is cut: copy it again."]),
        (
            "E(f\"There {'is' if n == 1 else 'are'} {n} of them.\")",
            ["There is {n} of them.", "There are {n} of them."],
        ),
        ('E(f"It cannot be read: {error.strerror or error}.")', ["It cannot be read: {strerror}."]),
        (
            "E(f\"It ends at {end} s{'' if whole is None else f' of {whole} s'}, no more.\")",
            ["It ends at {end} s, no more.", "It ends at {end} s of {whole} s, no more."],
        ),
        ('def f():\n    """What it does is this."""\n    log.info("The worker has begun.")', []),
        ('raise TypeError("This is for programmers only.")', []),
        ('name = "no sentence at all"', []),
        ('a = f"The file {path} is bad."\nb = f"The file {name} is bad."', ["The file {path} is bad."]),
    ],
)
def test_a_text_becomes_templates(tmp_path: Path, code: str, found: list[str]) -> None:
    assert written(tmp_path, code) == found


def test_parts_of_sentences_are_found_where_transcripts_are_read(tmp_path: Path) -> None:
    code = 'raise ValueError("it is empty here")\nopen("some file of words")'
    assert written(tmp_path, code, "fer_phq/words/reading.py") == ["it is empty here"]
    assert written(tmp_path, 'raise ValueError("This must be positive.")', "fer_phq/words/reading.py")
    (tmp_path / "fer_phq" / "words" / "reading.py").unlink()
    assert not written(tmp_path, 'raise ValueError("This must be positive.")', "fer_phq/timeline/smoothing.py")
    assert not written(tmp_path, 'E("This is told to a terminal.")', "service/cli/analyze.py")


def test_every_error_below_is_known_by_its_sentence() -> None:
    """Where an error for a person is raised with a text, the text is a sentence that catalogues have."""
    known = {FIELD.sub("{}", one.template) for one in sentences()}
    assert len(known) > 250
    raised = 0
    for path in [*(ROOT / "fer_phq" / "video").rglob("*.py"), *(ROOT / "db").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                name = getattr(node.exc.func, "id", "")
                text = node.exc.args[0]
                if name in ("RecordingError", "StoreError", "NotFoundError") and isinstance(text, ast.Constant):
                    assert text.value in known, (path, node.lineno)
                    raised += 1
    assert raised > 8
