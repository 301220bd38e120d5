"""Floors, peers and the product side by side: ``make bench``. Every figure counts only for a checked mirror."""
