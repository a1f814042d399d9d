"""Public models by short names: repository, size, licence and supported operations.

Parameters, licences and file sizes are those of their authors' cards and code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What a model can do here.
CONTINUE, INFILL, ACCOMPANY, EMBED, TEXT = "continue", "infill", "accompany", "embed", "text"


@dataclass(frozen=True)
class PublicModel:
    """A published checkpoint.

    Args:
        name: short, as `load_model` takes it.
        repository: on the Hugging Face hub, owner/name.
        family: see `families`.
        parameters: about how many.
        license: of the weights.
        data: that it was trained on.
        can: what it can do here.
        file: the weights, where a repository holds several models; "" for the usual names.
        bytes: of the weights, 0 where it is not known before the hub is asked.
    """

    name: str
    repository: str
    family: str
    parameters: int
    license: str
    data: str
    can: tuple[str, ...]
    file: str = ""
    bytes: int = 0


_EDITS = (CONTINUE, INFILL, ACCOMPANY)
_LAKH = "Lakh MIDI"
CATALOGUE: tuple[PublicModel, ...] = (
    PublicModel(
        "amt-small", "stanford-crfm/music-small-800k", "anticipation", 128_000_000, "Apache-2.0", _LAKH, _EDITS,
        bytes=512_433_185,
    ),
    PublicModel(
        "amt-medium", "stanford-crfm/music-medium-800k", "anticipation", 360_000_000, "Apache-2.0", _LAKH, _EDITS
    ),
    PublicModel(
        "amt-large", "stanford-crfm/music-large-800k", "anticipation", 780_000_000, "Apache-2.0", _LAKH, _EDITS,
        bytes=3_120_598_456,
    ),
    PublicModel(
        "aria-base", "loubb/aria-medium-base", "aria", 658_000_000, "Apache-2.0", "Aria-MIDI (CC BY-NC-SA 4.0)",
        (CONTINUE, INFILL), bytes=2_634_170_640,
    ),
    PublicModel(
        "aria-gen", "loubb/aria-medium-gen", "aria", 658_000_000, "Apache-2.0", "Aria-MIDI (CC BY-NC-SA 4.0)",
        (CONTINUE, INFILL),
    ),
    PublicModel(
        "aria-embedding", "loubb/aria-medium-embedding", "aria", 632_000_000, "Apache-2.0",
        "Aria-MIDI (CC BY-NC-SA 4.0)", (EMBED,),
    ),
    PublicModel(
        "clamp3", "sander-wood/clamp3", "clamp3", 95_000_000, "MIT", "see its paper", (EMBED,),
        "weights_clamp3_saas_h_size_768_t_model_FacebookAI_xlm-roberta-base_t_length_128_a_size_768_a_layers_12_a_length_"
        "128_s_size_768_s_layers_12_p_size_64_p_length_512.pth",
    ),
    PublicModel(
        "midigpt-yellow", "Metacreation/MIDI-GPT", "midigpt", 87_000_000, "non-commercial research (GigaMIDI)",
        "GigaMIDI", (INFILL,), "yellow_medium-final.safetensors", 350_500_000,
    ),
    PublicModel(
        "midigpt-yellow-small", "Metacreation/MIDI-GPT", "midigpt", 20_600_000, "non-commercial research (GigaMIDI)",
        "GigaMIDI", (INFILL,), "yellow_small-final.safetensors", 82_500_000,
    ),
    PublicModel(
        "midigpt-prism", "Metacreation/MIDI-GPT", "midigpt", 89_500_000, "non-commercial research (GigaMIDI)",
        "GigaMIDI", (INFILL,), "prism_medium-final.safetensors",
    ),
    PublicModel(
        "midigpt-expressive", "Metacreation/MIDI-GPT", "midigpt", 89_700_000, "non-commercial research (GigaMIDI)",
        "GigaMIDI", (INFILL,), "expressive_medium-final.safetensors",
    ),
    PublicModel(
        "midi-llm", "slseanwu/MIDI-LLM_Llama-3.2-1B", "midi-llm", 1_470_000_000, "Llama 3.2 community",
        "Lakh MIDI, MidiCaps", (TEXT,),
    ),
    PublicModel(
        "skytnt-v2", "skytnt/midi-model-tv2o-medium", "skytnt", 234_000_000, "Apache-2.0",
        "Los Angeles MIDI and Monster MIDI", (CONTINUE, INFILL), bytes=936_000_000,
    ),
    PublicModel(
        "skytnt-v1", "skytnt/midi-model", "skytnt", 233_000_000, "Apache-2.0", "Los Angeles MIDI",
        (CONTINUE, INFILL), "model.ckpt",
    ),
    PublicModel(
        "remi-maestro", "Natooz/Maestro-REMI-bpe20k", "miditok", 0, "Apache-2.0", "MAESTRO (CC BY-NC-SA 4.0)",
        (CONTINUE,),
    ),
)  # fmt: skip


def entry(name: str) -> PublicModel | None:
    """The model of a short name, or of a repository that holds one model; None when it is not listed."""
    return next((one for one in CATALOGUE if name == one.name or (name == one.repository and not one.file)), None)


def is_non_commercial(licence: str) -> bool:
    """Whether a licence says that it is for non-commercial use."""
    return re.search(r"\bNC\b|non-?commercial", licence, re.IGNORECASE) is not None
