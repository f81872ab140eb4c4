"""The rooms of the design: who may import whom, read from the source; and what an import may cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "foveal"

# The house, top to bottom: a room imports only from rooms below it, and never from itself in a circle. This is all there is to
# maintain. Rooms on one line stand side by side and do not know of each other.
ROOMS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("keras",),
    ("models", "experiment"),
    ("systems",),
    ("runs",),
    ("page",),
    ("report",),
    ("model",),
    ("data_adapter",),
    ("callbacks",),
    ("inference",),
    ("training",),
    ("modelfile", "modelmetadata"),
    ("backends",),
    ("evaluation",),
    ("datasets",),
    ("data",),
    ("drawing",),
    ("arithmetic",),
    ("zoo",),
    ("layers", "regularizers"),
    ("network",),
    ("losses", "optimizers", "random"),
    ("files", "tensorheader"),
    ("keywords", "spelling", "strictjson", "streams", "figures"),
    ("errors",),
    ("printable",),
)
TOGETHER = {"modelfile", "files", "keywords", "losses"}  # files of one room beside its first
SYSTEMS = (  # the same inside systems/: families do not know of each other, but all may classify
    ("__init__",),
    ("launch",),
    ("sequence", "text", "generative", "energy", "dense_prediction", "embedding"),
    ("classification",),
    ("image_tools",),
    ("registry",),
)
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


def dotted(path: Path) -> str:
    return ".".join(("foveal", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


MODULES = {dotted(path): path for path in modules()}


def imports(path: Path) -> list[str]:
    """Every module that a file names, anywhere in it: in functions and for the type checker too."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.append(whole if node.module == "foveal" or whole in MODULES else str(node.module))
    return found


GRAPH = {name: {found for found in imports(path) if found in MODULES} - {name} for name, path in MODULES.items()}


def floor(rooms: tuple[tuple[str, ...], ...], name: str) -> int:
    """How far down a room lies, from 0."""
    found = [number for number, line in enumerate(rooms) if name in line]
    assert len(found) == 1, f"the room {name} stands {len(found)} times in the list"
    return found[0]


def test_every_room_is_in_the_list_and_every_name_is_a_room():
    rooms = {room(path) for path in MODULES.values()} - {"__init__"}
    assert rooms == {name for line in ROOMS for name in line}


def test_imports_point_downwards():
    wrong = []
    for name, found in GRAPH.items():
        here = room(MODULES[name])
        for other in found:
            there = room(MODULES[other])
            if "__init__" in (here, there) or here == there:
                continue
            beside = floor(ROOMS, here) == floor(ROOMS, there) and ROOMS[floor(ROOMS, here)][0] in TOGETHER
            if floor(ROOMS, here) >= floor(ROOMS, there) and not beside:
                wrong.append(f"{name} imports {other}")
    assert not wrong, "\n".join(sorted(wrong))


def test_families_of_systems_know_what_they_may():
    def part(name: str) -> str:
        return (*name.split(".")[2:], "__init__")[0]

    wrong = [
        f"{name} imports {other}"
        for name, found in GRAPH.items()
        if name.startswith("foveal.systems.")
        for other in found
        if other.startswith("foveal.systems") and part(name) != part(other)
        if floor(SYSTEMS, part(name)) >= floor(SYSTEMS, part(other))
    ]
    assert not wrong, "\n".join(sorted(wrong))


def test_no_module_imports_itself_by_way_of_others():
    """Tarjan's strongly connected components, over every import anywhere in a file."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in GRAPH[name]:
            if other not in number:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], number[other])
        if low[name] == number[name]:
            circle = [stack.pop()]
            while circle[-1] != name:
                circle.append(stack.pop())
            if len(circle) > 1:
                circles.append(sorted(circle))

    for name in GRAPH:
        if name not in number:
            visit(name)
    assert not circles, circles


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
                assert other == room(path) or not private, f"{path} takes {private} from {node.module}"


def _loaded(statement: str) -> set[str]:
    """The third-party packages that are in memory after ``statement``, in a fresh interpreter."""
    watched = [
        "torch",
        "numpy",
        "matplotlib",
        "sklearn",
        "PIL",
        "yaml",
        "safetensors",
        "scipy",
        "pandas",
        "jinja2",
        "foveal.page",
    ]
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


def test_what_is_told_is_data():
    """Metrics and reports are made where nothing is drawn; what draws is imported when it does."""
    modules = "blocks", "classification", "classification_charts", "curves", "filters", "outline"
    statement = "import foveal.evaluation, " + ", ".join(f"foveal.report.{name}" for name in modules)
    assert not {"matplotlib", "jinja2", "foveal.page"} & _loaded(statement)


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
