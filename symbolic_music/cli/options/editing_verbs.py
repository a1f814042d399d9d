"""Options and output shared by all verbs that write notes."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from symbolic_music.cli.options.common import Device, Json, Offline, Seed
from symbolic_music.cli.options.help_page import COPIES, MACHINE
from symbolic_music.cli.options.limits import LimitOptions
from symbolic_music.cli.options.originality import check_store, looked_up, summary
from symbolic_music.cli.options.region_and_tracks import TrackOptions
from symbolic_music.cli.options.sampling import SamplingOptions
from symbolic_music.cli.output.console import out, out_json, working
from symbolic_music.cli.output.paths import check_output, check_score_output
from symbolic_music.errors import NothingWrittenError, OptionError

if TYPE_CHECKING:
    from symbolic_music.evaluation.originality import Originality
    from symbolic_music.generation import EditSession, Region, Written
    from symbolic_music.generation.planning import Verb
    from symbolic_music.models import Model
    from symbolic_music.score import Score

# `generation.inference.weight_formats.WEIGHTS`, whose import takes torch's.
Precision = Literal["auto", "float32", "float16", "bfloat16", "int8"]
_LOG = logging.getLogger("symbolic_music")


@dataclass(frozen=True, kw_only=True)
class WritingOptions(LimitOptions, SamplingOptions):
    """What every verb that writes notes asks: also how many alternatives there are, and where these are written."""

    output: Annotated[
        Path,
        typer.Option(
            "--output", "--out", "-o", help="The file to write, .mid or .musicxml; several are OUT-1, OUT-2, ..."
        ),
    ]
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="A name, a folder, or an id on the Hugging Face hub; see `models --all`."),
    ] = None
    count: Annotated[int, typer.Option(help="The number of alternatives.", min=1, max=1000)] = 1
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Allow a result without new notes, also where the piece had some.")
    ] = False
    rank: Annotated[
        bool, typer.Option("--rank", help="Number the alternatives by their fit to the context, best first.")
    ] = False
    seed: Seed = 0
    as_json: Json = False
    originality: Annotated[
        Path | None,
        typer.Option(
            help="A note store: print the longest passage that the new notes share with its training pieces.",
            rich_help_panel=COPIES,
        ),
    ] = None
    originality_report: Annotated[
        Path | None, typer.Option(help="Also write an HTML page of these passages.", rich_help_panel=COPIES)
    ] = None
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Leave out the text event that names version, model and seed.")
    ] = False
    device: Device = "auto"
    int8: Annotated[
        bool,
        typer.Option(
            "--int8", help="Weights in 8 bits, faster; public models on the CPU only.", rich_help_panel=MACHINE
        ),
    ] = False
    float16: Annotated[
        bool, typer.Option("--float16", help="Weights in 16 bits; as with --int8.", rich_help_panel=MACHINE)
    ] = False
    precision: Annotated[
        Precision | None,
        typer.Option(
            help="Format of the weights; auto: the fastest here, measured once. As with --int8.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    draft: Annotated[
        str | None,
        typer.Option(
            help="A smaller model that drafts notes: faster, from the same distribution; anticipation only.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    offline: Offline = False

    def check(self, source: Path | None) -> None:
        """FileError unless all that will be written can be, and is not the source."""
        for target in self._targets(self.count):
            check_score_output(target, source)
        if self.originality_report is not None:
            check_output(self.originality_report, source)
        check_store(self.originality, self.originality_report)

    def load(self, score: Score | None, thins: bool = False, drums: bool = False) -> Model[Any]:
        """The model that was named, or the bundled one that suits a piece."""
        from symbolic_music import generation
        from symbolic_music.generation.default_model import loaded_model

        given = [self.precision, "int8" if self.int8 else None, "float16" if self.float16 else None]
        kinds = [kind for kind in given if kind is not None]
        if len(kinds) > 1:
            raise OptionError("weights have one format: give one of --precision, --int8 and --float16")
        kind = kinds[0] if kinds else None
        device = "cpu" if kind and self.device == "auto" else self.device
        model = loaded_model(self.model, score, device, self.offline, thins, drums, kind)
        if self.draft is not None:
            small = loaded_model(self.draft, score, device, self.offline, weights=kind)
            model = generation.with_draft(model, small)
        return model

    def edit(
        self,
        file: Path,
        verb: Verb,
        doing: str,
        beside: str = "",
        *,
        regions: Sequence[Region] = (),
        which: TrackOptions | Sequence[int | str] | None = None,
        **arguments: Any,
    ) -> None:
        """Edit a file as `generation.edit` does, and write the results.

        Args:
            file: the piece.
            verb, regions, arguments: of `generation.edit`.
            doing, beside: what is said meanwhile, and beside the number of notes afterwards.
            which: the tracks.
        """
        self.check(file)
        limits = self.limits()

        from symbolic_music import generation
        from symbolic_music.generation.default_model import adding_drums
        from symbolic_music.io import read
        from symbolic_music.score import track_title

        score = read(file)
        tracks: Sequence[int | str] | None = None
        if isinstance(which, TrackOptions):
            tracks = chosen = which.chosen(score)
            if chosen is not None and len(chosen) > len(which.named() or chosen):
                _LOG.info("tracks: %s", ", ".join(f"{track} {track_title(score, track)}" for track in chosen))
        else:
            tracks = which
        drums = adding_drums(verb, arguments.get("program"), arguments.get("role"), arguments.get("instruments"))
        model = self.load(score, thins=verb == "thin_out", drums=drums)
        session = generation.edit(
            score, regions, tracks, model, self.sampling(model), self.seed, self.count, limits,
            verb=verb, best_of=self.best_of, like=self.reference(), allow_empty=self.allow_empty,
            **arguments,
        )  # fmt: skip
        self.write(session, model, doing, beside)

    def write(self, session: EditSession, model: Model[Any], doing: str, beside: str = "") -> None:
        """Draw the notes, write the files and say what they are. An interrupt keeps what has been drawn so far."""
        from symbolic_music.generation import ranked_by_fit
        from symbolic_music.generation.many_files import save

        interrupted = False
        with working(doing) as progress:
            try:
                for _ in session.stream():
                    progress(min(1.0, session.done))
            except KeyboardInterrupt:
                interrupted = True
            except NothingWrittenError as error:
                raise NothingWrittenError(f"{error}, or --allow-empty") from None
        found = session.results()
        targets = self._targets(self.count)[: len(found)]
        found = ranked_by_fit(found) if self.rank else found
        for one, target in zip(found, targets, strict=True):
            save(one, target, model.card.name, self.seed, not self.unsigned)
        if found:
            self._tell(found, targets, beside)
        if interrupted:
            raise KeyboardInterrupt

    def _targets(self, count: int) -> list[Path]:
        if count == 1:
            return [self.output]
        return [self.output.with_stem(f"{self.output.stem}-{i + 1}") for i in range(count)]

    def _tell(self, found: list[Written], targets: list[Path], beside: str) -> None:
        names = {one.number: str(target) for one, target in zip(found, targets, strict=True)}
        shared: list[Originality | None] = [None] * len(found)
        if self.originality is not None:
            titles = [target.name for target in targets]
            shared = [*looked_up(found, self.originality, self.originality_report, titles)]
        if self.as_json:
            facts = [self._facts(one, names, its) for one, its in zip(found, shared, strict=True)]
            several = {
                "notes_written": sum(len(one.notes) for one in found),
                "seconds": round(max(one.score.duration for one in found), 3),
                "seed": self.seed,
                "out": [str(target) for target in targets],
                "alternatives": facts,
            }
            out_json({**facts[0], "seed": self.seed} if self.count == 1 else several)
            return
        for one, target, its in zip(found, targets, shared, strict=True):
            parts = [f"{len(one.notes):,} notes written{beside}", f"{one.score.duration:.1f} s in all"]
            share = self._fit(one)
            parts += [] if share is None else [f"fit {100 * share:.0f} %"]
            if not math.isnan(one.log_likelihood) and self.count > 1:
                parts.append(f"log-likelihood {one.log_likelihood:.2f} a note")
            parts += [f"none in {_named(one)}, which had some"] if one.emptied_tracks else []
            parts += ["nearly the original"] if one.copies_original else []
            parts += [f"nearly {names[one.copy_of]}"] if one.copy_of is not None else []
            parts += [] if one.complete else ["unfinished"]
            parts += [summary(its)] if its is not None else []
            out(f"{target}: {', '.join(parts)}")

    def _fit(self, one: Written) -> float | None:
        """How it fits what is around it; None of a single one, which is compared with nothing."""
        from symbolic_music.generation.ranking import fit_of

        return fit_of(one)[0] if self.count > 1 else None

    def _facts(self, one: Written, names: dict[int, str], shared: Originality | None) -> dict[str, Any]:
        facts = {
            "notes_written": len(one.notes),
            "seconds": round(one.score.duration, 3),
            "out": names[one.number],
            "fit": self._fit(one),
            "log_likelihood": None if math.isnan(one.log_likelihood) else round(one.log_likelihood, 4),
            "complete": one.complete,
            "emptied_tracks": list(one.emptied_tracks),
            "copies_original": one.copies_original,
            "copy_of": None if one.copy_of is None else names[one.copy_of],
        }
        if shared is None:
            return facts
        from symbolic_music.evaluation.originality import as_json

        return {**facts, "originality": as_json(shared)}


def _named(one: Written) -> str:
    """The tracks that it empties, in words."""
    names = [one.score.tracks[number].name for number in one.emptied_tracks]
    listed = (f"{i} ({name})" if name else f"{i}" for i, name in zip(one.emptied_tracks, names, strict=True))
    return f"track{'s' * (len(names) > 1)} {', '.join(listed)}"
