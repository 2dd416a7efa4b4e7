"""A folder for the PYTHONPATH of vLLM's processes on a CPU: Python imports `sitecustomize` from it when it starts."""
