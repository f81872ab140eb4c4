"""What is told about a run, as data: blocks, sentences and colours. :mod:`foveal.page` renders it."""
