"""What every room uses: settings, matching of text and dates, byte sources, multipart messages, logs, progress."""
