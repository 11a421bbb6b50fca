"""The routes."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import structlog
from fastapi import FastAPI, Query
from pydantic import BaseModel

from tides.harmonics import height_metres

log = structlog.get_logger()
app = FastAPI(title="tides")


class Health(BaseModel):
    """The answer to a health check."""

    status: str = "ok"


class Height(BaseModel):
    """The height of the tide at one moment."""

    at: datetime
    height_metres: float


@app.get("/health")
def health() -> Health:
    return Health()


@app.get("/tides")
def tides(
    start: datetime | None = None,
    hours: Annotated[int, Query(ge=1, le=72)] = 12,
) -> list[Height]:
    """Predicts the height for every hour from `start` (now, if it is not given)."""
    begin = start or datetime.now(tz=UTC).replace(minute=0, second=0, microsecond=0)
    log.info("predicting", start=begin.isoformat(), hours=hours)
    moments = [begin + timedelta(hours=hour) for hour in range(hours)]
    return [Height(at=moment, height_metres=round(height_metres(moment), 2)) for moment in moments]
