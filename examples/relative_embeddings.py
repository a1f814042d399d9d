"""What the chorale model's heads look at, averaged over Bach: python examples/relative_embeddings.py [out.png]"""

import sys

import numpy as np
import torch
from music21 import corpus

import symbolic_music as sm
from symbolic_music.corpora.windows.edit_examples import padded, rows
from symbolic_music.generation.views.part_assignment import assign_parts, shown
from symbolic_music.io import from_music21
from symbolic_music.models.attention_logits import relative_logits
from symbolic_music.plotting import relative_embeddings, save_figure

model = sm.load_model("chorales")
tables = []
for number in ("90.5", "153.1", "66.6", "269", "277", "281"):
    score = from_music21(corpus.parse(f"bach/bwv{number}"))
    events = shown(score, score.notes, assign_parts(score, [], model), model.view)
    tables.append(rows(events, np.zeros(len(events), bool)))
table = torch.from_numpy(padded(tables, model.network.config.window))
layers = relative_logits(model.network.eval(), lambda: model.network.losses(table))
unit = model.network.config.time_unit / 15  # a 16th is 15 steps of 10 ms at the model's 100 quarters a minute
figure = relative_embeddings(
    layers, [("16ths before (left) and after", unit)], "Relative logits of the chorale model, mean over six chorales"
)
print(save_figure(figure, sys.argv[1] if len(sys.argv) > 1 else "relative_embeddings.png"))
