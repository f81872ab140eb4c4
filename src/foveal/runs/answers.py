"""What a system's ``predict`` gives: texts, and texts that say why there is none. The model file may come from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from foveal.errors import ConfigurationError, DataError, FileError, ModelFileError
from foveal.runs.system import System


class Answer(str):
    """An answer. ``about`` says what it answers, where that is not one question: two pictures that were compared.

    Example:
        >>> text = Answer("the same", "a.png and b.png")
        >>> text, text.about
        ('the same', 'a.png and b.png')
    """

    about: str

    def __new__(cls, text: str, about: str = "") -> Answer:
        made = super().__new__(cls, text)
        made.about = about
        return made


class Unanswered(Answer):
    """Why a question has no answer. The others are answered all the same, and ``foveal predict`` ends with status 1."""


Ask = Callable[[str, Sequence[str]], Iterator[str]]


def each(ask: Ask, model: str, questions: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every question with its answer; one that cannot be answered is an :class:`Unanswered` and hides none of the others.

    Args:
        ask: a system's ``predict``.
        model: the model file.
        questions: as many as there are.

    Raises:
        ModelFileError: the model cannot be read; no question is answered then.

    Example:
        >>> def doubled(model, questions):
        ...     for text in questions:
        ...         if not text.isdigit():
        ...             raise DataError("this is not a number", where=text)
        ...         yield str(2 * int(text))
        >>> list(each(doubled, "", ["1", "x", "3"]))
        [('1', '2'), ('x', 'x: this is not a number'), ('3', '6')]
    """
    rest = list(questions)
    while rest:
        done = 0
        try:
            for text in ask(model, rest):
                yield getattr(text, "about", "") or rest[min(done, len(rest) - 1)], text
                done += 1
        except ModelFileError:
            raise
        except (DataError, ConfigurationError, FileError) as error:
            if done >= len(rest):
                raise
            yield rest[done], Unanswered(str(error))
            rest = rest[done + 1 :]
        else:
            return


def guarded(found: System, ask: Ask) -> Ask:
    """The same, with what goes wrong inside told as what it is: a model file that is not of such a system.

    Raises:
        ModelFileError: the file's network or metadata are not those of such a system.
        FovealError: a question that cannot be answered.
    """

    def asked(model: str, questions: Sequence[str]) -> Iterator[str]:
        from foveal.backends.memory import explained

        with explained(
            lambda said: ModelFileError(
                f"this model does not do what {found.name} does, though its file says so",
                where=model,
                given=said,
                expected=f"a network and metadata as `{found.command}` writes them",
                fix=f"{found.command}",
            )
        ):
            yield from ask(model, questions)

    return asked
