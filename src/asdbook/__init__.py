"""asdbook: five papers on anomalous sound detection of machines, reproduced.

`import asdbook` is cheap: no network library is loaded before it is needed.
"""

__version__ = "0.1.0"
