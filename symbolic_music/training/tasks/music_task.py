"""The shared part of tasks whose model writes music."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from torch import nn
from typing_extensions import override

from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.models.model import Card, Model, save_model
from symbolic_music.training.run.model_cards import card_of
from symbolic_music.training.run.run_log import write_sample
from symbolic_music.training.task import Task


class EventTask(Task, ABC):
    """The half of a `Task` that saves and listens."""

    @override
    def save(self, network: nn.Module, found: Likelihood, step: int, folder: Path) -> Card:
        card = card_of(self.config, network, found, step)
        save_model(self.model(network, card), folder)
        return card

    @override
    def sample(self, network: nn.Module, step: int, folder: Path) -> None:
        """Music from nothing."""
        model = self.model(network, card_of(self.config, network, Likelihood(), step))
        write_sample(model, step, folder, self.config.sample_seconds, self.config.seed)

    @abstractmethod
    def model(self, network: nn.Module, card: Card) -> Model[Any]:
        """The network as a model that writes."""
