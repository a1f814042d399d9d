"""`python -m symbolic_music` is the command `symbolic-music`."""

from symbolic_music.cli import main

main()
