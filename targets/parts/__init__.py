"""One folder per container image that is not the app, and the Python that some of them run."""
