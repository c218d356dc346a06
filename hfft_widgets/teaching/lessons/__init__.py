"""The lessons' texts, one file each. `python -m hfft_widgets.teaching.lessons FOLDER` writes their notebooks."""
