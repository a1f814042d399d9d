"""Trained voices: their networks, metadata and files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from symbolic_music.bundled import ROOT, bundled_folder
from symbolic_music.errors import FileError, ModelError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.synthesis.analysis.features import CONTROLS
from symbolic_music.synthesis.midi_ddsp.networks import Shape, VoiceNetworks

FACTS, WEIGHTS = "voices.json", "voices.safetensors"
_MOST_JSON = 16 << 20


@dataclass(frozen=True)
class TrainedVoice:
    """Metadata of a voice.

    programs: of General MIDI, that it plays. struck: it rings by itself. lowest, highest: semitones that it was
    trained on; beyond them it keeps its colour. vibrato: semitones either way, added to what was recorded, at
    `vibrato_rate` Hz. stiffness: (natural logarithm of B at A3, change an octave); None where partials are whole
    multiples. recorded_velocity: the one whose brightness the recordings have.
    """

    name: str
    programs: tuple[int, ...]
    struck: bool
    lowest: float
    highest: float
    vibrato: float = 0.0
    vibrato_rate: float = 5.5
    stiffness: tuple[float, float] | None = None
    recorded_velocity: int = 100


@dataclass(frozen=True, eq=False)
class NeuralVoices:
    """The networks, their voices in order, and a card (name, licence, data, command, figures)."""

    networks: VoiceNetworks
    voices: tuple[TrainedVoice, ...]
    card: dict[str, Any]

    def number(self, program: int) -> int | None:
        """The voice that plays a program; None where there is none. Of two that claim it, the later added."""
        return next((i for i in reversed(range(len(self.voices))) if program in self.voices[i].programs), None)


def save_voices(bank: NeuralVoices, folder: Path) -> Path:
    """Write voices.safetensors and voices.json. FileError when that cannot be done."""
    from safetensors.torch import save

    facts = {
        "format": 1,
        "controls": list(CONTROLS),
        "shape": asdict(bank.networks.shape),
        "voices": [asdict(voice) for voice in bank.voices],
        "card": bank.card,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make {folder}: {error.strerror}") from None
    weights = {k: v.detach().to("cpu", torch.float16).contiguous() for k, v in bank.networks.state_dict().items()}
    write_bytes(folder / WEIGHTS, save(weights, metadata={"format": "pt"}))
    write_bytes(folder / FACTS, (json.dumps(facts, indent=1) + "\n").encode())
    return folder


@lru_cache(maxsize=4)
def load_voices(folder: Path | None = None) -> NeuralVoices:
    """The bank in a folder; the bundled one when omitted.

    Raises:
        ModelError: when files are missing, broken, or do not fit each other.
    """
    folder = bundled_folder("voices", FACTS) or ROOT / "voices" if folder is None else folder
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    for path in (folder / FACTS, folder / WEIGHTS):
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
            raise ModelError(f"{path} is no regular file")
    try:
        if (folder / FACTS).stat().st_size > _MOST_JSON:
            raise ModelError(f"{folder / FACTS} is too large")
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
        if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
            raise ModelError(f"{folder / WEIGHTS} holds weights that are not finite")
        voices = tuple(TrainedVoice(**{**v, "programs": tuple(v["programs"])}) for v in facts["voices"])
        shape = Shape(**facts["shape"])
        if shape.voices != len(voices) or len(weights["synthesis.heads.weight"]) != len(voices):
            raise ModelError(f"{folder} lists {len(voices)} voices and has weights for another number")
        with torch.random.fork_rng(devices=[]):
            networks = VoiceNetworks(shape)
        networks.load_state_dict({k: v.float() for k, v in weights.items()})
        card = dict(facts["card"])
    except OSError:
        raise ModelError(f"{folder} holds no voices: it lacks {FACTS} or {WEIGHTS}") from None
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelError(f"the voices in {folder} are broken: {str(error).splitlines()[0]}") from None
    return NeuralVoices(networks.eval().requires_grad_(False), voices, card)
