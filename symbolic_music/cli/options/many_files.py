"""The same work on several files, each written under its own name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import MACHINE
from symbolic_music.cli.options.region_and_tracks import TrackOptions
from symbolic_music.cli.output.console import out, out_json, working
from symbolic_music.errors import FileError, OptionError


@dataclass(frozen=True, kw_only=True)
class ManyFilesOptions:
    """How several files are worked on."""

    workers: Annotated[
        int, typer.Option(help="Processes that share several files.", min=1, rich_help_panel=MACHINE)
    ] = 1
    engine: Annotated[
        str, typer.Option(help="processes, or ray on a cluster, for several files.", rich_help_panel=MACHINE)
    ] = "processes"

    def refuse(self, options: Mapping[str, Any]) -> None:
        """OptionError when one of these options, which need one file, is given."""
        for option, value in options.items():
            if value is not None:
                raise OptionError(f"{option} takes one file")

    def edit(self, files: list[Path], which: TrackOptions, options: WritingOptions, **arguments: Any) -> None:
        """Edit and write the files; one that cannot be edited does not stop the others.

        Args:
            files: the inputs.
            which: the tracks of each.
            options: of writing; the output is a folder.
            arguments: of `generation.edit`.

        Raises:
            OptionError: for options that need one file.
            FileError: for a folder that is not there; at the end, when files could not be edited.
        """
        self.refuse({
            "--programs": which.programs, "--originality": options.originality, "--draft": options.draft,
            "--originality-report": options.originality_report, "--int8": options.int8 or None,
            "--float16": options.float16 or None, "--precision": options.precision,
        })  # fmt: skip
        if not options.output.is_dir():
            raise FileError(f"no such folder: {options.output}; several files are written into a folder that is there")

        from symbolic_music.generation.many_files import edit_files

        with working(f"editing {len(files)} files") as progress:
            done = edit_files(
                files, options.output, options.model, workers=self.workers, engine=self.engine, rank=options.rank,
                device=options.device, offline=options.offline, sampling_options=options.given_sampling(),
                signed=not options.unsigned,
                progress=lambda count, total: progress(count / total), tracks=which.named(), seed=options.seed,
                count=options.count, limits=options.limits(), best_of=options.best_of, like=options.reference(),
                allow_empty=options.allow_empty, **arguments,
            )  # fmt: skip
        if options.as_json:
            out_json([
                {"file": str(one.source), "out": [str(target) for target in one.targets],
                 "notes_written": list(one.notes_written), "error": one.error}
                for one in done
            ])  # fmt: skip
        else:
            for one in done:
                for target, count in zip(one.targets, one.notes_written, strict=True):
                    out(f"{target}: {count:,} notes written")
        tell_lost([(one.source, one.error) for one in done], "edited")


def tell_lost(done: Sequence[tuple[Path, str | None]], what: str) -> None:
    """FileError when some of the files, each with its error or None, could not be `what`."""
    lost = [(path, error) for path, error in done if error is not None]
    if lost and len(done) == 1:
        raise FileError(str(lost[0][1]))
    if lost:
        first = f"{lost[0][0]}: {lost[0][1]}"
        raise FileError(f"{len(lost)} of {len(done)} files could not be {what}; the first is {first}")
