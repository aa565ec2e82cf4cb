"""The models of a test: they say what the test wrote, and keep what they were asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bindings.openai.extension import OpenAIExtension
from bindings.openai.testing.asked import ModelRequest, Pattern
from bindings.openai.testing.script import Script
from bindings.openai.testing.standin import ScriptedModels
from bindings.openai.testing.turns import Turn
from bindings.openai.testing.vectors import VectorTurn
from emulator.testing import Complaint, EmulatedApp


class Models:
    """The models of one app under test, or of several.

        models = Models(app)
        models.on("remind me").calls("AddTodo", "buy milk").then_says("Done.")

    As long as no turn is written, the app's own models answer: a model script, else the offline
    model. As soon as one is, every request must be one that was expected, or the app is told so
    and the test fails at its end. The fixture `models` is one for the apps of the fixtures, and
    expects from the start.
    """

    def __init__(self, app: EmulatedApp | None = None, *, expects: bool = False) -> None:
        """Serve an app that is open; more can be attached. `expects` refuses requests also while
        no turn is written."""
        self._script = Script(expects=expects)
        self._attached: list[tuple[EmulatedApp, Callable[[], None]]] = []
        if app is not None:
            self.attach(app)

    @property
    def requests(self) -> list[ModelRequest]:
        """Every request so far, each with the reply it got; the oldest first."""
        return self._script.requests

    def on(
        self, pattern: Pattern = None, /, *, assistant: str = "*", function: str | None = None
    ) -> Turn:
        """Begin a turn for messages that fit `pattern`: a text they contain (in any case), a
        compiled regular expression, or a function of the `ModelRequest`; without one, for all.

        `assistant` is a glob on the assistant's id, `function` the name of the function that asks.
        The first turn written that fits and is not used up answers.
        """
        turn = Turn(pattern, assistant=assistant, function=function, place=_caller())
        self._script.turns.append(turn)
        return turn

    def on_embedding(self, pattern: Pattern = None, /) -> VectorTurn:
        """Begin what texts that fit have for a vector: `.returns([0.1, 0.2])`.

        Without any, vectors are made of the words of the texts, the same every time.
        """
        turn = VectorTurn(pattern, _caller())
        self._script.vectors.append(turn)
        return turn

    def offline(self) -> None:
        """Let the app's own models answer what no turn does: its script, or the offline model."""
        self._script.leaves_the_rest = True

    def reset(self) -> None:
        """Forget the turns and the requests."""
        self._script.clear()

    def attach(self, app: EmulatedApp) -> None:
        """Serve an app that is open, until it is closed or `detach`ed: its bindings, and its own
        calls of a model service."""
        extension = app.extension(OpenAIExtension, make=True)  # also if no binding made it
        assert extension is not None
        models = ScriptedModels(self._script, extension.host.clock, lambda: not app.strict)
        extension.models.stand_in = models
        self._attached.append((app, app.add_check(self.complaints)))

    def detach(self, app: EmulatedApp) -> None:
        """Let the app have its own models again."""
        for entry in [each for each in self._attached if each[0] is app]:
            self._attached.remove(entry)
            entry[1]()
        extension = app.extension(OpenAIExtension)
        if extension is not None:
            extension.models.stand_in = None

    def complaints(self) -> Iterator[Complaint]:
        """Yield what went wrong unnoticed: requests nobody expected, turns nobody asked for."""
        for each in self._script.unexpected:
            yield Complaint(each, "Write a turn for it, or call models.offline().")
        for each in self._script.unused():
            yield Complaint(f"{each}.", "Remove it, or add .optional().")


def _caller() -> str:
    """Return the line of the test that writes a turn."""
    frame = sys._getframe(2)
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
