"""`python -m asdbook` is `asdbook`."""

from asdbook.cli import entry

entry()
