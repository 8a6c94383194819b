"""The facts in `catalogs/`: whether they hold together, and how names and versions in them are read."""
