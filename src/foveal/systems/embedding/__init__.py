"""Images as points: recognition, search by similarity, transfer."""
