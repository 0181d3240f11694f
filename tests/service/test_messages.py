"""Whoever reads stored messages has every template: the list of the modules that declare them is complete."""

from __future__ import annotations

import ast
from pathlib import Path

from service.messages import MODULES, TRAINING_MODULES, load_messages

ROOT = Path(__file__).parents[2]
DECLARING = ("template", "counted")


def declares_messages(path: Path) -> bool:
    """Whether a module assigns the result of `template("<code>", ...)` or `counted("<code>", ...)`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DECLARING and node.args:
            code = node.args[0]
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                return True
    return False


def declaring_modules(*packages: str) -> set[str]:
    paths = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths if declares_messages(path)}


def test_every_module_that_declares_messages_is_listed() -> None:
    assert declaring_modules("fer_phq", "db", "service") == {*MODULES, "service.messages"}
    assert declaring_modules("training") == set(TRAINING_MODULES)


def test_all_of_them_load_beside_one_another() -> None:
    load_messages()
