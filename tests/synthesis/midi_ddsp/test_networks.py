import torch

from symbolic_music.synthesis.midi_ddsp.networks import Shape, VoiceNetworks, from_normal, places, to_normal

SHAPE = Shape(voices=3, hidden=32, context=16, partials=10, bands=9)


def networks() -> VoiceNetworks:
    torch.manual_seed(0)
    return VoiceNetworks(SHAPE).eval()


def asked(count: int) -> torch.Tensor:
    return torch.tensor([[-10.0, 4, 0.05, 3, -60, 0.3]]).expand(count, -1)


def test_a_note_does_not_know_its_neighbours():
    nets = networks().synthesis
    since = torch.arange(20)[None].expand(2, -1) * 0.006
    both = nets(
        torch.tensor([0, 2]), torch.tensor([50.0, 70]), torch.tensor([0.1, 0.05]), asked(2), since,
        torch.tensor([False, True]),
    )  # fmt: skip
    one = nets(torch.tensor([2]), torch.tensor([70.0]), torch.tensor([0.05]), asked(1), since[:1], torch.tensor([True]))
    for many, single in zip(both, one, strict=True):
        assert torch.allclose(many[1:], single, atol=1e-5)


def test_level_and_noise_are_relative_to_the_volume():
    nets, since = networks().synthesis, torch.arange(5)[None] * 0.006
    louder = asked(1) + torch.tensor([6.0, 0, 0, 0, 6, 0])
    note = torch.tensor([1]), torch.tensor([60.0]), torch.tensor([0.5])
    struck = torch.tensor([False])
    for a, b in zip(nets(*note, asked(1), since, struck), nets(*note, louder, since, struck), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_a_struck_string_does_not_know_when_it_is_let_go():
    nets, since = networks().synthesis, torch.arange(9)[None] * 0.1
    found = [
        nets(torch.tensor([0]), torch.tensor([60.0]), torch.tensor([held]), asked(1), since, torch.tensor([True]))
        for held in (0.1, 2.0)
    ]
    assert torch.equal(found[0].level, found[1].level)


def test_the_decoder_is_local():
    nets = networks().decoder
    pitch, loud = torch.full((1, 100), 60.0), torch.full((1, 100), -20.0)
    changed = loud.clone()
    changed[0, 0] = -60
    a, b = nets(torch.tensor([0]), pitch, loud), nets(torch.tensor([0]), pitch, changed)
    assert not torch.allclose(a.level[0, :20], b.level[0, :20])
    assert torch.equal(a.level[0, 32:], b.level[0, 32:])


def test_controls_come_back():
    assert torch.allclose(from_normal(to_normal(asked(2))), asked(2), atol=1e-5)


def test_time_left_and_time_gone_are_apart():
    found = places(torch.tensor([[0.0, 0.2, 0.4]]), torch.tensor([0.3]), torch.tensor([False]))
    left, gone = found[0, :, 22:32].sum(-1), found[0, :, 32:42].sum(-1)
    assert left[0] > 0
    assert left[2] == 0
    assert gone[0] == 0
    assert gone[2] > 0
