"""Coverage of the tests by branches and packages, and the tests that run a function. No figures of speed: bench/."""
