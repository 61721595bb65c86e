"""What happens in the laboratory as Prometheus metrics: live while runs go on, and back-filled from their results."""
