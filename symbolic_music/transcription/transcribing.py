"""From a recording to notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription.checkpoint import BUNDLED, load_transcriber
from symbolic_music.transcription.input_audio import LEVEL, Progress, block_powers, loud, mono_blocks, windows
from symbolic_music.transcription.network import Transcriber
from symbolic_music.transcription.notes import Decoder, Thresholds, score_of
from symbolic_music.transcription.other_transcribers import by_basic_pitch

TRANSCRIBERS = ("onsets", "basic-pitch")
_FRAMES = 800  # of a window
_LISTENING = 0.1  # share of the time in which the level is measured
_SILENCE = 1e-4


def transcribe(
    audio: Audio | str | Path,
    *,
    by: str = "onsets",
    model: str | Path | Transcriber = BUNDLED,
    thresholds: Thresholds | None = None,
    program: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> Score:
    """The notes of a recording, as one track at 120 quarters a minute; `with_bars` gives it beats and bars.

    Pitched notes from A0 to C8 are found, of any instruments, all in one track; drums are not. A file is read in parts:
    memory grows with the notes alone.

    Args:
        audio: sound, or the path of a file.
        by: "onsets", the network of this library, or "basic-pitch", where it is installed.
        model: the name or folder of a network, or one that is loaded, for "onsets".
        thresholds: how sure it must be; those of `Thresholds`, or of basic-pitch, when omitted.
        program: General MIDI's number of the instrument that the track gets.
        device: for "onsets".
        progress: called with the part that is done, from 0 to 1.

    Raises:
        FileError, AudioError: for sound that cannot be read, or is none.
        UnknownNameError, ModelError: for a model that is not there, or broken.
        OptionError: for a program that does not exist.
        MissingExtraError: without soundfile or soxr, or basic-pitch.

    Examples:
        >>> phrase = sm.Score(notes=sm.score.note_table([(480, 480, 69, 80), (960, 480, 72, 80)]))
        >>> path = sm.render(phrase, sample_rate=16000).write("take.wav")
        >>> sm.transcribe(path, program=73).notes["pitch"].tolist()
        [69, 72]
    """
    if not 0 <= program <= 127:
        raise OptionError(f"General MIDI programs are 0 to 127, not {program}")
    if by == "basic-pitch":
        return score_of(by_basic_pitch(audio, thresholds), program)
    if by != "onsets":
        raise UnknownNameError(f"no transcriber {by!r}; there are: {', '.join(TRANSCRIBERS)}")
    network = model if isinstance(model, Transcriber) else load_transcriber(model, device)
    rate = network.config.sample_rate

    def first_part(part: float) -> None:
        if progress is not None:
            progress(_LISTENING * part)

    def second_part(part: float) -> None:
        if progress is not None:
            progress(_LISTENING + (1 - _LISTENING) * part)

    powers = [block_powers(block, rate) for block in mono_blocks(audio, rate, first_part) if len(block)]
    level = loud(np.concatenate([np.zeros(0, np.float32), *powers]))
    if level < _SILENCE:
        return score_of([], program)
    decoder = Decoder(network.config.frame_rate, thresholds)
    blocks = (block * np.float32(LEVEL / level) for block in mono_blocks(audio, rate, second_part))
    context = network.context
    for samples, frames in windows(blocks, network.config.hop, _FRAMES, context):
        own = slice(context, context + frames)
        decoder.add(*(one[own].cpu().numpy() for one in _probabilities(network, samples)))
    return score_of(decoder.finish(), program)


@torch.inference_mode()
def _probabilities(network: Transcriber, samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> list[Tensor]:
    logits = network(torch.from_numpy(np.ascontiguousarray(samples))[None].to(network.device))
    return [torch.sigmoid(one[0]) for one in logits]
