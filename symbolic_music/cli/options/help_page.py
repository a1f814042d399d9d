"""The help of a verb: arguments, the common options, further options in groups, examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typer.core import TyperCommand

# Groups of options, as `typer.Option(rich_help_panel=...)` names them.
NEW = "A new piece"
SAMPLING = "Sampling"
LIMITS = "Limits on the new notes"
COPIES = "Passages of the training data"
MACHINE = "Model and device"
OLDER = "Older ways to say --at"

_COMMON = "Options"


def examples(*lines: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Examples that the help of a verb ends with: what follows `symbolic-music VERB`, a line each."""

    def of(verb: Callable[..., None]) -> Callable[..., None]:
        verb.__dict__["examples"] = lines
        return verb

    return of


def examples_of(command: TyperCommand) -> tuple[str, ...]:
    """The examples of a verb; empty where it has none."""
    lines: tuple[str, ...] = getattr(command.callback, "examples", ())
    return lines


class HelpPage(TyperCommand):
    """A verb whose help prints options in groups, those of no group first, and ends with examples."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then options by group, in the order in which the groups first appear."""
        arguments: list[tuple[str, str]] = []
        groups: dict[str, list[tuple[str, str]]] = {_COMMON: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                arguments.append(record)
            else:
                groups.setdefault(getattr(parameter, "rich_help_panel", None) or _COMMON, []).append(record)
        last = groups.pop(OLDER, [])
        for title, records in {"Arguments": arguments, **groups, OLDER: last}.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The examples, a line each, not wrapped: they are copied."""
        lines = examples_of(self)
        with formatter.section("Example" if len(lines) == 1 else "Examples"):
            for line in lines:
                formatter.write(f"  symbolic-music {self.name} {line}".rstrip() + "\n")
