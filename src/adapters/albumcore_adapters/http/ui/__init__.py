"""The pages at ``/ui/``: the albums, studies and patients as people see them, made on the server."""
