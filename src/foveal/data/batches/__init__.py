"""From arrays and scenes to batches on a device; each kind says how it is shuffled, and begins anew at the same place."""
