"""Experiments: a question, the lines of YAML that put it to the graph, and a page that answers it."""
