"""Model folders on the Hugging Face hub.

    HubModel(model).push_to_hub("owner/name")
    model = HubModel.from_pretrained("owner/name").model

`save_pretrained(folder)` and `from_pretrained(folder)` do the same with a folder. Imported where it is used: it needs
huggingface_hub.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from symbolic_music.errors import MissingExtraError
from symbolic_music.models.checkpoints.config_and_weights import WEIGHTS
from symbolic_music.models.checkpoints.hub_download import download
from symbolic_music.models.loading import load_model
from symbolic_music.models.model import Model
from symbolic_music.models.saving import save_model

try:
    from huggingface_hub import PyTorchModelHubMixin
except ImportError:
    raise MissingExtraError("huggingface_hub", "hub") from None


class HubModel(nn.Module, PyTorchModelHubMixin, library_name="symbolic-music", tags=["music", "midi"]):
    """A model whose folder can be pushed to the hub and pulled from it; as a module it is its network.

    Unlike the mixin's own, it reads safetensors alone: where a repository has none, it is refused.
    """

    def __init__(self, model: Model[Any]) -> None:
        super().__init__()
        self.model = model
        self.network = model.network

    def forward(self, *args: Any) -> Any:
        """The output of the network."""
        return self.network(*args)

    def _save_pretrained(self, save_directory: Path) -> None:
        save_model(self.model, save_directory)

    @classmethod
    def from_pretrained(  # type: ignore[override]  # of its other options we take one
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        revision: str | None = None,
        device: str = "auto",
    ) -> HubModel:
        """The model of a folder, or of a repository on the hub. Errors as `load_model`."""
        folder = Path(pretrained_model_name_or_path)
        if not folder.is_dir():
            folder = download(
                str(pretrained_model_name_or_path),
                [WEIGHTS],
                revision,
                force_download=force_download,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
            )
        return cls(load_model(folder, device))
