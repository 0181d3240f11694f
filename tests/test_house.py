"""The house's rules that a machine can check: who may import whom, who must stay light, how messages are declared."""

import ast
import functools
import importlib
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fer_phq.core.messages import Template

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "fer_phq": {"training", "service", "dashboard", "db", "streamlit", "sqlalchemy"},
    "db": {"training", "service", "dashboard", "streamlit", "torch"},
    "training": {"service", "dashboard", "streamlit", "sqlalchemy"},
    "service": {"streamlit"},
    "dashboard": {"training", "torch", "sqlalchemy", "dbos"},
    "fer_phq_client": {"fer_phq", "db", "training", "service", "dashboard", "torch", "streamlit", "sqlalchemy"},
}
EXCEPT = {("service/cli/serve.py", "dashboard"), ("fer_phq/__init__.py", "service")}
"""The command that starts the dashboard names it, and `fer_phq.open_store` the store that notebooks read."""


@functools.cache
def parsed(path: Path) -> ast.Module:
    """A file's code, read once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> set[str]:
    """Top-level names of everything a file imports."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_go_one_way(room):
    for path in (ROOT / room).rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        wrong = {other for other in imports(path) & FORBIDDEN[room] if (name, other) not in EXCEPT}
        assert not wrong, f"{name} imports {', '.join(wrong)}"


def test_the_vocabulary_imports_nothing_of_ours_but_itself():
    for path in (ROOT / "fer_phq" / "core").glob("*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fer_phq"):
                assert f"{node.module}.".startswith("fer_phq.core."), path


ORDER = {
    "fer_phq": "core annotations timeline agreement runtime video pictures faces mesh behaviour dyad voice speakers "
    "masking words transcription features models longitudinal pipeline",
    "db": "messages records tables engine migrate queries store",
    "training": "messages cli folders plots emotion phq simulation",
    "service": "messages logs settings runtime_settings processes access ingest lifecycle models "
    "jobs views study notebook api demo cli",
    "dashboard": "theme context i18n charts widgets components loaders exports",
    "fer_phq_client": "errors answers connection sending tables client",
}
"""The rooms of each package, lowest first: a room imports only those before it."""


def rooms_imported(path: Path, package: str) -> set[str]:
    """The rooms of its own package that a file imports."""
    rooms = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            rooms |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            rooms.add(str(node.module).split(".")[1])
    return rooms


@pytest.mark.parametrize("package", ORDER)
def test_rooms_import_only_those_below(package):
    order = ORDER[package].split()
    for path in (ROOT / package).rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        room = name.split("/")[1].removesuffix(".py")
        if room in order:
            above = rooms_imported(path, package) & set(order[order.index(room) + 1 :])
            assert not above, f"{name} imports {above}"


@pytest.mark.parametrize("package", ORDER)
def test_a_room_holds_at_most_a_dozen_modules(package):
    for init in (ROOT / package).rglob("__init__.py"):
        if init.parent.name == "versions":  # Alembic's: a module a migration
            continue
        modules = sorted(path.name for path in init.parent.glob("*.py") if path != init)
        assert len(modules) <= 12, f"{init.parent.relative_to(ROOT)}: {modules}"


def public_functions(node: ast.Module | ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a module, and the methods of its classes, whose names do not begin with `_`."""
    functions = []
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            functions.append(child)
        elif isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            functions += public_functions(child)
    return functions


def missing_sections(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The sections that a function's docstring must have and has not."""
    if "Annotated[" in ast.unparse(function.args) or function.name.endswith("_command"):
        return []  # a command: its docstring is its help, and its options have theirs
    arguments = function.args
    names = {argument.arg for argument in arguments.posonlyargs + arguments.args + arguments.kwonlyargs}
    raises = any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(function))
    needed = [("Args:", len(names - {"self", "cls"}) >= 2), ("Raises:", raises)]
    docstring = ast.get_docstring(function) or ""
    return [section for section, is_needed in needed if is_needed and section not in docstring.splitlines()]


@pytest.mark.parametrize("package", ORDER)
def test_public_functions_say_what_they_take_and_what_they_raise(package):
    lacks = []
    for path in sorted((ROOT / package).rglob("*.py")):
        if "versions" in path.parts:  # Alembic's
            continue
        for function in public_functions(parsed(path)):
            where = f"{path.relative_to(ROOT).as_posix()}:{function.lineno}"
            lacks += [f"{where} {function.name} lacks {section}" for section in missing_sections(function)]
    assert not lacks, "docstrings without a section:\n" + "\n".join(lacks)


VAGUE = frozenset(
    [
        "found",
        "one",
        "given",
        "told",
        "said",
        "heard",
        "wanted",
        "kept",
        "known",
        "there",
        "what",
        "taken",
        "who",
        "asked",
        "chosen",
        "own",
        "of",
        "other",
        "others",
        "fresh",
        "begun",
        "spoken",
        "shown",
        "beside",
        "beneath",
        "look",
        "looks",
        "near",
        "away",
        "moment",
        "moments",
        "place",
        "placed",
        "judged",
        "having",
        "have",
        "say",
        "tell",
        "seen",
        "held",
        "meant",
        "drawn",
        "named",
        "called",
        "made",
        "here",
        "thing",
        "things",
        "understand",
        "listen",
        "it",
        "this",
        "that",
        "these",
        "those",
        "stuff",
    ]
)
"""Names that say nothing of the thing: participles and pronouns of the moment."""
VAGUE_PARTS = frozenset(
    [
        "found",
        "given",
        "told",
        "said",
        "heard",
        "wanted",
        "kept",
        "known",
        "taken",
        "asked",
        "chosen",
        "fresh",
        "begun",
        "spoken",
        "shown",
        "beside",
        "beneath",
        "judged",
        "moment",
        "moments",
        "meant",
    ]
)
"""Words that make a longer name vague."""
VAGUE_IN_A_THOUSAND = 5


