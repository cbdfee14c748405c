"""Losses, without knowledge of data sets or systems."""

from asdbook.losses.angular import AdaCos, Scale
from asdbook.losses.focal import focal

__all__ = ["AdaCos", "Scale", "focal"]
