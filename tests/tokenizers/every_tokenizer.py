"""Every tokenizer and preset that the registry knows, with the options that matter, by a readable name."""

from __future__ import annotations

from functools import cache
from typing import Any

from symbolic_music import tokenizers
from symbolic_music.tokenizers import Tokenizer

_ALL = {"use_tempos": True, "use_chords": True, "use_rests": True, "use_programs": True}
_OPTIONS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    **{(name, "default"): {"chords": {"use_chords": True}} for name in ("remi", "compound")},
    **{
        (name, "miditok"): {
            "tempos": {"use_tempos": True},
            "programs": {"use_programs": True},
            "programs apart": {"use_programs": True, "one_token_stream_for_programs": False},
            "rests": {"use_rests": True},
            "rests, no meters": {"use_rests": True, "use_time_signatures": False},
            "all": _ALL,
        }
        for name in ("remi", "compound")
    },
    **{("skytnt", preset): {"as it is": {"optimise": False}} for preset in ("v1", "v2")},
    **{
        ("anticipation", preset): {"controls": {"control_programs": [0, 33, 128]}}
        for preset in ("default", "expressive")
    },
}


def configs() -> dict[str, dict[str, Any]]:
    """What `tokenizers.get` takes, without MidiTok's."""
    found: dict[str, dict[str, Any]] = {}
    for name in tokenizers.names():
        if name.startswith("miditok:"):
            continue
        for preset in tokenizers.presets(name):
            for label, options in {"": {}, **_OPTIONS.get((name, preset), {})}.items():
                found[" ".join(filter(None, (name, preset, label)))] = {"name": name, "preset": preset, **options}
    return found


CONFIGS = configs()


@cache
def built(label: str) -> Tokenizer:
    """The tokenizer of a label of CONFIGS, built once."""
    return tokenizers.get(**CONFIGS[label])
