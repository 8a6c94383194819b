"""Published versions on disk: which is `latest`, whether each is sound, and how long it is kept."""
