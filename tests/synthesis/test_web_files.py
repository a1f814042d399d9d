"""The whole test split of lakh-subset, rendered: 88 web files with all that web files have."""

import numpy as np
import pytest

from symbolic_music.io import read
from symbolic_music.synthesis import render
from symbolic_music.synthesis.mixing.loudness import Meter
from tests.corpus_paths import corpus_dir

RATE = 8000
SHARES = 8


@pytest.mark.corpora
@pytest.mark.parametrize("share", range(SHARES))
def test_the_test_split_renders(share):
    files = sorted((corpus_dir("lakh-subset") / "midi" / "f").glob("*.mid"))
    assert len(files) > 80
    for path in files[share::SHARES]:
        score = read(path)
        audio = render(score, sample_rate=RATE)
        assert np.isfinite(audio.samples).all(), path.name
        assert audio.peak <= 0.9, path.name
        meter = Meter(RATE)
        meter.add(audio.samples)
        # The limiter takes from those whose peaks are far over their mean.
        assert -22 < meter.loudness() < -15.5, f"{path.name}: {meter.loudness():.1f} LUFS"
        # Whoever plays loudly is heard: no second from such an onset on is silent, save cymbals over 4 kHz.
        table, first = score.notes, (score.onset_seconds * RATE).astype(int)
        muted = np.unique(score.controls["track"][np.isin(score.controls["number"], (7, 11))])
        heard = (table["velocity"] > 40) & ~np.isin(table["track"], muted) & (score.instruments != 128)
        for at in np.unique(first[heard]):
            assert np.abs(audio.samples[:, at : at + RATE]).max() > 1e-4, f"{path.name}: silent from {at / RATE:.1f} s"
