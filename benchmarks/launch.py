"""Runs a command and writes what it took to a file: ``python launch.py FILE COMMAND …``; ends with its status.

A process of its own because a child's peak memory counts from its parent's size, and this one is small.
"""

import os
import subprocess
import sys
import time


def main(path: str, argv: list[str]) -> int:
    began = time.perf_counter()
    process = subprocess.Popen(argv)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    with open(path, "w") as file:
        file.write(f"{seconds} {used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
