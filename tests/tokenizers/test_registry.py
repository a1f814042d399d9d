from __future__ import annotations

import pytest

from symbolic_music import tokenizers
from symbolic_music.errors import OptionError, UnknownNameError


@pytest.mark.parametrize("name", ["performance", "remi", "compound", "anticipation"])
def test_the_registry_knows_the_presets_of_each_tokenizer(name) -> None:
    presets = tokenizers.presets(name)
    with pytest.raises(UnknownNameError) as error:
        tokenizers.get(name, preset="no-such-preset")
    named = str(error.value).partition("'no-such-preset'")[2].replace(":", "").replace(",", "").split()
    assert [word for word in named if word in presets] == list(presets)
    assert named[-1] == presets[-1]
    assert tokenizers.get(name).preset == presets[0]
    for preset in presets:
        assert tokenizers.get(name, preset=preset).to_config()["preset"] == preset


def test_unknown_names_are_told_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match="performance, remi, compound, anticipation"):
        tokenizers.get("morse")
    with pytest.raises(UnknownNameError, match="no tokenizer named 'morse'"):
        tokenizers.presets("morse")


def test_unknown_options_are_named() -> None:
    with pytest.raises(OptionError, match="use_bells"):
        tokenizers.get("performance", use_bells=True)
    with pytest.raises(OptionError, match="use_bells"):
        tokenizers.get("remi", use_bells=True)
