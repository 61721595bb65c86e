"""Docker: is there an engine, images, deployers, and Toxiproxy woven into every link."""
