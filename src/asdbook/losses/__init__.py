"""Losses, without knowledge of data sets or systems."""

from asdbook.losses.angular import AdaCos, Scale

__all__ = ["AdaCos", "Scale"]
