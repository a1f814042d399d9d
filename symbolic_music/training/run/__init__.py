"""Parts of every run: devices, checkpoints, schedules, signals, logs, cards."""
