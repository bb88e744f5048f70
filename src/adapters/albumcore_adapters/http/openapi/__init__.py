"""OpenAPI: the pieces that routes describe themselves with, and the document that is made from routes."""
