"""The documents point at files, commands and options that exist, and the README stays short."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from service.cli import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
PATH = re.compile(r"`((?:fer_phq|db|training|service|dashboard|tests|docs|benchmarks)/[\w./-]+)`")
MODULE = re.compile(r"python (?:-m )?((?:training|service|dashboard|fer_phq)\.[\w.]+)")
SCRIPT = re.compile(r"python ((?:docs|benchmarks|tests)/\w+\.py)")
CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|\.venv/bin/)fer-phq((?: [a-z]+(?=\s|$))+)([^\n#]*)", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_paths_modules_and_scripts_exist(document):
    text = document.read_text(encoding="utf-8")
    missing = [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    missing += [path for path in [*PATH.findall(text), *SCRIPT.findall(text)] if not (ROOT / path).exists()]
    missing += [module for module in MODULE.findall(text) if importlib.util.find_spec(module) is None]
    assert not missing


def options_of(words: list[str]) -> set[str]:
    """Options of the command that the words name, and of the commands below it.

    Words that are the command's arguments are left over.
    """
    command = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        assert word in command.commands, f"fer-phq has no command {' '.join(words)}"
        command = command.commands[word]
    below = getattr(command, "commands", {}).values()
    return {option for node in [command, *below] for parameter in node.params for option in parameter.opts}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_their_options_exist(document):
    code = "\n".join(block or span for block, span in CODE.findall(document.read_text(encoding="utf-8")))
    for words, rest in COMMAND.findall(code):
        options = options_of(words.split())
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest))
        assert named <= options, f"fer-phq{words} has no {', '.join(named - options)}"


def test_the_readme_is_read_in_ten_minutes():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 1200


def test_the_picture_of_the_rooms_is_the_codes():
    result = subprocess.run(
        [sys.executable, ROOT / "docs" / "architecture.py", "--check"], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_the_tests_that_the_security_model_names_exist():
    names = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "SECURITY_MODEL.md").read_text(encoding="utf-8")))
    defined = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        defined |= set(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(names) > 10
    assert sorted(names - defined) == []
