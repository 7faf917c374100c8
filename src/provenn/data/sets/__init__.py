"""The data sets: one entry each."""

from provenn.data.sets.bundled import BUNDLED
from provenn.data.sets.graphs import GRAPHS
from provenn.data.sets.images import IMAGES
from provenn.data.sets.tables import TABLES

ENTRIES = {entry.info.name: entry for entry in (*BUNDLED, *IMAGES, *TABLES, *GRAPHS)}
