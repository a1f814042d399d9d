"""Model folders, and published checkpoints in other formats."""
