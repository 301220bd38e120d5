from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line. ``only``: letters of works, empty for all."""

    small: bool
    repeat: int
    only: frozenset[str]
    peers: bool

    def wants(self, work: str) -> bool:
        return not self.only or work in self.only
