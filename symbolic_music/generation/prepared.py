"""A GPT-2 made ready for sampling: its matrices in the form in which they are multiplied by fastest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from symbolic_music.errors import OptionError
from symbolic_music.generation.matrices import Matrix, plain
from symbolic_music.models.gpt2 import GPT2

MakeMatrix = Callable[[Tensor, Tensor | None], Matrix]
Vectors = tuple[Tensor, Tensor]  # weight and bias of a layer norm
_MAKERS: dict[str, MakeMatrix] = {"float32": plain}


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
    """See the module's docstring.

    Args:
        network: its weights are used as they are now, and not changed.
        weights: how matrices are kept.

    Raises:
        OptionError: for another kind of weights.
    """

    def __init__(self, network: GPT2, weights: str = "float32") -> None:
        if weights not in _MAKERS:
            raise OptionError(f"no weights of kind {weights!r}: choose from {', '.join(_MAKERS)}")
        make, c = _MAKERS[weights], network.config
        self.config = c
        tensors = {name: parameter.detach() for name, parameter in network.named_parameters()}
        self.embedding, self.position = tensors["embedding.weight"], tensors["position.weight"]
        self.norm: Vectors = (tensors["norm.weight"], tensors["norm.bias"])
        self.output = make(self.embedding, None)

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
