"""The environment of floors and peers: packages beside the product's, installed when first asked for."""

import subprocess
import sys

from benchmarks.process import ROOT

_HOME = ROOT / ".venv-bench"
_WANTED = ROOT / "benchmarks" / "requirements.txt"


def python(*argv: str) -> list[str]:
    """With the interpreter of the peers' environment, made if need be."""
    interpreter = _HOME / "bin" / "python"
    stamp = _HOME / "installed"
    if not stamp.exists() or stamp.read_text() != _WANTED.read_text():
        print(f"Installing {_WANTED.relative_to(ROOT)} into {_HOME.name} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", _HOME], check=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", "-r", _WANTED], check=True)
        stamp.write_text(_WANTED.read_text())
    return [str(interpreter), *argv]
