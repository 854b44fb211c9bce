"""Text: vocabularies, and what models of text share beside their networks: data, verbs, sampling and search."""
