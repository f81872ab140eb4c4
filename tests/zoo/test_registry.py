"""The table, the factories' arguments, thin copies, and what is said to wrong names and sizes."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from foveal import zoo
from foveal.arithmetic.shapes import trace
from foveal.errors import DescriptionError, ShapeError, UnknownName
from foveal.network import Image, Sequential, as_shape, walk

EVERY = pytest.mark.parametrize("name", zoo.names())
VECTORS = ("mlp", "perceptron")
PUBLISHED = {"lectures", "lenet", "small", "alexnets", "vgg", "inception", "resnet", "densenet"}
PICTURES = pytest.mark.parametrize(
    "name", [e.name for e in zoo.entries() if e.family in PUBLISHED and e.name not in VECTORS]
)


def test_names_are_unique_and_all_exported():
    assert len(set(zoo.names())) == len(zoo.entries()) == 51
    assert set(zoo.names()) < set(zoo.__all__)
    assert set(zoo.__all__) <= set(dir(zoo))


def test_the_families_have_no_factory_that_is_not_in_the_table():
    families = {entry.family for entry in zoo.entries()}
    folder = Path(zoo.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == families | {"__init__", "registry", "parts"}
    for family in families:
        module = __import__(f"foveal.zoo.{family}", fromlist=[family])
        public = {n for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__}
        listed = {entry.name for entry in zoo.entries() if entry.family == family}
        assert {n for n in public if not n.startswith("_")} == listed


@EVERY
def test_every_factory_says_what_it_is(name):
    entry, factory = zoo.entry(name), getattr(zoo, name)
    assert factory is entry.factory
    assert entry.title
    assert entry.description
    assert "\n" not in entry.description
    assert 1958 <= entry.year <= 2026
    assert len(entry.paper) > 10
    signature = inspect.signature(factory)
    assert (signature.parameters["classes"].default if "classes" in signature.parameters else None) == entry.classes
    assert as_shape(signature.parameters["input_shape"].default) == as_shape(entry.input_shape)
    text = inspect.getdoc(factory)
    counts = [int(found.replace(",", "")) for found in re.findall(r"([\d,]+) (?:trainable )?parameters", text)]
    if counts and name != "mlp":
        assert entry.parameters in counts, "the docstring states another number of parameters"


@EVERY
def test_the_network_is_named_like_its_entry(name):
    network = zoo.create(name)
    assert isinstance(network, Sequential)
    assert network.name == name
    assert network == zoo.create(name.upper().replace("_", "-"))
    paths = [path for path, _ in walk(network)]
    assert len(set(paths)) == len(paths)


CLASSIFIERS = [
    entry.name
    for entry in zoo.entries()
    if not isinstance(entry.input_shape, str) and len(entry.input_shape) == 3 and entry.classes is not None
    and str(trace(entry.factory())[0].output) == str(entry.classes)
]  # fmt: skip


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classes_and_input_shape_are_arguments(name):
    network = zoo.create(name, classes=7, input_shape="96x80x1")
    assert network.input_shape == Image(96, 80, 1)
    assert str(trace(network)[0].output) == "7"


@EVERY
def test_tiny_has_the_same_structure(name):
    full, small = zoo.create(name), zoo.tiny(name)
    shape = lambda network: [  # noqa: E731
        (path, node.kind, getattr(node, "kernel_size", None), getattr(node, "strides", None)) for path, node in walk(network)
    ]  # fmt: skip
    assert shape(small) == shape(full)
    found = trace(small)
    if name in CLASSIFIERS:
        assert found[0].output.axes == (zoo.entry(name).small["classes"],)
    largest = max(step.output.size for step in found)
    assert largest < 70_000, "a tiny variant is to be cheap"


@pytest.mark.parametrize("name", [n for n in zoo.names() if re.match("resne|google.*bn|dense|alexnet_2014|fashion", n)])
def test_networks_that_end_in_a_global_pooling_take_any_size(name):
    network = zoo.create(name, input_shape=(None, None, 3))
    if name != "googlenet_bn":
        assert str(trace(network)[0].output) == str(zoo.entry(name).classes)
    for size in ((64, 97, 3), (131, 75, 3)):
        assert str(trace(network, size)[0].output) == str(zoo.entry(name).classes)


@PICTURES
def test_the_smallest_picture_is_the_smallest_that_works(name):
    factory = zoo.entry(name).factory
    if name.startswith("lenet5"):
        smallest = 32
    else:
        smallest = next(n for n in range(1, 100) if _accepted(factory, n))
    trace(factory(input_shape=(smallest, smallest, 3)))
    if smallest > 1:
        with pytest.raises(ShapeError):  # the layers themselves, past the factory's own check
            trace(factory(input_shape=(smallest, smallest, 3)), (smallest - 1, smallest - 1, 3))


def _accepted(factory, size):
    try:
        factory(input_shape=(size, size, 3))
    except ShapeError:
        return False
    return True


def test_too_small_a_picture_is_explained():
    with pytest.raises(ShapeError) as caught:
        zoo.vgg16(input_shape=(28, 28, 1))
    assert str(caught.value) == (
        "vgg16: the picture is too small for vgg16\n"
        "  given     input 28 × 28 × 1\n"
        "  expected  at least 32 × 32: five poolings halve it: 32 → 16 → 8 → 4 → 2 → 1\n"
        "  to fix    input_shape=(32, 32, 1), or larger: enlarge the pictures\n"
        '        or  a network for small pictures: zoo.create("fashion_resnet", input_shape=(28, 28, 1))'
    )
    trace(zoo.vgg16(input_shape=(32, 32, 1)))
    trace(zoo.create("fashion_resnet", input_shape=(28, 28, 1)))


def test_a_picture_too_small_even_for_the_small_network():
    with pytest.raises(ShapeError) as caught:
        zoo.fashion_resnet(input_shape=(5, 40, 1))
    assert caught.value.fix[1] == 'a network for small pictures: zoo.create("mlp", input_shape=(5, 40, 1))'
    trace(zoo.fashion_resnet(input_shape=(8, 8, 1)))
    trace(zoo.create("mlp", input_shape=(5, 40, 1)))


def test_googlenet_offers_to_leave_its_heads_out():
    with pytest.raises(ShapeError) as caught:
        zoo.googlenet(input_shape=(32, 32, 3))
    assert caught.value.fix[0] == "auxiliary=False: without side heads any size will do"
    assert str(trace(zoo.googlenet(classes=10, input_shape=(32, 32, 3), auxiliary=False))[0].output) == "10"


def test_side_heads_can_be_left_out(count):
    for factory in (zoo.googlenet, zoo.googlenet_bn):
        with_heads, without = count(factory()), count(factory(auxiliary=False))
        assert (with_heads.parameters, with_heads.macs) == (without.parameters, without.macs)
        assert without.heads == 0


def test_lenet_pads_28_and_nothing_else():
    with pytest.raises(ShapeError) as caught:
        zoo.lenet5(input_shape=(30, 30, 1))
    assert caught.value.expected == "at least 32 × 32: 32 → 28 → 14 → 10 → 5 → 1 (only 28 × 28 is padded)"


def test_a_vector_is_no_picture():
    with pytest.raises(DescriptionError) as caught:
        zoo.resnet18(input_shape=(784,))
    assert str(caught.value) == (
        "resnet18: resnet18 takes pictures\n"
        "  given     input shape 784 (Vector)\n"
        "  expected  height × width × channels\n"
        "  to fix    input_shape=(224, 224, 3), say\n"
        "        or  foveal.zoo.mlp takes vectors"
    )
    assert [layer.kind for layer in zoo.mlp(input_shape=(784,)).layers] == ["Dense"] * 3


def test_lenet5_1998_with_other_classes_has_no_pictures_of_digits():
    assert zoo.lenet5_1998(classes=26).layers[-1].kernel_initializer == "random_signs"
    assert zoo.lenet5_1998().layers[-1].kernel_initializer == "digit_bitmaps"


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("resnet5", "resnet50"), ("lenet", "lenet5"), ("VGG_16", "vgg16"), ("dense net 121", "densenet121")],
)
def test_a_wrong_name_is_answered_with_near_ones(wrong, near):
    with pytest.raises(UnknownName) as caught:
        zoo.create(wrong)
    assert near in caught.value.fix
    assert all(zoo.create(name) for name in caught.value.fix)


def test_a_name_like_nothing_is_answered_with_the_list():
    with pytest.raises(UnknownName) as caught:
        zoo.create("zzz")
    assert str(caught.value) == (
        "zoo: there is no network of this name\n"
        "  given     'zzz'\n"
        "  expected  one of the 51 that `foveal show --list` prints\n"
        "  to fix    `foveal show --list` shows all"
    )


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'resnet51'"):
        _ = zoo.resnet51


def test_importing_the_zoo_reads_no_family_and_no_torch():
    script = (
        "import sys, foveal.zoo as zoo; zoo.entries(); "
        "heavy = [m for m in sys.modules if m.split('.')[0] in ('torch', 'numpy') or m.startswith('foveal.network')]; "
        "print(heavy); zoo.resnet18(); print('foveal.zoo.vgg' in sys.modules, 'torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.split("\n")[:2] == ["[]", "False False"]
