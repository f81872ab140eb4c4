"""Text generation: an LSTM that writes docstrings character by character, measured in bits beside Markov models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.data.generated import stdlib_text
from foveal.data.generated.docstrings import words as words_of
from foveal.network.shape import Tokens
from foveal.report.blocks import Bars, Headline, Lines, Report, Rows, Section, Series, Texts
from foveal.runs.method import Method, Quick
from foveal.runs.settings import Setting
from foveal.systems.text import character_statistics, markov
from foveal.systems.text.coloured_text import painted
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.generated.docstrings import Docstring
    from foveal.runs.run import Run
    from foveal.systems.text.text_generator import Writer
    from foveal.training.history import History

RECIPE = TrainingConfig(
    epochs=10, batch_size=32, optimizer="adam", lr=6e-3, schedule="one-cycle", peak_at=0.1, clip_norm=1.0,
    metrics=(), validation=0.0,
)  # fmt: skip
"""Seed 0, Python 3.11.7: 2.044 bits a character on the test text, where the order-3 Markov model has 2.457 and order 5 2.139.
228 s of training on one thread with other work beside it, 14 s the quickest epoch."""
SETTINGS = (
    Setting("units", 256, "units of an LSTM", at_least=1),
    Setting("recurrent", 1, "LSTMs on top of each other", at_least=1),
    Setting("embedding", 64, "numbers of a character's vector", at_least=1),
    Setting("dropout", 0.1, "before each LSTM and the dense layer", at_least=0, at_most=1),
    Setting("window", 64, "characters through which the gradient goes back", at_least=1),
    Setting("orders", 5, "Markov models of order 0 to this, and 3 always", at_least=0, at_most=8),
    Setting("prompt", "Return the ", "what samples begin with", text="any text"),
    Setting("characters", 400, "characters of a sample, at most", at_least=1),
    Setting("modules", "", "only these modules of the library", text="names with commas between; empty for all"),
)
TEMPERATURES = (0.5, 0.8, 1.0, 1.2)
PLACES = (1, 4, 10, 25, 60, 150, 400, 1000)
"""Where in a text bits are measured: from each to the next."""
STUDIED = 60  # validation texts whose cells are looked at, and as many test texts
SHOWN = 380  # characters of a painted text
DRAWN = 16  # samples at each temperature
Texts3 = tuple[list[NDArray[np.int64]], list[NDArray[np.int64]], list[NDArray[np.int64]]]


def run(run: Run) -> Report:
    """Train the network, measure it and the Markov models on the same test characters, let it write, look at its cells.

    Raises:
        DataError: an interpreter without sources.
    """
    from foveal.systems.text.text_generator import Writer

    settings = run.settings
    data = stdlib_text.load(modules=[name for name in str(settings["modules"]).replace(" ", "").split(",") if name])
    texts: Any = tuple([stdlib_text.encode(each.text) for each in part] for _, part in data.parts())
    module, history = _trained(run, texts)
    run.save_model(module.network, module, vocabulary=list(data.symbols), classes=list(data.symbols))
    writer = Writer(module)
    orders = sorted({*range(int(settings["orders"]) + 1), 3})
    figures = run.cached("measured", lambda: measured(writer, texts, data.test, orders))
    written = run.cached("written", lambda: samples(run, writer, texts, data.train, figures))
    cells = run.cached("cells", lambda: followed(writer, data.validation, data.test))
    lstm, third = figures["lstm"], figures["markov"]["3"]
    best = min(figures["markov"].values(), key=lambda each: each["bits"])
    gain = figures["below_order_3"]
    return Report(
        headlines=[
            Headline("bits a character on the test text", lstm["bits"],
                     note=f"LSTM; 95 % interval {_span(lstm)}; {figures['characters']:,} characters and end marks of "
                     f"{figures['texts']:,} texts, each read from its own beginning"),
            Headline("order-3 Markov model", third["bits"], note=f"{_smoothed(third)}; bits a character, interval {_span(third)}"),
            Headline("the LSTM is below it by", gain["bits"], note=f"bits a character, interval {_span(gain)}, paired by text"),
            Headline("best Markov model", best["bits"], note=f"order {best['order']}, {_smoothed(best)}"),
        ],
        sections=[
            _samples_section(written, str(settings["prompt"])),
            _bits_section(figures, history),
            _hard_section(figures),
            _cells_section(cells),
        ],
        networks={"char_lstm": module.network},
        facts={**figures, "samples": written, "cells": cells, "symbols": len(data.symbols)},
        notes=[
            *(note for note in data.notes if "no source here" not in note),
            "A Markov model of order k sees k characters of the same text, the LSTM all that came before in it; nothing is "
            "carried over from one text to the next, for either. Both were given the same training text; smoothing and "
            "discounts were chosen on the validation text.",
        ],
    )  # fmt: skip


def _trained(run: Run, texts: Texts3) -> tuple[Network, History]:
    from foveal.data.batches.text_streams import Streams
    from foveal.network import codec
    from foveal.runs.run import digest
    from foveal.training.steps.language import Language

    settings, config = run.settings, run.config
    window = int(settings["window"])
    tree = zoo.char_lstm(
        len(stdlib_text.SYMBOLS), Tokens(window), int(settings["embedding"]), int(settings["units"]),
        int(settings["recurrent"]), float(settings["dropout"]),
    )  # fmt: skip
    module = run.build(tree)
    batches = Streams(texts[0], config.batch_size, window, seed=run.seed, device=run.device)
    watched = Streams(texts[1], min(config.batch_size, 8), window, shuffle=False, device=run.device)
    fingerprint = {"network": codec.to_dict(tree), "texts": digest(*texts[0])}
    history = run.train("", module, Language, batches, watched, fingerprint=fingerprint)
    return module.cpu(), history


# Measured --------------------------------------------------------------------------------------------------------------


def measured(writer: Writer, texts: Texts3, test: Sequence[Docstring], orders: Sequence[int]) -> dict[str, Any]:
    """Bits of the LSTM and of Markov models on the same test texts: in all, by kind of character, by place in the text."""
    train, validation, held = texts
    symbols = len(stdlib_text.SYMBOLS)
    own = np.concatenate(writer.bits(held))
    of_order: dict[int, Any] = {}
    found: dict[str, Any] = {"lstm": _figure(own, held), "markov": {}, "texts": len(held), "characters": len(own)}
    found["lstm"]["validation"] = float(np.concatenate(writer.bits(validation)).mean())
    for order in orders:
        chosen = markov.best_markov(order, symbols, train, validation)
        of_order[order] = chosen.model.bits(held)
        found["markov"][str(order)] = {
            **_figure(of_order[order], held), "order": order, "smoothing": chosen.model.smoothing,
            "discount": chosen.model.discount if chosen.model.smoothing in ("absolute", "kneser-ney") else None,
            "validation": min(bits for _, _, bits in chosen.tried), "tried": [list(each) for each in chosen.tried],
        }  # fmt: skip
    found["below_order_3"] = _figure(of_order[3] - own, held)
    best = min(orders, key=lambda order: found["markov"][str(order)]["validation"])
    found["below_best"] = {**_figure(of_order[best] - own, held), "order": best}
    rows = {"LSTM": own, "order 3": of_order[3]} | ({f"order {best}": of_order[best]} if best != 3 else {})
    kinds = np.concatenate([character_statistics.kinds(each.text) for each in test])
    places = np.concatenate([np.arange(1, len(text) + 2) for text in held])
    bands = np.searchsorted(PLACES, places, side="right") - 1
    found["by_kind"] = _grouped(rows, kinds, character_statistics.KINDS)
    ends = [*(str(n - 1) for n in PLACES[1:]), ""]
    found["by_place"] = _grouped(rows, bands, [f"{a}–{b}" if b else f"{a}–" for a, b in zip(PLACES, ends, strict=True)])
    lengths = np.array([len(text) + 1 for text in held])
    chosen_text = int(np.argmin(np.abs(lengths - 330)))
    start = int(lengths[:chosen_text].sum())
    found["painted"] = {
        "place": test[chosen_text].place, "text": test[chosen_text].text[:SHOWN],
        **{name: bits[start : start + lengths[chosen_text] - 1][:SHOWN].tolist() for name, bits in rows.items()},
    }  # fmt: skip
    return found


def _figure(bits: NDArray[np.float64], texts: Sequence[NDArray[np.int64]]) -> dict[str, Any]:
    low, high = markov.interval(bits, texts)
    return {"bits": float(bits.mean()), "low": low, "high": high}


def _grouped(
    rows: dict[str, NDArray[np.float64]], groups: NDArray[np.int64], names: Sequence[str]
) -> list[dict[str, Any]]:
    there = [(number, name, groups == number) for number, name in enumerate(names) if (groups == number).any()]
    return [
        {"name": name, "share": float(own.mean()), **{title: float(bits[own].mean()) for title, bits in rows.items()}}
        for _, name, own in there
    ]


# Written ---------------------------------------------------------------------------------------------------------------


def samples(
    run: Run, writer: Writer, texts: Texts3, train: Sequence[Docstring], figures: dict[str, Any]
) -> list[dict[str, Any]]:
    """What the LSTM writes at each temperature, and the order-3 model; and how much of it are words, or copied."""
    prompt = stdlib_text.encode(str(run.settings["prompt"])).tolist()
    length = int(run.settings["characters"])
    source = "\n\n".join(each.text for each in train)
    words = set(words_of(source))
    best = figures["markov"]["3"]
    third = markov.Markov(3, len(stdlib_text.SYMBOLS), best["smoothing"], best["discount"] or 0.75).fit(texts[0])
    told: list[dict[str, Any]] = []
    for number, temperature in enumerate((*TEMPERATURES, None)):
        random = np.random.default_rng([run.seed, 71, number])
        if temperature is None:
            made = [third.sample(length, random, prompt)[len(prompt) :] for _ in range(DRAWN)]
        else:
            made = writer.write(prompt, length, temperature, random, DRAWN)
        written = [stdlib_text.decode(each) for each in made]
        in_all, known = character_statistics.known_words(" ".join(written), words)
        longest = max(made, key=len)
        told.append({
            "temperature": temperature, "text": stdlib_text.decode(prompt) + stdlib_text.decode(longest),
            "words": in_all, "known": known / max(1, in_all), "mean_length": float(np.mean([len(each) for each in made])),
            "longest_copy": max(character_statistics.longest_copy(each, source) for each in written),
        })  # fmt: skip
    return told


def followed(writer: Writer, validation: Sequence[Docstring], test: Sequence[Docstring]) -> dict[str, Any]:
    """For each feature of a place the cell of the last LSTM that follows it best: chosen on validation, measured on test."""
    layer = [path for path in (f"lstm{n}" for n in range(9)) if path in dict(writer.source.named_children())][-1]

    def looked(part: Sequence[Docstring]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        spread = [part[i].text[:400] for i in np.linspace(0, len(part) - 1, min(STUDIED, len(part))).astype(int)]
        held = writer.cells([stdlib_text.encode(text) for text in spread], layer)
        return np.concatenate(held), np.concatenate([character_statistics.features(text) for text in spread])

    chosen = character_statistics.correlations(*looked(validation))
    again = character_statistics.correlations(*looked(test))
    best = np.abs(chosen).argmax(0)
    rows: list[dict[str, Any]] = [
        {
            "feature": name,
            "cell": int(best[i]),
            "validation": float(chosen[best[i], i]),
            "test": float(again[best[i], i]),
        }
        for i, name in enumerate(character_statistics.FEATURES)
    ]
    shown = max(range(3), key=lambda i: abs(rows[i]["test"]))  # of those that are yes or no, which a picture shows best
    change = [np.abs(np.diff(character_statistics.features(each.text[:SHOWN])[:, shown])).sum() for each in test]
    text = test[int(np.argmax(change))].text[:SHOWN]
    held = writer.cells([stdlib_text.encode(text)], layer)[0][1:, rows[shown]["cell"]]
    return {"layer": layer, "rows": rows, "shown": shown, "text": text, "values": held.tolist()}


# The report ------------------------------------------------------------------------------------------------------------


def _span(figure: dict[str, Any]) -> str:
    return f"{figure['low']:.3f} to {figure['high']:.3f}"


def _smoothed(figure: dict[str, Any]) -> str:
    name = {"kneser-ney": "Kneser–Ney", "modified-kneser-ney": "modified Kneser–Ney", "witten-bell": "Witten–Bell"}.get(
        figure["smoothing"], "absolute discounting"
    )
    return name if figure["discount"] is None else f"{name}, discount {figure['discount']}"


def _samples_section(written: list[dict[str, Any]], prompt: str) -> Section:
    title = [
        "order-3 Markov model" if each["temperature"] is None else f"LSTM, temperature {each['temperature']}" for each in written
    ]  # fmt: skip
    return Section(
        "Written",
        "Logits are divided by the temperature before a character is drawn: below 1 it writes what is likely, and repeats "
        "itself; above 1 it ventures more, and misspells. The order-3 model draws as it is, which is temperature 1.",
        [
            Texts("samples", [(name, each["text"]) for name, each in zip(title, written, strict=True)],
                  f"Each begins with the prompt {prompt!r}; of {DRAWN} drawn, the longest is shown."),
            Rows("written", ("", "words (3 letters or more)", "of them in the training text", "mean length", "longest copy"),
                 [(name, each["words"], f"{each['known']:.1%}", each["mean_length"], each["longest_copy"])
                  for name, each in zip(title, written, strict=True)],
                 f"Over {DRAWN} samples each. A copy is a piece that stands in the training text character by character."),
        ],
    )  # fmt: skip


def _bits_section(figures: dict[str, Any], history: History) -> Section:
    values = history.history
    epochs = list(range(1, len(values["bits"]) + 1))
    third = figures["markov"]["3"]["validation"]
    table: list[tuple[object, ...]] = [
        (f"Markov, order {each['order']}", _smoothed(each), each["validation"], each["bits"], _span(each))
        for each in figures["markov"].values()
    ]
    own = figures["lstm"]
    table.append(("LSTM", "", own["validation"], own["bits"], _span(own)))
    low, high = [[each[key] for each in figures["markov"].values()] for key in ("low", "high")]
    orders = [float(each["order"]) for each in figures["markov"].values()]
    return Section(
        "Bits a character",
        "The mean of −log₂ p(character that came) over the test text. Everything is measured on the same characters and end "
        "marks; intervals are drawn over whole texts.",
        [
            Lines("orders", "characters of context (order)", "bits a character",
                  [Series("Markov models", orders, [each["bits"] for each in figures["markov"].values()], low, high),
                   Series("LSTM", [orders[0], orders[-1]], [own["bits"]] * 2, [own["low"]] * 2, [own["high"]] * 2)],
                  "A longer context helps a Markov model until it has too rarely been seen; the LSTM has no fixed one."),
            Lines("learning", "epoch", "bits a character",
                  [Series("training (with dropout)", epochs, values["bits"]),
                   Series("validation", epochs, values["val_bits"]),
                   Series("order 3, validation", [1, max(2, epochs[-1])], [third, third])],
                  "While it learned; each training value is the mean over its epoch."),
            Rows("markov", ("model", "smoothing, chosen on validation", "validation", "test", "95 % interval"), table,
                 "All interpolate with every lower order."),
        ],
    )  # fmt: skip


def _hard_section(figures: dict[str, Any]) -> Section:
    names = [name for name in figures["by_kind"][0] if name not in ("name", "share")]
    bars = {title: [row[title] for row in figures["by_kind"]] for title in names}
    place = figures["by_place"]
    shown = figures["painted"]
    return Section(
        "What is hard",
        "Bits are spent where something begins: a word, a sign, a number. How a word goes on costs little.",
        [
            Bars("kinds", [row["name"] for row in figures["by_kind"]], bars, "Mean bits by what was to be predicted.",
                 "bits a character"),
            Lines("places", "place in the text (from)", "bits a character",
                  [Series(title, list(PLACES[: len(place)]), [row[title] for row in place]) for title in names],
                  "Mean bits by the place in the text. Many texts begin alike, so beginnings are cheap; what a longer memory is "
                  "worth is the distance between the lines.", log_x=True),
            painted("bits", shown["text"], shown["LSTM"],
                    f"{shown['place']}: the fuller the colour, the more bits the character cost the LSTM (full: 8).",
                    "A test text with a colour behind each character, strongest at beginnings of words.",
                    full=8.0, unit="bits"),
        ],
    )  # fmt: skip


def _cells_section(cells: dict[str, Any]) -> Section:
    row = cells["rows"][cells["shown"]]
    table = [(each["feature"], each["cell"], each["validation"], each["test"]) for each in cells["rows"]]
    return Section(
        "Cells that keep count",
        "Nobody told the network about quotes, brackets or lines. For each feature the cell whose value goes with it most "
        "closely, as in Karpathy, Johnson, Fei-Fei 2015, Visualizing and Understanding Recurrent Networks; here found by "
        "correlation, on validation texts, and measured again on test texts.",
        [
            painted("cell", cells["text"], [-v if row["test"] < 0 else v for v in cells["values"]],
                    f"Cell {row['cell']} of {cells['layer']} after each character of a test text: {row['feature']} "
                    f"(correlation {abs(row['test']):.2f} over all test texts).",
                    "A test text with a colour behind each character for the value of one cell.", full=1.0, unit="cell"),
            Rows("cells", ("feature", "cell", "correlation, validation", "correlation, test"), table,
                 "tanh of the cell against the feature, over all characters. A low figure says that no single cell does it."),
        ],
    )  # fmt: skip


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """Each question is a prompt: it is written on at temperature 0.8, and always in the same way.

    Raises:
        ModelFileError: a file without a vocabulary.
    """
    from foveal.inference.opened_model import open_model
    from foveal.systems.text.text_generator import Writer

    writer = Writer(open_model(model).module)
    for question in questions:
        random = np.random.default_rng([71, *question.encode()])
        made = writer.write(stdlib_text.encode(question).tolist(), 400, 0.8, random)[0]
        yield question + stdlib_text.decode(made)


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        data="stdlib-text",
        changes={"epochs": 1, "batch_size": 16},
        settings={
            "units": 8,
            "embedding": 4,
            "window": 128,
            "orders": 2,
            "characters": 12,
            "modules": "json,textwrap,calendar,string,bisect",
        },
    ),
    predict,
)
