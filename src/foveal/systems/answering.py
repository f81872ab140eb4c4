"""Questions to a model that a system has trained; the model file may come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from foveal.errors import FovealError, ModelFileError
from foveal.runs.system import System
from foveal.systems.launch import family
from foveal.training.allocator import is_out_of_memory


def answers(found: System, model: str, questions: Sequence[str]) -> Iterator[str]:
    """What a system's model makes of questions, one text each.

    Args:
        found: the system, one that has ``answer``.
        model: a model file that names this system. It may come from elsewhere, and be another's.
        questions: what ``foveal predict`` was given.

    Raises:
        ModelFileError: the file's network or metadata are not those of such a system.
        FovealError: a question that cannot be answered.
    """
    try:
        yield from family(found).answer(model, questions)
    except FovealError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise ModelFileError(
            f"this model does not do what {found.name} does, though its file says so",
            where=model,
            given=f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}",
            expected=f"a network and metadata as `{found.command}` writes them",
            mend=f"{found.command}",
        ) from error
