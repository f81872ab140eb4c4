"""Steps that use the parts of one tree: an encoder and a decoder, a generator and a discriminator."""

from __future__ import annotations

from torch import nn

from foveal.backends.torch import Network
from foveal.errors import ConfigurationError


def with_parts(module: nn.Module, step: str, *names: str) -> Network:
    """The module, which has to be that of a tree with parts of these names.

    Raises:
        ConfigurationError: it is another module, or a part is missing.

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> with_parts(build(zoo.tiny("vae")), "Variational", "encoder", "decoder").network.name
        'vae'
        >>> with_parts(build(zoo.tiny("mlp")), "Variational", "encoder", "decoder")
        Traceback (most recent call last):
        ...
        foveal.errors.ConfigurationError: Variational: this step works on a network of named parts
          given     mlp: flatten, hidden1, hidden2, output
          expected  a Sequential whose layers are named encoder and decoder
          to mend   Sequential([Sequential([…], name="encoder"), …], input_shape=…)
    """
    if isinstance(module, Network) and all(name in module._modules for name in names):
        return module
    given = type(module).__name__
    if isinstance(module, Network):
        given = f"{module.network.name or 'a network'}: {', '.join(module._modules)}"
    raise ConfigurationError(
        "this step works on a network of named parts",
        where=step,
        given=given,
        expected=f"a Sequential whose layers are named {', '.join(names[:-1])} and {names[-1]}",
        mend=f'Sequential([Sequential([…], name="{names[0]}"), …], input_shape=…)',
    )
