"""Pictures: piano rolls of scores and curves of training runs. Needs matplotlib (the extra `plot`)."""

from importlib.util import find_spec

from symbolic_music.errors import MissingExtraError

if find_spec("matplotlib") is None:
    raise MissingExtraError("matplotlib", "plot")

from symbolic_music.plotting.codec_codes import codes_beside_roll
from symbolic_music.plotting.encoding_comparison import encodings
from symbolic_music.plotting.figures import save as save_figure
from symbolic_music.plotting.loss_curves import loss_curve, read_log
from symbolic_music.plotting.relative_attention import relative_embeddings
from symbolic_music.plotting.rolls.roll import piano_roll, piano_roll_png, save_piano_roll
from symbolic_music.plotting.self_similarity import self_similarity_figure
from symbolic_music.plotting.spectrograms import spectrum_figure, transcription_figure
from symbolic_music.transforms import absent_from

__all__ = [
    "absent_from",
    "codes_beside_roll",
    "encodings",
    "loss_curve",
    "piano_roll",
    "piano_roll_png",
    "read_log",
    "relative_embeddings",
    "save_figure",
    "save_piano_roll",
    "self_similarity_figure",
    "spectrum_figure",
    "transcription_figure",
]
