"""Devices, precision and processes, by Lightning Fabric."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from symbolic_music.errors import MissingExtraError, TrainingError
from symbolic_music.models.loading import resolve_device
from symbolic_music.training.base_config import EngineConfig
from symbolic_music.training.run.sharding import shard

if TYPE_CHECKING:
    from symbolic_music.training.task import Losses, Task


class Objective(nn.Module):
    """A task's loss as the `forward` of a module, which is what wrappers for several processes follow."""

    def __init__(self, task: Task, network: nn.Module) -> None:
        super().__init__()
        self.task, self.network = task, network

    def forward(self, *tensors: Tensor) -> Losses:
        """The loss of a batch, as the task has it."""
        return self.task.loss(self.network, *tensors)


def fabric_of(config: EngineConfig) -> Any:
    """A launched Fabric: one process, or those that torchrun has started (RANK, WORLD_SIZE, ...).

    Raises:
        MissingExtraError: when lightning-fabric is not installed.
        TrainingError: when the device is unavailable or lacks the precision, or one process is to be sharded.
    """
    try:
        from lightning_fabric import Fabric
    except ImportError:
        raise MissingExtraError("lightning-fabric", "train") from None
    device = resolve_device(config.device).type
    if device == "mps" and config.precision != "32-true":
        raise TrainingError(f"precision {config.precision} is for cpu and cuda, not for mps")
    if device == "cpu" and config.precision == "16-mixed":
        raise TrainingError("precision 16-mixed is for cuda; on the CPU use bf16-mixed")
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    world = int(os.environ.get("WORLD_SIZE", "1"))
    strategy: Any = "ddp" if world > 1 else "auto"
    if config.sharded:
        if world == 1:
            raise TrainingError("engine.sharded divides a model among processes; start several, by torchrun")
        from lightning_fabric.strategies.model_parallel import ModelParallelStrategy

        strategy = ModelParallelStrategy(shard, data_parallel_size=world, tensor_parallel_size=1)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # no message for requested settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Fabric's advice on settings that we choose on purpose
        fabric = Fabric(
            accelerator="gpu" if device == "cuda" else device,
            devices=local if world > 1 else 1,
            num_nodes=max(1, world // local),
            strategy=strategy,
            plugins=_precision(config.precision, device),
        )
        fabric.launch()
    return fabric


def _precision(name: str, device: str) -> Any:
    """Fabric's precision; of mixed ones the inputs stay as they are, as sound in bfloat16 has 8 bits."""
    from lightning_fabric.plugins import MixedPrecision, Precision

    class Mixed(MixedPrecision):
        def convert_input(self, data: Any) -> Any:
            return data

    return Precision() if name == "32-true" else Mixed(cast("Any", name), device)


def in_full_precision(device: torch.device) -> AbstractContextManager[object]:
    """No autocast within, also where a run has mixed precision."""
    available = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if available else nullcontext()


def leave(fabric: Any) -> None:
    """Wait for the other processes and part from them; a process that ends otherwise may abort."""
    if fabric.world_size > 1 and torch.distributed.is_initialized():
        fabric.barrier()
        torch.distributed.destroy_process_group()


def recompute_blocks(network: nn.Module) -> None:
    """Forget the activations of the network's `blocks`, and compute them again in the backward pass.

    TrainingError when it has none.
    """
    blocks = getattr(network, "blocks", None)
    if blocks is None:
        raise TrainingError(f"{type(network).__name__} has no blocks to recompute; set engine.recompute to false")
    for block in cast("Iterable[Any]", blocks):
        block.forward = _recomputed(block.forward)


def _recomputed(forward: Any) -> Any:
    def run(*inputs: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*inputs)
        return checkpoint(forward, *inputs, use_reentrant=False)

    return run


def random_states(fabric: Any) -> dict[str, Tensor]:
    """States of torch's generators of every process: `cpu.RANK`, and `cuda.RANK` where it has one."""
    own = {"cpu": torch.get_rng_state()}
    if fabric.device.type == "cuda":
        own["cuda"] = torch.cuda.get_rng_state(fabric.device)
    found: dict[str, Tensor] = {}
    for name, state in own.items():
        gathered = [state.to(fabric.device)]
        if fabric.world_size > 1:
            sent, gathered = gathered[0], [torch.empty_like(gathered[0]) for _ in range(fabric.world_size)]
            torch.distributed.all_gather(gathered, sent)
        found |= {f"{name}.{rank}": one.cpu() for rank, one in enumerate(gathered)}
    return found


def set_random_states(fabric: Any, states: dict[str, Tensor]) -> None:
    """Put back what `random_states` found, as far as this process has it."""
    cpu, cuda = states.get(f"cpu.{fabric.global_rank}"), states.get(f"cuda.{fabric.global_rank}")
    if cpu is not None:
        torch.set_rng_state(cpu)
    if cuda is not None and fabric.device.type == "cuda":
        torch.cuda.set_rng_state(cuda, fabric.device)
