"""What the readers of a repository share: its files, texts with their places, documents, scripts, installs."""
