"""How the server is, as typed models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Health(BaseModel):
    """That the server answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str = Field(description="`ok`.")


class Readiness(BaseModel):
    """Whether the installation can be used; what is wrong is said to programs on this machine alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ready"}]})

    status: str = Field(description="`ready` or `not ready`.")
    database: bool | None = Field(None, description="Whether the database answers.")
    tables: bool | None = Field(None, description="Whether its tables are those of this version.")
    folder: bool | None = Field(None, description="Whether the data folder can be written.")
