"""Linear layers for sampling: few vectors at a time, so reading the weights dominates.

Of what torch offers, measured on a CPU with two cores for the 85 M weights of a GPT-2 of 128 M (ms for all, one vector
and eight; `benchmarks/sampling.py kernels`):

- float32: oneDNN's product reads plain weights as fast as `linear` at one vector and twice as fast at eight; weights in
  the order that it chooses for eight vectors it reads 1.4 times as fast again, at one and at eight.
- float16: FBGEMM's product of halves with float32 vectors, a third of the time at one vector.
- bfloat16: torch's product; fast where the processor has instructions for it, and with many vectors.
- int8: `torch._weight_int8pack_mm` with bfloat16 vectors is weight-only and treats each vector by itself. Dynamic
  quantisation (`torch.ops.quantized.linear_dynamic`) is faster, but rounds the vectors too, and with one scale for all
  of them: what one alternative draws would depend on the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional
from typing_extensions import override

from symbolic_music.errors import OptionError
from symbolic_music.models.modules.few_rows_linear import HAS_ONEDNN, MANY, few_rows_product


class Matrix(Protocol):
    """W x + b for rows of vectors."""

    def __call__(self, x: Tensor) -> Tensor:
        """(N, in) to (N, out), float32."""
        ...

    def take(self, index: Tensor) -> Matrix:
        """The outputs of an index (n,) alone, copied."""
        ...


class Float32(Matrix):
    """The matrix of the network, without a copy.

    Args:
        weight: (out, in).
        bias: (out,) or None.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, x: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        found = few_rows_product(x, self.weight, self.bias)
        return functional.linear(x, self.weight, self.bias) if found is None else found

    def rows(self, first: int, last: int) -> Float32:
        """The outputs first..last - 1 alone; weights are shared."""
        return Float32(self.weight[first:last], None if self.bias is None else self.bias[first:last])

    @override
    def take(self, index: Tensor) -> Float32:
        index = index.to(self.weight.device)
        return Float32(self.weight[index], None if self.bias is None else self.bias[index])


class Packed(Matrix):
    """The same numbers in the order in which oneDNN reads them fastest, on the CPU.

    Args, memory: as `Float32`; as much memory again, besides the network's while that is kept.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self._bias = bias
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _PACKED_FOR)

    def __call__(self, x: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        return torch.as_tensor(torch.ops.mkldnn._linear_pointwise(x, self._packed, self._bias, "none", [], ""))

    @override
    def take(self, index: Tensor) -> Packed:
        return Packed(self._packed.to_dense()[index], None if self._bias is None else self._bias[index])


class Float16(Matrix):
    """Weights rounded to halves, multiplied in float32, on the CPU.

    Args, memory: as `Float32`; half of its memory, besides the network's while that is kept.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self._bias = bias
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight, bias)

    def __call__(self, x: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        return torch.as_tensor(torch.ops.quantized.linear_dynamic_fp16(x, self._packed))

    @override
    def take(self, index: Tensor) -> Float16:
        weight = torch.ops.quantized.linear_unpack_fp16(self._packed)[0]
        return Float16(weight[index], None if self._bias is None else self._bias[index])


class BFloat16(Matrix):
    """Weights and vectors rounded to bfloat16, and so is what comes out.

    Args, memory: as `Float16`.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self._weight, self._bias = weight.to(torch.bfloat16), bias

    def __call__(self, x: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        out = functional.linear(x.to(torch.bfloat16), self._weight).float()
        return out if self._bias is None else out + self._bias

    @override
    def take(self, index: Tensor) -> BFloat16:
        return BFloat16(self._weight[index], None if self._bias is None else self._bias[index])


class Int8(Matrix):
    """Weights rounded to whole numbers in -127..127 times a scale for each row, on the CPU.

    Few vectors are rounded to bfloat16 and so are what comes out; for many the weights are turned back into float32.

    Args, memory: as `Float32`; a quarter of its memory besides the network's.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        scales = weight.abs().amax(dim=1).clamp(min=1e-12) / 127
        self._set((weight / scales[:, None]).round().to(torch.int8), scales, bias)

    def _set(self, whole: Tensor, scales: Tensor, bias: Tensor | None) -> None:
        self._whole, self._scales, self._bias = whole, scales, bias
        self._scales16 = scales.to(torch.bfloat16)

    def __call__(self, x: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        # The kernel reads vectors in sixteens, and past the end of others.
        if len(x) >= MANY or x.shape[1] % 16:
            return functional.linear(x, self._whole * self._scales16.float()[:, None], self._bias)
        out = torch._weight_int8pack_mm(x.to(torch.bfloat16), self._whole, self._scales16).float()
        return out if self._bias is None else out + self._bias

    @override
    def take(self, index: Tensor) -> Int8:
        taken = object.__new__(Int8)
        taken._set(self._whole[index], self._scales[index], None if self._bias is None else self._bias[index])
        return taken


MakeMatrix = Callable[[Tensor, Tensor | None], Matrix]


def packed_where_possible(weight: Tensor, bias: Tensor | None = None) -> Matrix:
    """A `Packed` on a CPU with oneDNN, elsewhere a `Float32`."""
    is_plain = weight.device.type == "cpu" and weight.dtype == torch.float32
    return Packed(weight, bias) if is_plain and CAN_PACK else Float32(weight, bias)


# As for this many vectors; what oneDNN chooses for one is the plain order.
_PACKED_FOR = 8
CAN_PACK = HAS_ONEDNN and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
WEIGHTS: dict[str, MakeMatrix] = {"float32": Float32, "float16": Float16, "bfloat16": BFloat16, "int8": Int8}


def matrix_maker(weights: str, table: Tensor) -> MakeMatrix:
    """What makes matrices in a format, for a network with this table of embeddings.

    Raises:
        OptionError: for an unknown format, or one that this device or type has not.
    """
    if weights not in WEIGHTS:
        raise OptionError(f"no weights of kind {weights!r}: choose from {', '.join(WEIGHTS)}")
    if weights != "float32" and (table.device.type != "cpu" or table.dtype != torch.float32):
        raise OptionError(f"weights of kind {weights!r} need a float32 network on the CPU")
    return WEIGHTS[weights]
