"""The flow decoder: its networks, and spectrograms and sound of a stretch of frames.

Shapes: B batch, T frames, M mel bands, F features of a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from symbolic_music.codec.convnext import reach
from symbolic_music.codec.flow.inverse_stft_head import InverseStftHead, sound
from symbolic_music.codec.flow.mel import log_mel, spectra
from symbolic_music.codec.flow.ode_solver import Velocity, consistent, euler, guided
from symbolic_music.codec.flow.score_rolls import ROLLS
from symbolic_music.codec.flow.velocity_field import Condition, VelocityField
from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Size, checked

HARMONICS = 60  # of the plain tones that a decoder is conditioned on
UNDER = 1e-3  # deviation of the noise under the tones that are the source of a head


@checked
@dataclass(frozen=True)
class FlowConfig:
    """The shape of a `FlowDecoder`.

    Args:
        sample_rate: Hz.
        size: samples of a window.
        hop: samples a frame.
        bands: of the mel spectrogram.
        width, hidden: channels of blocks, and within them.
        condition_blocks, blocks: of the condition and of the velocity field.
        head_width, head_hidden, head_blocks: of the head.

    Raises:
        ModelError: for a shape that makes no network.

    Examples:
        >>> sm.codec.FlowConfig().frame_rate
        93.75
    """

    sample_rate: Size = 24_000
    size: Size = 1024
    hop: Size = 256
    bands: Size = 100
    width: Size = 256
    hidden: Size = 768
    condition_blocks: Layers = 2
    blocks: Layers = 6
    head_width: Size = 256
    head_hidden: Size = 768
    head_blocks: Layers = 6

    def __post_init__(self) -> None:
        # Windows that do not overlap cannot be added to sound: they end in zeros.
        fits = self.size % 2 == 0 and self.size % self.hop == 0 and self.size > self.hop
        if not fits or not 8_000 <= self.sample_rate <= 192_000:
            raise ModelError("a flow decoder has windows of an even number of samples, two or more times hop, "
                             "and a rate of 8,000 to 192,000 Hz")  # fmt: skip

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop


class FlowDecoder(nn.Module):
    """A score to a mel spectrogram by a flow, and that to sound.

    `field` takes several steps, `shortcut` one or two: it is distilled from `field`.

    Examples:
        >>> decoder = sm.codec.FlowDecoder(sm.codec.FlowConfig(width=16, hidden=16, head_width=16, head_hidden=16))
        >>> decoder.head_reach  # frames on either side
        46
    """

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.config = config
        shape = config.width, config.hidden
        self.condition = Condition(ROLLS + config.bands, *shape, config.condition_blocks)
        self.field = VelocityField(config.bands, *shape, config.blocks)
        self.shortcut = VelocityField(config.bands, *shape, config.blocks)
        self.head = InverseStftHead(
            config.bands, config.size, config.head_width, config.head_hidden, config.head_blocks
        )

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.condition.nothing.device

    def reach(self, steps: int) -> int:
        """Frames on either side that a frame of the spectrogram depends on after this many steps."""
        return reach(self.config.condition_blocks) + steps * reach(self.config.blocks)

    @property
    def head_reach(self) -> int:
        """Frames on either side that a frame's samples depend on."""
        return reach(self.config.head_blocks) + self.config.size // self.config.hop

    def spectra(self, samples: Tensor) -> Tensor:
        """Complex spectra (B, T, K) of samples (B, size + (T - 1) hop)."""
        return spectra(samples, self.config.size, self.config.hop)

    def mel(self, spectra: Tensor) -> Tensor:
        """The scaled log-mel spectrogram (B, T, M) of spectra."""
        return log_mel(spectra.abs(), self.config.size, self.config.bands, self.config.sample_rate)

    def conditions(self, rolls: Tensor, tones: Tensor) -> Tensor:
        """The condition (B, T, width) of rolls of a score (B, T, ROLLS) and the spectra of its plain tones."""
        return torch.as_tensor(self.condition(torch.cat([rolls, self.mel(tones)], dim=-1)))

    def sound(self, mel: Tensor, source: Tensor) -> Tensor:
        """Samples (B, (T - 1) hop) of a mel spectrogram and the spectra of its source."""
        return self.of_spectra(self.head(mel, source))

    def of_spectra(self, spectra: Tensor) -> Tensor:
        """Samples (B, (T - 1) hop) of complex spectra (B, T, K); the first frame is centred on the first sample."""
        return sound(spectra, self.config.size, self.config.hop)

    def velocity(self, network: VelocityField, condition: Tensor, guidance: float = 1.0) -> Velocity:
        """Of `field` or `shortcut`, for solvers; a guidance of 1 is none."""

        def at(x: Tensor, time: float) -> Tensor:
            times = torch.full((len(x),), time, device=x.device)
            if guidance == 1:
                return torch.as_tensor(network(x, times, condition))
            both = torch.cat([condition, self.condition.nothing.expand_as(condition)])
            given, free = network(torch.cat([x, x]), torch.cat([times, times]), both).chunk(2)
            return guided(given, free, guidance)

        return at

    def by_flow(self, condition: Tensor, noise: Tensor, steps: int, guidance: float = 1.0) -> Tensor:
        """The mel spectrogram (B, T, M) of noise of that shape, by Euler's steps."""
        return euler(self.velocity(self.field, condition, guidance), noise, steps)

    def by_shortcut(self, condition: Tensor, noises: list[Tensor]) -> Tensor:
        """The mel spectrogram (B, T, M) of noises of that shape, in as many leaps: one or two."""
        return consistent(self.velocity(self.shortcut, condition), noises)
