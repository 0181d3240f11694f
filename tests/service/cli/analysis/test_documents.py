"""JSON documents on standard output."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.cli.analysis.documents import json_parts, print_document


@pytest.mark.parametrize(
    "document", [{}, {"rows": []}, {"a": 1, "rows": [{"x": None}, [1.5], "é"], "b": {"c": [1, 2]}}, {"a": None}]
)
def test_the_parts_of_a_document_are_its_json(document: dict[str, Any]):
    assert "".join(json_parts(document)) == json.dumps(document, ensure_ascii=False)


def test_what_a_terminal_obeys_is_escaped(capsys: pytest.CaptureFixture[str]):
    document = {"path": "a\x9b2J\u202egpm.mp4", "rows": ["\x7f", "Zoë"]}
    print_document(document)
    printed = capsys.readouterr().out
    assert json.loads(printed) == document
    assert "\\u009b" in printed
    assert "\\u202e" in printed
    assert "\x9b" not in printed
    assert "Zoë" in printed
