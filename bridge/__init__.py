"""The bridge between GoHighLevel (and other sources of contacts) and Fusion Calling."""
