"""A documented-faithful Migrations API on loopback, with a population that moves.

It shares no code with the client: otherwise one misreading of the API would pass every test.
"""

from .api import SHAPES
from .rows import checksum
from .server import Simulator
from .table import ORDERS

__all__ = ["ORDERS", "SHAPES", "Simulator", "checksum"]
