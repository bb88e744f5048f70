"""The HTTP service: the Kheops album API, DICOMweb and the TSCharts image API on Falcon."""
