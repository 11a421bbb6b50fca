"""The settings, read from the environment once."""

from pydantic import Field
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Each field is an environment variable of the same name in capitals."""

    port: int = Field(default=8000, ge=0, le=65535)
    log_level: str = Field(default="info", pattern="^(critical|error|warning|info|debug)$")
