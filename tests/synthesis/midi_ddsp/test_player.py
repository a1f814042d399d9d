import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from symbolic_music.errors import AudioError, ModelError, OptionError
from symbolic_music.general_midi import instrument_name
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis import render
from symbolic_music.synthesis.analysis import features
from symbolic_music.synthesis.midi_ddsp.expression import Expression, express
from symbolic_music.synthesis.midi_ddsp.player import NeuralBank
from symbolic_music.synthesis.midi_ddsp.synthesizer import Played, sound
from symbolic_music.synthesis.midi_ddsp.voices import FACTS, WEIGHTS, load_voices, save_voices

RATE = 22050


def score(*rows: tuple[int, int, int, int, int], channel: int = 0) -> Score:
    """Notes (onset ms, length ms, pitch, velocity, program)."""
    return Score(500, note_table([(on, length, p, v, program, channel, 0) for on, length, p, v, program in rows]))


def played(bank: NeuralBank, block: int) -> np.ndarray:
    """All tracks together, channels summed, block by block."""
    end, out = bank.end, []
    while sum(map(len, out)) < end:
        out.append(sum((np.atleast_2d(w).sum(axis=0) for w in bank.play(block).values()), np.zeros(block)))
    return np.concatenate(out)[:end]


PIECE = score(
    (0, 300, 67, 90, 40), (300, 400, 69, 70, 40), (100, 900, 48, 80, 0), (200, 500, 60, 80, 0), (50, 200, 60, 80, 107),
    (650, 300, 72, 100, 73),
)  # fmt: skip


@pytest.mark.parametrize("block", [500, 4096, 9001])
def test_blocks_do_not_change_the_sound(block):
    whole = played(NeuralBank(PIECE, RATE), 10 * RATE)
    assert np.abs(whole).max() > 0.01
    assert np.allclose(played(NeuralBank(PIECE, RATE), block), whole, atol=1e-5)


def test_a_batch_of_one_is_a_slice_of_a_batch():
    voices = load_voices()
    controls = torch.from_numpy(express(PIECE).controls[[0, 2]]).float()

    def notes(some: slice) -> Played:
        values = ([67.0, 69.0], [0.3, 0.5], [0.0, 0.04], [0.3, 0.05])
        pitch, length, skip, tail = (torch.tensor(v)[some] for v in values)
        return Played(pitch, length, controls[some], torch.tensor([3, 4])[some], skip, tail)

    both, one = (sound(voices, 0, notes(s), RATE, 128) for s in (slice(0, 2), slice(0, 1)))
    assert torch.allclose(both[:1, : one.shape[1]], one, atol=1e-5)


def test_volume_and_vibrato_do_what_they_say():
    voices = load_voices()
    base = torch.from_numpy(express(score((0, 1000, 69, 100, 40))).controls).float()
    louder = base + torch.tensor([6.0, 0, 0, 0, 6, 0])
    one = (torch.tensor([69.0]), torch.tensor([1.0]))
    rest = (torch.tensor([1]), torch.zeros(1), torch.tensor([0.3]))
    soft, loud = (sound(voices, 0, Played(*one, c, *rest), RATE, 128) for c in (base, louder))
    assert float((loud.square().mean() / soft.square().mean()).log10() * 10) == pytest.approx(6, abs=0.01)


@pytest.mark.parametrize("value", [1e300, -5000])
def test_controls_that_cannot_be_played_are_said(value):
    expression = express(PIECE)
    expression.column("volume")[2] = value
    with pytest.raises(AudioError, match="note 2"):
        render(PIECE, "midi-ddsp", RATE, expression=expression)


def test_a_bend_moves_the_pitch():
    pytest.importorskip("librosa")
    plain = score((0, 800, 69, 100, 68))
    bent = plain.replace(bends=np.array([(0, 4096, 0)], plain.bends.dtype))
    for notes, pitch in ((plain, 69), (bent, 70)):
        found, voiced = features.track_pitch(played(NeuralBank(notes, RATE), RATE), RATE, 128, 300, 700)
        assert np.median(found[voiced]) == pytest.approx(pitch, abs=0.051)


def test_changed_controls_are_heard():
    expression = express(PIECE)
    expression.column("volume")[0] -= 20
    assert not np.allclose(
        played(NeuralBank(PIECE, RATE, expression=expression), RATE), played(NeuralBank(PIECE, RATE), RATE)
    )
    with pytest.raises(AudioError, match="1 notes"):
        NeuralBank(PIECE, RATE, expression=Expression(np.zeros((1, 6)), np.zeros(1, bool), load_voices()))


@pytest.mark.parametrize("program", range(128))
def test_every_program_sounds(program):
    wave = played(NeuralBank(score((0, 150, 60, 90, program)), 16000), 16000)
    assert np.isfinite(wave).all(), instrument_name(program)
    assert np.abs(wave).max() > 1e-3, instrument_name(program)


def test_drums_sound():
    assert np.abs(played(NeuralBank(score((0, 100, 38, 90, 0), channel=9), 16000), 16000)).max() > 1e-3


@pytest.mark.parametrize("pitch", [0, 20, 108, 127])
@pytest.mark.parametrize("program", [0, 40, 73])
def test_extreme_notes_are_finite(program, pitch):
    wave = played(NeuralBank(score((0, 20, pitch, 127, program), (100, 300, pitch, 1, program)), RATE), RATE)
    assert np.isfinite(wave).all()


def test_a_gradient_reaches_pitch_and_controls():
    pitch = torch.tensor([69.0], requires_grad=True)
    controls = torch.from_numpy(express(score((0, 200, 69, 100, 40))).controls).float().requires_grad_()
    notes = Played(pitch, torch.tensor([0.2]), controls, torch.tensor([0]), torch.zeros(1), torch.tensor([0.1]))
    sound(load_voices(), 0, notes, RATE, 128).square().sum().backward()
    assert controls.grad is not None
    assert controls.grad[0, 0] > 0
    assert pitch.grad is not None
    assert torch.isfinite(pitch.grad).all()


def test_a_bank_is_read_as_written(tmp_path):
    voices = load_voices()
    again = load_voices(save_voices(voices, tmp_path / "bank"))
    assert again.voices == voices.voices
    for name, value in again.networks.state_dict().items():
        assert torch.equal(value, voices.networks.state_dict()[name])


def test_broken_banks_are_refused(tmp_path):
    with pytest.raises(ModelError, match="holds no voices"):
        load_voices(tmp_path)
    folder = save_voices(load_voices(), tmp_path / "bank")
    (folder / WEIGHTS).write_bytes(b"nothing")
    with pytest.raises(ModelError, match="broken"):
        load_voices(folder)
    (folder / FACTS).write_text("{}")
    load_voices.cache_clear()
    with pytest.raises(ModelError, match="broken"):
        load_voices(folder)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    folder = save_voices(load_voices(), tmp_path / "bank")
    weights = load_file(folder / WEIGHTS)
    weights["synthesis.heads.weight"][0] = np.nan
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(ModelError, match="not finite"):
        load_voices(folder)


def test_render_takes_an_expression():
    expression = express(PIECE)
    plain = render(PIECE, "midi-ddsp", RATE)
    assert np.array_equal(render(PIECE, "midi-ddsp", RATE, expression=expression).samples, plain.samples)
    expression.column("brightness")[:] *= 1.3
    assert not np.allclose(render(PIECE, "midi-ddsp", RATE, expression=expression).samples, plain.samples, atol=1e-3)
    with pytest.raises(OptionError, match="midi-ddsp"):
        render(PIECE, "ddsp", RATE, expression=expression)
