"""CLaMP 3's embeddings of pieces: its text of MIDI events, its encoder, and its weights."""

from symbolic_music.evaluation.clamp3.embedding import REPOSITORY, Clamp3, clamp3_embedding, load_clamp3
from symbolic_music.evaluation.clamp3.midi_text import midi_text, patches

__all__ = ["REPOSITORY", "Clamp3", "clamp3_embedding", "load_clamp3", "midi_text", "patches"]
