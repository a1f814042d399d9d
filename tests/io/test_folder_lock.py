import subprocess
import sys

import pytest

from symbolic_music.errors import OptionError
from symbolic_music.io.folder_lock import held

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no flock there")
HOLDS = """
import sys, time
from pathlib import Path
from symbolic_music.io.folder_lock import held
with held(Path(sys.argv[1]), ValueError()):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_by_one_process_until_it_ends(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(OptionError, match="busy"), held(tmp_path, OptionError("busy")):
            pass
        process.kill()
        process.wait()
        with held(tmp_path, OptionError("busy")), pytest.raises(OptionError), held(tmp_path, OptionError("busy")):
            pass
    assert list(tmp_path.iterdir()) == []
