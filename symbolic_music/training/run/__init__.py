"""What every run needs: devices, checkpoints, schedules, signals, logs, model cards."""
