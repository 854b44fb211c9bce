"""Text: vocabularies, and what models of text share besides their networks: data, verbs, sampling and search."""
