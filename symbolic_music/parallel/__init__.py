"""One function for many tasks: here, by processes of this machine, or by Ray on a cluster."""

from symbolic_music.parallel.run import ENGINES, check, run, run_all

__all__ = ["ENGINES", "check", "run", "run_all"]
