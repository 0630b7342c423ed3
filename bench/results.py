# SPDX-License-Identifier: MIT
"""What has been measured so far."""
from dataclasses import dataclass, field

from peers import Missing
from rows import destinations


@dataclass
class Results:
    """The values of each (row name, column), one per turn, and what is
    lacking: (job or contender) to the reason."""
    values: dict = field(default_factory=dict)
    missing: dict = field(default_factory=dict)

    def add(self, job, contender, output):
        """Takes the lines `figure value unit` that a turn has printed."""
        count = 0
        for line in output.splitlines():
            printed, value, unit = line.split()
            for row, column in destinations(job, contender, printed):
                if unit != row.unit:
                    raise Missing(f"printed another unit: {line}")
                values = self.values.setdefault((row.name, column), [])
                values.append(float(value))
                count += 1
        if count == 0:
            raise Missing("printed no figure of a row")

    def get(self, row, column):
        """The lower quartile of the turns, or None."""
        values = sorted(self.values.get((row.name, column), []))
        return values[len(values) // 4] if values else None

    def spread(self, row, column):
        """Lowest and highest of the turns, or None."""
        values = self.values.get((row.name, column))
        return (min(values), max(values)) if values else None
