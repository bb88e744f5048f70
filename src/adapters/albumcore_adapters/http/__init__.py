"""The HTTP service: the Kheops album API and the TSCharts image API on Falcon."""
