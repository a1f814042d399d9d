"""Residual quantisation: exact codes, gradients through the sum of the levels, codebooks that learn."""

from __future__ import annotations

import pytest
import torch

from symbolic_music.codec.autoencoder.residual_vq import LearningQuantiser, Quantiser
from symbolic_music.errors import ModelError


def small() -> Quantiser:
    made = Quantiser(2, 2, 2)
    made.codebooks.copy_(torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.25, 0.0], [0.0, -0.25]]]))
    return made


def test_each_codebook_codes_what_the_last_left() -> None:
    vectors = torch.tensor([[[1.2, 0.0], [0.0, 0.8]]])
    codes = small().encode(vectors)
    assert codes.tolist() == [[[0, 1], [0, 1]]]
    assert small().decode(codes).tolist() == [[[1.25, 0.0], [0.0, 0.75]]]
    assert small().encode(vectors, 1).tolist() == [[[0, 1]]]
    assert small().decode(codes[:, :1]).tolist() == [[[1.0, 0.0], [0.0, 1.0]]]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match="1 to 2 codebooks, not 3"):
        small().decode(torch.zeros(1, 3, 4, dtype=torch.long))
    with pytest.raises(ModelError, match=r"0\.\.1, not 0\.\.2"):
        small().decode(torch.tensor([[[0, 2]]]))
    with pytest.raises(ModelError, match="not 0"):
        small().encode(torch.zeros(1, 1, 2), 0)


def learning(dropout: bool = False) -> LearningQuantiser:
    torch.manual_seed(0)
    return LearningQuantiser(3, 8, 4, 256, dropout=dropout)


def test_gradients_pass_as_if_nothing_were_quantised() -> None:
    quantiser = learning().train()
    quantiser(torch.randn(4, 50, 4))
    vectors = torch.randn(2, 10, 4, requires_grad=True)
    weights = torch.randn(2, 10, 4)
    (quantiser(vectors).vectors * weights).sum().backward()
    assert vectors.grad is not None
    torch.testing.assert_close(vectors.grad, weights)


def test_commitment_pulls_each_level_s_input_towards_its_entry() -> None:
    quantiser = learning().train()
    quantiser(torch.randn(4, 50, 4))
    quantiser.eval()
    vectors = torch.randn(2, 10, 4, requires_grad=True)
    found = quantiser(vectors)
    tables, rest, wanted = quantiser.learnt().codebooks, vectors.detach(), 0.0
    for level in range(3):
        entry = tables[level][found.codes[:, level]]
        wanted += float((rest - entry).square().mean()) / 3
        rest = rest - entry
    assert float(found.commitment.detach()) == pytest.approx(wanted, rel=1e-5)
    found.commitment.backward()
    assert vectors.grad is not None
    assert vectors.grad.abs().sum() > 0


def test_what_is_learnt_codes_the_same() -> None:
    quantiser = learning().train()
    for _ in range(5):
        quantiser(torch.randn(4, 50, 4))
    quantiser.eval()
    vectors = torch.randn(2, 30, 4)
    found, plain = quantiser(vectors), quantiser.learnt()
    assert torch.equal(found.codes, plain.encode(vectors))
    torch.testing.assert_close(plain.decode(found.codes), found.vectors)


def test_codebooks_learn_and_dead_codes_come_back() -> None:
    quantiser = learning().train()
    centres = torch.tensor([[4.0, 0, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0], [0, 0, 0, 4]])
    first = quantiser(torch.zeros(1, 64, 4) + 0.01 * torch.randn(1, 64, 4)).codes
    assert len(first.unique()) <= 8
    for _ in range(60):
        batch = centres[torch.randint(0, 4, (256,))] + 0.05 * torch.randn(256, 4)
        quantiser(batch[None])
    quantiser.eval()
    vectors = centres[None] + 0.0
    assert (quantiser(vectors).vectors - vectors).abs().max() < 0.5  # of 4, a level's averages being slow


def test_dropout_leaves_levels_out_while_training_alone() -> None:
    quantiser = learning(dropout=True).train()
    counts = {int((quantiser(torch.randn(1, 40, 4)).codes[0, :, 0] >= 0).sum()) for _ in range(40)}
    assert counts == {1, 2, 3}
    quantiser.eval()
    assert (quantiser(torch.randn(1, 40, 4)).codes >= 0).all()


def test_a_batch_of_fewer_vectors_than_entries_keeps_what_other_batches_use() -> None:
    torch.manual_seed(0)
    quantiser = LearningQuantiser(1, 64, 4, 32, dropout=False).train()
    batches = torch.randn(2, 1, 32, 4)
    quantiser.start(batches.flatten(0, 2)[None])
    for i in range(41):
        quantiser(batches[i % 2])
    found = quantiser.eval()(batches[1]).vectors
    torch.testing.assert_close(found, batches[1], atol=1e-4, rtol=0)
