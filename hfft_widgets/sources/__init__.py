"""Opening what a person has: datasets, files and DataFrames as rows; model folders as facts and tokenizers."""
