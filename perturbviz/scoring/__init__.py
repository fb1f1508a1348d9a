"""From a benchmark and a view to scores and a ranking: rows, references, gene sets, baselines, metrics' inputs."""
