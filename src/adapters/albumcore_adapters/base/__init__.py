"""What every room uses: settings and their types, matching of text and dates, logs, progress, request counts."""
