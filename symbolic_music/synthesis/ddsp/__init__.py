"""The differentiable synthesizer: oscillators and noise, driven by presets."""
