"""The rooms of the design: who may import whom, read from the source; and what an import may cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "foveal"

# What each room may import of Foveal, besides itself. errors ← network ← arithmetic ← drawing;
# network ← backends ← training ← evaluation; everything ← model ← cli; zoo imports only network.
LOW = {"errors", "printable", "strictjson", "spelling", "streams", "figures", "keywords"}  # what everything stands on
NAMES = {"losses", "optimizers", "random", "files", "tensorheader"}  # closed lists of names, and writing files
ALLOWED: dict[str, set[str]] = {
    "printable": set(),
    "errors": {"printable"},
    "strictjson": {"errors"},
    "streams": {"errors", "printable"},
    "spelling": set(),
    "keywords": {"errors", "spelling"},
    "figures": {"printable"},
    **dict.fromkeys(NAMES, LOW),
    "network": LOW | {"files"},
    "arithmetic": LOW | {"network"},
    "drawing": LOW | {"network", "arithmetic"},
    "zoo": LOW | {"network"},
    "data": LOW | {"files"},
    "backends": LOW | {"network", "arithmetic", "random"},
    "modelfile": LOW | {"network", "arithmetic", "backends", "files", "tensorheader"},
    "training": LOW | NAMES | {"network", "arithmetic", "backends", "modelfile", "data"},
    "evaluation": LOW | NAMES | {"network", "arithmetic", "backends", "modelfile", "data", "training"},
    "page": LOW | {"files", "network", "arithmetic", "drawing", "evaluation"},
    # the public faces: Keras' names
    "layers": {"network"},
    "regularizers": {"network"},
    "datasets": {"data"},
    "callbacks": {"training"},
    "model": LOW | NAMES | {"network", "arithmetic", "drawing", "backends", "modelfile", "data", "training",
                            "evaluation", "page"},
    # a whole experiment, from the data to the report
    "experiment": LOW | NAMES | {"network", "arithmetic", "drawing", "zoo", "backends", "modelfile", "data", "training",
                                 "evaluation", "page"},
    # the other methods: trees, steps and reports of their own
    "systems": LOW | NAMES | {"network", "arithmetic", "drawing", "zoo", "backends", "modelfile", "data", "training",
                              "evaluation", "page", "experiment"},
    "models": LOW | {"network", "model"},
    "keras": LOW | {"callbacks", "datasets", "layers", "losses", "models", "network", "optimizers", "regularizers"},
}  # fmt: skip
# files of their own beside a room's first
ONE_ROOM = {
    "modelmetadata": "modelfile",
    "outcome": "experiment",
    "fitted": "experiment",
    **dict.fromkeys(("samples", "layouts", "arguments", "intake"), "model"),
}
FREE = {"cli", "__init__", "__main__"}  # above everything; nobody imports cli
NO_TORCH = (
    "printable",
    "errors",
    "strictjson",
    "spelling",
    "keywords",
    "streams",
    "network",
    "arithmetic",
    "drawing",
    "zoo",
)


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    return within(path.relative_to(SOURCE).parts[0].removesuffix(".py"))


def within(name: str) -> str:
    """The room that a top-level module belongs to."""
    return ONE_ROOM.get(name, name)


def imports(path: Path) -> list[str]:
    """Every module that a file names, anywhere in it: in functions and for the type checker too."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            package = node.module == "foveal"
            found += [f"foveal.{alias.name}" for alias in node.names] if package else [str(node.module)]
    return found


def test_every_room_is_in_the_table():
    assert {room(path) for path in modules()} - FREE <= set(ALLOWED), "a new room: say in this table what it may import"


def test_the_table_itself_has_no_circle():
    order: list[str] = []
    while len(order) < len(ALLOWED):
        ready = [name for name in ALLOWED if name not in order and ALLOWED[name] <= set(order)]
        assert ready, f"a circle among {set(ALLOWED) - set(order)}"
        order += ready


