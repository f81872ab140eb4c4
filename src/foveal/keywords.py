"""Arguments that a class does not have, lacks or is given twice: told like every other mistake, with the nearest names."""

from __future__ import annotations

import inspect
from typing import Any

from foveal.errors import ArgumentError
from foveal.spelling import nearest


class Told(type):
    """A metaclass whose classes answer wrong arguments with an :class:`~foveal.errors.ArgumentError`.

    Example:
        >>> from foveal import layers
        >>> layers.Conv2D(32, 3, stride=2)
        Traceback (most recent call last):
        ...
        foveal.errors.ArgumentError: Conv2D: there is no argument 'stride'
          given     Conv2D(…, stride=2)
          expected  filters, kernel_size, strides, padding, dilation_rate, groups, activation, use_bias, kernel_initializer, \
bias_initializer, kernel_regularizer, connections, name, input_shape
          to fix    strides=2
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except TypeError as error:
            if isinstance(error, ArgumentError):
                raise
            _, *parameters = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
            signature = inspect.Signature(parameters)
            try:
                signature.bind(*args, **kwargs)
            except TypeError as wrong:
                raise _told(cls.__name__, signature, kwargs, str(wrong)) from None
            raise  # the arguments fit: it is not about them


def _told(name: str, signature: inspect.Signature, kwargs: dict[str, Any], wrong: str) -> ArgumentError:
    takes = [each for each, parameter in signature.parameters.items() if parameter.kind is not parameter.VAR_KEYWORD]
    unknown = [each for each in kwargs if each not in takes]
    if unknown:
        first = unknown[0]
        value = f"{kwargs[first]!r:.60}"
        near = nearest(first, takes)
        return ArgumentError(
            f"there is no argument {first!r}",
            where=name,
            given=f"{name}(…, {first}={value})",
            expected=", ".join(takes),
            fix=[f"{each}={value}" for each in near] or "leave it out",
        )
    required = [each for each, p in signature.parameters.items() if p.default is p.empty and each in takes]
    return ArgumentError(
        "the arguments do not fit",
        where=name,
        given=wrong,
        expected=f"{name}({', '.join(takes)})",
        fix=f"{name}({', '.join(f'{each}=…' for each in required)})" if required else None,
    )
