"""The reference of the HTTP interface as a page for people, at ``/docs``, made from the OpenAPI document."""
