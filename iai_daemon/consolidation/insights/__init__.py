"""What agents' runs and profiles of models teach: read, counted, compared, and said in sentences."""