def test_imports_point_one_way():
    wrong = []
    for path in modules():
        here = room(path)
        if here in FREE:
            continue
        for name in imports(path):
            parts = name.split(".")
            if (
                parts[0] == "foveal"
                and len(parts) > 1
                and within(parts[1]) not in ALLOWED[here] | {here, "__version__"}
            ):
                wrong.append(f"{path.relative_to(SOURCE)} imports {name}; {here} may import {sorted(ALLOWED[here])}")
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_the_command_line():
    for path in modules():
        if room(path) not in ("cli", "__main__"):
            assert not [name for name in imports(path) if name.startswith("foveal.cli")], path


@pytest.mark.parametrize("name", NO_TORCH)
def test_the_description_and_its_readers_name_no_torch(name):
    heavy = {"torch", "numpy", "matplotlib", "sklearn", "PIL"}
    for path in modules():
        if room(path) == name:
            assert not heavy & {found.split(".")[0] for found in imports(path)}, path


def test_the_description_needs_the_standard_library_only_but_yaml_for_yaml():
    standard = set(sys.stdlib_module_names) | {"foveal"}
    for path in modules():
        if room(path) in ("printable", "errors", "network", "zoo", "arithmetic"):
            extra = {found.split(".")[0] for found in imports(path)} - standard
            assert extra <= ({"yaml"} if path.name == "yaml12.py" else set()), path


def test_private_names_stay_in_their_room():
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("foveal."):
                other = str(node.module).split(".")[1]
                private = [
                    alias.name for alias in node.names if alias.name.startswith("_") and alias.name != "__version__"
                ]
                assert within(other) == room(path) or not private, f"{path} takes {private} from {node.module}"


def _loaded(statement: str) -> set[str]:
    """The third-party packages that are in memory after ``statement``, in a fresh interpreter."""
    watched = ["torch", "numpy", "matplotlib", "sklearn", "PIL", "yaml", "safetensors", "scipy", "pandas"]
    script = f"import sys\n{statement}\nprint([name for name in {watched} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    return set(ast.literal_eval(said.stdout.strip().splitlines()[-1]))


@pytest.mark.parametrize(
    "statement",
    [
        "import foveal",
        "import foveal.zoo; foveal.zoo.entries()",
        "import foveal; foveal.zoo.vgg16(); foveal.layers.Dense(10)",
        "import foveal.cli.app",
        "import foveal; foveal.systems.names()",
        "import importlib, pathlib, foveal\n"
        "for room in ('network', 'arithmetic', 'drawing'):\n"
        "    for path in (pathlib.Path(foveal.__file__).parent / room).rglob('*.py'):\n"
        "        name = '.'.join(('foveal', *path.relative_to(pathlib.Path(foveal.__file__).parent).with_suffix('').parts))\n"
        "        importlib.import_module(name.removesuffix('.__init__'))",
    ],
    ids=["foveal", "zoo", "networks", "command line", "systems", "network, arithmetic, drawing"],
)
def test_importing_loads_nothing_heavy(statement):
    assert _loaded(statement) == set()


def test_every_module_says_what_it_is_and_is_short_enough_to_read():
    for path in modules():
        text = path.read_text(encoding="utf-8")
        if not text or path.name == "__main__.py":
            continue
        tree = ast.parse(text)
        assert ast.get_docstring(tree), f"{path} has no docstring"
        assert len(text.splitlines()) <= 400, f"{path} is too long for one sitting"
        assert path.name != "utils.py"
        code = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        assert not code or "from __future__ import annotations" in text, path


def test_public_names_are_there():
    """``__all__`` promises nothing that is missing."""
    import importlib

    for path in modules():
        if path.name == "__main__.py":
            continue
        dotted = ".".join(("foveal", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        if room(path) in (*NO_TORCH, "layers", "losses", "optimizers", "regularizers", "random"):
            module = importlib.import_module(dotted)
            assert [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)] == [], dotted
