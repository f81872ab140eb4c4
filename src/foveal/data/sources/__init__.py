"""What users bring: folders, images, IDX, CSV and NumPy files, read with suspicion."""
