"""The Hub's client: listings, files and headers, with pauses, retries and a daily budget of requests."""
