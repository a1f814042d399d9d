"""The command line `symbolic-music`: one file a verb, each of which parses, calls one public function, reports."""

from symbolic_music.cli.entry import main

__all__ = ["main"]
