"""A GPT-2 prepared for sampling: its matrices in the layout of the fastest multiplication."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.errors import OptionError
from symbolic_music.generation.inference.fastest_weights import fastest_weights
from symbolic_music.generation.inference.light_network import FAMILIES, lighten, lightened
from symbolic_music.generation.inference.linear import WEIGHTS, Float32, MakeMatrix, Matrix, packed_where_possible
from symbolic_music.models import Model
from symbolic_music.models.architectures.gpt2 import GPT2
from symbolic_music.tokenizers.anticipation import vocabulary as v

Vectors = tuple[Tensor, Tensor]  # weight and bias of a layer norm


@dataclass(frozen=True)
class Layer:
    """One block: two norms, four matrices, and what the products of queries and keys are multiplied by."""

    attention_norm: Vectors
    query_key_value: Matrix
    out: Matrix
    feed_forward_norm: Vectors
    inner: Matrix
    outer: Matrix
    scale: float


class PreparedGPT2:
    """A GPT-2 prepared for sampling: its matrices in the layout of the fastest multiplication.

    Args:
        network: its weights are used as they are now, and not changed.
        weights: how matrices are kept: float32 as they are, or float16, bfloat16 or int8 besides them, on the CPU
            alone; see `linear`, whose functions may be given too. What is looked up by id, and the output rows of
            times, stay as they are.

    Raises:
        OptionError: for another kind of weights, or one that this device or type has not.

    Examples:
        >>> config = sm.models.GPT2Config(width=32, layers=2, heads=2)
        >>> network = sm.models.GPT2(config).eval()  # of random weights; `load_pretrained` gives trained ones
        >>> request = sm.generation.Request(end=100, instruments=(0,))  # a second of piano
        >>> prepared = sm.generation.PreparedGPT2(network, "int8")
        >>> len(sm.generation.sample_anticipation(prepared, request))
        1
    """

    def __init__(self, network: GPT2, weights: str | MakeMatrix = "float32") -> None:
        make = _maker(weights, network.embedding.weight) if isinstance(weights, str) else weights
        c = network.config
        self.config = c
        tensors = {name: parameter.detach() for name, parameter in network.named_parameters()}
        self.embedding, self.position = tensors["embedding.weight"], tensors["position.weight"]
        self.norm: Vectors = (tensors["norm.weight"], tensors["norm.bias"])
        matrix = network.output_matrix.detach()
        self.output = Float32(matrix)
        self.durations = make(matrix[v.DURATION : v.NOTE], None)
        self.notes = make(matrix[v.NOTE : v.REST + 1], None)

        def vectors(i: int, name: str) -> Vectors:
            return tensors[f"blocks.{i}.{name}.weight"], tensors[f"blocks.{i}.{name}.bias"]

        self.layers = [
            Layer(
                attention_norm=vectors(i, "attention_norm"),
                query_key_value=make(*vectors(i, "attention.query_key_value")),
                out=make(*vectors(i, "attention.out")),
                feed_forward_norm=vectors(i, "feed_forward_norm"),
                inner=make(*vectors(i, "feed_forward.inner")),
                outer=make(*vectors(i, "feed_forward.out")),
                scale=(c.width // c.heads) ** -0.5 / (i + 1 if c.scale_by_layer else 1),
            )
            for i in range(c.layers)
        ]

    def normed(self, x: Tensor, vectors: Vectors) -> Tensor:
        """Layer norm of (N, width)."""
        return functional.layer_norm(x, x.shape[1:], *vectors, self.config.epsilon)


def with_weights(model: Model[Any], weights: str) -> Model[Any]:
    """A model of a public family with weights in another format, for sampling: see `PreparedGPT2`.

    Args:
        model: not changed; it need not be kept.
        weights: float32, in the order that is read fastest; float16, bfloat16 or int8; auto for the fastest on this
            machine, which is measured once for these shapes (`fastest_weights`). What is drawn then depends on the
            machine.

    Raises:
        OptionError: when its network is of none of these families, and as `PreparedGPT2`.

    Examples:
        >>> network = sm.models.GPT2(sm.models.GPT2Config(width=32, layers=2, heads=2)).eval()
        >>> model = sm.models.Model(network, sm.models.Card("small", 1, "CC0-1.0", "none"))
        >>> sm.generation.with_weights(model, "int8").card.name
        'small'
    """
    network = model.network
    if not isinstance(network, FAMILIES):
        raise OptionError(
            f"model {model.card.name!r} has no {weights} weights: they are for models of the public families"
        )
    if weights == "auto":
        weights = fastest_weights(network)
    make = _maker(weights, network.embedding.weight)
    make = packed_where_possible if weights == "float32" else make
    if isinstance(network, GPT2) and network.config.vocabulary == v.SIZE:
        return replace(model, network=PreparedGPT2(network, make))
    return replace(model, network=lightened(network, make))


def packed(model: Model[Any]) -> Model[Any]:
    """The model, of a public family that edits by its ids, with float32 weights in the order that is read fastest.

    Its network is changed: nothing but sampling can be done with it afterwards.
    """
    network = model.network
    if isinstance(network, FAMILIES) and not (isinstance(network, GPT2) and network.config.vocabulary == v.SIZE):
        lighten(network, packed_where_possible)
    return model


def _maker(weights: str, table: Tensor) -> MakeMatrix:
    """What makes matrices of a kind, for a network with this table of embeddings."""
    if weights not in WEIGHTS:
        raise OptionError(f"no weights of kind {weights!r}: choose from {', '.join(WEIGHTS)}")
    if weights != "float32" and (table.device.type != "cpu" or table.dtype != torch.float32):
        raise OptionError(f"weights of kind {weights!r} need a float32 network on the CPU")
    return WEIGHTS[weights]
