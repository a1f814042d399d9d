"""The command line: parse, call one public function, report."""

from symbolic_music.cli.entry import main

__all__ = ["main"]
