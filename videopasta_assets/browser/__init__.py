"""The pair browser: a page where a person looks at pairs and judges them, from disk or from a local server."""
