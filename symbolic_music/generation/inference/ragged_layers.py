"""The layers of networks of the public families, over a flat table of new positions of several pieces.

A network's own `forward` has batches of pieces of one length; here attention is given from outside, so that pieces may
have different lengths: see `ragged_families`. Shapes: N new positions, H heads, h heads of the keys, D head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from symbolic_music.generation.inference.quantised_models import lightened
from symbolic_music.generation.inference.weight_formats import Float32
from symbolic_music.models.architectures.aria import Aria
from symbolic_music.models.architectures.gpt2 import GPT2
from symbolic_music.models.architectures.midi_llm import MidiLlm, TextConditioned
from symbolic_music.models.architectures.skytnt import SkyTnt
from symbolic_music.models.modules.llama_block import LlamaBlock
from symbolic_music.models.modules.rotary import Stretch, turned, turns

Item = TypeVar("Item", contravariant=True)
_PLAIN = Stretch()


class Mix(Protocol):
    """Attention of a layer: queries (N, H, D), keys and values (N, h, D), which are kept, to (N, H D)."""

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """See the class."""
        ...


class Stack(Protocol[Item]):
    """The layers of a network.

    `opening` is what stands before all pieces, embedded (T, width); `like` a tensor of the type and device of the keys.
    """

    layers: int
    key_heads: int
    head_width: int
    context: int
    like: Tensor
    opening: Tensor | None

    def embedded(self, items: Sequence[Item]) -> Tensor:
        """(N, width) of what is read at N positions."""
        ...

    def states(self, x: Tensor, places: Tensor, mix: Mix) -> Tensor:
        """Final states (N, width) of what is embedded at some places (N,)."""
        ...

    def logits(self, states: Tensor, first: int, last: int) -> Tensor:
        """Logits (N, last - first) of the ids first..last - 1 after final states."""
        ...


def memory_of(stack: Stack[Any]) -> int:
    """Bytes of the keys and values of a full window."""
    return 2 * stack.layers * stack.key_heads * stack.head_width * stack.context * stack.like.element_size()


class _Llama(Stack[Item]):
    """Blocks of the Llama family, as three of the families have them."""

    opening: Tensor | None = None

    def __init__(self, network: Any, key_heads: int, stretch: Stretch = _PLAIN) -> None:
        c = network.config
        self._blocks, self._norm, self._base, self._stretch = network.blocks, network.norm, c.base, stretch
        self.layers, self.context, self.key_heads, self.head_width = c.layers, c.context, key_heads, c.width // c.heads
        self._heads = c.heads
        self._embedding, self.like = network.embedding, network.embedding.weight
        head = network.head
        self._head = Float32(network.embedding.weight if head is None else head.weight)

    @override
    def embedded(self, items: Sequence[Item]) -> Tensor:
        return torch.as_tensor(self._embedding(torch.tensor(items, device=self.like.device)))

    @override
    def states(self, x: Tensor, places: Tensor, mix: Mix) -> Tensor:
        cosine, sine = turns(places, self.head_width, self._base, self._stretch)
        turn = cosine.to(x.dtype)[:, None], sine.to(x.dtype)[:, None]  # (N, 1, D)
        scale = self.head_width**-0.5
        sizes = [self._heads, self.key_heads, self.key_heads]
        for number, block in enumerate(self._blocks):
            assert isinstance(block, LlamaBlock)  # also where its linear layers are light
            parts = block.attention.query_key_value(block.attention_norm(x)).view(len(x), sum(sizes), -1)
            q, k, v = parts.split(sizes, dim=1)
            x = x + block.attention.out(mix(number, turned(q, *turn), turned(k, *turn), v, scale))
            x = x + block.feed_forward(block.feed_forward_norm(x))
        return torch.as_tensor(self._norm(x))

    @override
    def logits(self, states: Tensor, first: int, last: int) -> Tensor:
        return self._head.rows(first, last)(states)


class AriaStack(_Llama[int]):
    """Of an `Aria`."""

    def __init__(self, network: Aria) -> None:
        super().__init__(network, network.config.heads)


class RowStack(_Llama[Sequence[int]]):
    """Of a `SkyTnt`, over rows, whose ids' embeddings are summed."""

    def __init__(self, network: SkyTnt) -> None:
        super().__init__(network, network.config.heads)

    @override
    def embedded(self, items: Sequence[Sequence[int]]) -> Tensor:
        return super().embedded(items).sum(-2)


class MidiLlmStack(_Llama[int]):
    """Of a `MidiLlm`, after a text (1, T)."""

    def __init__(self, network: MidiLlm, text: Tensor | None = None) -> None:
        c = network.config
        super().__init__(network, c.key_heads, Stretch(c.stretch, c.low, c.high, c.original))
        if text is not None and text.shape[1]:
            self.opening = network.text_embedding(network.checked(text)[0]).detach()


class GPT2Stack(Stack[int]):
    """Of a `GPT2` of any ids."""

    opening = None

    def __init__(self, network: GPT2) -> None:
        c = network.config
        # Matrices that are plain ones yet are multiplied as is fastest for few vectors.
        first: Any = network.blocks[0]
        light: Any = lightened(network, Float32) if isinstance(first.attention.out, nn.Linear) else network
        self._blocks, self._norm = light.blocks, light.norm
        self._embedding, self._position = network.embedding, network.position
        self.layers, self.context, self.key_heads, self.head_width = c.layers, c.context, c.heads, c.width // c.heads
        self.like, self._head = network.embedding.weight, Float32(network.output_matrix)

    @override
    def embedded(self, items: Sequence[int]) -> Tensor:
        return torch.as_tensor(self._embedding(torch.tensor(items, device=self.like.device)))

    @override
    def states(self, x: Tensor, places: Tensor, mix: Mix) -> Tensor:
        x = x + self._position(places)
        for number, block in enumerate(self._blocks):
            attention, inner = block.attention, block.feed_forward
            parts = attention.query_key_value(block.attention_norm(x))
            q, k, v = parts.view(len(x), 3, self.key_heads, -1).unbind(1)
            x = x + attention.out(mix(number, q, k, v, attention.scale))
            x = x + inner.out(functional.gelu(inner.inner(block.feed_forward_norm(x)), approximate="tanh"))
        return torch.as_tensor(self._norm(x))

    @override
    def logits(self, states: Tensor, first: int, last: int) -> Tensor:
        return self._head.rows(first, last)(states)


@singledispatch
def stack_of(network: Any) -> Stack[int] | None:
    """The stack of a network that reads one id at a position; None where it has none. Register others: `.register`."""
    return None


@stack_of.register
def _(network: Aria) -> Stack[int] | None:
    return AriaStack(network)


@stack_of.register
def _(network: GPT2) -> Stack[int] | None:
    return GPT2Stack(network)


@stack_of.register
def _(network: MidiLlm) -> Stack[int] | None:
    return MidiLlmStack(network)


@stack_of.register
def _(network: TextConditioned) -> Stack[int] | None:
    return MidiLlmStack(network.network, network.text)
