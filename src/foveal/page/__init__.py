"""Self-contained HTML: pages that open from disk, without a network and without a server."""
