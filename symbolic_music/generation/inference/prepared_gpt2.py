"""A GPT-2 prepared for sampling: its matrices in the layout of the fastest multiplication."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from symbolic_music.generation.inference.weight_formats import Float32, MakeMatrix, Matrix, matrix_maker
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
            alone; see `weight_formats`, whose functions may be given too. What is looked up by id, and output rows of
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
        make = matrix_maker(weights, network.embedding.weight) if isinstance(weights, str) else weights
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
