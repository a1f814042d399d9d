"""Notation files and music21 objects."""
from symbolic_music.score import Score
from typing import Any
from pathlib import Path
def from_music21(stream: Any) -> Score: raise NotImplementedError
def read_notation(path: Path) -> Score: raise NotImplementedError
