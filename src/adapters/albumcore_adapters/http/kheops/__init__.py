"""The Kheops album API: albums, their members, studies, comments, events, and all that belongs to them.

One file per feature: its responders, and at its end its ``ROUTES``. `all_routes` puts them in order, and `admission`
makes the checks that all routes share. The rules of albums are in the decisions of the core; what is here reads
requests, finds who and what they name, and returns responses.
"""
