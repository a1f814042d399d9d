"""The package of docs/extending.md, installed as its page has it: every part works wherever a name does."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import symbolic_music as sm
from symbolic_music import codec, corpora, models, plugins, synthesis, tokenizers
from symbolic_music.codec import registry as codecs
from symbolic_music.corpora.datasets import registry as data_sets
from symbolic_music.corpora.windows.dataset import Windows
from symbolic_music.corpora.windows.policies import Bars, Crops
from symbolic_music.errors import ConfigError, ModelError, PluginError, UnknownNameError
from symbolic_music.models import registry as architectures
from symbolic_music.score import Score, Track, note_table
from symbolic_music.synthesis.ddsp import voices
from symbolic_music.tokenizers import registry as encodings
from symbolic_music.training.config import load_config, parse_config
from symbolic_music.training.trainer import train
from tests.corpora.example_files import tune, write

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```(?:python|toml|yaml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)
REGISTRIES = {one.group: one for one in (
    encodings._registry, architectures._registry, data_sets._registry, codecs._registry, voices._registry
)}  # fmt: skip


def installed(site: Path, name: str, points: dict[str, dict[str, str]], files: dict[str, str]) -> None:
    """A distribution in a folder of packages, as pip leaves it."""
    for file, text in files.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text, encoding="utf-8")
    about = site / f"{name.replace('-', '_')}-0.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    sections = [f"[{group}]\n" + "".join(f"{n} = {at}\n" for n, at in own.items()) for group, own in points.items()]
    (about / "entry_points.txt").write_text("\n".join(sections))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of packages on the path; what they registered is forgotten at the end."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = {group: dict(one._registered) for group, one in REGISTRIES.items()}
    modules = set(sys.modules)
    yield folder
    for group, one in REGISTRIES.items():
        one._registered.clear()
        one._registered.update(before[group])
    for name in set(sys.modules) - modules:
        if name.startswith(("tiny_music", "broken_music", "other_music")):
            del sys.modules[name]


@pytest.fixture
def tiny(site: Path) -> Path:
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    package = {name: text for name, text in FILES.items() if name.startswith("tiny_music/")} | {
        "tiny_music/__init__.py": ""
    }
    installed(site, project["name"], project["entry-points"], package)
    return site


@pytest.fixture
def tunes(tmp_path: Path) -> Path:
    """A folder of the corpus `tunes`."""
    names = [f"{n}.mid" for n in range(8)]
    folder = write(tmp_path / "TUNES", {name: tune(n, 80, parts=1) for n, name in enumerate(names)})
    rows = [f"{name},{'validation' if n > 5 else 'train'},Tune {n}" for n, name in enumerate(names)]
    (folder / "tunes.csv").write_text("file,split,title\n" + "\n".join(rows) + "\n")
    return folder


def test_nothing_is_imported_before_its_name_is_asked_for(tiny: Path) -> None:
    assert "steps" in tokenizers.names()
    assert "gru" in architectures.names()
    assert "tunes" in data_sets.names()
    assert "glass" in voices.names()
    with pytest.raises(UnknownNameError, match=r"performance, remi, .*steps"):
        tokenizers.get("morse")
    assert not [name for name in sys.modules if name.startswith("tiny_music")]
    assert tokenizers.presets("steps") == ("default",)
    assert "tiny_music.tokenizer" in sys.modules
    assert "tiny_music.model" not in sys.modules


def test_a_tokenizer_is_saved_and_cut_into_windows(tiny: Path, tunes: Path, tmp_path: Path) -> None:
    melody = Score(
        notes=note_table([(0, 480, 60, 80, 0, 0, 0), (480, 240, 64, 80, 0, 0, 0), (960, 120, 65, 80, 0, 0, 0)])
    )
    steps = tokenizers.get("steps")
    ids = steps.encode(melody)
    assert ids.tolist() == [60, 128, 128, 128, 64, 128, 129, 129, 65]
    assert steps.decode(ids).notes[["onset", "duration", "pitch"]].tolist() == [
        (0, 480, 60),
        (480, 240, 64),
        (960, 120, 65),
    ]
    assert tokenizers.load(steps.save(tmp_path / "steps.json")).to_config() == steps.to_config()
    store = corpora.prepare("tunes", tunes, tmp_path / "store")
    assert store.splits["train"].tolist() == [0, 1, 2, 3, 4, 5]
    assert store.piece(7).title == "Tune 7"
    assert len(Windows(store, steps, Crops(32), split="train")) > 6
    windows = Windows(store, steps, Bars(32), split="train")
    for number in range(len(windows)):
        window, whole = windows[number].numpy(), steps.encode(store.music(windows.piece_of(number)))
        assert steps.grammar.violation(window) is None
        bars = [whole[at : at + len(window)] for at in range(0, len(whole), 16)]  # of four quarters of four steps
        assert any(len(bar) == len(window) and np.array_equal(bar < 128, window < 128) for bar in bars)


def test_train_save_load_generate(tiny: Path, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    corpora.prepare("tunes", tunes, "tunes.store")
    (tmp_path / "tiny.yaml").write_text(FILES["tiny.yaml"])
    config = load_config("tiny.yaml", ["optim.steps=4"])
    with pytest.raises(ConfigError, match=r"unknown setting model\.widht; did you mean width"):
        load_config("tiny.yaml", ["model.widht=3"])
    result = train(config)
    assert np.isfinite(result.best)
    model = sm.load_model(result.folder, "cpu")
    assert (model.tokenizer.name, type(model.network).__name__) == ("steps", "GRU")
    again = models.save_model(model, tmp_path / "again")
    assert json.loads((again / "config.json").read_text())["architecture"] == "gru"
    same = sm.load_model(again, "cpu").network.state_dict()
    assert all(torch.equal(same[name], value) for name, value in model.network.state_dict().items())
    new = sm.generate(seconds=4, model=again, seed=1)
    assert len(new) > 0
    assert len(sm.generate(tune(0, 20, parts=1), 4, model=again)) > 20
    # A model that training begins from says what windows it is trained on.
    tree = {
        "name": "more",
        "init": str(again),
        "data": {"kind": "of-model", "path": "tunes.store"},
        "optim": {"steps": 2, "batch": 2},
    }
    more = train(parse_config(tree))
    settings = json.loads((more.folder.parent / "config.json").read_text())
    assert (settings["data"]["windows"], settings["data"]["tokenizer"]) == ("bars", "steps")


def test_a_codec_codes_and_is_found_by_folder(tiny: Path, tmp_path: Path) -> None:
    sound = sm.Audio(0.5 * np.sin(np.arange(4000, dtype=np.float32) / 7)[None], 8000)
    mulaw = codec.load_codec("mulaw", "cpu")
    again = codec.decode_audio(codec.encode_audio(sound, mulaw), mulaw)
    assert np.abs(again.samples - sound.samples).max() < 0.02
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").write_text('{"architecture": "mulaw"}')
    assert type(codec.load_codec(tmp_path / "folder")) is type(mulaw)
    with pytest.raises(UnknownNameError, match="there are: codec, mulaw"):
        codec.load_codec("alaw")


def test_a_voice_plays_the_programs_that_it_is_given(tiny: Path) -> None:
    score = Score(notes=note_table([(0, 480, 72, 90, 0, 0, 0)]), tracks=(Track("Piano"),))
    settings = synthesis.RenderSettings(sample_rate=8000, voices={0: "glass"})
    played, piano = sm.render(score, settings), sm.render(score, sample_rate=8000)
    assert played.samples.shape[0] == 2
    assert not np.array_equal(played.samples[:, :4000], piano.samples[:, :4000])
    assert np.array_equal(played.samples, sm.render(score, sample_rate=8000, voices={0: "glass"}).samples)
    assert np.array_equal(sm.render(score, settings, voices={5: "glass"}).samples, piano.samples)
    with pytest.raises(UnknownNameError, match="no voice 'grass'"):
        sm.render(score, voices={0: "grass"})


@pytest.mark.parametrize("group", REGISTRIES)
def test_a_broken_package_is_named(site: Path, group: str) -> None:
    points = {group: {"broken": "broken_music:part", "empty": "broken_music.empty:nothing"}}
    files = {"broken_music/__init__.py": "", "broken_music/empty.py": "nothing = 3\n"}
    installed(site, "broken-music", points, files)
    with pytest.raises(PluginError, match=r"'broken' of package broken-music 0\.1 cannot be loaded \(AttributeError"):
        REGISTRIES[group].get("broken")
    with pytest.raises(PluginError, match=r"'empty' of package broken-music 0\.1 does not fit: .*3"):
        REGISTRIES[group].get("empty")
    assert REGISTRIES[group].names()


def test_a_name_that_two_packages_offer_names_both(site: Path) -> None:
    for name in ("other-music", "broken-music"):
        installed(site, name, {"symbolic_music.tokenizers": {"morse": "nowhere:Morse"}}, {})
    with pytest.raises(
        PluginError, match=r"'morse' is offered by package broken-music 0\.1 and package other-music 0\.1"
    ):
        tokenizers.get("morse")


def test_a_model_of_a_package_that_is_gone_is_refused(tiny: Path, tmp_path: Path) -> None:
    network = architectures.get("gru").build({"width": 4})
    card = models.Card("tiny", 1, "CC0-1.0", "none")
    folder = models.save_model(models.Model(network, card, tokenizer=tokenizers.get("steps")), tmp_path / "model")
    for one in REGISTRIES.values():
        one._registered.clear()
    (tiny / "tiny_music-0.1.dist-info" / "entry_points.txt").unlink()
    with pytest.raises(ModelError, match="names no architecture of anticipatory"):
        sm.load_model(folder)


def test_what_is_registered_fits_and_has_a_name_of_its_own(tiny: Path) -> None:
    class Nameless(tokenizers.Tokenizer):
        name = "nameless"

    with pytest.raises(PluginError, match="'nameless' lacks decode, encode, to_config"):
        tokenizers.register(Nameless)
    with pytest.raises(PluginError, match="there is a tokenizer named 'steps' already"):
        tokenizers.register(type("Other", (tokenizers.get("steps").__class__,), {"__module__": "other_music"}))
    with pytest.raises(PluginError, match="there is a model architecture named 'lstm' already"):
        models.register("lstm", architectures.get("gru").config)(architectures.get("gru").model)
    with pytest.raises(PluginError, match="architecture 'half' lacks step, new_cache"):
        models.register("half", architectures.get("gru").config)(torch.nn.Linear)
    with pytest.raises(PluginError, match="there is a codec named 'codec' already"):
        codec.register("codec")(lambda folder, device: None)
    with pytest.raises(PluginError, match="voice 'odd' needs a drawbar for each of its ratios"):
        synthesis.register(synthesis.Voice("odd", ratios=(1.0, 2.0), drawbars=(0.0,)))
    with pytest.raises(PluginError, match="registered by a name, not by ''"):
        synthesis.register(synthesis.Voice(""))
    # A notebook's cell that is run again.
    gru = architectures.get("gru")
    models.register("gru", gru.config, {"small": gru.config(width=8)})(gru.model)
    assert set(architectures.get("gru").presets) == {"small"}


def test_the_commands_of_the_page_run_in_a_process_of_their_own(tiny: Path, tunes: Path, tmp_path: Path) -> None:
    assert COMMANDS is not None
    (tmp_path / "tiny.yaml").write_text(FILES["tiny.yaml"])
    lines = [shlex.split(line) for line in COMMANDS[1].splitlines()][1:]
    script = "\n".join([
        "import json, sys", "from symbolic_music.cli import main", "for words in json.loads(sys.argv[1]):",
        "    try:", "        main(words)", "    except SystemExit as end:",
        "        assert not end.code, (words, end.code)",
    ])  # fmt: skip
    path = os.pathsep.join([str(tiny), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps([line[1:] for line in lines])], cwd=tmp_path, capture_output=True,
        text=True, check=False, env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(sm.read(tmp_path / "new.mid")) > 0
    assert {one.name for one in tmp_path.iterdir()} >= {"new.wav", "again.wav", "new.safetensors", "tunes.store"}


def test_entry_points_of_packages_are_those_that_the_page_names() -> None:
    points = tomllib.loads(FILES["pyproject.toml"])["project"]["entry-points"]
    assert set(points) == set(REGISTRIES)
    assert all(one.kind in plugins.__doc__ or one.kind in PAGE for one in REGISTRIES.values())


@pytest.mark.parametrize(
    ("value", "content"),
    [("evil:part\x1b", ""), ("evil", "import sys; sys.exit(7)"), ("evil:part", "raise KeyError('x')"),
     ("evil:part", "class Part:\n    def __repr__(self): raise ValueError('no')\npart = Part()")],
)  # fmt: skip
def test_a_part_that_fails_when_it_is_looked_at_is_one_error(value, content, tmp_path, monkeypatch) -> None:
    from importlib.metadata import EntryPoint

    from symbolic_music import plugins, tokenizers

    (tmp_path / "evil.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "evil", raising=False)
    point = EntryPoint("evil", value, "symbolic_music.tokenizers")
    monkeypatch.setattr(plugins, "entry_points", lambda group, name="evil": [point] if name == "evil" else [])
    with pytest.raises(PluginError, match="evil"):
        tokenizers.get("evil")
    sys.modules.pop("evil", None)
