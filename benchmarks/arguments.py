"""The arguments of a benchmark: its docstring is its help."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def arguments(*names: str | tuple[str, Any], **options: Any) -> argparse.Namespace:
    """What the benchmark that runs is given; names and options as in `parser_of`."""
    return parser_of(*names, **options).parse_args()


def parser_of(*names: str | tuple[str, Any], **options: Any) -> argparse.ArgumentParser:
    """A parser to add other arguments to.

    Args:
        names: of what has to be given, a text; or a name and its type or its choices. One that ends in +, * or ? takes
            one or more, any number, or one at most.
        options: name to default. A type is an option of no default, False a flag.
    """
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__, formatter_class=raw)
    for one in names:
        name, kind = one if isinstance(one, tuple) else (one, str)
        more: dict[str, Any] = {"choices": kind} if isinstance(kind, list) else {"type": kind}
        parser.add_argument(name.rstrip("+*?"), nargs=name[-1] if name[-1] in "+*?" else None, **more)
    for name, default in options.items():
        if default is False:
            more = {"action": "store_true"}
        elif isinstance(default, type):
            more = {"type": default}
        else:
            more = {"type": type(default), "default": default}
        parser.add_argument(f"--{name.replace('_', '-')}", **more)
    return parser
