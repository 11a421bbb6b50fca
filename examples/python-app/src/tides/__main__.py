"""Starts the server."""

import uvicorn

from tides.app import app
from tides.settings import Settings


def main() -> None:
    settings = Settings()
    uvicorn.run(app, host="0.0.0.0", port=settings.port, log_level=settings.log_level)


main()
