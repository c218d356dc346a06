"""Scripts on Hugging Face Jobs."""
