"""A cascade: codes level by level, windows that overlap, sound of any length, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.codec.jukebox.cascade import Jukebox, generate_sound, generate_sound_file, load_jukebox
from symbolic_music.codec.jukebox.cascade import stream_cascade as stream
from symbolic_music.codec.jukebox.level import JukeboxLevel, fingerprint, load_level, save_level
from symbolic_music.codec.jukebox.prior import JukeboxPrior, JukeboxPriorConfig
from symbolic_music.codec.jukebox.sampling import JukeboxSampling, chances, pick, stream_level
from symbolic_music.errors import FileError, ModelError, OptionError, UnknownNameError
from symbolic_music.models.model import Card
from symbolic_music.synthesis.audio import Audio, read_audio, read_comment

RATE = 8_000
SIZE = 16
RATIOS: tuple[tuple[int, ...], ...] = ((4, 4, 4), (4, 4), (4,))
PLAIN = JukeboxSampling()
CARD = Card("small", 1, "CC0-1.0", "none")


def prior(level: int, window: int = 32, **settings: Any) -> JukeboxPrior:
    above = {} if level == 0 else {"above": SIZE, "ratio": 4, "above_blocks": 1}
    rate = RATE / 4 ** (3 - level)
    shape = {"width": 16, "layers": 2, "heads": 2, "hidden": 16, "window": window, "instruments": ("piano", "flute")}
    torch.manual_seed(level)
    made = JukeboxPrior(JukeboxPriorConfig(SIZE, rate, **{**above, **shape, **settings})).eval()
    with torch.no_grad():
        made.out.weight.mul_(40)  # else all codes are about as likely
    return made


def cascade(levels: int = 3, window: int = 32) -> Jukebox:
    found: list[JukeboxLevel] = []
    for number in range(levels):
        torch.manual_seed(10 + number)
        codec = Codec(CodecConfig(RATE, 1, 4, 8, RATIOS[number], (1,), 8, 1, SIZE)).eval()
        with torch.no_grad():
            codec.quantiser.codebooks.normal_()
        above = fingerprint(found[-1].codec) if found else ""
        found.append(JukeboxLevel(codec, prior(number, window), above))
    return Jukebox(tuple(found))


def written(
    jukebox: Jukebox, seconds: float, draw: JukeboxSampling = PLAIN, given: Sequence[torch.Tensor] = ()
) -> np.ndarray:
    return np.concatenate(list(stream(jukebox, seconds, draw, given)), axis=1)


def codes_of(
    network: JukeboxPrior, frames: int, draw: JukeboxSampling, given: Sequence[int] = (), seed: int = 0
) -> list[int]:
    above = None
    if network.above is not None:
        above = torch.randint(0, SIZE, (1, -(-frames // 4)), generator=torch.Generator().manual_seed(seed))
    known = torch.tensor([list(given)], dtype=torch.long)
    return torch.cat(list(stream_level(network, frames, above, known, draw)), dim=1)[0].tolist()


def test_a_code_is_the_one_that_a_chance_reaches() -> None:
    logits = torch.tensor([0.5, 0.25, 0.25]).log()
    assert [pick(logits, 1.0, chance) for chance in (0.0, 0.4, 0.6, 0.74, 0.76, 0.9999999)] == [0, 0, 1, 1, 2, 2]
    assert {pick(logits, 1e-3, chance) for chance in (0.0, 0.5, 0.99)} == {0}
    whole = chances(3, 1, 0, 10_000)
    for first in (0, 4_000, 4_095, 4_096, 8_192):
        assert np.array_equal(chances(3, 1, first, 100), whole[first : first + 100])
    assert not np.array_equal(chances(3, 2, 0, 10), whole[:10])


@pytest.mark.parametrize("level", [0, 1])
def test_a_window_is_written_as_the_network_says_at_once(level: int) -> None:
    network, draw = prior(level), JukeboxSampling("piano", temperature=0.7, seed=5)
    found = codes_of(network, 32, draw)
    above = torch.randint(0, SIZE, (1, 8), generator=torch.Generator().manual_seed(0)) if level else None
    around = network.above.around(above, 0, 32) if network.above is not None and above is not None else None
    with torch.no_grad():
        one = torch.tensor([0])
        condition = network.conditions(one, 32, torch.tensor([32]), one, around)
        before = torch.tensor([[network.start, *found[:-1]]])
        logits = network.logits(before, condition)[0]
    assert found == [pick(own, 0.7, float(chance)) for own, chance in zip(logits, chances(5, 0, 0, 32), strict=True)]


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.9])
def test_windows_change_nothing_where_codes_before_them_are_not_looked_at(level: int, overlap: float) -> None:
    """A network without attention looks at the code before alone: windows that overlap are as one without end."""
    short, long = prior(level, 32), prior(level, 200)
    long.load_state_dict(short.state_dict())
    with torch.no_grad():
        for network in (short, long):
            for name, weights in network.named_parameters():
                if "attention.out" in name:
                    weights.zero_()
    draw = JukeboxSampling("flute", 0.8, overlap, 1)
    found, whole = codes_of(short, 150, draw), codes_of(long, 150, draw)
    assert len(set(whole)) > 4
    if overlap:
        assert found == whole
    else:  # the first code of a window has none before it
        assert found[:32] == whole[:32]
        assert found != whole


@pytest.mark.parametrize("level", [0, 1])
def test_the_first_window_is_that_of_a_long_window(level: int) -> None:
    short, long = prior(level, 32), prior(level, 128)
    long.load_state_dict(short.state_dict())
    draw = JukeboxSampling(seed=2)
    found, whole = codes_of(short, 100, draw), codes_of(long, 100, draw)
    assert found[:32] == whole[:32]
    assert len(found) == 100
    assert found[32:] != whole[32:]


@pytest.mark.parametrize("count", [1, 20, 31, 32, 33, 70, 99])
def test_given_codes_are_kept_and_gone_on_from(count: int) -> None:
    network, draw = prior(0), JukeboxSampling(seed=2)
    rng = np.random.default_rng(count)
    known = rng.integers(0, SIZE, count).tolist()
    found = codes_of(network, 99, draw, known)
    assert found[:count] == known
    assert len(found) == 99
    whole = codes_of(network, 99, draw)
    # What was written, given again, is gone on from as before, where the windows are the same.
    assert codes_of(network, 99, draw, whole[:10]) == whole


def test_a_cascade_writes_levels_from_the_codes_above() -> None:
    jukebox = cascade()
    draw = JukeboxSampling("piano", seed=3)
    sound = written(jukebox, 0.6, draw)
    assert sound.shape == (1, 75 * 64)  # 0.6 s are 4,800 samples
    above = None
    for number, level in enumerate(jukebox.levels):
        none = torch.zeros(1, 0, dtype=torch.long)
        blocks = list(stream_level(level.prior, 75 * 4**number, above, none, draw, number))
        above = torch.cat(blocks, dim=1)
    assert above is not None
    whole = jukebox.levels[-1].codec.decode(above[:, None])[0].numpy()
    np.testing.assert_allclose(sound, whole, atol=1e-5)
    assert not np.array_equal(written(jukebox, 0.6, JukeboxSampling("flute", seed=3)), sound)
    assert not np.array_equal(written(jukebox, 0.6, JukeboxSampling("piano", seed=4)), sound)
    assert np.array_equal(written(jukebox, 0.6, draw), sound)


def test_codes_of_the_top_become_sound() -> None:
    """Given the codes of all levels, the sound is theirs; given those of the top, levels below are written."""
    jukebox = cascade()
    tone = 0.3 * np.sin(np.arange(4_800) * 0.3)[None].astype(np.float32)
    codes = jukebox.encode(Audio(tone, RATE))
    assert [one.shape[1] for one in codes] == [75, 300, 1200]
    whole = jukebox.levels[-1].codec.decode(codes[-1][:, None])[0].numpy()
    np.testing.assert_allclose(written(jukebox, 0.6, given=codes), whole, atol=1e-5)
    assert written(jukebox, 0.6, given=codes[:1]).shape == whole.shape


def test_progress_reaches_the_end_and_memory_is_that_of_blocks() -> None:
    told: list[float] = []
    blocks = list(stream(cascade(), 1.5, JukeboxSampling(), progress=told.append))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    assert max(block.shape[1] for block in blocks) <= 256 * 4 + 32 * 4


def test_sound_goes_on_from_a_prompt(tmp_path: Path) -> None:
    jukebox, path = cascade(), tmp_path / "new.wav"
    prompt = Audio(0.3 * np.sin(np.arange(8_000) * 0.2)[None].astype(np.float32), 16_000)
    sound = generate_sound(jukebox, 1.0, JukeboxSampling(seed=1), prompt=prompt)
    assert sound.samples.shape == (2, 8_000)
    done = generate_sound_file(jukebox, path, 1.0, JukeboxSampling(seed=1), prompt=prompt)
    assert done.seconds == 1.0
    np.testing.assert_allclose(read_audio(path).samples, sound.samples, atol=2e-4)
    assert "jukebox (jukebox)" in read_comment(path)
    generate_sound_file(jukebox, path, 0.2, comment="")
    assert read_comment(path) == ""
    empty = Audio(np.zeros((1, 20), np.float32), RATE)  # less than a frame of the top
    assert generate_sound(jukebox, 0.2, prompt=empty).duration == pytest.approx(0.2)


def test_levels_are_saved_and_found_again(tmp_path: Path) -> None:
    jukebox = cascade()
    folders = [save_level(level, CARD, tmp_path / str(n)) for n, level in enumerate(jukebox.levels)]
    again = load_jukebox(folders, "cpu")
    assert again.name == "small"
    assert again.instruments == ("piano", "flute")
    assert again.sample_rate == RATE
    for own, other in zip(jukebox.levels, again.levels, strict=True):
        assert own.prior.config == other.prior.config
        assert own.above == other.above
    assert load_level(folders[0], "cpu")[1].name == "small"
    with pytest.raises(ModelError, match="first level is the top"):
        load_jukebox(folders[::-1])
    with pytest.raises(ModelError, match="codes of another level above"):
        load_jukebox([folders[0], folders[2]])
    with pytest.raises(ModelError, match="at least one level"):
        load_jukebox([])
    with pytest.raises(UnknownNameError, match="level of a cascade"):
        load_jukebox([tmp_path / "none"])
    with pytest.raises(ModelError, match="no level of a cascade"):
        load_jukebox(["codec"])
    (folders[0] / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelError, match="broken"):
        load_jukebox(folders)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    jukebox = cascade(2)
    for seconds in (0.0, -1.0, float("nan"), 3_601.0):
        with pytest.raises(OptionError, match=r"up to 3,600 seconds"):
            stream(jukebox, seconds)
    for options, fault in (
        ({"temperature": 0.0}, "temperature"),
        ({"overlap": 1.0}, "overlap"),
        ({"seed": -1}, "seed"),
    ):
        with pytest.raises(OptionError, match=fault):
            JukeboxSampling(**options)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="no instrument 'organ'; there are: piano, flute"):
        stream(jukebox, 1.0, JukeboxSampling("organ"))
    codes = torch.zeros(1, 5, dtype=torch.long)
    for given, fault in (
        ([codes] * 3, "3 levels were given"), ([codes + SIZE], r"0\.\.15"), ([codes.float()], "whole numbers"),
        ([torch.zeros(1, 400, dtype=torch.long)], "400 codes were given"),
    ):  # fmt: skip
        with pytest.raises(ModelError, match=fault):
            stream(jukebox, 1.0, given=given)
    long = Audio(np.zeros((1, 3 * RATE), np.float32), RATE)
    with pytest.raises(OptionError, match=r"3\.0 s, longer"):
        generate_sound(jukebox, 1.0, prompt=long)
    with pytest.raises(FileError):
        generate_sound_file(jukebox, tmp_path / "none" / "a.wav", 0.1)
    codec = jukebox.levels[0].codec
    with pytest.raises(ModelError, match="is not for a codec"):
        JukeboxLevel(codec, prior(1))
    with pytest.raises(ModelError, match="names their codec"):
        JukeboxLevel(codec, prior(0), "abc")


def test_a_prior_learns_what_it_is_told() -> None:
    """Codes that follow from the codes above and the label are learnt, and not those of another label."""
    torch.manual_seed(0)
    network = prior(1, 16, unlabelled=0.0).train()
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    assert network.above is not None

    def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rng = torch.Generator().manual_seed(seed)
        above, label = torch.randint(0, SIZE, (8, 4), generator=rng), torch.randint(0, 2, (8,), generator=rng)
        codes = (above.repeat_interleave(4, 1) + 3 * label[:, None] + torch.arange(16) % 4) % SIZE
        return codes, above, label

    def nats(codes: torch.Tensor, above: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        assert network.above is not None
        first, total = torch.zeros(8, dtype=torch.long), torch.full((8,), 16)
        return network.loss(codes, first, total, label, network.above.around(above, 0, 16)) / codes.numel()

    for step in range(250):
        loss = nats(*batch(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    codes, above, label = batch(10_000)
    with torch.no_grad():
        network.eval()
        right = float(nats(codes, above, label))
        assert right < 0.3
        assert float(nats(codes, above, 1 - label)) > 2 * right
        assert float(nats(codes, above.roll(1, 0), label)) > 2 * right
