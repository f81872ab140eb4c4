"""Model: the description, its module and its training in one hand, under Keras' names."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal import random, streams
from foveal.arithmetic.shapes import trace
from foveal.data_adapter import arguments
from foveal.data_adapter.notes import Notes
from foveal.errors import ConfigurationError, DescriptionError, ModelFileError
from foveal.network.node import Node
from foveal.network.shape import Shape
from foveal.network.tree import Sequential, find

if TYPE_CHECKING:
    from torch import Tensor

    from foveal import losses, optimizers
    from foveal.backends.torch import Network
    from foveal.training.callbacks import Callback
    from foveal.training.config import TrainingConfig
    from foveal.training.history import History
    from foveal.training.ongoing import Ongoing

Array = np.ndarray[Any, Any]


class Model:
    """A network that can be trained, used, saved and loaded.

    Args:
        network: the tree; it may still lack its input shape, or layers (``add``).
        seed: of the first weights and of training; None takes ``foveal.random``'s.
        classes: names of the classes, in the order of the outputs.

    Attributes:
        network: the tree, frozen. ``add`` replaces it by a longer one.
        classes: names of the classes; empty where none are known.
        facts: what is known of the training that made the weights: kept in the model file.

    Example:
        >>> import numpy as np
        >>> import foveal
        >>> from foveal import layers
        >>> model = foveal.Model(layers.Sequential([layers.Flatten(), layers.Dense(10)], input_shape=(8, 8, 1)), seed=0)
        >>> model.predict(np.zeros((2, 8, 8, 1), np.float32)).shape
        (2, 10)
    """

    def __init__(self, network: Sequential, seed: int | None = None, classes: Iterable[str] = ()) -> None:
        if not isinstance(network, Sequential):
            raise DescriptionError(
                "a model is made of a network",
                where="Model",
                given=type(network).__name__,
                expected="a Sequential, such as foveal.zoo.lenet5() gives",
                fix="Model(layers.Sequential([...], input_shape=(28, 28, 1)))",
            )
        self.network = network
        self.classes = tuple(classes)
        self.facts: dict[str, Any] = {}
        self.stop_training = False
        self._seed = seed
        self._module: Network | None = None
        self._config: TrainingConfig | None = None
        self._ongoing: Ongoing
        self._notes = Notes()

    # The description ---------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The network's name."""
        return self.network.name or "network"

    @property
    def seed(self) -> int:
        """The seed of first weights and training."""
        return random.get_seed() if self._seed is None else self._seed

    @property
    def layers(self) -> tuple[Node, ...]:
        """The layers of the network, in order."""
        return self.network.layers

    @property
    def input_shape(self) -> Shape | None:
        """The shape of one sample that goes in."""
        shape: Shape | None = self.network.input_shape
        return shape

    @property
    def output_shape(self) -> Shape | None:
        """The shape of one answer; None as long as no input shape is known."""
        return trace(self.network)[0].output if self.network.input_shape is not None else None

    def add(self, layer: Node | Shape) -> None:
        """Put a layer at the end. Weights of the layers before stay as they are.

        Raises:
            ShapeError: the layer does not fit what comes out so far.
            DescriptionError: a name that is taken.
        """
        if isinstance(layer, Shape):
            longer = Sequential([layer, *self.network.layers], name=self.network.name)
        else:
            longer = self.network.add(layer)
        self._replace(longer)

    def pop(self) -> Node:
        """Take the last layer off, and return it."""
        if not self.network.layers:
            raise DescriptionError("there is no layer to take off", where=self.name, fix="add one first")
        *kept, last = self.network.layers
        self._replace(Sequential(kept, input_shape=self.network.input_shape, name=self.network.name))
        return last

    def get_layer(self, path: str) -> Node:
        """The layer at a path (``features/conv1``)."""
        return find(self.network, path)

    def _replace(self, network: Sequential) -> None:
        if network.input_shape is not None:
            trace(network)  # a layer that does not fit is refused here, where it was added
        before = self._module
        self.network, self._module = network, None
        if before is not None:
            self.module.load_state_dict(before.state_dict(), strict=False)

    def summary(self) -> None:
        """Print the table of layers: output, parameters, MACs, receptive field; the totals add up.

        Raises:
            ShapeError: the layers do not fit together; the table is printed as far as they do.
        """
        from foveal.arithmetic.summary import summarize
        from foveal.drawing.table import show

        found = summarize(self.network)
        show(found)
        if found.error is not None:
            raise found.error

    def count_params(self) -> int:
        """How many trainable parameters there are, side heads included."""
        return sum(p.numel() for p in self.module.parameters())

    def __repr__(self) -> str:
        flow = (
            f"{self.input_shape} → {self.output_shape}" if self.input_shape is not None else "input shape not known yet"
        )
        return f"<Model {self.name}: {flow}>"

    # The module --------------------------------------------------------------------------------------------------------

    @property
    def module(self) -> Network:
        """The PyTorch module, built when it is first asked for. Its submodules have the tree's names."""
        if self._module is None:
            from foveal.backends.torch import build

            self._module = build(self.network, seed=self.seed)
        return self._module

    # Training ----------------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "adam",
        loss: str | losses.Loss | None = None,
        metrics: Sequence[str] | str | None = ("accuracy",),
        **options: Any,
    ) -> None:
        """Say how to train.

        Args:
            optimizer: a name or one of ``foveal.optimizers``.
            loss: a name or one of ``foveal.losses``; None is cross-entropy, with or without logits as the network ends.
            metrics: measured beside the loss: accuracy, binary_accuracy, mae, mse; None for none.
            **options: further fields of :class:`foveal.training.TrainingConfig`: ``schedule``, ``augment``, ``precision``, …

        Raises:
            UnknownName, ConfigurationError: a name or value that cannot work, or a loss that the network's end is not for.
        """
        from foveal.training.ongoing import Ongoing

        self._config = arguments.configuration(optimizer, loss, metrics, options, self.network, self.output_shape)
        self._ongoing = Ongoing()

    def fit(
        self,
        x: Array | Tensor,
        y: Array | Tensor | Sequence[int],
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Iterable[Callback] = (),
        validation_split: float = 0.0,
        validation_data: tuple[Any, Any] | None = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> History:
        """Train on arrays.

        Args:
            x: inputs with channels last, N × height × width × channels (the channel axis of grey pictures may be missing).
                uint8 pixels are divided by 255, which is said once; numbers of other types are taken as they are.
            y: class numbers (N,), or values (N, K). Targets that are images, volumes or sequences have channels last too.
            batch_size: samples a step.
            epochs: passes over the data; with ``initial_epoch`` the number of the epoch to stop before, as in Keras.
            verbose: 0 silent, 1 a bar, 2 a line an epoch, "auto" as the output is.
            callbacks: of ``foveal.callbacks``; they begin anew at each fit.
            validation_split: the share of the samples, the last ones as in Keras, that is put aside for validation.
            validation_data: (x, y) measured after every epoch.
            shuffle: a new order every epoch.
            initial_epoch: the number that the first epoch gets; epochs are counted from 0.

        The optimizer's state, the order of the data and dropout's random numbers go on until ``compile``: four times one epoch
        are four epochs. The schedules cosine, one-cycle and triangular span the epochs of each fit.

        Returns:
            the history: ``history.history["loss"]``, ``["accuracy"]``, ``["val_loss"]``, ``["val_accuracy"]``, a value an epoch.
        """
        from foveal.data.splitting import split_at
        from foveal.data_adapter.inputs import check_augmentable
        from foveal.training.batching import measuring_batches, training_batches
        from foveal.training.display import display_for
        from foveal.training.history import facts_after
        from foveal.training.interruption import fitting_in_a_script
        from foveal.training.runner import run

        config = self._compiled("fit")
        batch_size, epochs, first = arguments.counts(batch_size, epochs, initial_epoch)
        verbose, shuffle = arguments.verbosity(verbose, "fit"), arguments.switch("shuffle", shuffle, "fit")
        validation_split = arguments.share("validation_split", validation_split, "fit")
        held = None if validation_data is None else arguments.pair(validation_data)
        callbacks = arguments.hung(callbacks)
        config = config.replace(epochs=epochs, batch_size=batch_size, shuffle=shuffle, seed=self.seed, validation=0.0)
        inputs, targets = self._pair(x, y)
        self._notes.fitted()
        if held is not None:
            held = self._pair(*held, ("x_val", "y_val"))
        elif validation_split:
            cut = split_at(len(inputs), validation_split, "fit")
            held = inputs[cut:], targets[cut:]
            inputs, targets = inputs[:cut], targets[:cut]
        check_augmentable(inputs, config.augment, self.module.output_shape)
        before = self._ongoing.next_epoch(first) - first
        batches = training_batches((inputs, targets), config, epochs_before=before)
        validation = None if held is None else measuring_batches(held, config, self.network)
        with fitting_in_a_script(), display_for(verbose) as display:
            history = run(
                self.module, batches, validation, config, callbacks=callbacks, listeners=[self._notes.once(display)], model=self,
                first_epoch=first, ongoing=self._ongoing,
            )  # fmt: skip
        self.facts = facts_after(self.facts, config.to_json(), history)
        return history

    def evaluate(
        self,
        x: Array | Tensor,
        y: Array | Tensor | Sequence[int],
        batch_size: int = 32,
        verbose: int | str = "auto",
        return_dict: bool = False,
    ) -> list[float] | dict[str, float]:
        """The loss and the metrics on arrays as :meth:`fit` takes them: a list in the order loss, metrics; or a dict.

        The numbers do not depend on ``batch_size``, which only bounds memory.
        """
        from foveal.training.batching import measuring_batches
        from foveal.training.loss import mean_values

        config, verbose = self._compiled("evaluate"), arguments.verbosity(verbose, "evaluate")
        batch_size = arguments.whole("batch_size", batch_size, 1, "evaluate", usual=32)
        inputs, targets = self._pair(x, y)
        begin, device = time.perf_counter(), next((p.device for p in self.module.parameters()), "cpu")
        batches = measuring_batches(
            (inputs, targets), config.replace(batch_size=batch_size, device=str(device)), self.network
        )
        values = mean_values(self.module.eval(), batches, config)
        if verbose in (1, 2) or verbose == "auto":
            shown = " - ".join(f"{name}: {value:.4f}" for name, value in values.items())
            streams.say(f"{len(inputs):,} samples - {time.perf_counter() - begin:.0f}s - {shown}")
        return values if return_dict else list(values.values())

    def predict(self, x: Array | Tensor, batch_size: int = 256, verbose: int | str = 0) -> Array:
        """The network's answers for arrays with channels last, N × outputs.

        They are what the last layer gives: logits where it has no softmax (``predict_proba`` gives probabilities).
        """
        batch_size = arguments.whole("batch_size", batch_size, 1, "predict", usual=256)
        arguments.verbosity(verbose, "predict")
        inputs = self._inputs(x).numpy()  # before the module: they may tell its shape
        return self.module.predict(inputs, batch_size)

    def predict_proba(self, x: Array | Tensor, batch_size: int = 256) -> Array:
        """Probabilities, N × outputs, as the loss of compile (or of the model file) understands the outputs.

        A last softmax or sigmoid stays. Else: for binary cross-entropy and hinge the sigmoid of each output, for categorical
        ones the softmax over all; without a known loss the sigmoid of one output, the softmax of several.

        Raises:
            ConfigurationError: the loss is one of numbers, mse or mae: the outputs are not logits.
        """
        from foveal.inference.probabilities import probabilities_of

        told = self.facts.get("config")
        loss = self._config.loss if self._config else told.get("loss") if isinstance(told, dict) else None
        return probabilities_of(self.predict(x, batch_size), self.network, loss)

    # Files -------------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write the model file: one ``.safetensors`` with the description, the weights, the classes and the facts.

        The write is atomic: a failure leaves what was there.

        Raises:
            ModelFileError: a name with another ending, such as Keras' ``.h5`` or ``.keras``: the file would not be that.
        """
        from foveal import modelfile

        if Path(path).suffix != ".safetensors":
            raise ModelFileError(
                "a model is saved as .safetensors",
                where=str(path),
                given=Path(path).suffix or "no ending",
                expected="a name that ends in .safetensors",
                fix=f'model.save("{Path(path).with_suffix(".safetensors")}")',
            )
        metadata = {"classes": list(self.classes), "training": self.facts}
        return modelfile.save(path, self.network, self.module.state_dict(), metadata)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """The model in a model file, or in the folder of a run.

        Raises:
            ModelFileError: no model file, damaged, or refused; the message says why.
        """
        from foveal.inference.opened_model import open_model

        opened = open_model(path)
        model = Model(opened.network, classes=opened.classes)
        model._module, model.facts = opened.module, opened.facts
        return model

    # Inside ------------------------------------------------------------------------------------------------------------

    def _compiled(self, verb: str) -> TrainingConfig:
        if self._config is None:
            raise ConfigurationError(
                f"the model must be compiled before {verb}",
                where=self.name,
                expected="an optimizer and a loss",
                fix='model.compile(optimizer="adam", loss=losses.SparseCategoricalCrossentropy(from_logits=True))',
            )
        return self._config

    def _inputs(self, x: Any, what: str = "x") -> Tensor:
        """An array as a float tensor with channels last; the first one tells a network its input shape."""
        from foveal.backends.values import as_tensor
        from foveal.data_adapter.inputs import as_inputs, input_shape_of

        tensor = as_tensor(x, self.name, what)
        if self.input_shape is None:
            self._replace(self.network.with_input(input_shape_of(tensor, self.network, self.name, what)))
        assert self.input_shape is not None
        inputs = as_inputs(tensor, self.input_shape, self.name, what)
        self._notes.arrived(tensor, self.network, self.name, what)
        return inputs

    def _pair(self, x: Any, y: Any, names: tuple[str, str] = ("x", "y")) -> tuple[Tensor, Tensor]:
        """Inputs and answers as tensors that belong together."""
        from foveal.data_adapter.targets import targets_for

        inputs, config, say = self._inputs(x, names[0]), self._compiled("fit"), self._notes.say
        return inputs, targets_for(inputs, y, self.network, self.module.output_shape, config, say, self.name, names[1])
