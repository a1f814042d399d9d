"""Weights of the larger models of symbolic_music, in the folder `weights`; `sm.load_model` finds them by name."""
