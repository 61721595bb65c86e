"""What people look at: architecture diagrams drawn from the targets' own files, and pages of results."""
