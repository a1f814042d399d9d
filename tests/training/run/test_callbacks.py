import pytest

from symbolic_music.training.run.callbacks import Callback
from symbolic_music.training.run.run_log import Records, columns_of, log_rows


def test_one_s_own_callback_hears_of_each_row(tmp_path):
    rows = []

    class Mine(Callback):
        def on_log(self, row):
            rows.append(row["learning_rate"])

    records = Records(tmp_path, columns_of("nats_per_token", "rate", ()), [Mine()])
    records.add(step=1, split="train", nats_per_token=1.0, learning_rate=1e-3, gradient_norm=0.5)
    assert rows == [1e-3]
    head, line = (tmp_path / "log.csv").read_text().splitlines()
    assert "learning_rate,gradient_norm" in head
    assert "0.001,0.5" in line


@pytest.mark.parametrize("rows", [None, 3, {}, [1], [{"step": 1, "other": 2}]])
def test_rows_that_are_none_are_refused(rows):
    with pytest.raises(ValueError, match="no log"):
        log_rows(rows, columns_of("loss", "rate", ()))
