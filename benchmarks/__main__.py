"""``python -m benchmarks sync`` or ``pages``: one module of this package each, with a function ``run``."""

import argparse
import importlib
from pathlib import Path

from benchmarks import report
from benchmarks.options import Options

SUBJECTS = ("sync", "pages")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="subject", help=f"of {', '.join(SUBJECTS)} (default: all)")
    parser.add_argument("--small", action="store_true", help="fewer rows, once each: under two minutes")
    parser.add_argument("--repeat", type=int, help="how often each contender runs; the median counts (default 3)")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORK", help="these works only, by their letters")
    parser.add_argument("--no-peers", action="store_true", help="leave out what needs packages of other projects")
    parser.add_argument("--output", type=Path, help="write the tables there too, as Markdown")
    given = parser.parse_args()
    options = Options(
        small=given.small,
        repeat=given.repeat or (1 if given.small else 3),
        only=frozenset(work.upper() for work in given.only),
        peers=not given.no_peers,
    )
    with report.Report(given.output, options) as told:
        for subject in given.subjects or SUBJECTS:
            if subject not in SUBJECTS:
                parser.error(f"no such subject: {subject}")
            importlib.import_module(f"benchmarks.{subject}").run(options, told)


if __name__ == "__main__":
    main()
