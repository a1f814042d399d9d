"""The verbs of the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from symbolic_music.cli.commands import demo, live, models, studio
from symbolic_music.cli.commands.editing import (
    accompany,
    add_track,
    busier,
    continue_,
    generate,
    infill,
    intro,
    revoice,
    thin_out,
    vary,
)
from symbolic_music.cli.commands.files import (
    compare,
    detect_mark,
    detokenize,
    diff,
    encode,
    generate_sound,
    info,
    listening_test,
    originality,
    plot,
    render,
    tokenize,
    transcribe,
)
from symbolic_music.cli.commands.training import (
    evaluate,
    prepare,
    train,
    train_codec,
    train_flow,
    train_transcriber,
    train_voice,
)
from symbolic_music.cli.commands.transforming import (
    copy_bars,
    delete_bars,
    find_beats,
    humanise,
    quantise,
    swing,
    transpose,
)
from symbolic_music.cli.options.help_page import HelpPage
from symbolic_music.cli.output.pipes import piped
from symbolic_music.version import __version__

app = typer.Typer(
    help="Symbolic music: tokenize, train, generate, infill, plot and render MIDI and notation files.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _verb in (
    info.info,
    diff.diff,
    plot.plot,
    render.render,
    detect_mark.detect_mark,
    transcribe.transcribe,
    tokenize.tokenize,
    detokenize.detokenize,
    models.models,
    generate.generate,
    infill.infill,
    accompany.accompany,
    revoice.revoice,
    thin_out.thin_out,
    add_track.add_track,
    vary.vary,
    busier.busier,
    intro.intro,
    transpose.transpose,
    quantise.quantise,
    swing.swing,
    humanise.humanise,
    find_beats.find_beats,
    copy_bars.copy_bars,
    delete_bars.delete_bars,
    studio.studio,
    live.live,
    demo.demo,
    prepare.prepare,
    train.train,
    train_voice.train_voice,
    train_codec.train_codec,
    train_flow.train_flow,
    train_transcriber.train_transcriber,
    evaluate.evaluate,
    originality.originality,
    compare.compare,
    listening_test.listening_test,
    encode.encode,
    encode.decode,
    generate_sound.generate_sound,
):
    app.command(cls=HelpPage)(piped(_verb))
app.command("continue", cls=HelpPage)(piped(continue_.continue_))


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"symbolic-music {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
