"""What starts runs without a person: new videos, and a nightly look for what is stale. Never training."""
