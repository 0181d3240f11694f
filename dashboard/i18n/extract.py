"""The sentences of the layers below, read from their code: what a catalogue needs of them. Nothing runs this on a page.

Nothing below the dashboard knows of languages: errors, warnings and the words of jobs are English there, and lie in the
store so. A sentence becomes a template: what is filled in stands in braces under the last name of its expression, a
module's constant text is filled in at once, and each side of a choice between two texts gives a template of its own.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

ROOT = Path(__file__).parents[2]
LAYERS = ("fer_phq", "db", "service")
TRAINING = ("training/phq/messages.py",)
"""Of the training only what a head's training from the store can say."""
TERMINAL = re.compile(
    r"service/(cli|demo)/|service/views/data_dictionary\.py|fer_phq/(models/(export|backbone|model)|features/measures)\.py"
)
"""What only a terminal or another program is told; and measures, whose words stand in `dashboard.i18n.vocabulary`."""
FOR_PROGRAMMERS = ("TypeError", "AssertionError", "RuntimeError", "NotImplementedError", "KeyError")
LOGGING = ("debug", "info", "warning", "exception", "tell", "template", "counted")
PARTS = ("ValueError", "_warn")
"""What is called with a part of a sentence in `fer_phq.words`."""
SHORTEST = 3
"""Words of a sentence."""
FIELD = re.compile(r"\{(\w+)\}")

Constants = Mapping[str, str]


@dataclass(frozen=True)
class Sentence:
    """A template, and the file (as 'service/jobs/queue.py') and line in which it stands."""

    template: str
    file: str
    line: int


def sentences(root: Path = ROOT) -> Iterator[Sentence]:
    """Every sentence below the dashboard that a person may read; of those that differ in names only, the first."""
    paths = [path for layer in LAYERS for path in sorted((root / layer).rglob("*.py"))]
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in [*paths, *(root / one for one in TRAINING)]}
    known: set[str] = set()
    constants = {name: text for tree in trees.values() for name, text in _constants(tree)}
    for path, tree in trees.items():
        file = path.relative_to(root).as_posix()
        if not TERMINAL.match(file):
            words = file.startswith("fer_phq/words/")
            parts = {id(part) for part in _parts(tree)} if words else set()
            for node in _texts(tree, "" if words or file.startswith("service/") else "ValueError"):
                for template in dict.fromkeys(_forms(node, constants)):
                    if _is_sentence(template, id(node) in parts) and (shape := FIELD.sub("{}", template)) not in known:
                        known.add(shape)
                        yield Sentence(_named(template), file, node.lineno)


def _parts(tree: ast.Module) -> Iterator[ast.expr]:
    """What calls of `PARTS` are given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _calls(node) in PARTS:
            yield from node.args


def _calls(node: ast.AST) -> str:
    """The name of what is called, '' where nothing is."""
    return str(getattr(node.func, "id", getattr(node.func, "attr", ""))) if isinstance(node, ast.Call) else ""


def _is_sentence(template: str, part: bool) -> bool:
    words = FIELD.sub(" ", template).split()
    return (part or template.endswith(".")) and len(words) >= SHORTEST and words[0] != "-" and "\n" not in template


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from (
                (one.id, node.value.value) for one in node.targets if isinstance(one, ast.Name) and one.id.isupper()
            )


def _texts(tree: ast.Module, programmers: str) -> Iterator[ast.expr]:
    """The outermost texts: no docstrings, no log lines, nothing that is raised for programmers."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Constant | ast.JoinedStr):
            yield node
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if (programmers and _calls(node) == programmers) or _calls(node) in (*FOR_PROGRAMMERS, *LOGGING):
            continue
        todo += reversed(list(ast.iter_child_nodes(node)))


def _forms(node: ast.expr, constants: Constants) -> list[str]:
    """The templates that an expression may give; '{name}' for what is only known when it runs."""
    match node:
        case ast.Constant(value=str() as text):
            return [_fields(text)]
        case ast.JoinedStr(values=values):
            return ["".join(parts) for parts in itertools.product(*(_forms(value, constants) for value in values))]
        case ast.FormattedValue(value=value):
            return _forms(value, constants)
        case ast.IfExp(body=body, orelse=orelse):
            return [*_forms(body, constants), *_forms(orelse, constants)]
        case ast.BoolOp(op=ast.Or(), values=values):
            found = [form for value in values for form in _forms(value, constants)]
            return list({FIELD.sub("{}", form): form for form in reversed(found)}.values())[::-1]
        case ast.Name(id=name) if name in constants:
            return [_fields(constants[name])]
    return [f"{{{_last_name(node)}}}"]


def _fields(text: str) -> str:
    """A text with fields of `str.format`, as a template."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:  # braces of another kind
        return ""
    named = (f"{{{(field or 'value').split('.')[0].split('[')[0]}}}" for _, field, _, _ in parts if field is not None)
    filled = [literal + (next(named) if field is not None else "") for literal, field, _, _ in parts]
    return "".join(filled)


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name.strip("_")
        case ast.Attribute(attr=name):
            return name.strip("_")
        case ast.Call(args=[first, *_]):
            return _last_name(first)
        case ast.Call(func=func):
            return _last_name(func)
        case ast.Subscript(value=value) | ast.BinOp(left=value) | ast.GeneratorExp(elt=value):
            return _last_name(value)
    return "value"


def _named(template: str) -> str:
    """A template in which no name stands twice."""
    seen: dict[str, int] = {}

    def fresh(match: re.Match[str]) -> str:
        name = match[1] if not match[1].isdigit() else "value"
        seen[name] = seen.get(name, 0) + 1
        return f"{{{name}{seen[name] if seen[name] > 1 else ''}}}"

    return FIELD.sub(fresh, template)
