"""What an export script holds beside what every script does."""
