"""An answer for every place of an image: segmentation and object detection."""
