"""Continue phrases of a MIDI keyboard in real time."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from symbolic_music.cli.options.common import Device, Seed
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out
from symbolic_music.errors import MissingExtraError, OptionError

_port = partial(typer.Option, rich_help_panel="MIDI ports")


@examples("--list", "--accompany 33")
def live(
    source: Annotated[str | None, _port("--input", help="MIDI input; the first by default.")] = None,
    target: Annotated[str | None, _port("--output", "-o", help="MIDI output; the first by default.")] = None,
    ports: Annotated[bool, _port("--list", help="List the inputs and outputs, and end.")] = False,
    virtual: Annotated[bool, _port("--virtual", help="Open virtual ports that other programs connect to.")] = False,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The name or folder of a model; see `models`.")
    ] = "piano",
    seconds: Annotated[float, typer.Option(help="Length of an answer in seconds.", min=0.5, max=120)] = 8.0,
    pause: Annotated[float, typer.Option(help="Seconds of silence that end a phrase.", min=0.1, max=10)] = 0.8,
    program: Annotated[int, typer.Option(help="The program of what you play: 0 to 127.", min=0, max=127)] = 0,
    accompany: Annotated[
        int | None, typer.Option(help="Repeat your phrase with an accompaniment of this program.", min=0, max=127)
    ] = None,
    temperature: Annotated[float, typer.Option(help="Below 1 safer, above 1 bolder.", min=0, max=4)] = 1.0,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Continue or accompany each phrase that you play on a MIDI keyboard, as soon as you pause. Ctrl-C ends it."""
    try:
        import mido
    except ImportError:
        raise MissingExtraError("mido", "live") from None
    try:
        inputs, outputs = mido.get_input_names(), mido.get_output_names()
    except ImportError:
        raise MissingExtraError("python-rtmidi", "live") from None
    except Exception as error:  # rtmidi raises its own kind where the system has no MIDI
        raise OptionError(f"this machine has no MIDI: {error}") from None
    if ports:
        out("inputs:  " + (", ".join(inputs) or "none"))
        out("outputs: " + (", ".join(outputs) or "none"))
        return
    source, target = source or _first(inputs, "input", virtual), target or _first(outputs, "output", virtual)

    from symbolic_music.generation import Sampling
    from symbolic_music.models import load_model
    from symbolic_music.studio.live import answers

    loaded = load_model(model, device=device)
    with mido.open_input(source, virtual=virtual) as heard, mido.open_output(target, virtual=virtual) as played:
        out(f"Input {source}, output {target}. Play a phrase, then pause.")
        for answer in answers(
            heard, played, loaded, seconds=seconds, pause=pause, program=program, accompaniment=accompany,
            sampling=Sampling(temperature=temperature), seed=seed,
        ):  # fmt: skip
            late = f"first note after {1000 * answer.first_after:.0f} ms, latest {1000 * answer.latest:.0f} ms behind"
            out(f"{answer.notes} notes; {late}")


def _first(names: list[str], kind: str, virtual: bool) -> str:
    if virtual:
        return f"symbolic-music {kind}"
    if not names:
        raise OptionError(f"there is no MIDI {kind}: connect one, or open a virtual one with --virtual")
    return names[0]
