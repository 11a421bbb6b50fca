"""The health check of an image that has no shell and no curl: `python3 -m tides.healthcheck`."""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen


def main() -> int:
    address = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/health"
    try:
        with urlopen(address, timeout=2) as response:
            return 0 if response.status == 200 else 1
    except (URLError, TimeoutError):
        return 1


sys.exit(main())
