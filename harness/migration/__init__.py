"""From one version to the next under load: data carried over, users switched, and what they noticed of it."""
