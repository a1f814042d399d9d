"""Configs that are no configs: one error each, and no traceback."""

import pytest

from symbolic_music.errors import ConfigError
from symbolic_music.training import load_config
from symbolic_music.training.codec.config import CodecTraining
from symbolic_music.training.config import parse_config
from symbolic_music.training.flow.config import FlowTraining
from symbolic_music.training.tasks.factory import task_of
from symbolic_music.training.transcription.config import TranscriptionTraining
from symbolic_music.training.voices.config import VoiceConfig
from symbolic_music.training.yaml_config import MAX_BYTES, parse_settings, parse_yaml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "[" * 1000, "nested too deeply"),
        ("{a: " * 1000, "nested too deeply"),
        ("name: 2024-99-99", "not YAML: month must be"),
        ("seed: " + "9" * 5000, "not YAML: Exceeds the limit"),
        ("a: *b", "not YAML"),
        ("a: !!python/object:os.system {}", "not YAML"),
        ("a: &a [" + "x, " * 9 + "]\nb: &b [" + "*a, " * 9 + "]\nc: &c [" + "*b, " * 99 + "]\nd: [" + "*c, " * 99 + "]",
         "values; at most"),
        ("a: &a [*a]", "values; at most"),
        ("a: !!bool x", "a tag stands before"),
        ("a: !!timestamp x", "a tag stands before"),
    ],
)  # fmt: skip
def test_what_yaml_cannot_hold_is_one_error(text, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        parse_yaml(text, "this")
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path / "c.yaml")


def test_aliases_within_reason_are_read():
    assert parse_yaml("a: &a [1, 2]\nb: *a", "this") == {"a": [1, 2], "b": [1, 2]}


def test_overrides_are_checked_too(tmp_path):
    (tmp_path / "c.yaml").write_text("name: a\ndata: {path: x}\n")
    for value in ("[" * 1000, "2024-99-99", "9" * 5000):
        with pytest.raises(ConfigError, match="the value of"):
            load_config(tmp_path / "c.yaml", [f"seed={value}"])


def test_a_file_that_is_too_large_is_not_parsed(tmp_path):
    (tmp_path / "c.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="too large"):
        load_config(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    ("section", "key", "meant"),
    [("optim", "lr", "learning_rate"), ("optim", "batch_size", "batch"), ("optim", "epochs", "steps"),
     ("model", "n_layer", "layers"), ("model", "d_model", "width"), ("optim", "learning_rat", "learning_rate")],
)  # fmt: skip
def test_settings_by_their_names_elsewhere_are_known(section, key, meant):
    with pytest.raises(ConfigError, match=f"did you mean {meant}\\?"):
        parse_config({"name": "a", "data": {"path": "x"}, section: {key: 1}})


@pytest.mark.parametrize("kind", [CodecTraining, FlowTraining, TranscriptionTraining, VoiceConfig])
def test_all_trainings_know_settings_by_their_names_elsewhere(kind):
    with pytest.raises(ConfigError, match=r"unknown setting optim\.lr; did you mean learning_rate\?"):
        parse_settings({"optim": {"lr": 1}}, kind)


def test_a_setting_of_one_kind_of_data_is_not_one_of_another():
    with pytest.raises(ConfigError, match=r"unknown setting data\.b_major; known: kind, "):
        parse_config({"name": "a", "data": {"kind": "chorale-grid", "path": "x", "b_major": 1}})


def test_data_of_the_model_need_a_model():
    with pytest.raises(ConfigError, match="set init=MODEL"):
        task_of(parse_config({"name": "a", "data": {"kind": "of-model", "path": "x"}}))
