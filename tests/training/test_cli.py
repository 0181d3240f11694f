"""The one way in which a typed function becomes `python -m`."""

from typing import Annotated

import pytest
import typer

from fer_phq.core.errors import FerPhqError
from training import cli


@cli.command
def example(
    count: Annotated[int, typer.Argument(help="How many.")],
    failure: Annotated[str, typer.Option(help="What goes wrong.")] = "",
) -> None:
    """Print a number."""
    if failure == "known":
        raise FerPhqError("It cannot be done.")
    if failure == "interrupted":
        raise KeyboardInterrupt
    if failure:
        raise ModuleNotFoundError(name=failure)
    print(count)


def run(*argv):
    return cli.run(example, argv, "training.example")


def test_a_command_runs_on_its_arguments(capsys):
    assert run("3") == 0
    assert capsys.readouterr() == ("3\n", "")


def test_help_names_the_module_and_the_docstring(capsys):
    assert run("--help") == 0
    shown = capsys.readouterr().out
    assert "python -m training.example" in shown
    assert "Print a number." in shown


@pytest.mark.parametrize("argv", [(), ("three",), ("3", "--misspelt")])
def test_arguments_that_are_not_understood_are_exit_2(argv, capsys):
    assert run(*argv) == 2
    assert "Usage: python -m training.example" in capsys.readouterr().err


def test_a_known_error_is_one_sentence_and_exit_1(capsys):
    assert run("3", "--failure", "known") == 1
    assert capsys.readouterr() == ("", "Error: It cannot be done.\n")


def test_an_interruption_is_exit_130():
    assert run("3", "--failure", "interrupted") == 130


def test_a_missing_package_is_named_and_a_missing_module_of_ours_is_a_fault(capsys):
    assert run("3", "--failure", "accelerate") == 1
    expected = "Error: Training needs accelerate: install it with pip install 'fer-phq[train]'.\n"
    assert capsys.readouterr().err == expected
    with pytest.raises(ModuleNotFoundError):
        run("3", "--failure", "training.nowhere")
