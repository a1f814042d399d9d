"""Generate pieces longer than the window of a model: overlapping windows, each continuing the previous one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from symbolic_music.errors import ModelError

# From the first frame of a window, its number of frames, and the codes that it begins with (B, K, t): blocks of all
# codes of the window, (B, K, n).
Write = Callable[[int, int, Tensor], Iterator[Tensor]]


def in_windows(write: Write, frames: int, longest: int, prompt: Tensor, overlap: int | None = None) -> Iterator[Tensor]:
    """Codes of a piece in blocks (B, K, n), written in windows of at most `longest` frames.

    Each window begins with the end of the one before it.

    Args:
        write: writes a window.
        prompt: (B, K, t), codes of the first frames, which are kept.
        overlap: frames that a window begins with; two fifths when omitted, as MusicGen's 30 seconds begin with 12.
    """
    overlap = 2 * longest // 5 if overlap is None else overlap
    first = max(0, prompt.shape[-1] - overlap) if frames > longest else 0
    if first:
        yield prompt[..., :first]
    if first == frames:
        return
    known, given = prompt[..., first:], 0
    while True:
        count, at, held = min(longest, frames - first), 0, []
        for block in write(first, count, known):
            held.append(block)
            at += block.shape[-1]
            if at > given:
                yield block[..., -(at - given) :]
        if first + count == frames:
            return
        first += count - overlap
        known, given = torch.cat(held, dim=-1)[..., count - overlap :], overlap


def checked_prompt(
    prompt: Tensor | None, batch: int, frames: int, codebooks: int, size: int, device: torch.device
) -> Tensor:
    """A prompt (B, K, t), of no frames where none is given. ModelError when it does not fit the piece."""
    if prompt is None:
        return torch.zeros(batch, codebooks, 0, dtype=torch.long, device=device)
    if prompt.ndim != 3 or prompt.shape[:2] != (batch, codebooks) or prompt.shape[2] > frames:
        raise ModelError(f"a prompt is ({batch}, {codebooks}, at most {frames}), not {tuple(prompt.shape)}")
    if prompt.numel() and not (int(prompt.min()) >= 0 and int(prompt.max()) < size):
        raise ModelError(f"codes of a prompt lie in 0..{size - 1}")
    return prompt.to(device)
