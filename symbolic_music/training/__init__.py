"""Training: typed configurations, the training loop, checkpoints."""

from symbolic_music.training.config import TrainConfig, load_config
from symbolic_music.training.trainer import train

__all__ = ["TrainConfig", "load_config", "train"]
