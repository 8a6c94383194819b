"""Pure functions from bytes and frames to frames and typed records; no network, no disk, no Prefect."""
