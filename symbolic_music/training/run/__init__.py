"""What every run needs: devices, checkpoints, schedules, signals, logs, cards."""
