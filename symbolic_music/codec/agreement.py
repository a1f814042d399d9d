"""Candidates of a stretch of sound, judged by their transcriptions: the one whose notes are most those of the score.

Source: sampling several times and keeping what a judge prefers (best-of-n: Cobbe et al. 2021, arXiv 2110.14168), here a
stretch at a time, as particle filters do. The judge is the bundled transcriber.

Shapes: B candidates, K codebooks, T frames.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from symbolic_music.codec.base import AudioCodec
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription.checkpoint import load_transcriber
from symbolic_music.transcription.transcribing import transcribe

STRETCH = 64  # frames that are drawn before one candidate of them is chosen
_BEFORE = 3.0  # seconds of sound before a stretch that the transcriber is given too
_LATE = 0.15  # seconds before the end of a stretch from which on an onset is judged with the next stretch
_WITHIN = 0.05  # seconds between an onset that is found and that of the score


class NoteAgreement:
    """Chooses among candidates of the same stretch by the notes that a transcriber finds in them.

    It is called with the codes of one stretch after the other and keeps the last seconds of what it chose.

    Args:
        score: whose notes should be found; drums are not judged.
        codec: decodes the codes.
    """

    def __init__(self, score: Score, codec: AudioCodec) -> None:
        pitched = score.instruments != DRUM_INSTRUMENT
        self._onsets, self._pitches = score.onset_seconds[pitched], score.notes["pitch"][pitched].astype(np.int64)
        self._codec, self._transcriber = codec, load_transcriber(device="cpu")
        self._kept: Tensor | None = None
        self._frames = 0  # before the stretch

    def __call__(self, codes: Tensor) -> int:
        """The number of the best candidate of a stretch (B, K, T), the first one where they are equal."""
        rate = self._codec.format.frame_rate
        before = codes[:1, :, :0] if self._kept is None else self._kept
        heard = torch.cat([before.expand(len(codes), -1, -1), codes], dim=-1)
        first = (self._frames - before.shape[-1]) / rate  # the second with which the sound begins
        start, stop = self._frames / rate - _LATE, (self._frames + codes.shape[-1]) / rate - _LATE
        sounds = self._codec.decode(heard).cpu().numpy()
        best = int(np.argmax([self._agreement(sound, first, start, stop) for sound in sounds]))
        self._frames += codes.shape[-1]
        self._kept = heard[best : best + 1, :, -round(_BEFORE * rate) :]
        return best

    def _agreement(self, sound: np.ndarray, first: float, start: float, stop: float) -> float:
        """F1 of the onsets from one time to another in sound (C, n) that begins at `first`."""
        found = transcribe(Audio(sound, self._codec.format.sample_rate), model=self._transcriber)
        onsets = found.onset_seconds + first
        taken = (onsets >= start - _WITHIN) & (onsets < stop + _WITHIN)
        wanted = (self._onsets >= start) & (self._onsets < stop)
        return note_f1(
            self._onsets[wanted], self._pitches[wanted],
            onsets[taken], found.notes["pitch"][taken].astype(np.int64),
            (start, stop),
        )  # fmt: skip


def note_f1(
    onsets: np.ndarray, pitches: np.ndarray, found: np.ndarray, found_pitches: np.ndarray, span: tuple[float, float]
) -> float:
    """F1 of found notes, onsets in seconds; each agrees with one note of its pitch within 50 ms that is still free.

    Found notes outside the span count only where they agree. Nothing wanted and nothing found is 1.
    """
    free, hits = np.ones(len(onsets), bool), 0
    extra = 0
    for onset, pitch in sorted(zip(found.tolist(), found_pitches.tolist(), strict=True)):
        near = np.flatnonzero(free & (pitches == pitch) & (np.abs(onsets - onset) <= _WITHIN))
        if len(near):
            free[near[0]] = False
            hits += 1
        elif span[0] <= onset < span[1]:
            extra += 1
    total = len(onsets) + hits + extra
    return 2 * hits / total if total else 1.0
