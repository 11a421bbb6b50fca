"""Predicts the height of the tide as a sum of harmonic constituents."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Constituent:
    """One periodic part of the tide."""

    name: str
    amplitude_metres: float
    degrees_per_hour: float
    phase_degrees: float

    def height_metres(self, hours: float) -> float:
        angle = math.radians(self.degrees_per_hour * hours - self.phase_degrees)
        return self.amplitude_metres * math.cos(angle)


# The speeds are astronomical constants; amplitudes and phases describe an invented harbour.
HARBOUR = (
    Constituent("M2", 2.10, 28.9841042, 147.0),
    Constituent("S2", 0.72, 30.0000000, 191.0),
    Constituent("N2", 0.40, 28.4397295, 124.0),
    Constituent("K1", 0.11, 15.0410686, 302.0),
    Constituent("O1", 0.13, 13.9430356, 158.0),
)


def height_metres(at: datetime, constituents: tuple[Constituent, ...] = HARBOUR) -> float:
    """Returns the height over mean sea level at a time; a time without a zone is taken as UTC."""
    moment = at if at.tzinfo else at.replace(tzinfo=UTC)
    hours = (moment - EPOCH).total_seconds() / 3600
    return sum(constituent.height_metres(hours) for constituent in constituents)
