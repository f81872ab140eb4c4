"""``foveal show``: a network in numbers, why each number is what it is, and a drawing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import Input, shapes_as_options
from foveal.cli.outputs import check_ending
from foveal.errors import ConfigurationError, UnknownName
from foveal.printable import json_text, printable
from foveal.streams import say

if TYPE_CHECKING:
    from foveal.arithmetic.summary import Summary
    from foveal.network import Sequential


def command(
    net: Annotated[
        str | None, typer.Argument(help="A zoo name, a .json or .yaml description, or a model file.")
    ] = None,
    other: Annotated[str | None, typer.Argument(metavar="[NET2]", help="A second network, shown beside.")] = None,
    input: Input = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Another number of classes (zoo networks).")] = None,
    why: Annotated[str | None, typer.Option(metavar="PATH", help="The worked arithmetic of one layer.")] = None,
    dense: Annotated[
        str | None, typer.Option(metavar="PATH", help="A convolution against the dense layer in its place.")
    ] = None,
    depth: Annotated[int | None, typer.Option(min=1, help="Open blocks this deep; deeper ones are summed up.")] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the network into an SVG file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="List the networks of the zoo, and the systems that can be trained.")
    ] = False,
) -> None:
    """Shapes, parameters, MACs and receptive fields of a network, each with its sum."""
    if listing:
        _list(json)
        return
    if net is None:
        raise ConfigurationError(
            "no network was named",
            where="foveal show",
            expected="a zoo name, a description file (.json, .yaml) or a model file (.safetensors)",
            fix=["foveal show lecture_cnn", "foveal show --list"],
        )
    if svg is not None:
        from foveal.files import check_writable

        check_ending(svg, ".svg", "a network is drawn as SVG", "--svg")
        check_writable(svg)
    from foveal.arithmetic.summary import summarize

    networks = [read(name, classes, input) for name in (net, other) if name is not None]
    summaries = [summarize(network, input, _title(name)) for network, name in zip(networks, (net, other), strict=False)]
    if why is not None or dense is not None:
        _one_layer(networks[0], input, why, dense, json)
        return
    if svg is not None:
        _draw(summaries, svg)
    if json:
        found = [summary.to_dict() for summary in summaries]
        _print_json(found[0] if len(found) == 1 else {"networks": found, "differences": _differences(summaries)})
    elif len(summaries) == 1:
        from foveal.drawing import table

        table.show(summaries[0], depth=depth)
    else:
        from foveal.drawing import pair

        pair.show(summaries[0], summaries[1], depth=depth)
    if svg is not None:
        say(f"Drawn into {printable(str(svg))}", error=json)
    for summary in summaries:
        if summary.error is not None:
            raise summary.error


def read(name: str, classes: int | None, input: str | None, verb: str = "show") -> Sequential:
    """The tree of NET, whatever NET is; a run's folder stands for the model in it. ``verb`` is the one that asks."""
    if (Path(name) / "model.safetensors").is_file():
        name = str(Path(name) / "model.safetensors")
    suffix = Path(name).suffix.lower()
    if suffix not in (".json", ".yaml", ".yml", ".safetensors"):
        with shapes_as_options(verb, input):
            return _from_zoo(name, classes, input)
    if classes is not None:
        raise ConfigurationError(
            "--classes is for networks of the zoo",
            where="--classes",
            given=f"{name}, a file with a network of its own",
            expected="a zoo name",
            fix=f"change the last layer in {name}" if suffix != ".safetensors" else "leave --classes out",
        )
    if suffix == ".safetensors":
        return _from_model_file(Path(name))
    from foveal.network import codec

    return codec.read(name)


def _differences(summaries: list[Summary]) -> list[dict[str, Any]]:
    from foveal.arithmetic.comparison import differences

    return [one.to_dict() for one in differences(*summaries)]


def _from_zoo(name: str, classes: int | None, input: str | None) -> Sequential:
    from foveal import zoo
    from foveal.errors import ShapeError
    from foveal.network import as_shape

    if Path(name).exists():
        raise UnknownName(
            "the network file has no known suffix",
            where=name,
            given=Path(name).suffix or "no suffix",
            expected=".json, .yaml or .yml (a description), .safetensors (a model)",
            fix=[
                "foveal.zoo's names, by `foveal show --list`",
                "a description or a model file; pickles (.pt, .pth, .pkl) and Keras files are never opened",
            ],
        )
    from foveal import systems

    if systems.known(name) and systems.system(name).name not in zoo.names():
        raise UnknownName(
            f"{name} is a system of several networks",
            where="NET",
            given=name,
            expected="one network",
            fix=[f"foveal show {each}" for each in systems.system(name).networks],
        )
    if input is None and classes is None:
        return zoo.create(name)
    shape = None if input is None else as_shape(input)
    try:
        return zoo.create(name, classes=classes, input_shape=shape)
    except ShapeError:
        # Some factories look at the shape while they build. The usual network, summed up as far as it goes, explains more.
        return zoo.create(name, classes=classes)


def _from_model_file(path: Path) -> Sequential:
    """The description in the header of a model file; no tensor is read, and nothing heavy is imported."""
    from foveal import modelfile

    return modelfile.read_header(path).network


def _title(name: str | None) -> str | None:
    return Path(name).stem if name is not None and Path(name).suffix else name


def _one_layer(network: Sequential, input: str | None, why: str | None, dense: str | None, json: bool) -> None:
    from foveal.drawing import worked

    if why is not None:
        from foveal.arithmetic.worked.derivation import derive

        derivation = derive(network, why, input)
        if json:
            _print_json(derivation.to_dict())
        else:
            worked.show(derivation)
    if dense is not None:
        from foveal.arithmetic.comparison import dense_twin_at

        twin = dense_twin_at(network, dense, input)
        if json:
            _print_json(twin.to_dict())
        else:
            worked.show(twin.derivation())


def _draw(summaries: list[Summary], path: Path) -> None:
    from foveal.drawing.diagram import draw
    from foveal.files import write_text

    write_text(path, draw(summaries[0]))


def _list(json: bool) -> None:
    from foveal import systems, zoo

    entries = zoo.entries()
    if json:
        keys = ("name", "title", "paper", "year", "classes", "parameters", "description")
        told: list[dict[str, Any]] = [
            {"kind": "network", **{key: getattr(e, key) for key in keys}, "input_shape": list(_axes(e.input_shape))}
            for e in entries
        ]
        of_system = ("name", "title", "lecture", "source", "networks", "data", "about", "command")
        told += [{"kind": "system", **{key: getattr(one, key) for key in of_system}} for one in systems.SYSTEMS]
        _print_json(told)
        return
    from foveal.drawing import listing

    listing.show(entries)
    listing.show_systems(systems.SYSTEMS)


def _axes(shape: Any) -> tuple[int | None, ...]:
    from foveal.network import as_shape

    return as_shape(shape).axes


def _print_json(value: object) -> None:
    say(json_text(value, indent=1))
