"""The HTTP service: the Kheops album API, DICOMweb, the TSCharts image API and the pages, on Falcon."""
