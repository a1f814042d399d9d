"""A level of the cascade: a codec of one codebook, and the prior of its codes; and its folder.

The folder has model.safetensors with the weights of both, and config.json with the card. Nothing is unpickled.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import torch
from torch import nn

from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.codec.jukebox.prior import JukeboxPrior, JukeboxPriorConfig
from symbolic_music.errors import ModelError
from symbolic_music.models.checkpoints.config_and_weights import read_config
from symbolic_music.models.checkpoints.network_folder import found_folder, restored, save_network
from symbolic_music.models.loading import resolve_device
from symbolic_music.models.model import Card

ARCHITECTURE = "jukebox-level"


class JukeboxLevel(nn.Module):
    """A codec and the prior of its codes.

    Args:
        codec: of one codebook.
        prior: of its codes.
        above: `fingerprint` of the codec of the level above; empty for the top.

    Raises:
        ModelError: when they do not fit.

    Examples:
        >>> codec = sm.codec.Codec(sm.codec.CodecConfig(11_025, ratios=(4, 4, 8), codebooks=1, size=512))
        >>> prior = sm.codec.JukeboxPrior(sm.codec.JukeboxPriorConfig(width=16, layers=1, heads=2, hidden=16))
        >>> sm.codec.JukeboxLevel(codec, prior).codec.format.hop
        128
    """

    def __init__(self, codec: Codec, prior: JukeboxPrior, above: str = "") -> None:
        super().__init__()
        form, c = codec.format, prior.config
        if form.codebooks != 1 or c.size != form.size or abs(c.frame_rate - form.frame_rate) > 1e-6 * form.frame_rate:
            raise ModelError(
                f"a prior of {c.size:,} codes, {c.frame_rate:g} a second, is not for a codec of {form.codebooks} "
                f"codebooks of {form.size:,}, {form.frame_rate:g} a second"
            )
        if bool(above) != bool(c.above):
            raise ModelError("a level conditioned on codes above names their codec, and the top names none")
        self.codec, self.prior, self.above = codec, prior, above

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.prior.out.weight.device


def fingerprint(codec: Codec) -> str:
    """A hash of a codec's weights, as its folder has them: codes mean the same where it is the same."""
    digest = hashlib.sha256()
    for name, value in sorted(codec.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().to(torch.float16).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def save_level(level: JukeboxLevel, card: Card, folder: str | Path) -> Path:
    """Write a level, as float16, whole or not at all.

    Raises:
        ModelError: when weights are not finite.
        FileError: when it cannot be written.

    Examples:
        >>> codec = sm.codec.Codec(sm.codec.CodecConfig(11_025, ratios=(4, 4, 8), codebooks=1, size=512))
        >>> prior = sm.codec.JukeboxPrior(sm.codec.JukeboxPriorConfig(width=16, layers=1, heads=2, hidden=16))
        >>> level = sm.codec.JukeboxLevel(codec, prior)
        >>> sm.codec.save_level(level, sm.models.Card("top", 1, "CC0-1.0", "none"), "top-level").name
        'top-level'
    """
    settings = {
        "codec": dataclasses.asdict(level.codec.config), "network": dataclasses.asdict(level.prior.config),
        "above": level.above,
    }  # fmt: skip
    return save_network(level, ARCHITECTURE, settings, card, folder)


def load_level(name_or_path: str | Path, device: str = "auto") -> tuple[JukeboxLevel, Card]:
    """A bundled level by name, or a folder of one by path, ready for use, and its card.

    Raises:
        UnknownNameError: when it is neither.
        ModelError: when the folder is of another model, or broken.

    Examples:
        >>> codec = sm.codec.Codec(sm.codec.CodecConfig(11_025, ratios=(4, 4, 8), codebooks=1, size=512))
        >>> prior = sm.codec.JukeboxPrior(sm.codec.JukeboxPriorConfig(width=16, layers=1, heads=2, hidden=16))
        >>> card = sm.models.Card("top", 1, "CC0-1.0", "none")
        >>> folder = sm.codec.save_level(sm.codec.JukeboxLevel(codec, prior), card, "top-level")
        >>> level, card = sm.codec.load_level(folder)
        >>> card.name
        'top'
    """
    folder = found_folder(name_or_path, "level of a cascade")
    config = read_config(folder)
    if config.get("architecture") != ARCHITECTURE:
        raise ModelError(f"{folder} has no level of a cascade")
    try:
        codec, prior = CodecConfig(**config["codec"]), JukeboxPriorConfig(**config["network"])
        card, above = Card.of_record(config["card"]), str(config["above"])
    except (KeyError, TypeError, ValueError, ModelError) as error:
        raise ModelError(f"{folder}/config.json does not fit this version ({error})") from None
    level = restored(lambda: JukeboxLevel(Codec(codec), JukeboxPrior(prior), above), folder)
    return level.eval().to(resolve_device(device)), card
