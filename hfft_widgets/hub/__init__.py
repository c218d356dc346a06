"""The only importer of huggingface_hub; it translates errors and keeps tokens inside."""
