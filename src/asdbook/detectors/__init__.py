"""Detectors on embeddings, without knowledge of data sets or systems."""

from asdbook.detectors.neighbours import NearestBank

__all__ = ["NearestBank"]