def bound_names(tree: ast.AST) -> list[str]:
    """Every name that a file binds: assignment targets, parameters, definitions."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.arg):
            names.append(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs) and node.name:
            names.append(node.name)
    return names


def test_names_say_what_the_thing_is():
    names = []
    for folder in (*ORDER, "benchmarks", "docs"):
        for path in (ROOT / folder).rglob("*.py"):
            names += [name.strip("_").lower() for name in bound_names(parsed(path))]
    vague = Counter(name for name in names if name in VAGUE or VAGUE_PARTS & set(name.split("_")))
    assert 1000 * vague.total() < VAGUE_IN_A_THOUSAND * len(names), vague.most_common(30)


@pytest.mark.slow
def test_the_store_and_the_dashboard_do_not_load_torch():
    groups = ["db.store", "db.migrate", "service.jobs.queue", "service.api.routes", "service.lifecycle.erasure"]
    groups += ["service.api.v1.alone", "dashboard.launch"]
    code = "import importlib, sys\n" + "".join(
        f"importlib.import_module({name!r}); assert 'torch' not in sys.modules, {name!r}\n" for name in groups
    )
    outcome = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr


FULL_INSTALL = ("torch", "torchvision", "timm", "onnx", "sklearn", "mapie", "accelerate", "datasets", "peft")
"""What only the extra `train` brings."""


IMPORT_ALL = """
import importlib, pkgutil, sys
import fer_phq, fer_phq_client, db, service, dashboard

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in NAMES:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Absent())
for package in (fer_phq, fer_phq_client, db, service, dashboard):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not any(part in module.name for part in ("models.networks.", "app_pages", "migrations", "__main__")):
            importlib.import_module(module.name)
"""
"""Imports all but the networks in PyTorch, and scripts."""


def test_the_smaller_install_is_enough_for_all_but_making_models():
    code = f"NAMES = {FULL_INSTALL}\n{IMPORT_ALL}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_pickle_is_read_anywhere():
    for room in FORBIDDEN:
        for path in (ROOT / room).rglob("*.py"):
            assert not imports(path) & {"pickle", "dill", "joblib", "cloudpickle"}, path
            text = path.read_text(encoding="utf-8")
            assert "torch.load(" not in text or "weights_only=True" in text, path


# ------------------------------------------------------------------------------------------------------- messages

MACHINERY = "fer_phq.core.messages"
ROOMS = (*FORBIDDEN,)
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*(\.[a-z][a-z0-9]*(_[a-z0-9]+)*)+")


@functools.cache
def trees() -> dict[str, ast.Module]:
    """The parsed code of every room, by module name."""
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = parsed(path)
    return found


def declarations(tree: ast.Module) -> dict[str, ast.Call]:
    """The calls of `template` and `counted` at a module's top level, by the name of their constant."""
    makers = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == MACHINERY
        for alias in node.names
        if alias.name in ("template", "counted")
    }
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if isinstance(node.value.func, ast.Name) and node.value.func.id in makers
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@functools.cache
def declared() -> dict[tuple[str, str], ast.Call]:
    """Every declaration by module and name."""
    return {(module, name): call for module, tree in trees().items() for name, call in declarations(tree).items()}


def template_of(module: str, name: str) -> Template:
    """The template that a declaration made."""
    made = getattr(importlib.import_module(module), name)
    assert isinstance(made, Template)
    return made


def references(module: str, tree: ast.Module) -> dict[ast.expr, tuple[str, str]]:
    """Where a module's code names a declared template: the expression, and the template's module and name."""
    modules = {}
    names = {name: (module, name) for owner, name in declared() if owner == module}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                called = alias.asname or alias.name
                modules[called] = f"{node.module}.{alias.name}"
                names[called] = (node.module, alias.name)
    found = {}
    for node in ast.walk(tree):
        target = None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            target = (modules.get(node.value.id, ""), node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            target = names.get(node.id)
        if target in declared():
            found[node] = target
    return found


def test_templates_have_codes_of_their_own():
    codes = [template_of(*place).code for place in declared()]
    assert len(codes) > 20
    assert [code for code, count in Counter(codes).items() if count > 1] == []
    assert [code for code in codes if not CODE.fullmatch(code)] == []


def test_templates_are_constants_that_a_catalogue_can_read():
    for (module, name), call in declared().items():
        constants = [isinstance(text, ast.Constant) and isinstance(text.value, str) for text in call.args]
        assert all(constants), f"{module}.{name} has a text that is put together"
        assert not call.keywords, f"{module}.{name} is declared by keyword"
        assert name.isupper(), f"{module}.{name} is a constant"


def test_modules_of_templates_stay_light():
    owners = {module for module, _ in declared()}
    for module in owners:
        if module.rpartition(".")[2] not in ("messages", "texts", "csv_messages"):
            continue
        for node in ast.walk(trees()[module]):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ROOMS:
                sources = {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
                assert sources & (owners | {MACHINERY}), f"{module} imports {node.module}"


def test_templates_are_filled_in_with_their_fields():
    for module, tree in trees().items():
        places = references(module, tree)
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or call.func not in places:
                continue
            fields = template_of(*places[call.func]).fields
            where = f"{module}:{call.lineno} {places[call.func][1]}"
            assert not call.args, f"{where} takes its fields by name"
            given = {keyword.arg for keyword in call.keywords}
            if None not in given:
                assert given == fields, f"{where} has the fields {sorted(fields)}"


def test_every_template_is_used():
    used = {place for module, tree in trees().items() for place in references(module, tree).values()}
    assert sorted(set(declared()) - used) == []
