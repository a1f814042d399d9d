"""The definition, the paper's skew and the fast path are the same function."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.attention.relative import (
    distance_logits,
    reference_relative_attention,
    relative_attention,
    skewed_distance_logits,
)
from symbolic_music.models.attention.relative_terms import Buckets, Differences, Relation
from tests.models.attention.attention_arguments import (
    DOUBLE,
    arguments,
    cut_small,
    defined_attention,
    gradients,
    random,
    some_relations,
)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_small(monkeypatch)


def test_three_tokens_by_hand() -> None:
    # One head of width 1, all keys 0: the logit of a key is the embedding of its distance.
    q, k = torch.ones(1, 1, 3, 1), torch.zeros(1, 1, 3, 1)
    v = torch.tensor([1.0, 10.0, 100.0]).view(1, 1, 3, 1)
    embeddings = torch.tensor([0.0, 1.0, 2.0]).log().clamp(min=-99).view(1, 3, 1)  # weights 0, 1, 2
    mixed = relative_attention(q, k, v, embeddings).flatten()
    # The first sees itself alone, the second the first, the third both before it, the farther one twice.
    assert torch.allclose(mixed, torch.tensor([1.0, 1.0, (10.0 + 2 * 1.0) / 3]))


@pytest.mark.parametrize(("length", "keys", "reach"), [(5, 5, 5), (5, 5, 3), (3, 7, 16), (1, 9, 4)])
def test_the_skew_equals_the_definition(length: int, keys: int, reach: int) -> None:
    q, e = random(2, 3, length, 4), random(3, reach, 4)
    past = torch.ones(length, keys, dtype=torch.bool).tril(keys - length)
    slow, fast = distance_logits(q, e, keys), skewed_distance_logits(q, e, keys)
    assert torch.allclose(slow[..., past], fast[..., past], rtol=0, atol=1e-12)


@pytest.mark.usefixtures("small_blocks")
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_reference_and_fast_path_equal_the_definition(data: st.DataObject) -> None:
    batch, heads, length = (data.draw(st.integers(1, n)) for n in (3, 3, 8))
    keys, reach = length + data.draw(st.integers(0, 6)), data.draw(st.integers(1, 16))
    args = arguments(batch, heads, length, keys, reach)
    options: dict[str, Any] = {"window": data.draw(st.none() | st.integers(1, 16))}
    if data.draw(st.booleans()):
        options["extra"] = random(batch, heads, length, keys)
    if data.draw(st.booleans()):
        options["relations"] = some_relations(batch, heads, length, keys, 4)
    window = options["window"] or keys
    expected = defined_attention(
        *args, options.get("extra"), options.get("relations", ()), first=lambda at: max(0, at - window + 1)
    )
    for attention in (reference_relative_attention, relative_attention):
        assert torch.allclose(attention(*args, **options), expected, rtol=0, atol=1e-12), attention


@pytest.mark.usefixtures("small_blocks")
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_gradients_of_the_fast_path_equal_those_of_the_reference(data: st.DataObject) -> None:
    batch, heads, length = (data.draw(st.integers(1, n)) for n in (4, 3, 9))
    keys, reach = length + data.draw(st.integers(0, 6)), data.draw(st.integers(1, 16))
    tensors = arguments(batch, heads, length, keys, reach)
    options: dict[str, Any] = {"window": data.draw(st.none() | st.integers(1, 16))}
    if data.draw(st.booleans()):
        tensors.append(random(batch, heads, length, keys))
    if data.draw(st.booleans()):
        options["relations"] = some_relations(batch, heads, length, keys, 4)
    expected = gradients(reference_relative_attention, tensors, **options)
    for fast, slow in zip(gradients(relative_attention, tensors, **options), expected, strict=True):
        assert torch.allclose(fast, slow, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("keys", "reach"), [(7, 7), (7, 3), (10, 12)])
def test_gradcheck(keys: int, reach: int) -> None:
    relations = some_relations(2, 1, 7, keys, 2)
    tensors = [*arguments(2, 1, 7, keys, reach, 2), random(2, 1, 7, keys), *(r.embeddings for r in relations)]

    def attend(q: Tensor, k: Tensor, v: Tensor, e: Tensor, extra: Tensor, *tables: Tensor) -> Tensor:
        related = [Relation(table, r.buckets) for table, r in zip(tables, relations, strict=True)]
        return relative_attention(q, k, v, e, extra, relations=related)

    assert torch.autograd.gradcheck(attend, tuple(t.requires_grad_() for t in tensors))


@pytest.mark.usefixtures("small_blocks")
def test_gradcheck_with_dropout() -> None:
    tensors = tuple(t.requires_grad_() for t in arguments(1, 2, 7, 8, 5, 2))

    def attend(*tensors: Tensor) -> Tensor:
        torch.manual_seed(0)
        return relative_attention(*tensors, dropout=0.3)

    # Numbers near the gradient's come from forward passes alone: it drops what they dropped.
    assert torch.autograd.gradcheck(attend, tensors)


@pytest.mark.parametrize("length", [5, 70, 600])
def test_float32_in_blocks_of_full_size(length: int) -> None:
    tensors = [t.float() for t in arguments(2, 2, length, length + 30, length // 2, width=16)]
    exact = [t.double() for t in tensors]
    options = {"relations": some_relations(2, 2, length, length + 30, 16)}
    fast = [relative_attention(*tensors), *gradients(relative_attention, tensors)]
    slow = [reference_relative_attention(*exact), *gradients(reference_relative_attention, exact)]
    rough = [reference_relative_attention(*tensors), *gradients(reference_relative_attention, tensors)]
    for ours, theirs, truth in zip(fast, rough, slow, strict=True):
        # About as exact as the reference is in single precision.
        assert (ours - truth).abs().max() < 5 * (theirs - truth).abs().max() + 1e-6
    related = relative_attention(*exact, **options), reference_relative_attention(*exact, **options)
    assert torch.allclose(*related, rtol=0, atol=1e-12)


def weights_of(dropout: float, length: int, batch: int = 1) -> Tensor:
    """Attention weights (B, 1, L, L) that are all 1 / (keys seen), through the fast path, so that drops show."""
    q = torch.zeros(batch, 1, length, length, **DOUBLE)
    v = torch.eye(length, **DOUBLE).expand(batch, 1, -1, -1)
    return relative_attention(q, q, v, torch.zeros(1, 1, length, **DOUBLE), dropout=dropout)


@pytest.mark.parametrize("dropout", [0.1, 0.5, 0.8])
def test_dropout_keeps_the_expectation(dropout: float) -> None:
    torch.manual_seed(0)
    seen = torch.arange(1, 301, **DOUBLE)[:, None]
    kept = (weights_of(dropout, 300, batch=4) * seen)[:, 0][torch.ones(4, 300, 300).tril() > 0]
    assert set((kept * (1 - dropout)).round(decimals=3).tolist()) == {0.0, 1.0}
    # 180,600 weights: five standard deviations.
    deviation = (dropout * (1 - dropout) / len(kept)) ** 0.5
    assert float((kept == 0).double().mean()) == pytest.approx(dropout, abs=5 * deviation)
    assert float(kept.mean()) == pytest.approx(1, abs=5 * deviation / (1 - dropout))


def test_dropout_repeats_with_the_seed_alone() -> None:
    torch.manual_seed(1)
    first, second = weights_of(0.5, 40), weights_of(0.5, 40)
    torch.manual_seed(1)
    assert torch.equal(weights_of(0.5, 40), first)
    assert not torch.equal(first, second)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(threads: int) -> None:
    before, tensors = torch.get_num_threads(), arguments(2, 3, 20, 25, 10)
    found = []
    try:
        for number in (1, threads):
            torch.set_num_threads(number)
            torch.manual_seed(0)
            found.append(gradients(relative_attention, tensors, dropout=0.2, window=15))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, several) for one, several in zip(*found, strict=True))


@pytest.mark.usefixtures("small_blocks")
def test_dropped_weights_are_independent() -> None:
    torch.manual_seed(2)
    dropped = weights_of(0.5, 12, batch=2000)[:, 0] == 0
    past = torch.ones(12, 12).tril() > 0
    rates = dropped[:, past].double().T  # (78 pairs, 2000)
    together = (rates - 0.5) @ (rates - 0.5).T / 2000
    # Covariances of 3,003 pairs, standard deviation 0.25 / sqrt(2000) each.
    assert (together - 0.25 * torch.eye(78, **DOUBLE)).abs().max() < 6 * 0.25 / 2000**0.5


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_impossible_dropout_is_refused(dropout: float) -> None:
    with pytest.raises(ModelError, match="dropout"):
        relative_attention(*arguments(1, 1, 3, 3, 3), dropout=dropout)


def test_a_window_without_keys_is_refused() -> None:
    with pytest.raises(ModelError, match="window"):
        relative_attention(*arguments(1, 1, 3, 3, 3), window=0)


def test_a_batch_of_one_equals_a_slice_of_a_batch() -> None:
    q, k, v, e = arguments(3, 2, 90, 100, 50)
    extra, relations = random(3, 2, 90, 100), some_relations(3, 2, 90, 100, 4)
    whole = relative_attention(q, k, v, e, extra, relations=relations)
    for b in range(3):
        one = slice(b, b + 1)
        everything = (slice(0, 90), slice(0, 100))
        own = [Relation(r.embeddings, Buckets(r.buckets.of(one, *everything))) for r in relations]
        alone = relative_attention(q[one], k[one], v[one], e, extra[one], relations=own)
        assert torch.allclose(whole[one], alone, rtol=0, atol=1e-12)


def test_the_last_queries_alone_equal_the_end_of_all() -> None:
    q, k, v, e = arguments(2, 2, 150, 150, 40)
    whole = relative_attention(q, k, v, e, window=100)
    for last in (1, 2, 97):
        assert torch.allclose(relative_attention(q[:, :, -last:], k, v, e, window=100), whole[:, :, -last:], atol=1e-12)


def test_later_tokens_tell_nothing_and_spoil_nothing() -> None:
    q, k, v, e = arguments(1, 2, 80, 80, 80)
    later = [t.clone() for t in (q, k, v)]
    for t in later:
        t[:, :, 64:] = 1e6 * random(1, 2, 16, 4)
    assert torch.equal(relative_attention(*later, e)[:, :, :64], relative_attention(q, k, v, e)[:, :, :64])


@pytest.mark.usefixtures("small_blocks")
def test_one_batch_element_does_not_spoil_another() -> None:
    tensors = arguments(3, 2, 8, 9, 4)
    expected = gradients(relative_attention, tensors)
    broken = [t.clone() for t in tensors]
    for t in broken[:3]:
        t[0] = float("nan")
    for ours, theirs in zip(gradients(relative_attention, broken)[:3], expected[:3], strict=True):
        assert torch.equal(ours[1:], theirs[1:])


def test_memory_layout_of_the_arguments_does_not_matter() -> None:
    q, k, v, e = arguments(2, 3, 70, 70, 30)
    turned = [t.transpose(1, 2).contiguous().transpose(1, 2) for t in (q, k, v)]
    assert torch.allclose(relative_attention(*turned, e), relative_attention(q, k, v, e), rtol=0, atol=1e-12)
    expected = gradients(reference_relative_attention, [q, k, v, e])
    for fast, slow in zip(gradients(relative_attention, [*turned, e]), expected, strict=True):
        assert torch.allclose(fast, slow, rtol=0, atol=1e-12)


def test_half_precision_is_summed_in_single() -> None:
    q, k, v, e = (t.bfloat16() for t in arguments(2, 2, 90, 90, 90))
    exact = reference_relative_attention(*(t.double() for t in (q, k, v, e)))
    mixed = relative_attention(q, k, v, e)
    assert mixed.dtype == torch.bfloat16
    assert torch.equal(mixed, relative_attention(*(t.float() for t in (q, k, v, e))).bfloat16())
    assert torch.allclose(mixed.double(), exact, rtol=2**-8, atol=1e-3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        single = [t.float().requires_grad_() for t in (q, k, v, e)]
        related = [Relation(r.embeddings.float(), r.buckets) for r in some_relations(2, 2, 90, 90, 4)]
        out = relative_attention(*single, relations=related)
        exact = reference_relative_attention(*(t.double() for t in single), relations=some_relations(2, 2, 90, 90, 4))
        assert torch.allclose(out.double(), exact, rtol=0, atol=1e-5)
        out.sum().backward()
    assert all(t.grad is not None and t.grad.dtype == torch.float32 for t in single)


@given(unit=st.integers(1, 9), reach=st.integers(0, 5), seed=st.integers(0, 99))
def test_buckets_of_differences(unit: int, reach: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    queries, keys = (torch.randint(-50, 50, (2, n), generator=generator) for n in (4, 6))
    whole, real = (
        Differences(a, b, unit, reach).of(slice(1, 2), slice(1, 4), slice(0, 5))
        for a, b in ((queries, keys), (queries.double(), keys.double()))
    )
    assert torch.equal(whole, real)
    for i in range(3):
        for j in range(5):
            steps = (int(queries[1, 1 + i]) - int(keys[1, j])) // unit
            assert whole[0, i, j] == min(max(steps, -reach), reach) + reach


def test_single_precision_finds_the_same_buckets() -> None:
    """What is computed where there are no doubles: every time of the anticipatory ids, in its unit."""
    apart = torch.arange(-10_000, 10_001)
    exact = torch.div(apart, 15, rounding_mode="floor")
    assert torch.equal(apart.float().div(15).floor().long(), exact)
    found = Differences(apart[None], torch.zeros(1, 1).long(), 15, 1000).of(slice(1), slice(None), slice(None))
    assert torch.equal(found[0, :, 0] - 1000, exact)


@pytest.mark.parametrize(("unit", "reach"), [(0, 3), (1, -1)])
def test_impossible_buckets_are_refused(unit: int, reach: int) -> None:
    with pytest.raises(ModelError, match="unit"):
        Differences(torch.zeros(1, 1), torch.zeros(1, 1), unit, reach)


# -- what arguments must not be, and what they may ----------------------------------------------------------


@pytest.mark.parametrize("length", [9, 1], ids=["blocks", "one query"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"q": (2, 9, 4)}, r"q is \(B, H, L, D\) in floating point, not torch.float64 \(2, 9, 4\)"),
        ({"k": (2, 1, 9, 4)}, r"k is \(2, 2, K, 4\) beside this q, not \(2, 1, 9, 4\)"),
        ({"k": (1, 2, 9, 4)}, "k is"),
        ({"k": (2, 2, 9, 3)}, "k is"),
        ({"k": (2, 2, 9)}, "k is"),
        ({"k": (2, 2, 0, 4), "v": (2, 2, 0, 4)}, "more queries than keys"),
        ({"v": (2, 2, 8, 4)}, "v is"),
        ({"v": (2, 2, 9, 5)}, "v is"),
        ({"e": (3, 5, 4)}, "embeddings are"),
        ({"e": (1, 5, 4)}, "embeddings are"),
        ({"e": (2, 0, 4)}, "embeddings are"),
        ({"e": (2, 5, 3)}, "embeddings are"),
        ({"e": (5, 4)}, "embeddings are"),
        ({"extra": (9, 8)}, "extra is"),
        ({"extra": (1, 2, 2, 9, 9)}, "extra is"),
        ({"extra": (4,)}, "extra is"),
        ({"table": (3, 5, 4)}, "embeddings of a relation are"),
        ({"table": (2, 5, 2)}, "embeddings of a relation are"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(length: int, change: dict[str, tuple[int, ...]], message: str) -> None:
    shapes: dict[str, tuple[int, ...]] = {
        "q": (2, 2, length, 4), "k": (2, 2, 9, 4), "v": (2, 2, 9, 4), "e": (2, 5, 4), "table": (2, 5, 4)
    }  # fmt: skip
    shapes |= change
    q, k, v, e = (random(*shapes[name]) for name in "qkve")
    options: dict[str, Any] = {"relations": [Relation(random(*shapes["table"]), Buckets(torch.zeros(2, 9, 9).long()))]}
    if "extra" in shapes:
        options["extra"] = random(*shapes["extra"])
    with pytest.raises(ModelError, match=message):
        relative_attention(q, k, v, e, **options)


def test_more_queries_than_keys_are_refused() -> None:
    for length, keys in ((9, 5), (9, 8)):
        with pytest.raises(ModelError, match="more queries than keys"):
            relative_attention(*arguments(1, 1, length, keys, 3))


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(ModelError, match=r"floating point, not torch\.int64"):
        relative_attention(*(t.long() for t in arguments(1, 1, 3, 3, 3)))


@pytest.mark.parametrize("length", [3, 1])
@pytest.mark.parametrize("options", [{"dropout": 1.0}, {"dropout": -0.1}, {"dropout": float("nan")}, {"window": 0},
                                     {"window": 2.5}])  # fmt: skip
def test_impossible_options_are_refused(length: int, options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=next(iter(options))):
        relative_attention(*arguments(1, 1, length, 3, 3), **options)


@pytest.mark.parametrize(("batch", "length", "keys"), [(0, 9, 9), (0, 1, 9), (2, 0, 9), (2, 0, 0), (0, 0, 0)])
def test_nothing_gives_nothing(batch: int, length: int, keys: int) -> None:
    tensors = arguments(batch, 2, length, keys, 5)
    assert relative_attention(*tensors).shape == tensors[0].shape
    for own, gradient in zip(tensors, gradients(relative_attention, tensors), strict=True):
        assert gradient.shape == own.shape
        assert not gradient.any()


@pytest.mark.parametrize(
    ("batch", "heads", "length", "keys", "reach"),
    [(1, 1, 1, 1, 1), (1, 1, 2, 2, 1), (1, 1, 129, 129, 1), (3, 1, 65, 300, 500), (1, 5, 63, 64, 2)],
)
def test_sizes_at_the_edges_of_blocks(batch: int, heads: int, length: int, keys: int, reach: int) -> None:
    tensors = arguments(batch, heads, length, keys, reach)
    for options in ({}, {"window": 1}, {"window": 64}, {"window": 1 << 60}):
        expected = reference_relative_attention(*tensors, **options)
        assert torch.allclose(relative_attention(*tensors, **options), expected, rtol=0, atol=1e-12)
        slow = gradients(reference_relative_attention, tensors, **options)
        for ours, theirs in zip(gradients(relative_attention, tensors, **options), slow, strict=True):
            assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_views_of_larger_or_fewer_numbers() -> None:
    q, k, v, e = arguments(2, 2, 70, 70, 30, width=6)
    wide = [torch.stack([t, t], dim=-1)[..., 0] for t in (q, k, v, e)]
    same = [t[:1].expand(2, -1, -1, -1) for t in (q, k, v)]
    for views in (wide, [*same, e], [q.flip(2), k.flip(3), v.flip(0), e.flip(1)]):
        copies = [t.clone(memory_format=torch.contiguous_format) for t in views]
        assert torch.allclose(relative_attention(*views), relative_attention(*copies), rtol=0, atol=1e-12)


@pytest.mark.parametrize("length", [9, 1])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_embeddings_may_be_more_exact_than_the_rest(length: int, dtype: torch.dtype) -> None:
    q, k, v, e = arguments(2, 2, length, 9, 5)
    tensors = [*(t.to(dtype) for t in (q, k, v)), e.float()]
    mixed = relative_attention(*tensors)
    assert mixed.dtype == dtype
    exact = reference_relative_attention(*(t.double() for t in tensors))
    assert torch.allclose(mixed.double(), exact, rtol=0.02, atol=0.02)
    kinds = [g.dtype for g in gradients(relative_attention, tensors)]
    assert kinds == [dtype, dtype, dtype, torch.float32]


def test_a_second_derivative_is_refused_and_not_left_out() -> None:
    tensors = [t.requires_grad_() for t in arguments(1, 1, 5, 5, 3)]
    with pytest.raises(ModelError, match="differentiated once; reference_relative_attention"):
        torch.autograd.grad(relative_attention(*tensors).sum(), tensors, create_graph=True)
    (first,) = torch.autograd.grad(reference_relative_attention(*tensors).sum(), tensors[:1], create_graph=True)
    assert torch.autograd.grad(first.square().sum(), tensors[0])[0].any()


def test_shapes_alone_can_be_run() -> None:
    """On the device meta, as tools do that count operations."""
    tensors = [t.to("meta").requires_grad_() for t in arguments(2, 2, 70, 80, 30)]
    mixed = relative_attention(*tensors, window=20)
    assert mixed.shape == (2, 2, 70, 4)
    mixed.sum().backward()
    assert all(t.grad is not None and t.grad.shape == t.shape for t in tensors)


@pytest.mark.filterwarnings("ignore")  # of what torch itself does in compiling
def test_compiled_it_gives_the_same_numbers() -> None:
    tensors = arguments(2, 2, 70, 80, 30)
    compiled = torch.compile(relative_attention, backend="eager")

    def found(attention: Any) -> list[Tensor]:
        torch.manual_seed(0)
        return gradients(attention, tensors, dropout=0.3)

    assert all(torch.equal(a, b) for a, b in zip(found(compiled), found(relative_attention), strict=True))
    # What is dropped is no constant of the compiled function.
    assert not torch.equal(compiled(*tensors, dropout=0.3), compiled(*tensors, dropout=0.3))
